/** How addresses are written in .eh_frame (LSB Core, DWARF Exception Header Encoding; "Exception Frames"). */

import type { Cursor } from './cursor.ts';

export const DW_EH_PE_absptr = 0x00;
export const DW_EH_PE_omit = 0xff;
const DW_EH_PE_pcrel = 0x10;
const DW_EH_PE_textrel = 0x20;
const DW_EH_PE_datarel = 0x30;
const DW_EH_PE_funcrel = 0x40;
const DW_EH_PE_aligned = 0x50;
const DW_EH_PE_indirect = 0x80;
const formatMask = 0x0f;
const applicationMask = 0x70;

/** What pointers count from. */
export interface PointerBases {
  /** Address of the first byte that the cursor walks over. */
  readonly section: number;
  /** .eh_frame_hdr counts from its own start; 0 elsewhere, as in the unwinders of 64-bit machines. */
  readonly data: number;
  /** Start of the function at hand. */
  readonly function: number;
}

/**
 * Reads a pointer; NaN when the encoding is not known or its value stands in memory that is not looked at (indirect).
 * The bytes of an indirect or omitted pointer are read over properly. As in every unwinder, a 0 is no address and
 * stays 0, whatever it counts from.
 */
export function readPointer(cursor: Cursor, encoding: number, bases: PointerBases): number {
  if (encoding === DW_EH_PE_omit) return Number.NaN;
  if ((encoding & applicationMask) === DW_EH_PE_aligned) align(cursor, bases.section);
  const field = bases.section + cursor.at;
  const value = readFormat(cursor, encoding & formatMask);
  if (value === 0) return 0;
  if ((encoding & DW_EH_PE_indirect) !== 0) return Number.NaN;
  switch (encoding & applicationMask) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_aligned:
    case DW_EH_PE_textrel: // The text base is 0 where unwinders go by program headers.
      return value;
    case DW_EH_PE_pcrel:
      return field + value;
    case DW_EH_PE_datarel:
      return bases.data + value;
    case DW_EH_PE_funcrel:
      return bases.function + value;
    default:
      return Number.NaN;
  }
}

const noBases: PointerBases = { section: 0, data: 0, function: 0 };

/** Reads a number of bytes: the format of a pointer, but counted from nothing. */
export function readLength(cursor: Cursor, encoding: number): number {
  return readPointer(cursor, encoding & formatMask, noBases);
}

/** Pointers of the application "aligned" start at a multiple of their size. */
function align(cursor: Cursor, section: number): void {
  const misaligned = (((section + cursor.at) % 8) + 8) % 8;
  if (misaligned !== 0) cursor.skip(8 - misaligned);
}

function readFormat(cursor: Cursor, format: number): number {
  switch (format) {
    case 0x00: // absptr
    case 0x04: // udata8: a negative address is one of the kernel
    case 0x08: // signed
    case 0x0c: // sdata8
      return cursor.i64();
    case 0x01:
      return cursor.uleb();
    case 0x02:
      return cursor.u16();
    case 0x03:
      return cursor.u32();
    case 0x09:
      return cursor.sleb();
    case 0x0a:
      return (cursor.u16() << 16) >> 16;
    case 0x0b:
      return cursor.i32();
    default:
      return Number.NaN;
  }
}
