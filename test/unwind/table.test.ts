import { describe, expect, test } from 'vitest';
import { Heap, RuleKind } from '../../src/capture/records.gen.ts';
import { compileTable, PAGE_BYTES, type RowColumns, tableBytes, type UnwindTable } from '../../src/unwind/table.ts';
import { random } from '../support/random.ts';

const GAP = RuleKind.PROFILER_RULE_NONE;
const UNSUPPORTED = RuleKind.PROFILER_RULE_UNSUPPORTED;
const A = 2;
const B = 3;

/** Rows of [offset, rule], with a rule of its own for each index. Columns are longer than the rows, as those of a file. */
function rowsOf(base: number, pairs: readonly (readonly [number, number])[], rules = 16): RowColumns {
  const offset = new Uint32Array(pairs.length + 3);
  const rule = new Uint16Array(pairs.length + 3);
  for (const [i, pair] of pairs.entries()) [offset[i], rule[i]] = pair;
  return { length: pairs.length, base, offset, rule, rules: new Uint32Array(2 * rules).map((_, i) => i * 7) };
}

/** What the walk does: page, last row at or before the address, rule. */
function lookUp(table: UnwindTable, address: number): number {
  const page = Math.floor((address - table.start) / PAGE_BYTES);
  if (page < 0 || page >= table.pageRows.length) return GAP;
  const first = table.pageRows.subarray(0, page).reduce((sum, count) => sum + count, 0);
  const pc = (address - table.start) % PAGE_BYTES;
  const row = table.rows.subarray(first, first + table.pageRows[page]!).findLast(word => (word & 0xffff) <= pc)!;
  return row >>> 16;
}

/** The same from the rows. */
function expected({ length, base, offset, rule }: RowColumns, address: number): number {
  for (let i = length - 1; i >= 0; i--) if (base + offset[i]! <= address) return rule[i]!;
  return GAP;
}

function compile(rows: RowColumns): UnwindTable {
  const table = compileTable(rows);
  expect(table).toBeDefined();
  return table!;
}

const text = ({ pageRows, rows }: UnwindTable) => {
  const words = Array.from(rows, word => `${(word & 0xffff).toString(16)}:${word >>> 16}`);
  return Array.from(pageRows, count => words.splice(0, count).join(' '));
};

describe('pages', () => {
  test('the rule in force is repeated where a page begins', () => {
    const table = compile(
      rowsOf(0x10000, [
        [0x10, A],
        [0x1fff0, B],
        [0x40000, GAP],
      ]),
    );
    expect(table.start).toBe(0x10000);
    expect(text(table)).toEqual(['0:0 10:2', '0:2 fff0:3', '0:3', '0:3', '0:0']);
  });

  test('a row at the border of a page stands for the repeated one', () => {
    expect(
      text(
        compile(
          rowsOf(0, [
            [0, A],
            [0xffff, B],
            [0x10000, A],
          ]),
        ),
      ),
    ).toEqual(['0:2 ffff:3', '0:2']);
  });

  test('the base need not be at a border, nor be where the first row is', () => {
    const table = compile(
      rowsOf(0x40_0ff0, [
        [0x3_0000, A],
        [0x3_f020, B],
      ]),
    );
    expect(table.start).toBe(0x43_0000);
    expect(text(table)).toEqual(['0:0 ff0:2', '0:2 10:3']);
  });

  test('rows that repeat the rule before them are left out', () => {
    const pairs = [
      [0, A],
      [1, A],
      [2, B],
      [0x10000, B],
      [0x10001, B],
    ] as const;
    expect(text(compile(rowsOf(0, pairs)))).toEqual(['0:2 2:3', '0:3']);
  });

  test('of addresses beyond 32 bits', () => {
    const base = 0x7fff_f7fc_1234;
    const table = compile(
      rowsOf(base, [
        [0, A],
        [8, GAP],
      ]),
    );
    expect(table.start).toBe(0x7fff_f7fc_0000);
    expect([-1, 0, 7, 8].map(offset => lookUp(table, base + offset))).toEqual([GAP, A, A, GAP]);
  });

  test('unsupported rows are counted once, however many pages they cover', () => {
    expect(
      compile(
        rowsOf(0, [
          [0, UNSUPPORTED],
          [0x30000, A],
          [0x30001, UNSUPPORTED],
        ]),
      ).unsupported,
    ).toBe(2);
  });

  test.each(Array.from({ length: 40 }, (_, seed) => seed))('every address has the rule of the rows (seed %i)', seed => {
    const below = random(seed);
    const base = below(2) * 0x5555_0000_0000 + below(4) * PAGE_BYTES + [0, 1, 0x7ff8, 0xffff][below(4)]!;
    const steps = [() => 1, () => 1 + below(40), () => 1 + below(PAGE_BYTES), () => PAGE_BYTES * below(4) + 1];
    const borders = () => PAGE_BYTES - (offset % PAGE_BYTES);
    let offset = below(3) * below(100_000);
    const pairs: [number, number][] = [];
    for (let i = below(300); i >= 0; i--) {
      pairs.push([offset, below(6)]);
      offset += below(8) === 0 ? borders() : steps[below(steps.length)]!();
    }
    pairs.push([offset, A], [offset + 1, GAP]);
    const rows = rowsOf(base, pairs);
    const table = compile(rows);
    expect(table.start % PAGE_BYTES).toBe(0);
    expect(table.pageRows.reduce((sum, count) => sum + count, 0)).toBe(table.rows.length);
    const addresses = pairs.flatMap(([at]) => [at - 1, at, at + 1]).map(at => base + at);
    for (let page = -1; page <= table.pageRows.length; page++)
      for (const at of [-1, 0, 1, below(PAGE_BYTES)]) addresses.push(table.start + page * PAGE_BYTES + at);
    expect(addresses.map(address => lookUp(table, address))).toEqual(addresses.map(at => expected(rows, at)));
  });
});

describe('nothing to unwind by', () => {
  test.each([
    ['no rows', []],
    ['gaps', [[0, GAP]]],
    [
      'rows that are not supported',
      [
        [0, UNSUPPORTED],
        [5, GAP],
        [7, UNSUPPORTED],
      ],
    ],
  ] as const)('%s', (_, pairs) => {
    expect(compileTable(rowsOf(0, pairs))).toBeUndefined();
  });
});

describe('limits', () => {
  const dense = (count: number) =>
    rowsOf(
      0,
      Array.from({ length: count }, (_, i) => [i * 2, A + (i % 2)] as const),
    );

  test('rows of a page', () => {
    expect(compile(dense(Heap.PROFILER_MAX_PAGE_ROWS)).rows.length).toBe(Heap.PROFILER_MAX_PAGE_ROWS);
    expect(compileTable(dense(Heap.PROFILER_MAX_PAGE_ROWS + 1))).toBeUndefined();
  });

  test('rules', () => {
    const rows = (rules: number) => rowsOf(0, [[0, rules - 1]], rules);
    expect(compile(rows(Heap.PROFILER_MAX_RULES)).rules.length).toBe(2 * Heap.PROFILER_MAX_RULES);
    expect(compileTable(rows(Heap.PROFILER_MAX_RULES + 1))).toBeUndefined();
  });

  test('pages: what describes them fits into a chunk', () => {
    const pages = (Heap.PROFILER_CHUNK_BYTES - 16 - 16 * 8) / 8;
    const rows = (count: number) =>
      rowsOf(0, [
        [0, A],
        [(count - 1) * PAGE_BYTES, B],
      ]);
    expect(compile(rows(pages)).pageRows.length).toBe(pages);
    expect(compileTable(rows(pages + 1))).toBeUndefined();
    expect(
      compileTable(
        rowsOf(0xffff, [
          [1, A],
          [0xffff_ffff, B],
        ]),
      ),
    ).toBeUndefined();
  });

  test('addresses that no program has', () => {
    expect(compileTable(rowsOf(2 ** 60, [[0, A]]))).toBeUndefined();
    expect(compileTable(rowsOf(Number.NaN, [[0, A]]))).toBeUndefined();
  });
});

test('bytes are counted in whole KiB, and rows of a page in 8 bytes', () => {
  expect(tableBytes(compile(rowsOf(0, [[0, A]])))).toBe(2048);
  const perPage = 255; // 1,020 bytes, which take 1,024
  const pairs = Array.from({ length: 512 * perPage }, (_, i) => {
    return [Math.floor(i / perPage) * PAGE_BYTES + (i % perPage), A + (i % 2)] as const;
  });
  // A header of 16 + 512 × 8 + 16 × 8 bytes; 256 pages to a chunk.
  expect(tableBytes(compile(rowsOf(0, pairs)))).toBe(5 * 1024 + 512 * 1024);
});
