/** The debug information of a program: addresses to units, units to tables. Nothing is read before it is asked for. */

import { ElfError } from '../bytes.ts';
import { CodeSpace } from './code-space.ts';
import { flattenUnit } from './flat-unit.ts';
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
  /** The last one used is the last one. */
  readonly #tables = new Map<number, (UnitTable & { bytes: number }) | undefined>();
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
    const known = this.#tables.get(unit);
    if (known !== undefined || this.#tables.has(unit)) {
      this.#tables.delete(unit);
      this.#tables.set(unit, known);
      return known;
    }
    const table = this.#read(unit);
    this.#tables.set(unit, table);
    this.#kept += table?.bytes ?? 0;
    this.#forget();
    return table;
  }

  #forget(): void {
    for (const [unit, table] of this.#tables) {
      if (this.#kept <= maxKept || this.#tables.size === 1) return;
      // That a unit is damaged is remembered: it costs nothing.
      if (table === undefined) continue;
      this.#tables.delete(unit);
      this.#kept -= table.bytes;
    }
  }

  #read(index: number): (UnitTable & { bytes: number }) | undefined {
    try {
      const unit = this.#unitOf(index);
      return flattenUnit(unit, this.#split.of(unit) ?? unit, this.#code, this.#names);
    } catch (error) {
      if (error instanceof ElfError) return undefined;
      throw error;
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
