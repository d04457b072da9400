import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { FrameKind, Miss } from '../../src/model/profile.ts';
import type { SourceTable, SymbolSource } from '../../src/symbolize/index.ts';
import { type CodeMapping, type Symbolized, type SymbolizeOptions, symbolize } from '../../src/symbolize/symbolizer.ts';
import { arm64Linker, has, type LoadedFile, listed, load, section, Workshop } from '../elf/toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

function mappingOf(file: LoadedFile, kind: CodeMapping['kind'] = 'file'): CodeMapping {
  return { kind, filename: file.path, elf: file.elf, bytes: file.bytes, miss: Miss.none };
}

function without(kind: CodeMapping['kind'], miss: Miss = Miss.none): CodeMapping {
  return { kind, filename: `[${kind}]`, elf: undefined, bytes: undefined, miss };
}

/** Pairs of mapping and address. */
function run(
  mappings: readonly CodeMapping[],
  pairs: readonly (readonly [mapping: number, address: number])[],
  options: SymbolizeOptions = {},
): Symbolized {
  const columns = {
    length: pairs.length,
    mapping: Int32Array.from(pairs, ([mapping]) => mapping),
    address: Float64Array.from(pairs, ([, address]) => address),
    miss: new Uint8Array(pairs.length),
  };
  return symbolize(columns, mappings, options);
}

/** The lines of each address as `name (systemName) file:line`, joined innermost first; the number of its miss otherwise. */
function lines({ strings, functions, lines, firstLine, miss }: Symbolized): (string | number)[] {
  return Array.from(miss, (why, i) => {
    if (why !== Miss.none) {
      expect(firstLine[i]).toBe(firstLine[i + 1]);
      return why;
    }
    const found: string[] = [];
    for (let line = firstLine[i]!; line < firstLine[i + 1]!; line++) {
      const index = lines.function[line]!;
      const name = strings[functions.name[index]!]!;
      const system = strings[functions.systemName[index]!]!;
      const file = strings[functions.filename[index]!]!;
      const at = file === '' ? '' : ` ${file}:${lines.line[line]}`;
      found.push(`${name}${system === name ? '' : ` (${system})`}${at}`);
    }
    return found.join(' < ');
  });
}

describe('addresses', () => {
  const program = () => load(workshop.compile('g++', 'names.cpp', 'names', '-O1', '-no-pie'));
  const addressOf = (file: LoadedFile, name: string) => listed(file.path).find(symbol => symbol.name === name)!.address;

  it('have readable names, short ones when asked for, and the names of the linker', () => {
    const file = program();
    const pairs = [
      [0, addressOf(file, '_ZN5names3useEi')],
      [0, addressOf(file, 'main')],
    ] as const;
    expect(lines(run([mappingOf(file)], pairs))).toEqual(['names::use(int) (_ZN5names3useEi)', 'main']);
    const mapping = mappingOf(file);
    expect(lines(run([mapping], pairs, { shortNames: true }))).toEqual(['names::use (_ZN5names3useEi)', 'main']);
    expect(lines(run([mapping], pairs))).toEqual(['names::use(int) (_ZN5names3useEi)', 'main']);
  });

  it('of the same function share it, across mappings too', () => {
    const file = program();
    const main = addressOf(file, 'main');
    const use = addressOf(file, '_ZN5names3useEi');
    const result = run(
      [mappingOf(file), mappingOf(file)],
      [
        [0, main],
        [0, main + 1],
        [1, main],
        [1, use],
        [1, main],
      ],
    );
    expect(Array.from(result.lines.function)).toEqual([0, 0, 0, 1, 0]);
    expect(result.functions.length).toBe(2);
    expect(result.strings).toEqual(['', 'main', '_ZN5names3useEi', 'names::use(int)']);
    expect(Array.from(result.firstLine)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(result.found.map(({ hasFunctions }) => hasFunctions)).toEqual([true, true]);
  });

  it('without a name say why', () => {
    const file = program();
    const stripped = load(
      workshop.compile('gcc', 'layout.S', 'stripped', '-nostdlib', '-no-pie', '-s', '-Wl,-e,outer'),
    );
    const mappings = [
      mappingOf(file),
      mappingOf(stripped),
      without('file', Miss.unreadableFile),
      without('jit'),
      without('none', Miss.processGone),
      without('none'),
    ];
    const start = section(stripped, '.text').start;
    const result = run(mappings, [
      [-1, 1],
      [0, 0x10],
      [1, start],
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 1],
      [99, 1],
    ]);
    expect(lines(result)).toEqual([
      Miss.unmapped,
      Miss.unknownAddress,
      Miss.noSymbols,
      Miss.unreadableFile,
      Miss.jit,
      Miss.processGone,
      Miss.unmapped,
      Miss.unmapped,
    ]);
    expect(result.kind[4]).toBe(FrameKind.jit);
    expect(result.found.map(({ hasFunctions }) => hasFunctions)).toEqual(Array(6).fill(false));
  });

  it('whose miss is known are not looked up', () => {
    const file = program();
    const columns = {
      length: 2,
      mapping: Int32Array.of(0, 0),
      address: Float64Array.of(addressOf(file, 'main'), addressOf(file, 'main')),
      miss: Uint8Array.of(Miss.unreadableFile, Miss.none),
    };
    const result = symbolize(columns, [mappingOf(file)]);
    expect(lines(result)).toEqual([Miss.unreadableFile, 'main']);
    expect(Array.from(columns.miss)).toEqual([Miss.unreadableFile, Miss.none]);
  });

  it('of a damaged file are a miss', () => {
    const file = program();
    const bytes = new MemoryBytes(file.bytes.read(0, 4096));
    expect(lines(run([{ ...mappingOf(file), bytes }], [[0, addressOf(file, 'main')]]))).toEqual([Miss.noSymbols]);
  });

  it('know the kind of their code', () => {
    const file = load(workshop.compile('gcc', 'calls.c', 'calls', '-O1', '-Wl,-z,lazy'));
    const stub = section(file, '.plt').start + 16;
    const main = addressOf(file, 'main');
    const kallsyms = function* () {
      yield Buffer.from('ffffffff81000000 T start\nffffffff81001000 T _etext\n');
    };
    const mappings = [mappingOf(file), mappingOf(file, 'vdso'), without('kernel')];
    const pairs = [
      [0, main],
      [0, stub],
      [1, main],
      [2, 0x81000000 - 2 ** 32],
    ] as const;
    const result = run(mappings, pairs, { kallsyms });
    expect(Array.from(result.kind)).toEqual([FrameKind.native, FrameKind.plt, FrameKind.vdso, FrameKind.kernel]);
    expect(lines(result)[3]).toBe('start');
  });

  it('of a hidden kernel are a miss', () => {
    const kallsyms = function* () {
      yield Buffer.from('0000000000000000 T start\n');
    };
    const result = run([without('kernel')], [[0, -4096]], { kallsyms });
    expect(lines(result)).toEqual([Miss.kernelHidden]);
    expect(result.kind[0]).toBe(FrameKind.kernel);
  });
});

describe('what is read', () => {
  it('is kept for the next call with the same mapping, and read anew for another', () => {
    let opened = 0;
    let decoded = 0;
    const table: SourceTable = {
      length: 1,
      find: () => 0,
      nameOf: () => {
        decoded++;
        return 'f';
      },
      kindOf: () => FrameKind.native,
    };
    const source: SymbolSource = {
      name: 'counting',
      open: () => {
        opened++;
        return table;
      },
    };
    const mapping = without('none');
    for (let i = 0; i < 3; i++)
      run(
        [mapping],
        [
          [0, 1],
          [0, 2],
        ],
        { sources: [source] },
      );
    expect([opened, decoded]).toEqual([1, 1]);
    run([without('none')], [[0, 1]], { sources: [source] });
    expect([opened, decoded]).toEqual([2, 2]);
  });

  it('is only what is asked for', () => {
    const source: SymbolSource = {
      name: 'failing',
      open: () => {
        throw new Error('opened');
      },
    };
    expect(() => run([without('none')], [[0, 1]], { sources: [source] })).toThrow('opened');
    expect(lines(run([without('none')], [[-1, 1]], { sources: [source] }))).toEqual([Miss.unmapped]);
  });
});

describe('several sources', () => {
  const names = ['inner', 'middle', 'outer', ''];
  const inlining: SymbolSource = {
    name: 'inlining',
    open: () => ({
      length: names.length,
      find: address => (address >= 0x100 && address < 0x200 ? 2 : address === 0x300 ? 3 : -1),
      nameOf: symbol => names[symbol]!,
      kindOf: () => FrameKind.native,
      linesAt(address, sink) {
        if (address !== 0x110) return;
        sink.add(0, 'inner.h', 7);
        sink.add(1, 'middle.h', 8);
        sink.add(2, 'outer.c', 9);
      },
    }),
  };
  const plain: SymbolSource = {
    name: 'plain',
    open: () => ({
      length: 1,
      find: address => (address < 0x400 ? 0 : -1),
      nameOf: () => 'plain',
      kindOf: () => FrameKind.jit,
    }),
  };
  const none: SymbolSource = { name: 'none', open: () => Miss.noSymbols };

  it('are asked in order, and add inlined calls with their lines', () => {
    const sources = [none, inlining, plain];
    const result = run(
      [without('file')],
      [
        [0, 0x110],
        [0, 0x120],
        [0, 0x250],
        [0, 0x300],
        [0, 0x400],
      ],
      { sources },
    );
    expect(lines(result)).toEqual([
      'inner inner.h:7 < middle middle.h:8 < outer outer.c:9',
      'outer',
      'plain',
      // Its name cannot be read.
      'plain',
      Miss.unknownAddress,
    ]);
    expect(Array.from(result.firstLine)).toEqual([0, 3, 4, 5, 6, 6]);
    expect(result.kind[2]).toBe(FrameKind.jit);
    // outer is two functions: with and without a known file.
    expect(result.functions.length).toBe(5);
    const found = { hasFunctions: true, hasFilenames: true, hasLineNumbers: true, hasInlineFrames: true };
    expect(result.found).toEqual([found]);
  });

  const copies: SymbolSource = {
    name: 'copies',
    isDetailed: true,
    open: () => ({
      length: 2,
      find: address => (address < 0x400 ? 1 : -1),
      nameOf: symbol => ['inner', 'function'][symbol]!,
      kindOf: () => FrameKind.native,
      linesAt(_, sink) {
        sink.add(0, 'inner.h', 7);
        sink.addFunction(1, 'outer.c', 8);
      },
    }),
  };

  it.each([
    ['a function by the name of its copy', [copies, plain], {}, 'inner inner.h:7 < plain outer.c:8'],
    ['a function by its own name where there is no other', [copies, none], {}, 'inner inner.h:7 < function outer.c:8'],
    ['no inlined calls', [copies, plain], { inlines: false }, 'plain outer.c:8'],
    ['no lines', [copies, plain], { lines: false }, 'inner < plain'],
    ['neither, from what is cheaper', [copies, plain], { inlines: false, lines: false }, 'plain'],
    ['neither, from what there is', [copies, none], { inlines: false, lines: false }, 'function'],
  ])('give %s', (_, sources, options, expected) => {
    expect(lines(run([without('file')], [[0, 0x110]], { ...options, sources }))).toEqual([expected]);
  });
});

describe('signal trampolines', () => {
  it('are found a byte behind the address', () => {
    const file = load(workshop.compile('gcc', 'trampoline.S', 'trampoline', '-nostdlib', '-no-pie', '-Wl,-e,before'));
    const { start } = section(file, '.text');
    const at = [0x0e, 0x0f, 0x10, 0x12, 0x1f, 0x20, 0x2e, 0x2f, 0x30, 0x31, 0x3f];
    const result = run(
      [mappingOf(file)],
      at.map(offset => [0, start + offset] as const),
    );
    expect(lines(result)).toEqual([
      'before',
      'restore',
      'restore',
      'restore',
      Miss.unknownAddress,
      'again',
      'again',
      '__restore_rt',
      '__restore_rt',
      Miss.unknownAddress,
      Miss.unknownAddress,
    ]);
  });

  it('of the C library have a name though the library has no symbol for them', () => {
    const path = /\S+\/libc\.so\.6$/m.exec(execFileSync('cat', ['/proc/self/maps'], { encoding: 'utf8' }))![0];
    const file = load(path);
    const { start, end } = section(file, '.text');
    const code = Buffer.from([0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05]);
    const offset = file.elf.sections.find(({ name }) => name === '.text')!.offset;
    const at = Buffer.from(file.bytes.read(offset, end - start)).indexOf(code);
    expect(at).toBeGreaterThan(0);
    expect(lines(run([mappingOf(file)], [[0, start + at - 1]]))).toEqual(['__restore_rt']);
  });

  const linker = arm64Linker();
  it.skipIf(!has('clang') || linker === undefined)('of arm64 (needs clang and ld.lld) are found as well', () => {
    const object = workshop.compile('clang', 'arm64.S', 'arm64.o', '--target=aarch64-linux-gnu', '-c');
    execFileSync(linker!, ['-shared', object, '-o', workshop.path('arm64.so')]);
    const file = load(workshop.path('arm64.so'));
    const { start } = section(file, '.text');
    const result = run(
      [mappingOf(file)],
      [
        [0, start + 0x1f],
        [0, start + 0x23],
        [0, start + 0x24],
      ],
    );
    expect(lines(result)).toEqual(['label', '__kernel_rt_sigreturn', '__kernel_rt_sigreturn']);
  });
});
