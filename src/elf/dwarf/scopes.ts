/** The functions and inlined calls of a unit: one walk over its entries (DWARF 5, 2.3 and 3.3). */

import { growInt32, growUint32 } from '../../model/columns.ts';
import { ElfError } from '../bytes.ts';
import { Cursor } from '../cfi/cursor.ts';
import { type Abbreviations, EntryKind, formOf, readStep, Slot, slotOf, slots } from './abbreviations.ts';
import type { CodeSpace } from './code-space.ts';
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
import { type Painted, paint, Ranges } from './painted.ts';
import type { Unit } from './unit.ts';

/** Templates of templates nest some ten deep. */
const maxDepth = 1 << 14;

export interface Scopes {
  readonly length: number;
  /** See ScopeColumns. */
  readonly parent: Int32Array;
  readonly callFile: Uint32Array;
  readonly callLine: Uint32Array;
  /** Where the entry is, from the beginning of the unit in bytes. */
  readonly entry: Uint32Array;
  readonly innermost: Painted;
}

/**
 * Reads the whole unit, once. `firstFile`: what the number of a file counts from, 1 when the line table has a file 0.
 * @throws ElfError when it is damaged
 */
export function readScopes(unit: Unit, code: CodeSpace, firstFile: number): Scopes {
  const walk = new Walk(unit, code, firstFile);
  walk.run();
  return walk.done();
}

class Walk {
  readonly #unit: Unit;
  readonly #code: CodeSpace;
  readonly #firstFile: number;
  readonly #table: Abbreviations;
  readonly #bytes: Uint8Array;
  readonly #cursor: Cursor;
  readonly #ranges = new Ranges();
  readonly #values = new Float64Array(slots);
  /** Bit s: slot s has a value. */
  #seen = 0;
  #length = 0;
  #parent = new Int32Array(64);
  #callFile = new Uint32Array(64);
  #callLine = new Uint32Array(64);
  #entry = new Uint32Array(64);

  constructor(unit: Unit, code: CodeSpace, firstFile: number) {
    const { offset, end } = unit.header;
    this.#unit = unit;
    this.#code = code;
    this.#firstFile = firstFile;
    this.#table = unit.abbreviations();
    this.#bytes = unit.file.info?.read(offset, end - offset) ?? new Uint8Array(0);
    this.#cursor = new Cursor(this.#bytes, 0, this.#bytes.length);
  }

  done(): Scopes {
    const length = this.#length;
    return {
      length,
      parent: this.#parent.slice(0, length),
      callFile: this.#callFile.slice(0, length),
      callLine: this.#callLine.slice(0, length),
      entry: this.#entry.slice(0, length),
      innermost: paint(this.#ranges),
    };
  }

  run(): void {
    const { kind, shape, length } = this.#table;
    const cursor = this.#cursor;
    const end = cursor.end;
    /** The scope around the entries of each level. */
    const around = new Int32Array(maxDepth).fill(nowhere, 0, 1);
    let depth = 0;
    cursor.at = this.#unit.header.entries - this.#unit.header.offset;
    while (cursor.at < end) {
      const entry = cursor.at;
      const code = cursor.uleb();
      if (code === 0) {
        if (--depth <= 0) return;
        continue;
      }
      if (code >= length || shape[code] === 0) throw damaged();
      this.#readValues(code);
      if (cursor.at > end) throw damaged();
      const scope =
        kind[code] === EntryKind.function || kind[code] === EntryKind.inlined
          ? this.#enter(entry, kind[code] === EntryKind.inlined, around[depth]!)
          : around[depth]!;
      if (shape[code] === 1) {
        if (depth === 0) return;
        continue;
      }
      if (this.#mayJump(kind[code]!, scope)) {
        const sibling = this.#values[Slot.sibling]!;
        if (!(sibling > cursor.at && sibling <= end)) throw damaged();
        cursor.at = sibling;
        continue;
      }
      if (++depth >= maxDepth) throw damaged();
      around[depth] = scope;
    }
  }

  /**
   * Whether nothing below an entry is of interest: parameters of calls, types. Only gcc says where siblings are, and
   * gcc puts functions with code into the types that are local to functions (lambdas), and into no others.
   */
  #mayJump(kind: number, scope: number): boolean {
    if ((this.#seen & (1 << Slot.sibling)) === 0) return false;
    return kind === EntryKind.other || (kind === EntryKind.type && scope === nowhere);
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
    this.#values[slot] = readForm(this.#cursor, formOf(step), this.#table.implicit[index]!, this.#unit.header);
    this.#seen |= 1 << slot;
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

  /** A function or an inlined call; returns the scope that its children are in. */
  #enter(entry: number, isInlined: boolean, around: number): number {
    const seen = this.#seen;
    // Without a function around it is the inlined call of an abstract function, which is no code.
    if (isInlined ? around < 0 : (seen & hasRanges) === 0) return noCode;
    const scope = this.#length++;
    if (scope === this.#parent.length) this.#grow();
    this.#parent[scope] = isInlined ? around : nowhere;
    this.#callFile[scope] = (seen & (1 << Slot.callFile)) === 0 ? 0 : this.#values[Slot.callFile]! + this.#firstFile;
    this.#callLine[scope] = (seen & (1 << Slot.callLine)) === 0 ? 0 : this.#values[Slot.callLine]!;
    this.#entry[scope] = entry;
    this.#addRanges(scope);
    return scope;
  }

  #addRanges(scope: number): void {
    const seen = this.#seen;
    const values = this.#values;
    const unit = this.#unit;
    if ((seen & anyRanges) !== 0) {
      const isIndex = (seen & (1 << Slot.rangesIndex)) !== 0;
      unit.readRanges(values[isIndex ? Slot.rangesIndex : Slot.ranges]!, isIndex, (start, end) =>
        this.#code.add(start, end, scope, this.#ranges),
      );
      return;
    }
    if ((seen & anyLow) === 0) return;
    const low = (seen & (1 << Slot.low)) !== 0 ? values[Slot.low]! : unit.addressAt(values[Slot.lowIndex]!);
    if ((seen & (1 << Slot.length)) !== 0) this.#code.add(low, low + values[Slot.length]!, scope, this.#ranges);
    else if ((seen & (1 << Slot.high)) !== 0) this.#code.add(low, values[Slot.high]!, scope, this.#ranges);
    else if ((seen & (1 << Slot.highIndex)) !== 0) {
      this.#code.add(low, unit.addressAt(values[Slot.highIndex]!), scope, this.#ranges);
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

  #grow(): void {
    this.#parent = growInt32(this.#parent);
    this.#callFile = growUint32(this.#callFile);
    this.#callLine = growUint32(this.#callLine);
    this.#entry = growUint32(this.#entry);
  }
}

/** In the place of a scope: outside of functions, and in a function that is no code itself. */
const nowhere = -1;
const noCode = -2;

const anyRanges = (1 << Slot.ranges) | (1 << Slot.rangesIndex);
const anyLow = (1 << Slot.low) | (1 << Slot.lowIndex);
const hasRanges = anyRanges | anyLow;

function damaged(): ElfError {
  return new ElfError('damaged', 'the entries of a unit contradict their abbreviations');
}
