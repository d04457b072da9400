import { describe, expect, test } from 'vitest';
import { firefox } from '../../src/encode/firefox.ts';
import { breakpadId } from '../../src/encode/firefox-tables.ts';
import { FrameKind, type Profile } from '../../src/model/profile.ts';
import { everything, type ProfileOptions, profile } from '../support/profile.ts';

type Column<T> = readonly T[];

/** What is read here of the format. */
interface File {
  readonly meta: {
    readonly preprocessedProfileVersion: number;
    readonly interval: number;
    readonly categories: readonly { readonly name: string; readonly color: string; readonly subcategories: string[] }[];
    readonly extra: readonly { readonly entries: readonly { readonly label: string; readonly value: string }[] }[];
  };
  readonly libs: readonly { readonly name: string; readonly breakpadId: string; readonly codeId: string | null }[];
  readonly shared: {
    readonly stringArray: Column<string>;
    readonly stackTable: {
      readonly length: number;
      readonly frame: Column<number>;
      readonly prefixOffset: Column<number>;
    };
    readonly frameTable: Readonly<Record<'address' | 'lib' | 'inlineDepth' | 'category' | 'func', Column<number>>> & {
      readonly line: Column<number | null>;
    };
    readonly funcTable: {
      readonly name: Column<number>;
      readonly resource: Column<number>;
      readonly source: Column<number | null>;
    };
    readonly resourceTable: { readonly name: Column<number> };
    readonly sources: { readonly filename: Column<number> };
  };
  readonly threads: readonly {
    readonly name: string;
    readonly processName: string;
    readonly pid: string;
    readonly tid: string;
    readonly isMainThread: boolean;
    readonly samples: {
      readonly length: number;
      readonly stack: Column<number | null>;
      readonly time: Column<number>;
      readonly weight: Column<number>;
      readonly weightType: string;
    };
  }[];
}

function encode(from: Profile, title = 'CPU'): string {
  return [...firefox.encode(from, { annotate: false, labels: [], title })].join('');
}

/** Every column is as long as its table says, and every index of a table leads somewhere. */
function check(file: File): void {
  const { shared, threads, libs } = file;
  for (const table of [...Object.values(shared), ...threads.map(({ samples }) => samples)]) {
    if (Array.isArray(table)) continue;
    const { length, ...columns } = table as { length: number };
    for (const [name, column] of Object.entries(columns)) {
      if (Array.isArray(column)) expect(column, name).toHaveLength(length);
    }
  }
  const within = (column: Column<number | null>, below: number, least = 0) => {
    for (const index of column) if (index !== null) expect(index >= least && index < below).toBe(true);
  };
  const { stackTable, frameTable, funcTable, resourceTable, sources, stringArray } = shared;
  const lengthOf = (table: object) => (table as { length: number }).length;
  within(stackTable.frame, lengthOf(frameTable));
  within(frameTable.func, lengthOf(funcTable));
  within(frameTable.lib, libs.length, -1);
  within(frameTable.category, file.meta.categories.length);
  within([...funcTable.name, ...resourceTable.name, ...sources.filename], stringArray.length);
  within(funcTable.resource, lengthOf(resourceTable), -1);
  within(funcTable.source, lengthOf(sources));
  for (const { samples } of threads) within(samples.stack, stackTable.length);
  for (const [i, offset] of stackTable.prefixOffset.entries()) expect(offset >= 0 && offset <= i).toBe(true);
}

function read(text: string, options: ProfileOptions = {}): File {
  return parse(profile(text, options));
}

function parse(from: Profile): File {
  const file = JSON.parse(encode(from)) as File;
  check(file);
  return file;
}

/** `thread pid/tid: outermost;…;innermost weight` for each sample. */
function lines({ shared, threads }: File): string[] {
  const { stackTable, frameTable, funcTable, stringArray } = shared;
  return threads.flatMap(({ name, pid, tid, samples }) =>
    samples.stack.map((stack, i) => {
      const frames: string[] = [];
      for (let at = stack; at !== null; ) {
        frames.unshift(stringArray[funcTable.name[frameTable.func[stackTable.frame[at]!]!]!]!);
        at = stackTable.prefixOffset[at] === 0 ? null : at - stackTable.prefixOffset[at]!;
      }
      return `${name} ${pid}/${tid}: ${frames.join(';')} ${samples.weight[i]}`;
    }),
  );
}

test('golden', async () => {
  const from = profile(everything, { losses: { 'samples lost (ring buffer full)': 3 } });
  // One table, column or thread a line, for whoever reviews a difference.
  const text = encode(from).replace(/(?<=[\]}],)(?="|\{")/g, '\n');
  await expect(text).toMatchFileSnapshot('golden/everything.firefox.json');
});

test('stacks of threads, with inlined calls as frames', () =>
  expect(lines(read(everything))).toEqual([
    'app 10/10: main;run;work 3',
    'app 10/10: main;run;helper;deep 2',
    'app 10/11: start;main;sys_read;vfs_read 4',
    'app 10/11: main;generated 1',
    'web 20/20: [unknown: web+0x1080];[unknown: unmapped];[unknown: jit] 5',
    'web 20/20: [unknown: kernel] 6',
    'web 20/21: main;run;work 7',
    'idle 0/0:  8',
  ]));

describe('threads', () => {
  test('one main thread in each process: its own, or the first', () => {
    const { threads } = read('w 1/3;f 1\nmain 1/1;f 1\nx 2/8;f 1\ny 2/9;f 1');
    expect(threads.map(thread => [thread.name, thread.isMainThread, thread.processName])).toEqual([
      ['w', false, 'main'],
      ['main', true, 'main'],
      ['x', true, 'x'],
      ['y', false, 'x'],
    ]);
  });

  test('without labels', () => {
    const from = profile('a;f 1');
    const { threads } = parse({ ...from, labelSets: [[]] });
    expect(threads.map(({ name, pid, tid, isMainThread }) => [name, pid, tid, isMainThread])).toEqual([
      ['all', '0', '0', true],
    ]);
  });
});

describe('times', () => {
  test('as they are known: a sample for each', () => {
    const timeline = { length: 4, sample: Uint32Array.of(1, 0, 2, 0), time: Float64Array.of(0, 10, 20.5, 30) };
    const { threads } = read('a 1/1;f 2\na 1/1;g 1\nb 1/2;f 1', { timeline });
    expect(threads.map(({ name, samples }) => [name, samples.time, samples.stack, samples.weight])).toEqual([
      ['a', [0, 10, 30], [1, 0, 0], [1, 1, 1]],
      ['b', [20.5], [0], [1]],
    ]);
  });

  test('otherwise as far apart as they are heavy, within the duration', () => {
    const { threads } = read('a 1/1;f 2\na 1/1;g 6\nb 1/2;f 1', { durationMs: 80 });
    expect(threads.map(({ samples }) => samples.time)).toEqual([[0, 20], [0]]);
  });
});

describe('weights', () => {
  const weight = (sampleTypes: Profile['sampleTypes']) => {
    const { samples } = read('a;f 3 5000000', { sampleTypes }).threads[0]!;
    return [samples.weightType, ...samples.weight];
  };
  const count = { type: 'samples', unit: 'count' };

  test('CPU time as samples', () =>
    expect(weight([count, { type: 'cpu', unit: 'nanoseconds' }])).toEqual(['samples', 3]));
  test('events', () => expect(weight([count, { type: 'page-faults', unit: 'count' }])).toEqual(['samples', 5_000_000]));
  test('bytes', () => expect(weight([count, { type: 'space', unit: 'bytes' }])).toEqual(['bytes', 5_000_000]));
  test('time alone', () => expect(weight([{ type: 'delay', unit: 'microseconds' }])).toEqual(['tracing-ms', 0.003]));
});

test('kinds, places and lines of frames', () => {
  const from = profile(everything);
  const named = { ...from, lines: { ...from.lines, line: from.lines.line.map((_, i) => i) } };
  const { shared, meta, libs } = parse({ ...named, locations: { ...named.locations, kind: from.locations.kind } });
  const { frameTable, funcTable, stringArray, resourceTable } = shared;
  const frames = frameTable.func.map((func, i) => {
    const resource = funcTable.resource[func]!;
    const module = resource < 0 ? '' : stringArray[resourceTable.name[resource]!];
    const category = meta.categories[frameTable.category[i]!]!.name;
    return `${stringArray[funcTable.name[func]!]} ${category} ${module} ${frameTable.inlineDepth[i]}`;
  });
  expect(frames).toContain('deep Inlined app 2');
  expect(frames).toContain('vfs_read Kernel [kernel.kallsyms] 0');
  expect(frames).toContain('generated Generated code [anon] 0');
  expect(frames).toContain('[unknown: kernel] Unknown [kernel.kallsyms] 0');
  expect(frameTable.line[1]).toBe(1);
  expect(frameTable.line[0]).toBe(null); // 0: not known
  expect(libs[0]).toMatchObject({ name: 'app', codeId: '00'.repeat(20) });
  expect(frameTable.address.every(address => address >= -1)).toBe(true);
  expect(meta.categories).toHaveLength(Object.keys(FrameKind).length + 2);
  expect(meta.categories.some(({ color }) => color === 'grey')).toBe(true);
});

test('source files', () => {
  const from = profile('a;f 1\na;g 1');
  const strings = [...from.strings, 'f.c'];
  const functions = { ...from.functions, filename: Uint32Array.of(strings.length - 1, 0) };
  const { shared } = parse({ ...from, strings, functions });
  expect(shared.funcTable.source).toEqual([0, null]);
  expect(shared.sources.filename.map(index => shared.stringArray[index])).toEqual(['f.c']);
});

test("Breakpad's id of a build id", () => {
  expect(breakpadId('7ebc65e52f2bbea498b4040fa92f7238377aaba9')).toBe('E565BC7E2B2FA4BE98B4040FA92F72380');
  expect(breakpadId('')).toBe('');
  expect(breakpadId('go:xyz')).toBe('');
});

test('comments and losses', () => {
  const { meta } = read('a;f 1', { comments: ['x'], losses: { lost: 3, none: 0 } });
  expect(meta.extra[0]!.entries.map(({ label, value }) => `${label}: ${value}`)).toEqual(['Comment: x', 'lost: 3']);
  expect([meta.preprocessedProfileVersion, meta.interval]).toEqual([70, 10]);
});
