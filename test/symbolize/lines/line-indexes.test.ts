import { expect, test } from 'vitest';
import { openPath } from '../../../src/process/files.ts';
import { LineIndexes } from '../../../src/symbolize/lines/line-indexes.ts';
import { testFolder } from '../../support/folder.ts';

const path = testFolder();
const base = 0x400000;

/** One run that finds `count` answers from `first` on; returns how many were there before. */
function run(first: number, count: number, isLast: boolean): number {
  const file = openPath(process.execPath);
  if (file?.elf === undefined) throw new Error(`${process.execPath} is no ELF file`);
  const { elf, bytes } = file;
  const indexes = new LineIndexes({ directory: path('lines') });
  const index = indexes.of({ main: { elf, bytes } });
  const before = index.saved;
  for (let i = first; i < first + count; i++) {
    index.begin(base, 16 * i, 16 * i + 16, true);
    index.add(index.symbolOf(`f${i}`), '/a.c', i);
  }
  indexes.save(isLast);
  indexes.close();
  bytes.close();
  return before;
}

test('an index is written when it is worth it: at the end for less than while others wait', () => {
  expect(run(0, 10, false)).toBe(0);
  expect(run(0, 640, true)).toBe(0); // the ten were too few
  expect(run(640, 9, true)).toBe(640);
  expect(run(640, 10, true)).toBe(640); // nine are less than a 64th, ten are one
  expect(run(650, 200, false)).toBe(650);
  expect(run(650, 256, false)).toBe(650);
  expect(run(906, 1, false)).toBe(906);
});
