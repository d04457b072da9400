/** The debug information of a program: addresses to units, units to tables. Nothing is read before it is asked for. */

import { ElfError } from '../bytes.ts';
import { CodeSpace } from './code-space.ts';
import { FlatUnit } from './flat-unit.ts';
import { InfoFile } from './info-file.ts';
import { Names } from './names.ts';
import type { DwarfParts } from './parts.ts';
import { SplitUnits } from './split.ts';
import { Unit } from './unit.ts';
import { UnitIndex } from './unit-index.ts';
import type { UnitTable, UnitTables } from './unit-table.ts';

/** Tables that are kept of one program, bytes. A unit of C++ has some 100 kB. */
const maxKept = 96 * 2 ** 20;

/** undefined when there is no .debug_info, or nothing in it. */
export function openDwarf(parts: DwarfParts): Dwarf | undefined {
  try {
    const supplementary = parts.supplementary && new InfoFile(parts.supplementary, '');
    const file = new InfoFile(parts.main, '', supplementary);
    return file.headers.length === 0 ? undefined : new Dwarf(parts, file);
  } catch (error) {
    if (error instanceof ElfError) return undefined;
    throw error;
  }
}

export class Dwarf implements UnitTables {
  readonly #file: InfoFile;
  readonly #code: CodeSpace;
  readonly #names = new Names();
  readonly #split: SplitUnits;
  readonly #units: (Unit | undefined)[] = [];
  /** The one that was used last is the last one. */
  readonly #flat = new Map<number, FlatUnit | undefined>();
  #last = -1;
  #kept = 0;
  #index: UnitIndex | undefined;

  constructor(parts: DwarfParts, file: InfoFile) {
    this.#file = file;
    this.#code = new CodeSpace(parts.main.elf);
    this.#split = new SplitUnits(parts);
  }

  unitAt(address: number): number {
    this.#index ??= new UnitIndex(this.#file, this.#code, index => this.#unitOf(index));
    return this.#index.find(address);
  }

  tableOf(unit: number): UnitTable | undefined {
    return this.#use(unit, flat => flat.whole);
  }

  tableAt(address: number): UnitTable | undefined {
    const unit = this.unitAt(address);
    return unit < 0 ? undefined : this.#use(unit, flat => flat.tableAt(address));
  }

  /** undefined when the unit is damaged, which is remembered: it costs nothing. */
  #use(index: number, get: (flat: FlatUnit) => UnitTable): UnitTable | undefined {
    try {
      const flat = this.#flatten(index);
      if (flat === undefined) return undefined;
      const before = flat.bytes;
      const table = get(flat);
      this.#kept += flat.bytes - before;
      return table;
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      this.#flat.set(index, undefined);
      return undefined;
    }
  }

  #flatten(index: number): FlatUnit | undefined {
    if (index === this.#last) return this.#flat.get(index);
    this.#last = index;
    let flat = this.#flat.get(index);
    if (flat === undefined && !this.#flat.has(index)) {
      const unit = this.#unitOf(index);
      flat = new FlatUnit(unit, this.#split.of(unit) ?? unit, this.#code, this.#names);
      this.#kept += flat.bytes;
    }
    this.#flat.delete(index);
    this.#flat.set(index, flat);
    this.#forget();
    return flat;
  }

  #forget(): void {
    for (const [unit, flat] of this.#flat) {
      if (this.#kept <= maxKept || unit === this.#last) return;
      if (flat === undefined) continue;
      this.#flat.delete(unit);
      this.#kept -= flat.bytes;
    }
  }

  #unitOf(index: number): Unit {
    let unit = this.#units[index];
    if (unit === undefined) {
      unit = new Unit(this.#file, this.#file.headers[index]!);
      this.#units[index] = unit;
    }
    return unit;
  }
}
