import { describe, expect, test } from 'vitest';
import { Heap as Layout } from '../../src/capture/records.gen.ts';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { addressSpaceBytes, biasOf, mergeRanges, writeAddressSpace } from '../../src/unwind/address-space.ts';
import { NO_FILE } from '../../src/unwind/files.ts';
import { elfFile, type TestSegment } from '../support/elf.ts';
import { mapping } from '../support/mappings.ts';

describe('the bias', () => {
  const bias = (segments: readonly TestSegment[], start: number, length: number, fileOffset: number) =>
    biasOf(parseElf(new MemoryBytes(elfFile(segments))), mapping(start, start + length, { fileOffset }));

  const code = { offset: 0x1000, address: 0x1000, size: 0x3000 };
  const data = { offset: 0x4000, address: 0x5000, size: 0x1000, flags: 6 };

  test.each([
    ['a library', [code], 0x7f00_0000_1000, 0x3000, 0x1000, 0x7f00_0000_0000],
    ['a library where its file would have it', [code], 0x1000, 0x3000, 0x1000, 0],
    ['a program at a fixed address', [{ ...code, address: 0x40_1000 }], 0x40_1000, 0x3000, 0x1000, 0],
    [
      'addresses that are not offsets',
      [{ ...code, address: 0x2000 }],
      0x5555_0000_1000,
      0x3000,
      0x1000,
      0x5554_ffff_f000,
    ],
    [
      'a file that is mapped below its addresses',
      [{ ...code, address: 0x80_1000 }],
      0x1_1000,
      0x3000,
      0x1000,
      -0x7f_0000,
    ],
    ['a part of the segment', [code], 0x7f00_0000_2000, 0x1000, 0x2000, 0x7f00_0000_0000],
    // ld -z noseparate-code, lld: the segment begins and ends within a page.
    [
      'a segment within pages',
      [{ offset: 0x1234, address: 0x2234, size: 0x1000 }],
      0x7f00_0000_2000,
      0x2000,
      0x1000,
      0x7f00_0000_0000,
    ],
    ['all of the file', [{ offset: 0, address: 0, size: 0x3000 }], 0x7f00_0000_0000, 0x3000, 0, 0x7f00_0000_0000],
    ['data beside the code', [data, code], 0x7f00_0000_1000, 0x3000, 0x1000, 0x7f00_0000_0000],
    [
      'the second of two segments of code',
      [code, { offset: 0x6000, address: 0x16000, size: 0x1000 }],
      0x7f00_0001_6000,
      0x1000,
      0x6000,
      0x7f00_0000_0000,
    ],
  ])('%s', (_, segments, start, length, fileOffset, expected) => {
    expect(bias(segments, start, length, fileOffset)).toBe(expected);
  });

  test.each([
    ['data', [code, data], 0x4000, 0x1000],
    ['what lies behind the code', [code], 0x4000, 0x1000],
    ['what lies before it', [code], 0, 0x1000],
    ['a file without code', [data], 0x4000, 0x1000],
    ['a file without segments', [], 0, 0x1000],
  ])('%s has none', (_, segments, fileOffset, length) => {
    expect(bias(segments, 0x7f00_0000_0000, length, fileOffset)).toBeUndefined();
  });

  test('two segments of code that share a page of the file', () => {
    const segments = [
      { offset: 0x1000, address: 0x1000, size: 0x1234 },
      { offset: 0x2240, address: 0x3240, size: 0x2000 },
    ];
    expect(bias(segments, 0x7f00_0000_1000, 0x2000, 0x1000)).toBe(0x7f00_0000_0000);
    expect(bias(segments, 0x7f00_0000_3000, 0x3000, 0x2000)).toBe(0x7f00_0000_0000);
  });
});

describe('merging', () => {
  const range = (start: number, end: number, file: number = NO_FILE) => ({
    mapping: mapping(start, end),
    file,
    bias: start,
  });
  const text = (...ranges: readonly ReturnType<typeof range>[]) =>
    mergeRanges(ranges, NO_FILE).map(
      ({ mapping: { start, end }, file }) => `${start}-${end}${file === NO_FILE ? '' : ` ${file}`}`,
    );

  test('neighbours without files are one', () => {
    expect(text(range(1, 2), range(2, 3), range(3, 9))).toEqual(['1-9']);
  });

  test('with a gap between them they stay apart', () => {
    expect(text(range(1, 2), range(3, 4), range(4, 5), range(7, 8))).toEqual(['1-2', '3-5', '7-8']);
  });

  test('files stay as they are', () => {
    expect(text(range(1, 2, 5), range(2, 3, 5), range(3, 4), range(4, 5, 6), range(5, 6))).toEqual([
      '1-2 5',
      '2-3 5',
      '3-4',
      '4-5 6',
      '5-6',
    ]);
  });

  test('none', () => expect(text()).toEqual([]));

  test('what was given is not changed', () => {
    const ranges = [range(1, 2), range(2, 3)];
    mergeRanges(ranges, NO_FILE);
    expect(ranges).toEqual([range(1, 2), range(2, 3)]);
  });

  test('no more than the walk can search: those with files, and of these the highest', () => {
    const ranges = Array.from({ length: 10_000 }, (_, i) => range(2 * i, 2 * i + 1, i % 2 === 0 ? i : NO_FILE));
    const merged = mergeRanges(ranges, NO_FILE);
    expect(merged).toHaveLength(Layout.PROFILER_MAX_MAPPINGS);
    expect(merged.at(-1)).toEqual(ranges.at(-2)); // the last one that has a file
    expect(merged.some(({ file }) => file === NO_FILE)).toBe(false);
    expect(addressSpaceBytes(merged)).toBeLessThanOrEqual(Layout.PROFILER_CHUNK_BYTES / 2);
  });
});

test('what is written: struct profiler_unwind_mappings', () => {
  const ranges = [
    { mapping: mapping(-0xa0_0000, -0x9f_f000), file: NO_FILE, bias: 0 },
    { mapping: mapping(0x40_0000, 0x40_1000), file: 3, bias: -0x1_0000_0000 },
    { mapping: mapping(0x7fff_ffff_e000, 0x7fff_ffff_f000), file: 8191, bias: 0x7fff_8000_0000 },
  ];
  const words = new Uint32Array(addressSpaceBytes(ranges) / 4).fill(0xffff_ffff);
  writeAddressSpace(words, 2 ** 40 + 7, ranges);
  const view = new DataView(words.buffer);
  expect([view.getBigUint64(0, true), view.getUint32(8, true)]).toEqual([2n ** 40n + 7n, 3]);
  const written = ranges.map((_, i) => {
    const at = 32 + 32 * i;
    return [0, 8, 16].map(offset => view.getBigInt64(at + offset, true)).concat(BigInt(view.getUint32(at + 24, true)));
  });
  expect(written).toEqual(
    ranges.map(({ mapping: { start, end }, bias, file }) => [start, end, bias, file].map(value => BigInt(value))),
  );
});
