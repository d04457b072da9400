import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodeCached, encodeCached } from '../../src/unwind/cache-format.ts';
import type { UnwindTable } from '../../src/unwind/table.ts';

const table: UnwindTable = {
  start: 0x5555_1234_0000,
  pageRows: Uint32Array.of(2, 1, 3),
  rows: Uint32Array.of(0, 0x2_0010, 0x2_0000, 0x2_0000, 0x1_8000, 0x2_ffff),
  rules: Uint32Array.of(0, 0, 1, 0, 0x0001_0503, 0xffff_fffe),
  unsupported: 1,
};

function encode(key: string, value: UnwindTable | 'absent'): Uint8Array {
  return Uint8Array.from(Buffer.concat(encodeCached(key, value)));
}

/** With the checksum that belongs to the bytes. */
function sealed(bytes: Uint8Array): Uint8Array {
  const words = new Uint32Array(bytes.buffer, 0, 16);
  words[15] = crc32(bytes.subarray(64), crc32(bytes.subarray(0, 60)));
  return bytes;
}

/** A word of the header changed and the checksum made good. */
function withWord(word: number, value: number, of: UnwindTable | 'absent' = table): Uint8Array {
  const bytes = encode('key', of);
  new Uint32Array(bytes.buffer, 0, 16)[word] = value;
  return sealed(bytes);
}

describe('what is written is read', () => {
  test.each([
    ['short', 'key'],
    ['empty', ''],
    ['odd', 'a/b\0c'],
    ['not ASCII', 'Größe 🙂'],
    ['long', 'k'.repeat(10_000)],
  ])('%s key', (_, key) => {
    expect(decodeCached(key, encode(key, table))).toEqual(table);
    expect(decodeCached(key, encode(key, 'absent'))).toBe('absent');
  });

  test('tables below address 0, which damaged files have', () => {
    const low = { ...table, start: -(2 ** 40) };
    expect(decodeCached('', encode('', low))).toEqual(low);
  });

  test('without a copy', () => {
    const bytes = encode('key', table);
    const read = decodeCached('key', bytes) as UnwindTable;
    expect([read.rows.buffer, read.rules.buffer, read.pageRows.buffer].every(memory => memory === bytes.buffer)).toBe(
      true,
    );
  });
});

describe('not believed', () => {
  test.each([['a table', table] as const, ['an absent one', 'absent'] as const])(
    '%s with any bit flipped',
    (_, value) => {
      const bytes = encode('key', value);
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(decodeCached('key', bytes), `bit ${bit}`).toBeUndefined();
        bytes[bit >> 3]! ^= 1 << (bit & 7);
      }
      expect(decodeCached('key', bytes)).toEqual(value);
    },
  );

  test('cut off anywhere, or longer', () => {
    const bytes = encode('key', table);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeCached('key', bytes.slice(0, length))).toBeUndefined();
    }
    expect(decodeCached('key', Uint8Array.of(...bytes, 0))).toBeUndefined();
  });

  test('for another key', () => {
    for (const key of ['kez', 'ke', 'keys', '', 'KEY']) expect(decodeCached(key, encode('key', table))).toBeUndefined();
  });

  test('the other end of the words, an older or newer version, other layouts', () => {
    expect(decodeCached('key', encode('key', table).reverse())).toBeUndefined();
    const header = new Uint32Array(encode('key', table).buffer, 0, 16);
    for (const word of [0, 1, 2]) {
      expect(decodeCached('key', withWord(word, header[word]! + 1))).toBeUndefined();
      expect(decodeCached('key', withWord(word, header[word]! - 1))).toBeUndefined();
    }
  });

  test.each([
    ['a state that does not exist', withWord(3, 2)],
    ['a table that is absent', withWord(3, 0)],
    ['an absent one that is a table', withWord(3, 1, 'absent')],
    ['more rows than bytes', withWord(6, 7)],
    ['fewer rows than bytes', withWord(6, 5)],
    ['4 thousand million pages', withWord(5, 0xffff_ffff)],
    ['4 thousand million rules', withWord(7, 0xffff_ffff)],
    ['a key of 4 GB', withWord(4, 0xffff_ffff)],
    ['a start within a page', withWord(8, 0x1234_8000)],
    ['a start beyond what is exact', withWord(9, 0x7fff_ffff)],
  ])('with a checksum that is right: %s', (_, bytes) => {
    expect(decodeCached('key', bytes)).toBeUndefined();
  });

  const rows = (...words: number[]) => ({ rows: Uint32Array.of(...words) });
  const pageRows = (...counts: number[]) => ({ pageRows: Uint32Array.of(...counts) });
  test.each<[string, Partial<UnwindTable>]>([
    ['a page without rows', pageRows(2, 0, 4)],
    ['pages with more rows than there are', pageRows(2, 1, 4)],
    ['pages with fewer rows than there are', pageRows(2, 1, 2)],
    ['pages whose rows add up to 2^32 too many', pageRows(0xffff_ffff, 5, 2)],
    ['no pages', { ...pageRows(), ...rows() }],
    ['a page that does not begin with its first byte', rows(0, 0x2_0010, 0x2_0001, 0x2_0000, 0x1_8000, 0x2_ffff)],
    ['more rules than the format holds', { rules: new Uint32Array(2 * 16_385) }],
    ['more rows in a page than the format holds', { ...pageRows(16_384), rows: new Uint32Array(16_384) }],
    ['more pages than a chunk describes', { pageRows: new Uint32Array(32_768).fill(1), rows: new Uint32Array(32_768) }],
  ])('with a checksum that is right: %s', (_, change) => {
    expect(decodeCached('key', encode('key', { ...table, ...change }))).toBeUndefined();
  });
});
