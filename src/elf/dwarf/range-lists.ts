/** Lists of address ranges: .debug_rnglists (DWARF 5, 2.17.3 and 7.25) and .debug_ranges (DWARF 4, 2.17.3). */

import type { Cursor } from '../cfi/cursor.ts';
import { readAddressOf } from './forms.ts';
import type { DwarfSection } from './section.ts';
import type { Work } from './work.ts';

const DW_RLE_end_of_list = 0;
const DW_RLE_base_addressx = 1;
const DW_RLE_startx_endx = 2;
const DW_RLE_startx_length = 3;
const DW_RLE_offset_pair = 4;
const DW_RLE_base_address = 5;
const DW_RLE_start_end = 6;
const DW_RLE_start_length = 7;

const firstWindow = 1 << 7;
const maxWindow = 1 << 26;

/** Takes [start, end); nothing is promised about their order, and ranges may be empty. */
export type AddRange = (start: number, end: number) => void;

export interface RangeList {
  readonly section: DwarfSection;
  readonly offset: number;
  readonly version: number;
  readonly addressSize: number;
  /** What offsets count from until the list says otherwise: the unit's lowest address. */
  readonly base: number;
  readonly addressAt: (index: number) => number;
  readonly work: Work;
}

/**
 * Adds the ranges of a list; false when it is damaged.
 * @throws ElfError `too-large` when all lists together are
 */
export function readRangeList(list: RangeList, add: AddRange): boolean {
  for (let window = firstWindow; ; window *= 8) {
    const cursor = list.section.cursorAt(list.offset, window);
    const found: number[] = [];
    const start = cursor.at;
    if (list.version >= 5) readEntries(cursor, list, found);
    else readPairs(cursor, list, found);
    list.work.spend(Math.min(cursor.at, cursor.end) - start);
    if (!cursor.overrun) {
      for (let i = 0; i < found.length; i += 2) add(found[i]!, found[i + 1]!);
      return true;
    }
    if (window >= list.section.size - list.offset || window > maxWindow) return false;
  }
}

function readPairs(cursor: Cursor, { addressSize, base: first }: RangeList, found: number[]): void {
  let base = first;
  for (;;) {
    const start = readAddressOf(cursor, addressSize);
    const end = readAddressOf(cursor, addressSize);
    if ((start === 0 && end === 0) || cursor.overrun) return;
    // All ones, which is −1 as a signed address.
    if (start === (addressSize === 8 ? -1 : 0xffffffff)) base = end;
    else found.push(base + start, base + end);
  }
}

function readEntries(cursor: Cursor, { addressSize, base: first, addressAt }: RangeList, found: number[]): void {
  let base = first;
  while (!cursor.overrun) {
    switch (cursor.u8()) {
      case DW_RLE_end_of_list:
        return;
      case DW_RLE_base_addressx:
        base = addressAt(cursor.uleb());
        break;
      case DW_RLE_startx_endx:
        found.push(addressAt(cursor.uleb()), addressAt(cursor.uleb()));
        break;
      case DW_RLE_startx_length:
        pushLength(found, addressAt(cursor.uleb()), cursor.uleb());
        break;
      case DW_RLE_offset_pair:
        found.push(base + cursor.uleb(), base + cursor.uleb());
        break;
      case DW_RLE_base_address:
        base = readAddressOf(cursor, addressSize);
        break;
      case DW_RLE_start_end:
        found.push(readAddressOf(cursor, addressSize), readAddressOf(cursor, addressSize));
        break;
      case DW_RLE_start_length:
        pushLength(found, readAddressOf(cursor, addressSize), cursor.uleb());
        break;
      default:
        cursor.fail();
    }
  }
}

function pushLength(found: number[], start: number, length: number): void {
  found.push(start, start + length);
}
