import { describe, expect, test } from 'vitest';
import { Heap } from '../../src/unwind/heap.ts';
import { loadTable } from '../../src/unwind/load.ts';
import { compileTable, tableBytes, type UnwindTable } from '../../src/unwind/table.ts';
import { random } from '../support/random.ts';
import { CHUNK, MemoryChunks } from './memory.ts';

function heapOf(chunks: number) {
  const provider = new MemoryChunks();
  const clock = { now: 0 };
  return {
    provider,
    clock,
    heap: new Heap(provider, chunks * CHUNK, { chunksAtOnce: 1, keepMs: 0, now: () => clock.now }),
  };
}

/** Pages of a few hundred to `density` rows each. */
function tableOf(seed: number, rows: number, density: number, base = 0x40_0000): UnwindTable {
  const below = random(seed);
  const offset = new Uint32Array(rows);
  const rule = new Uint16Array(rows);
  for (let i = 0, at = 0; i < rows; i++) {
    at += 1 + below((2 * 65_536) / density);
    offset[i] = at;
    rule[i] = (i % 2) * (2 + below(10));
  }
  const rules = new Uint32Array(24).map(() => below(2 ** 32));
  return compileTable({ length: rows, base, offset, rule, rules })!;
}

/** Every row, page and rule is where the BPF side looks for it. */
function expectLoaded(provider: MemoryChunks, address: number, table: UnwindTable): void {
  expect(provider.word(address, 0)).toBe(table.start % 2 ** 32);
  expect(provider.word(address, 4)).toBe(Math.floor(table.start / 2 ** 32));
  expect(provider.word(address, 8)).toBe(table.pageRows.length);
  expect(provider.word(address, 12)).toBe(table.rules.length / 2);
  const rulesAt = 16 + 8 * table.pageRows.length;
  expect(Array.from(table.rules, (_, i) => provider.word(address, rulesAt + 4 * i))).toEqual([...table.rules]);
  const found = new Uint32Array(table.rows.length);
  let at = 0;
  for (const [page, count] of table.pageRows.entries()) {
    const rows = provider.word(address, 16 + 8 * page);
    expect(provider.word(address, 20 + 8 * page)).toBe(count);
    expect(Math.floor((rows * 8) / CHUNK)).toBe(Math.floor((rows * 8 + count * 4 - 1) / CHUNK));
    for (let i = 0; i < count; i++) found[at++] = provider.word(rows, 4 * i);
  }
  expect(found).toEqual(table.rows);
}

describe('loadTable', () => {
  test.each([
    ['one row', tableOf(1, 2, 10)],
    ['one page', tableOf(2, 100, 5000)],
    ['sparse pages', tableOf(3, 500, 3)],
    ['more than a chunk', tableOf(4, 200_000, 6000)],
    ['a high address', tableOf(5, 1000, 2000, 0x5555_5555_4321)],
  ])('%s', (_, table) => {
    const { heap, provider, clock } = heapOf(64);
    const first = loadTable(heap, tableOf(6, 3000, 100))!;
    const loaded = loadTable(heap, table)!;
    expectLoaded(provider, loaded.address, table);
    expect(loaded.bytes).toBe(heap.used - first.bytes);
    loaded.free();
    expect(heap.used).toBe(first.bytes);
    first.free();
    loaded.free(); // does nothing
    clock.now += 100;
    heap.sweep();
    expect(provider.chunks.size).toBe(0);
  });

  test('an address before the first row, and one after the last', () => {
    const { heap, provider } = heapOf(4);
    const rules = new Uint32Array(6);
    const offset = Uint32Array.of(0x10, 0x20, 0x20000);
    const table = compileTable({ length: 3, base: 0x1234, offset, rule: Uint16Array.of(2, 1, 0), rules })!;
    const { address } = loadTable(heap, table)!;
    const at = [0, 0x1243, 0x1244, 0x1253, 0x1254, 0x21233, 0x21234, 0x30000];
    expect(at.map(target => provider.rule(address, target))).toEqual([0, 0, 2, 2, 1, 1, 0, 0]);
  });

  test('takes what tableBytes says when there are whole chunks', () => {
    const { heap } = heapOf(64);
    heap.allocate(CHUNK - 1024); // the first one is a slot short
    const table = tableOf(7, 300_000, 6000);
    expect(loadTable(heap, table)!.bytes).toBe(tableBytes(table));
    expect(heap.used / (table.rows.length * 4 + CHUNK)).toBeLessThan(1.01);
  });

  test('goes into gaps that are smaller than its pieces', () => {
    const { heap, provider, clock } = heapOf(4);
    const pieces = Array.from({ length: 4 * 8 - 1 }, () => heap.allocate(CHUNK / 8)!);
    for (const piece of pieces.filter((_, i) => i % 2 === 0)) heap.free(piece);
    clock.now += 100;
    const table = tableOf(8, 100_000, 3000);
    expect(table.rows.length * 4).toBeGreaterThan(CHUNK);
    const { address, bytes } = loadTable(heap, table)!;
    expectLoaded(provider, address, table);
    expect(bytes).toBeGreaterThan(tableBytes(table));
  });

  test.each([0, 1, 2, 3])('keeps nothing where there is no room (%i chunks)', chunks => {
    const { heap, provider } = heapOf(chunks);
    expect(loadTable(heap, tableOf(9, 250_000, 6000))).toBeUndefined();
    expect([heap.used, heap.reserved, provider.chunks.size]).toEqual([0, 0, 0]);
    // At once: nobody has seen what was written.
    expect(loadTable(heap, tableOf(10, 100, 100)) === undefined).toBe(chunks === 0);
  });

  test('keeps nothing when the kernel refuses a chunk half-way', () => {
    const { heap, provider } = heapOf(64);
    const add = provider.add.bind(provider);
    provider.add = indices => {
      if (indices.includes(3)) throw new Error('ENOMEM');
      return add(indices);
    };
    expect(loadTable(heap, tableOf(9, 250_000, 6000))).toBeUndefined();
    expect([heap.used, heap.reserved]).toEqual([0, 0]);
  });
});
