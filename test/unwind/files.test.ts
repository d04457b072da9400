import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TableState } from '../../src/capture/records.gen.ts';
import { type ByteSource, ElfError, MemoryBytes } from '../../src/elf/bytes.ts';
import { type Elf, parseElf } from '../../src/elf/elf.ts';
import { Miss } from '../../src/model/profile.ts';
import type { MappedCode } from '../../src/process/code.ts';
import { TableCache } from '../../src/unwind/cache.ts';
import { NO_FILE, tableOf, UnwindFiles } from '../../src/unwind/files.ts';
import { Heap } from '../../src/unwind/heap.ts';
import { tableBytes, type UnwindTable } from '../../src/unwind/table.ts';
import { elfFile } from '../support/elf.ts';
import { testFolder } from '../support/folder.ts';
import { CHUNK } from './memory.ts';
import { rules, TestMaps, tableOf as tableOfRows } from './support.ts';

const path = testFolder();
const { PROFILER_TABLE_PENDING: PENDING, PROFILER_TABLE_EVICTED: EVICTED } = TableState;
const { PROFILER_TABLE_ABSENT: ABSENT, PROFILER_TABLE_FIRST: FIRST } = TableState;

/** What performance.now() says, and how much later it is after each call. */
let clock = 0;
let step = 0;
beforeEach(() => {
  [clock, step] = [10_000, 0];
  vi.spyOn(performance, 'now').mockImplementation(() => {
    clock += step;
    return clock;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Code whose table, if any, is in the cache under its key. */
function code(
  cacheKey: string,
  elf: Elf | undefined = {} as Elf,
  bytes: ByteSource = new MemoryBytes(new Uint8Array()),
) {
  return { ...common, cacheKey, elf, bytes: elf && bytes } satisfies MappedCode;
}
const common = {
  id: 1,
  kind: 'file',
  filename: '/lib/a.so',
  buildId: '',
  miss: Miss.none,
  start: 0,
  limit: 0,
  fileOffset: 0,
} as const;

/** A table with so many rows in one page. */
function table(rows: number): UnwindTable {
  return tableOfRows(Array.from({ length: rows }, (_, i) => [4 * i, i % 2 === 0 ? rules.end : rules.sp(1)] as const));
}
/** Four of them fill a chunk. */
const quarter = table(14_000);

let caches = 0;
function setup({ chunks = 64, cached = {} as Record<string, UnwindTable | 'absent'> } = {}) {
  const maps = new TestMaps();
  const heap = new Heap(maps, chunks * CHUNK);
  const cache = new TableCache({ directory: path(`cache-${caches++}`) });
  for (const [key, of] of Object.entries(cached)) cache.write(key, of);
  const read = vi.spyOn(cache, 'read');
  const files = new UnwindFiles(heap, maps.files, cache);
  const state = (...ids: readonly number[]) =>
    ids.map(id => ['pending', 'evicted', 'absent'][maps.table(id)] ?? 'loaded');
  return { maps, heap, cache, read, files, state };
}

/** Files a, b, … with a quarter of a chunk each, and room for four. */
function full(count: number) {
  const names = Array.from({ length: count }, (_, i) => 'abcdefgh'[i]!);
  const made = setup({ chunks: 1, cached: Object.fromEntries(names.map(name => [name, quarter])) });
  const ids = names.map(name => made.files.id(code(name)));
  for (const id of ids.slice(0, 4)) {
    made.files.want(id);
    made.files.load(50);
    clock += 100; // a is the oldest
  }
  expect(made.state(...ids.slice(0, 4))).toEqual(Array(4).fill('loaded'));
  return { ...made, ids };
}

test('the tables of these tests are a quarter of a chunk', () => {
  expect(Math.floor((CHUNK - 1024) / tableBytes(quarter))).toBe(4);
});

describe('indices', () => {
  test('one for each file, pending at first', () => {
    const { files, maps } = setup();
    const [a, b] = [code('a'), code('b')];
    expect([files.id(a), files.id(b), files.id(a)]).toEqual([0, 1, 0]);
    expect([maps.table(0), maps.table(1)]).toEqual([PENDING, PENDING]);
  });

  test('none for what is no ELF file, and beyond the end of the map', () => {
    const { files } = setup();
    expect(files.id({ ...code('text'), elf: undefined })).toBe(NO_FILE);
    const known = code('known');
    const first = files.id(known);
    let last = 0;
    for (let i = first + 1; i < NO_FILE; i++) last = files.id(code(`${i}`));
    expect(last).toBe(NO_FILE - 1);
    expect([files.id(code('more')), files.id(known)]).toEqual([NO_FILE, first]);
    files.want(NO_FILE); // does nothing
    files.load(50);
  });
});

describe('sweep', () => {
  const cached = { a: table(2), b: table(2), c: table(2) };

  test('what no process maps, twice in a row, is forgotten: its table goes, its index is used again', () => {
    const { maps, files, state } = setup({ cached });
    const [one, two, three] = [code('a'), code('b'), code('c')];
    const [a, b] = [files.id(one), files.id(two)];
    files.want(a);
    files.want(b);
    files.load(50);
    files.sweep(new Set([a]));
    expect(state(a, b)).toEqual(['loaded', 'loaded']);
    maps.use(b);
    files.sweep(new Set([a]));
    expect([maps.table(b), files.has(one), files.has(two)]).toEqual([TableState.PROFILER_TABLE_ABSENT, true, false]);
    expect([files.id(three), files.id(two), files.evictions]).toEqual([b, 2, 0]);
    files.load(50);
    expect(state(b)).toEqual(['pending']); // the mark of its predecessor is gone
  });

  test('what is mapped again in between stays', () => {
    const { files } = setup({ cached });
    const one = code('a');
    const a = files.id(one);
    for (const mapped of [[], [a], [], [a]]) files.sweep(new Set(mapped));
    expect(files.has(one)).toBe(true);
  });
});

describe('load', () => {
  const cached = { a: table(2), b: table(2), none: 'absent' as const };

  test('what nobody needs waits', () => {
    const { files, read, state } = setup({ cached });
    const a = files.id(code('a'));
    files.load(50);
    expect([state(a), read.mock.calls]).toEqual([['pending'], []]);
  });

  test('what a walk has needed', () => {
    const { maps, files, state } = setup({ cached });
    const [a, b] = [files.id(code('a')), files.id(code('b'))];
    maps.use(b);
    files.load(50);
    expect(state(a, b)).toEqual(['pending', 'loaded']);
    expect(maps.table(b)).toBeGreaterThanOrEqual(FIRST);
    expect(maps.rule(maps.table(b), 0)).toBe(2);
  });

  test('what is wanted', () => {
    const { files, read, state } = setup({ cached });
    const a = files.id(code('a'));
    files.want(a);
    files.want(a);
    files.load(50);
    files.want(a);
    files.load(50);
    expect([state(a), read.mock.calls.length]).toEqual([['loaded'], 1]);
  });

  test('a file without rules is looked at once', () => {
    const { maps, files, read, state, heap } = setup({ cached });
    const none = files.id(code('none'));
    for (let i = 0; i < 3; i++) {
      maps.use(none);
      files.want(none);
      files.load(50);
      clock += 5000;
    }
    expect([maps.table(none), state(none), read.mock.calls.length, heap.used]).toEqual([ABSENT, ['absent'], 1, 0]);
  });

  test('what takes longer than the budget goes on with the next call', () => {
    const names = [...'abcdefgh'];
    const { files, state } = setup({ cached: Object.fromEntries(names.map(name => [name, table(2)])) });
    const ids = names.map(name => files.id(code(name)));
    for (const id of ids) files.want(id);
    step = 10;
    files.load(50);
    const loaded = state(...ids).filter(text => text === 'loaded').length;
    expect(loaded).toBeGreaterThan(0);
    expect(loaded).toBeLessThan(8);
    for (let i = 0; i < 8; i++) files.load(50);
    expect(state(...ids)).toEqual(ids.map(() => 'loaded'));
  });
});

describe('without room', () => {
  test('tables that are all in use stay, and the new one waits', () => {
    const { files, maps, ids, read, state } = full(5);
    const e = ids[4]!;
    for (let i = 0; i < 20; i++) {
      maps.use(...ids);
      files.load(50);
      clock += 500;
    }
    expect(state(...ids)).toEqual(['loaded', 'loaded', 'loaded', 'loaded', 'evicted']);
    expect([maps.table(e), files.evictions]).toEqual([EVICTED, 0]);
    expect(read.mock.calls.filter(([key]) => key === 'e').length).toBeLessThanOrEqual(6); // every 2 s
  });

  test('tables in use stay when an idle one goes', () => {
    const { files, maps, ids, state } = full(5);
    for (let i = 0; i < 10; i++) {
      maps.use(ids[0]!, ids[2]!, ids[3]!);
      files.load(50);
      clock += 500;
    }
    files.want(ids[4]!);
    for (let i = 0; i < 10; i++) {
      maps.use(ids[0]!, ids[2]!, ids[3]!, ids[4]!);
      files.load(50);
      clock += 500;
    }
    expect(state(...ids)).toEqual(['loaded', 'evicted', 'loaded', 'loaded', 'loaded']);
    expect(files.evictions).toBe(1);
  });

  test('the table that was not used for the longest time goes, and no other', () => {
    const { files, ids, state } = full(5);
    clock += 5000;
    files.want(ids[4]!);
    files.load(50);
    expect(files.evictions).toBe(1);
    expect(state(...ids.slice(0, 4))).toEqual(['evicted', 'loaded', 'loaded', 'loaded']);
  });

  test('the new one is loaded as soon as the quarantine of the old one is over', () => {
    const { files, maps, ids, state } = full(5);
    clock += 5000;
    files.want(ids[4]!);
    for (let i = 0; i < 3; i++) {
      maps.use(ids[4]!);
      files.load(50);
      clock += 100;
    }
    expect(state(ids[4]!)).toEqual(['loaded']);
  });

  test('a table that is larger than all of the memory takes none from the others', () => {
    const { files, ids, state, cache } = full(4);
    const rows = Array.from({ length: 6 * 14_000 }, (_, i) => [8 * i, i % 2 === 0 ? rules.end : rules.sp(1)] as const);
    const large = tableOfRows(rows);
    expect(tableBytes(large)).toBeGreaterThan(CHUNK);
    cache.write('large', large);
    clock += 5000;
    const id = files.id(code('large'));
    files.want(id);
    files.load(50);
    expect(state(...ids, id)).toEqual(['loaded', 'loaded', 'loaded', 'loaded', 'evicted']);
  });

  test('what was given up comes back when it is used and there is room', () => {
    const { files, maps, ids, state } = full(5);
    clock += 5000;
    files.want(ids[4]!);
    files.load(50);
    expect(state(ids[0]!)).toEqual(['evicted']);
    for (let i = 0; i < 10; i++) {
      maps.use(ids[0]!, ids[4]!);
      files.load(50);
      clock += 500;
    }
    expect(state(ids[0]!, ids[4]!)).toEqual(['loaded', 'loaded']);
  });

  test('a table is out of the map before its memory is', () => {
    const { files, maps, ids, heap } = full(5);
    const free = heap.free.bind(heap);
    const seen: number[] = [];
    heap.free = piece => {
      seen.push(maps.table(ids[0]!));
      free(piece);
    };
    clock += 5000;
    files.want(ids[4]!);
    files.load(50);
    expect(seen[0]).toBe(EVICTED);
  });
});

describe('the table of a file', () => {
  const program = readFileSync('/bin/sleep');
  /** With an .eh_frame that claims to be compressed. */
  function damaged(): Buffer {
    const bytes = Buffer.from(program);
    const index = parseElf(new MemoryBytes(bytes)).sections.findIndex(({ name }) => name === '.eh_frame');
    const headers = Number(bytes.readBigUInt64LE(40));
    const flags = headers + 64 * index + 8;
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(flags) | 0x800n, flags); // SHF_COMPRESSED
    return bytes;
  }
  const of = (key: string, bytes: Buffer) => {
    const source = new MemoryBytes(bytes);
    return code(key, parseElf(source), source);
  };
  const cacheOf = () => new TableCache({ directory: path(`cache-${caches++}`) });

  test('is compiled once', () => {
    const cache = cacheOf();
    const first = tableOf(of('sleep', program), cache)!;
    expect(first.rows.length).toBeGreaterThan(100);
    expect(cache.read('sleep')).toEqual(first);
    expect(tableOf(code('sleep'), cache)).toEqual(first);
  });

  test('without a name for the cache it is compiled each time', () => {
    const cache = cacheOf();
    const [read, write] = [vi.spyOn(cache, 'read'), vi.spyOn(cache, 'write')];
    expect(tableOf(of('', program), cache)).toBeDefined();
    expect([read.mock.calls, write.mock.calls]).toEqual([[], []]);
  });

  test.each([
    ['damaged', damaged()],
    ['without unwind tables', elfFile([{ offset: 0x1000, address: 0x1000, size: 0x1000 }])],
  ])('a file that is %s has none, and this is kept', (_, bytes) => {
    const cache = cacheOf();
    expect(tableOf(of('bad', bytes), cache)).toBeUndefined();
    expect(cache.read('bad')).toBe('absent');
    expect(tableOf(of('bad', program), cache)).toBeUndefined();
  });

  test('a damaged file is absent for the walk', () => {
    const { files, maps } = setup();
    const id = files.id(of('bad', damaged()));
    files.want(id);
    files.load(50);
    expect(maps.table(id)).toBe(ABSENT);
  });

  test('no file, no table', () => {
    expect(tableOf({ ...code('a'), elf: undefined }, cacheOf())).toBeUndefined();
    expect(tableOf({ ...code('a'), bytes: undefined }, cacheOf())).toBeUndefined();
  });

  /** A file that cannot be read now: its file system is away for a while. */
  function away(bytes: Buffer): ByteSource & { isAway: boolean } {
    const source = new MemoryBytes(bytes);
    return {
      isAway: false,
      size: source.size,
      read(offset, length) {
        if (this.isAway) throw new ElfError('unreadable', 'the file cannot be read: EIO');
        return source.read(offset, length);
      },
    };
  }

  test('what could not be read once is not given up for ever', () => {
    const source = away(program);
    const file = code('away', parseElf(source), source);
    const cache = cacheOf();
    source.isAway = true;
    expect(tableOf(file, cache)).toBeUndefined();
    source.isAway = false;
    expect(tableOf(file, cache)).toBeDefined();
  });

  test('an error that is no damage is an error', () => {
    const source: ByteSource = {
      size: program.length,
      read: () => {
        throw new TypeError('a bug');
      },
    };
    expect(() => tableOf(code('bug', parseElf(new MemoryBytes(program)), source), cacheOf())).toThrow('a bug');
  });
});
