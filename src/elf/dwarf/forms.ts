/** How attribute values are stored (DWARF 5, 7.5.6): how long they are and what they say. */

import type { Cursor } from '../cfi/cursor.ts';
import * as D from './constants.ts';

/** What the length of a value depends on. */
export interface Encoding {
  readonly version: number;
  /** The 64-bit format: offsets have 8 bytes. */
  readonly wide: boolean;
  /** Bytes of an address. */
  readonly addressSize: number;
}

/** Lengths that are not known before the value is read. */
export const lebLength = -1;
export const stringLength = -2;
export const block1Length = -3;
export const block2Length = -4;
export const block4Length = -5;
export const blockLength = -6;
export const indirectLength = -7;
/** The form is not known: nothing after it can be read. */
export const unknownLength = -8;

/** The bytes of a value, or one of the negative lengths above. */
export function lengthOf(form: number, { version, wide, addressSize }: Encoding): number {
  const offset = wide ? 8 : 4;
  switch (form) {
    case D.DW_FORM_flag_present:
    case D.DW_FORM_implicit_const:
      return 0;
    case D.DW_FORM_data1:
    case D.DW_FORM_flag:
    case D.DW_FORM_ref1:
    case D.DW_FORM_strx1:
    case D.DW_FORM_addrx1:
      return 1;
    case D.DW_FORM_data2:
    case D.DW_FORM_ref2:
    case D.DW_FORM_strx2:
    case D.DW_FORM_addrx2:
      return 2;
    case D.DW_FORM_strx3:
    case D.DW_FORM_addrx3:
      return 3;
    case D.DW_FORM_data4:
    case D.DW_FORM_ref4:
    case D.DW_FORM_ref_sup4:
    case D.DW_FORM_strx4:
    case D.DW_FORM_addrx4:
      return 4;
    case D.DW_FORM_data8:
    case D.DW_FORM_ref8:
    case D.DW_FORM_ref_sig8:
    case D.DW_FORM_ref_sup8:
      return 8;
    case D.DW_FORM_data16:
      return 16;
    case D.DW_FORM_addr:
      return addressSize;
    case D.DW_FORM_ref_addr:
      return version <= 2 ? addressSize : offset;
    case D.DW_FORM_strp:
    case D.DW_FORM_line_strp:
    case D.DW_FORM_sec_offset:
    case D.DW_FORM_strp_sup:
    case D.DW_FORM_GNU_ref_alt:
    case D.DW_FORM_GNU_strp_alt:
      return offset;
    default:
      return variableLength(form);
  }
}

function variableLength(form: number): number {
  switch (form) {
    case D.DW_FORM_sdata:
    case D.DW_FORM_udata:
    case D.DW_FORM_ref_udata:
    case D.DW_FORM_strx:
    case D.DW_FORM_addrx:
    case D.DW_FORM_loclistx:
    case D.DW_FORM_rnglistx:
    case D.DW_FORM_GNU_addr_index:
    case D.DW_FORM_GNU_str_index:
      return lebLength;
    case D.DW_FORM_string:
      return stringLength;
    case D.DW_FORM_block1:
      return block1Length;
    case D.DW_FORM_block2:
      return block2Length;
    case D.DW_FORM_block4:
      return block4Length;
    case D.DW_FORM_block:
    case D.DW_FORM_exprloc:
      return blockLength;
    case D.DW_FORM_indirect:
      return indirectLength;
    default:
      return unknownLength;
  }
}

/** Moves the cursor behind a value. */
export function skipForm(cursor: Cursor, form: number, encoding: Encoding): void {
  const length = lengthOf(form, encoding);
  switch (length) {
    case lebLength:
      cursor.uleb();
      return;
    case stringLength:
      skipString(cursor);
      return;
    case block1Length:
      cursor.skip(cursor.u8());
      return;
    case block2Length:
      cursor.skip(cursor.u16());
      return;
    case block4Length:
      cursor.skip(cursor.u32());
      return;
    case blockLength:
      cursor.skip(cursor.uleb());
      return;
    case indirectLength:
      skipForm(cursor, indirectForm(cursor), encoding);
      return;
    case unknownLength:
      cursor.fail();
      return;
    default:
      cursor.skip(length);
  }
}

/** The form that DW_FORM_indirect announces; one that is indirect itself is unknown. */
export function indirectForm(cursor: Cursor): number {
  const form = cursor.uleb();
  return form === D.DW_FORM_indirect || form === D.DW_FORM_implicit_const ? 0 : form;
}

export function skipString(cursor: Cursor): void {
  const end = cursor.bytes.indexOf(0, cursor.at);
  if (end < 0 || end >= cursor.end) cursor.fail();
  else cursor.at = end + 1;
}

/** Constants, indexes, offsets and references as they are stored; an address as a signed double; 0 for anything else. */
export function readForm(cursor: Cursor, form: number, implicit: number, encoding: Encoding): number {
  if (form === D.DW_FORM_implicit_const) return implicit;
  if (form === D.DW_FORM_sdata) return cursor.sleb();
  if (form === D.DW_FORM_indirect) return readForm(cursor, indirectForm(cursor), 0, encoding);
  const length = lengthOf(form, encoding);
  switch (length) {
    case 1:
      return cursor.u8();
    case 2:
      return cursor.u16();
    case 3:
      return cursor.u16() + cursor.u8() * 0x10000;
    case 4:
      return cursor.u32();
    case 8:
      return form === D.DW_FORM_addr ? cursor.i64() : cursor.u64();
    case lebLength:
      return cursor.uleb();
    default:
      skipForm(cursor, form, encoding);
      return 0;
  }
}

/** An offset of the unit's format. */
export function readOffset(cursor: Cursor, wide: boolean): number {
  return wide ? cursor.u64() : cursor.u32();
}

/** An address as a signed double. */
export function readAddressOf(cursor: Cursor, size: number): number {
  return size === 8 ? cursor.i64() : size === 4 ? cursor.u32() : cursor.fail();
}

/** Whether DW_AT_high_pc of this form is a length and not an address (DWARF 5, 2.17.2). */
export function isAddressForm(form: number): boolean {
  switch (form) {
    case D.DW_FORM_addr:
    case D.DW_FORM_addrx:
    case D.DW_FORM_addrx1:
    case D.DW_FORM_addrx2:
    case D.DW_FORM_addrx3:
    case D.DW_FORM_addrx4:
    case D.DW_FORM_GNU_addr_index:
      return true;
    default:
      return false;
  }
}
