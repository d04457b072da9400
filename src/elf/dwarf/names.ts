/** What functions are called: along abstract origins and specifications, from unit to unit and file to file. */

import { ElfError } from '../bytes.ts';
import type { Cursor } from '../cfi/cursor.ts';
import * as D from './constants.ts';
import { readForm, skipForm } from './forms.ts';
import type { InfoFile } from './info-file.ts';
import { Unit } from './unit.ts';

/** An inlined call, its abstract function, the declaration of that: three. References may form a circle. */
const maxSteps = 16;
/** Names that are kept for each file: many calls are of one function. */
const maxNames = 1 << 16;

/** An entry of a file. */
interface Entry {
  readonly unit: Unit;
  readonly offset: number;
}

export class Names {
  readonly #units = new WeakMap<InfoFile, Map<number, Unit>>();
  /** Of the entries that others refer to. */
  readonly #known = new WeakMap<InfoFile, Map<number, string>>();

  /** The linkage name of an entry or of what it stands for, else the plain name, else ''. */
  nameOf(unit: Unit, offset: number): string {
    try {
      return this.#find({ unit, offset });
    } catch (error) {
      if (error instanceof ElfError) return '';
      throw error;
    }
  }

  #find(first: Entry): string {
    const visited: Entry[] = [];
    let plain = '';
    let entry: Entry | undefined = first;
    while (entry !== undefined && visited.length < maxSteps) {
      const known = this.#namesOf(entry.unit.file).get(entry.offset);
      if (known !== undefined) return this.#remember(visited, known);
      visited.push(entry);
      const found = this.#read(entry);
      if (found.linkage !== '') return this.#remember(visited, found.linkage);
      if (plain === '') plain = found.plain;
      entry = found.next;
    }
    return this.#remember(visited, plain);
  }

  /** The first entry is an inlined call or a function, which is asked for once. */
  #remember(visited: readonly Entry[], name: string): string {
    for (let i = 1; i < visited.length; i++) {
      const names = this.#namesOf(visited[i]!.unit.file);
      if (names.size >= maxNames) names.clear();
      names.set(visited[i]!.offset, name);
    }
    return name;
  }

  #namesOf(file: InfoFile): Map<number, string> {
    let names = this.#known.get(file);
    if (names === undefined) {
      names = new Map();
      this.#known.set(file, names);
    }
    return names;
  }

  #read({ unit, offset }: Entry): { linkage: string; plain: string; next: Entry | undefined } {
    let [linkage, plain, next] = [0, 0, undefined as Entry | undefined];
    unit.visitEntry(offset, (attribute, form, cursor, _, base) => {
      switch (attribute) {
        case D.DW_AT_linkage_name:
        case D.DW_AT_MIPS_linkage_name:
          linkage = unit.readText(cursor, form, base);
          break;
        case D.DW_AT_name:
          plain = unit.readText(cursor, form, base);
          break;
        case D.DW_AT_abstract_origin:
        case D.DW_AT_specification:
          next = this.#follow(unit, form, cursor);
          break;
        default:
          skipForm(cursor, form, unit.header);
      }
    });
    return { linkage: unit.file.text(linkage), plain: linkage === 0 ? unit.file.text(plain) : '', next };
  }

  #follow(unit: Unit, form: number, cursor: Cursor): Entry | undefined {
    const value = readForm(cursor, form, 0, unit.header);
    switch (form) {
      case D.DW_FORM_ref1:
      case D.DW_FORM_ref2:
      case D.DW_FORM_ref4:
      case D.DW_FORM_ref8:
      case D.DW_FORM_ref_udata:
        return { unit, offset: unit.header.offset + value };
      case D.DW_FORM_ref_addr:
        return this.#entryOf(unit.file, value, unit);
      case D.DW_FORM_GNU_ref_alt:
      case D.DW_FORM_ref_sup4:
      case D.DW_FORM_ref_sup8:
        return unit.file.supplementary && this.#entryOf(unit.file.supplementary, value, unit);
      default:
        return undefined;
    }
  }

  #entryOf(file: InfoFile, offset: number, from: Unit): Entry | undefined {
    const index = file.unitAt(offset);
    if (index < 0) return undefined;
    const header = file.headers[index]!;
    if (header === from.header) return { unit: from, offset };
    let units = this.#units.get(file);
    if (units === undefined) {
      units = new Map();
      this.#units.set(file, units);
    }
    let unit = units.get(index);
    if (unit === undefined) {
      unit = new Unit(file, header);
      units.set(index, unit);
    }
    return { unit, offset };
  }
}
