/** The debug information of a program: addresses to units, units to tables. Nothing is read before it is asked for. */

import { ElfError } from '../bytes.ts';
import { CodeSpace } from './code-space.ts';
import { FlatUnit } from './flat-unit.ts';
import { InfoFile } from './info-file.ts';
import * as kept from './kept.ts';
import { Names } from './names.ts';
import type { DwarfParts } from './parts.ts';
import { SplitUnits } from './split.ts';
import { Unit } from './unit.ts';
import { UnitIndex } from './unit-index.ts';
import type { Gap, UnitTable, UnitTables } from './unit-table.ts';
import { Work } from './work.ts';

/** What each query may cost more, bytes: a unit that was forgotten is read again. */
const perQuery = 1 << 16;

/** undefined when there is no .debug_info, or nothing in it. */
export function openDwarf(parts: DwarfParts): Dwarf | undefined {
  try {
    const work = new Work();
    const supplementary = parts.supplementary && new InfoFile(parts.supplementary, '', work);
    const file = new InfoFile(parts.main, '', work, supplementary);
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
  readonly #flat = new Map<number, FlatUnit>();
  readonly #damaged = new Set<number>();
  #last: FlatUnit | undefined;
  #index: UnitIndex | undefined;

  constructor(parts: DwarfParts, file: InfoFile) {
    this.#file = file;
    this.#code = new CodeSpace(parts.main.elf);
    this.#split = new SplitUnits(parts, file.work);
  }

  unitAt(address: number): number {
    return this.#unitIndex.find(address);
  }

  gapAt(address: number): Gap | undefined {
    return this.#unitIndex.gapAt(address);
  }

  get #unitIndex(): UnitIndex {
    this.#index ??= new UnitIndex(this.#file, this.#code, index => this.#unitOf(index));
    return this.#index;
  }

  tableOf(unit: number): UnitTable | undefined {
    this.#file.work.allow(perQuery);
    return this.#use(unit, flat => flat.whole);
  }

  tableAt(address: number): UnitTable | undefined {
    this.#file.work.allow(perQuery);
    return this.#use(this.unitAt(address), flat => flat.tableAt(address));
  }

  #use(index: number, get: (flat: FlatUnit) => UnitTable): UnitTable | undefined {
    if (index < 0 || this.#damaged.has(index)) return undefined;
    try {
      const flat = this.#flatOf(index);
      const table = get(flat);
      if (flat !== this.#last) kept.use(flat, () => this.#flat.delete(index));
      this.#last = flat;
      return table;
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      // What was too much now may be read for a later query.
      if (!this.#file.work.isSpent) this.#damaged.add(index);
      return undefined;
    }
  }

  #flatOf(index: number): FlatUnit {
    let flat = this.#flat.get(index);
    if (flat === undefined) {
      const unit = this.#unitOf(index);
      flat = new FlatUnit(unit, this.#split.of(unit) ?? unit, this.#code, this.#names);
      this.#flat.set(index, flat);
    }
    return flat;
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
