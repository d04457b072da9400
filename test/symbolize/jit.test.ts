import { describe, expect, test } from 'vitest';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { FrameKind, Miss } from '../../src/model/profile.ts';
import type { JitBytes } from '../../src/process/jit-bytes.ts';
import { parseJitName } from '../../src/symbolize/jit-names.ts';
import { type CodeMapping, symbolize } from '../../src/symbolize/symbolizer.ts';
import { JitdumpWriter } from '../jit/jitdump-writer.ts';

interface Files {
  readonly owner?: object;
  readonly perfMap?: string;
  readonly jitdump?: Buffer;
  /** How much of the perf map had been written when it was sampled. */
  readonly until?: number;
}

/** Generated code of a process that writes these files; they are looked at when names are asked for. */
function generated(files: Files): CodeMapping {
  const until = () => files.until ?? Number.POSITIVE_INFINITY;
  const jit: JitBytes = {
    owner: files.owner ?? files,
    perfMap: () =>
      files.perfMap === undefined ? undefined : { bytes: new MemoryBytes(Buffer.from(files.perfMap)), until: until() },
    jitdump: () => files.jitdump && { bytes: new MemoryBytes(files.jitdump), until: Number.POSITIVE_INFINITY },
  };
  return { kind: 'jit', filename: '[anon]', elf: undefined, bytes: undefined, miss: Miss.jit, jit };
}

/** `name (system name) file:line kind` of addresses, or the number of the miss; each with the index of its mapping. */
function names(mappings: readonly CodeMapping[], pairs: readonly (readonly [number, number])[]): (string | number)[] {
  const result = symbolize(
    {
      length: pairs.length,
      mapping: Int32Array.from(pairs, ([mapping]) => mapping),
      address: Float64Array.from(pairs, ([, address]) => address),
      miss: new Uint8Array(pairs.length),
    },
    mappings,
  );
  const { strings, functions, lines, firstLine, kind, miss } = result;
  return pairs.map((_, i) => {
    if (miss[i] !== Miss.none) return miss[i]!;
    expect(firstLine[i + 1]! - firstLine[i]!).toBe(1);
    const line = firstLine[i]!;
    const index = lines.function[line]!;
    const [name, system, file] = [functions.name, functions.systemName, functions.filename].map(
      of => strings[of[index]!]!,
    );
    const kindName = Object.keys(FrameKind).find(key => FrameKind[key as keyof typeof FrameKind] === kind[i]);
    return `${name}${system === name ? '' : ` (${system})`}${file ? ` ${file}:${lines.line[line]}` : ''} ${kindName}`;
  });
}

describe('a name as its runtime writes it', () => {
  test.each([
    ['JS:~fib file:///srv/app.js:10:5', 'fib /srv/app.js:10 interpreted'],
    ['JS:^fib file:///srv/app.js:10:5', 'fib /srv/app.js:10 jit'],
    ["JS:+'fib file:///srv/app.js:10:5", 'fib /srv/app.js:10 jit'],
    ['JS:*fib file:///srv/app.js:10:5', 'fib /srv/app.js:10 jit'],
    ['LazyCompile:*fib /srv/app.js:10:5', 'fib /srv/app.js:10 jit'],
    ['JS:*get area file:///srv/my%20app.js:1:2', 'get area /srv/my app.js:1 jit'],
    ['JS:~ file:///srv/app.js:1:1', '(anonymous) /srv/app.js:1 interpreted'],
    ['Script:~ file:///srv/app.js:1:1', '(anonymous) /srv/app.js:1 interpreted'],
    ['Eval:~ node:internal/url:1:1', '(anonymous) node:internal/url:1 interpreted'],
    ['JS:^#updateContext node:internal/url:894:17', '#updateContext node:internal/url:894 jit'],
    ['JS:~evaluated :1:11', 'evaluated :1 interpreted'],
    ['JS:*', '(anonymous) :0 jit'],
    ['Builtin:ArrayEvery', 'Builtin:ArrayEvery :0 jit'],
    ['py::Server.run:/srv/app.py', 'Server.run /srv/app.py:0 interpreted'],
    ['py::<module>:/srv/app.py', '<module> /srv/app.py:0 interpreted'],
    ['Interpreter', 'Interpreter :0 interpreted'],
    [
      'int Load.descend(int, java.util.function.IntSupplier)',
      'int Load.descend(int, java.util.function.IntSupplier) :0 jit',
    ],
    ['', ' :0 jit'],
  ])('%j', (text, expected) => {
    const { name, filename, line, kind } = parseJitName(text);
    expect(`${name} ${filename}:${line} ${kind === FrameKind.jit ? 'jit' : 'interpreted'}`).toBe(expected);
  });

  test('is one function in every tier', () => {
    const map =
      '1000 10 JS:~fib file:///a.js:1:9\n2000 10 JS:*fib file:///a.js:1:9\n3000 10 JS:*fib file:///a.js:5:9\n';
    expect(
      names(
        [generated({ perfMap: map })],
        [
          [0, 0x1000],
          [0, 0x2000],
          [0, 0x3000],
        ],
      ),
    ).toEqual([
      'fib (fib file:///a.js:1:9) /a.js:1 interpreted',
      'fib (fib file:///a.js:1:9) /a.js:1 jit',
      'fib (fib file:///a.js:5:9) /a.js:5 jit',
    ]);
  });
});

describe('generated code', () => {
  test('without files has no names', () => expect(names([generated({})], [[0, 0x1000]])).toEqual([Miss.jit]));

  test('that is in no file has none', () =>
    expect(names([generated({ perfMap: '1000 10 f\n' })], [[0, 0x2000]])).toEqual([Miss.jit]));

  test('has the lines of a jitdump, and of a perf map what is not there', () => {
    const dump = new JitdumpWriter()
      .lines(0x1000, [
        [0x1000, 'a.c', 3],
        [0x1008, undefined, 4],
      ])
      .load(0x1000, 16, 'f');
    const mapping = generated({ perfMap: '1000 10 other\n2000 10 g\n', jitdump: dump.bytes });
    expect(
      names(
        [mapping],
        [
          [0, 0x1009],
          [0, 0x2000],
          [0, 0x3000],
        ],
      ),
    ).toEqual(['f a.c:4 jit', 'g jit', Miss.jit]);
  });

  test('of V8 has its lines behind the header of an ELF file, and its own lines alone', () => {
    const dump = new JitdumpWriter()
      .lines(0x1000, [
        [0x1040, 'file:///a.js', 3],
        [0x1048, 'file:///b.js', 70],
        [0x1050, 'file:///a.js', 4],
      ])
      .load(0x1000, 64, 'JS:*f file:///a.js:2:1');
    const of = (address: number) => names([generated({ jitdump: dump.bytes })], [[0, address]])[0];
    expect(of(0x1000)).toBe('f (f file:///a.js:2:1) /a.js:3 jit');
    expect(of(0x1008)).toBe('f (f file:///a.js:2:1) /a.js:2 jit');
    expect(of(0x1010)).toBe('f (f file:///a.js:2:1) /a.js:4 jit');
  });

  test.each([
    ['of the other byte order', new JitdumpWriter({ magic: 0x4454694a }).bytes],
    ['that is none', Buffer.from('no jitdump at all, though it is as long as one')],
    ['that is cut off', new JitdumpWriter().bytes.subarray(0, 20)],
  ])('of a jitdump %s has no names', (_, jitdump) =>
    expect(names([generated({ jitdump })], [[0, 0x1000]])).toEqual([Miss.jit]),
  );

  test('has more names when it is asked again', () => {
    const files = { perfMap: '1000 10 f\n' };
    const mapping = generated(files);
    expect(
      names(
        [mapping],
        [
          [0, 0x1000],
          [0, 0x2000],
        ],
      ),
    ).toEqual(['f jit', Miss.jit]);
    files.perfMap += '2000 10 g\n1000 10 h\n';
    expect(
      names(
        [mapping],
        [
          [0, 0x1000],
          [0, 0x2000],
        ],
      ),
    ).toEqual(['h jit', 'g jit']);
    files.perfMap = '2000 10 written anew\n';
    expect(
      names(
        [mapping],
        [
          [0, 0x1000],
          [0, 0x2000],
        ],
      ),
    ).toEqual([Miss.jit, 'written anew jit']);
  });

  test('has names that come late', () => {
    const files: { perfMap?: string } = {};
    const mapping = generated(files);
    expect(names([mapping], [[0, 0x1000]])).toEqual([Miss.jit]);
    files.perfMap = '1000 10 f\n';
    expect(names([mapping], [[0, 0x1000]])).toEqual(['f jit']);
  });

  test('whose memory was used again is named as it was at its time', () => {
    const perfMap = '1000 10 before\n1000 10 between\n1000 10 after\n';
    const owner = {};
    const mappings = [15, 31, undefined].map(until => generated({ perfMap, owner, ...(until ? { until } : {}) }));
    expect(
      names(mappings, [
        [0, 0x1000],
        [1, 0x1000],
        [2, 0x1000],
      ]),
    ).toEqual(['before jit', 'between jit', 'after jit']);
  });
});
