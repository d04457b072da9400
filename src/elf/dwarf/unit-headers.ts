/** The headers of the units in .debug_info (DWARF 5, 7.5.1). */

import type { Cursor } from '../cfi/cursor.ts';
import * as D from './constants.ts';
import type { Encoding } from './forms.ts';
import type { DwarfSection } from './section.ts';

export interface UnitHeader extends Encoding {
  /** Where the unit and its first entry begin and where it ends, bytes of .debug_info. */
  readonly offset: number;
  readonly entries: number;
  readonly end: number;
  /** Offset in .debug_abbrev. */
  readonly abbreviations: number;
  /** DW_UT_…; 0 before DWARF 5, where the first entry tells. */
  readonly type: number;
  /** Of skeletons and split units of DWARF 5, 16 hex digits; '' else. */
  readonly id: string;
}

/** Chromium has some 40,000. */
const maxUnits = 1 << 20;
const maxHeader = 40;

/** The headers, up to the first one that is damaged. Units of a version that is not known are left out. */
export function readUnitHeaders(section: DwarfSection): UnitHeader[] {
  const units: UnitHeader[] = [];
  let next = 0;
  for (let count = 0; next < section.size && count < maxUnits; count++) {
    const cursor = section.cursorAt(next, maxHeader);
    const start = cursor.at;
    const first = cursor.u32();
    const wide = first === 0xffffffff;
    const length = wide ? cursor.u64() : first;
    const end = next + cursor.at - start + length;
    // 0xfffffff0 and up are reserved.
    if (cursor.overrun || end > section.size || (!wide && first >= 0xfffffff0) || length === 0) return units;
    const header = readHeader(cursor, next - start, end, wide);
    if (header !== undefined) units.push({ ...header, offset: next });
    next = end;
  }
  return units;
}

/** `base`: what is to be added to a place in the cursor for a place in the section. */
function readHeader(cursor: Cursor, base: number, end: number, wide: boolean): Omit<UnitHeader, 'offset'> | undefined {
  const version = cursor.u16();
  if (version < 2 || version > 5) return undefined;
  const type = version >= 5 ? cursor.u8() : 0;
  let addressSize = version >= 5 ? cursor.u8() : 0;
  const abbreviations = wide ? cursor.u64() : cursor.u32();
  if (version < 5) addressSize = cursor.u8();
  let id = '';
  if (type === D.DW_UT_skeleton || type === D.DW_UT_split_compile) id = readId(cursor);
  else if (type === D.DW_UT_type || type === D.DW_UT_split_type) cursor.skip(8 + (wide ? 8 : 4));
  const entries = base + cursor.at;
  if (cursor.overrun || entries > end || (addressSize !== 4 && addressSize !== 8)) return undefined;
  return { version, wide, addressSize, type, abbreviations, id, entries, end };
}

/** A 64-bit number as 16 hex digits: the name of a split unit. */
export function readId(cursor: Cursor): string {
  const low = hex(cursor.u32());
  return hex(cursor.u32()) + low;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
