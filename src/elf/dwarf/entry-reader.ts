/** One entry of a unit after the other (DWARF 5, 2.3 and 7.5.2), with the values that are wanted of it. */

import { ElfError } from '../bytes.ts';
import { Cursor, smallInteger } from '../cfi/cursor.ts';
import { type Abbreviations, EntryKind, formOf, readStep, Slot, slotOf, slots } from './abbreviations.ts';
import type { CodeSpace } from './code-space.ts';
import * as D from './constants.ts';
import {
  block1Length,
  block2Length,
  block4Length,
  blockLength,
  indirectForm,
  indirectLength,
  lebLength,
  readForm,
  skipForm,
  stringLength,
} from './forms.ts';
import type { Ranges } from './painted.ts';
import type { Unit } from './unit.ts';

const anyRanges = (1 << Slot.ranges) | (1 << Slot.rangesIndex);
const anyLow = (1 << Slot.low) | (1 << Slot.lowIndex);

/** The entries [from, to) of a unit, offsets in .debug_info. One is in use at a time. */
export class EntryReader {
  /** {@link EntryKind} of the entry that was read last. */
  kind: number = EntryKind.other;
  hasChildren = false;
  /** Where it begins, from the beginning of the unit in bytes. */
  entry = 0;
  readonly #unit: Unit;
  readonly #code: CodeSpace;
  readonly #table: Abbreviations;
  readonly #cursor: Cursor;
  /** What is to be added to a place in the cursor for one in the unit. */
  readonly #shift: number;
  readonly #values = new Float64Array(slots);
  /** Bit s: slot s has a value. */
  #seen = 0;

  /** @throws ElfError */
  constructor(unit: Unit, code: CodeSpace, from: number, to: number) {
    this.#unit = unit;
    this.#code = code;
    this.#table = unit.abbreviations();
    unit.file.work.spend(to - from);
    const bytes = unit.file.info?.readForNow(from, to - from) ?? new Uint8Array(0);
    this.#cursor = new Cursor(bytes, 0, bytes.length);
    this.#shift = from - unit.header.offset;
  }

  get atEnd(): boolean {
    return this.#cursor.at >= this.#cursor.end;
  }

  /** Where the next entry begins, from the beginning of the unit in bytes. */
  get next(): number {
    return this.#cursor.at + this.#shift;
  }

  /**
   * Reads the next entry that may be of interest; false at the end of a list of children.
   * @throws ElfError `damaged`
   */
  read(): boolean {
    const cursor = this.#cursor;
    const table = this.#table;
    const { leaf } = table;
    const { bytes, end } = cursor;
    let at = cursor.at;
    let code = 0;
    let start = at;
    // Most entries are parameters, variables and types. Codes below 128 have one byte.
    for (;;) {
      start = at;
      code = bytes[at]!;
      if (at >= end) {
        cursor.at = at;
        return false;
      }
      if (code < 0x80) at++;
      else {
        cursor.at = at;
        code = cursor.uleb();
        at = cursor.at;
      }
      const length = leaf[code] ?? -1;
      if (length < 0) break;
      at += length;
    }
    this.entry = start + this.#shift;
    cursor.at = at;
    if (code === 0) return false;
    if (code >= table.length || table.shape[code] === 0) throw damaged();
    this.kind = table.kind[code]!;
    this.hasChildren = table.shape[code] === 2;
    this.#readValues(code);
    if (cursor.at > cursor.end) throw damaged();
    return true;
  }

  /** The value of a slot, `none` when the entry has none. */
  value(slot: number, none: number): number {
    return (this.#seen & (1 << slot)) === 0 ? none : this.#values[slot]!;
  }

  get hasSibling(): boolean {
    return (this.#seen & (1 << Slot.sibling)) !== 0;
  }

  /** Whether the entry says where its code is. */
  get hasCode(): boolean {
    return (this.#seen & (anyRanges | anyLow)) !== 0;
  }

  /**
   * Goes to the sibling, which the entry must have.
   * @throws ElfError `damaged` when it is not further on
   */
  jump(): void {
    const sibling = this.#values[Slot.sibling]! - this.#shift;
    if (!(sibling > this.#cursor.at && sibling <= this.#cursor.end)) throw damaged();
    this.#cursor.at = smallInteger(sibling);
  }

  /** Adds the ranges of the entry's code. */
  addRanges(owner: number, into: Ranges): void {
    const seen = this.#seen;
    const values = this.#values;
    const unit = this.#unit;
    if ((seen & anyRanges) !== 0) {
      const isIndex = (seen & (1 << Slot.rangesIndex)) !== 0;
      unit.readRanges(values[isIndex ? Slot.rangesIndex : Slot.ranges]!, isIndex, (start, end) =>
        this.#code.add(start, end, owner, into),
      );
      return;
    }
    if ((seen & anyLow) === 0) return;
    const low = (seen & (1 << Slot.low)) !== 0 ? values[Slot.low]! : unit.addressAt(values[Slot.lowIndex]!);
    if ((seen & (1 << Slot.length)) !== 0) this.#code.add(low, low + values[Slot.length]!, owner, into);
    else if ((seen & (1 << Slot.high)) !== 0) this.#code.add(low, values[Slot.high]!, owner, into);
    else if ((seen & (1 << Slot.highIndex)) !== 0) {
      this.#code.add(low, unit.addressAt(values[Slot.highIndex]!), owner, into);
    }
  }

  /** Reads the values to keep and moves the cursor behind the entry. */
  #readValues(code: number): void {
    const table = this.#table;
    const { steps } = table;
    const cursor = this.#cursor;
    if (table.firstStep[code]! < 0) table.compile(code);
    const end = table.endStep[code]!;
    this.#seen = 0;
    for (let i = table.firstStep[code]!; i < end; i++) {
      const step = steps[i]!;
      if (step >= readStep) this.#readValue(i, step);
      else if (step >= 0) cursor.at += step;
      else this.#skip(step);
    }
  }

  #readValue(index: number, step: number): void {
    const slot = slotOf(step);
    this.#seen |= 1 << slot;
    const cursor = this.#cursor;
    const form = formOf(step);
    switch (form) {
      case D.DW_FORM_ref4:
      case D.DW_FORM_data4:
        this.#values[slot] = cursor.u32();
        break;
      case D.DW_FORM_data1:
        this.#values[slot] = cursor.u8();
        break;
      case D.DW_FORM_data2:
        this.#values[slot] = cursor.u16();
        break;
      default:
        this.#values[slot] = readForm(cursor, form, this.#table.implicit[index]!, this.#unit.header);
    }
  }

  #skip(length: number): void {
    const cursor = this.#cursor;
    const { bytes, end } = cursor;
    switch (length) {
      case lebLength:
        while (bytes[cursor.at++]! >= 0x80);
        break;
      case blockLength:
        cursor.skip(cursor.uleb());
        break;
      case stringLength:
        while (cursor.at < end && bytes[cursor.at] !== 0) cursor.at++;
        cursor.at++;
        break;
      default:
        this.#skipRare(length);
    }
  }

  #skipRare(length: number): void {
    const cursor = this.#cursor;
    if (length === block1Length) cursor.skip(cursor.u8());
    else if (length === block2Length) cursor.skip(cursor.u16());
    else if (length === block4Length) cursor.skip(cursor.u32());
    else if (length === indirectLength) skipForm(cursor, indirectForm(cursor), this.#unit.header);
    else cursor.fail();
  }
}

function damaged(): ElfError {
  return new ElfError('damaged', 'the entries of a unit contradict their abbreviations');
}
