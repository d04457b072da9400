/** Which unit an address lies in: .debug_aranges (DWARF 5, 6.1.2), and the units' own ranges where it has nothing. */

import { ElfError } from '../bytes.ts';
import type { CodeSpace } from './code-space.ts';
import * as D from './constants.ts';
import { readAddressOf } from './forms.ts';
import type { InfoFile } from './info-file.ts';
import { type Painted, paint, Ranges } from './painted.ts';
import type { DwarfSection } from './section.ts';
import type { Unit } from './unit.ts';
import { type Gap, intervalAt } from './unit-table.ts';

/** A set has some kilobytes; a file of one unit has one set of all its functions. */
const firstWindow = 1 << 12;
const maxWindow = 1 << 26;
const maxRanges = 1 << 22;
const maxDistance = 2 ** 32 - 1;

export class UnitIndex {
  readonly #file: InfoFile;
  readonly #code: CodeSpace;
  readonly #unitOf: (index: number) => Unit;
  #painted: Painted;
  /** The last answer: neighbouring addresses are asked for together. */
  #from = 0;
  #to = 0;
  #unit = -1;
  /** Whether the ranges of all units have been looked at. */
  #isComplete = false;

  constructor(file: InfoFile, code: CodeSpace, unitOf: (index: number) => Unit) {
    this.#file = file;
    this.#code = code;
    this.#unitOf = unitOf;
    const listed = this.#readAranges();
    const ranges = new Ranges();
    this.#addUnits(ranges, listed.units);
    append(listed.ranges, ranges);
    this.#painted = paint(ranges);
  }

  /** The number of the unit, −1 for none. */
  find(address: number): number {
    const distance = address - this.#code.base;
    if (distance >= this.#from && distance < this.#to) return this.#unit;
    if (this.#lookUp(distance) < 0 && !this.#isComplete) {
      this.#complete();
      this.#lookUp(distance);
    }
    return this.#unit;
  }

  /** As `gapAt` of the program. */
  gapAt(address: number): Gap | undefined {
    const { base } = this.#code;
    const distance = address - base;
    if (this.find(address) >= 0 || !(distance >= 0 && distance < maxDistance)) return undefined;
    return { base, start: Math.max(this.#from, 0), end: Math.min(this.#to, maxDistance) };
  }

  #lookUp(distance: number): number {
    const { starts, owners } = this.#painted;
    const interval = intervalAt(starts, distance);
    this.#from = starts[interval] ?? Number.NEGATIVE_INFINITY;
    this.#to = starts[interval + 1] ?? Number.POSITIVE_INFINITY;
    this.#unit = owners[interval] ?? -1;
    return this.#unit;
  }

  /** Some compilers leave functions out of .debug_aranges: where it has nothing, the units are asked. */
  #complete(): void {
    this.#isComplete = true;
    const ranges = new Ranges();
    this.#addUnits(ranges, new Set());
    const { starts, owners } = this.#painted;
    for (let i = 0; i + 1 < starts.length; i++) {
      if (owners[i]! >= 0) ranges.add(starts[i]!, starts[i + 1]!, owners[i]!);
    }
    this.#painted = paint(ranges);
  }

  /** The ranges of the units but these. */
  #addUnits(into: Ranges, except: ReadonlySet<number>): void {
    const { headers } = this.#file;
    for (let i = 0; i < headers.length && into.length < maxRanges; i++) {
      const { type } = headers[i]!;
      if (except.has(i) || type === D.DW_UT_type || type === D.DW_UT_split_type) continue;
      try {
        this.#unitOf(i).addRanges((start, end) => this.#code.add(start, end, i, into));
      } catch (error) {
        if (!(error instanceof ElfError)) throw error;
      }
    }
    if (except.size === 0) this.#isComplete = true;
  }

  #readAranges(): { ranges: Ranges; units: Set<number> } {
    const ranges = new Ranges();
    const units = new Set<number>();
    try {
      const section = this.#file.sections.get('aranges');
      for (let at = 0; section !== undefined && at < section.size; ) {
        const next = this.#readSet(section, at, ranges, units);
        if (next <= at) break;
        at = next;
      }
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
    }
    return { ranges, units };
  }

  /** Returns where the next set begins, 0 when this one is damaged. */
  #readSet(section: DwarfSection, offset: number, ranges: Ranges, units: Set<number>): number {
    for (let window = firstWindow; ; window *= 16) {
      const cursor = section.cursorAt(offset, window);
      const start = cursor.at;
      const first = cursor.u32();
      const wide = first === 0xffffffff;
      const end = cursor.at + (wide ? cursor.u64() : first) + (wide ? 8 : 0);
      if (end > cursor.end && window < section.size - offset && window <= maxWindow) continue;
      const version = cursor.u16();
      const unit = this.#file.unitAt(wide ? cursor.u64() : cursor.u32());
      const addressSize = cursor.u8();
      cursor.skip(1);
      if (cursor.overrun || end > cursor.end || first === 0) return 0;
      const next = offset + end - start;
      if (version !== 2 || unit < 0 || (addressSize !== 4 && addressSize !== 8)) return next;
      units.add(unit);
      // Entries are aligned to their size, counted from the beginning of the set.
      const size = 2 * addressSize;
      cursor.skip((size - ((cursor.at - start) % size)) % size);
      while (cursor.at + size <= end && ranges.length < maxRanges) {
        const address = readAddressOf(cursor, addressSize);
        const length = addressSize === 8 ? cursor.u64() : cursor.u32();
        if (address === 0 && length === 0) break;
        this.#code.add(address, address + length, unit, ranges);
      }
      return next;
    }
  }
}

function append(from: Ranges, to: Ranges): void {
  for (let i = 0; i < from.length; i++) to.add(from.starts[i]!, from.ends[i]!, from.owners[i]!);
}
