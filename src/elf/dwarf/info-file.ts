/** One file with .debug_info: its units, and the texts and entries that they refer to. */

import { Abbreviations, readAbbreviations } from './abbreviations.ts';
import type { Encoding } from './forms.ts';
import type { DwarfFile } from './parts.ts';
import { type DwarfSection, DwarfSections } from './section.ts';
import { readUnitHeaders, type UnitHeader } from './unit-headers.ts';
import type { Work } from './work.ts';

/** Where a text lies: offset · 8 + one of these. 0 is no text. */
export const TextIn = { str: 1, lineStr: 2, supplementary: 3, info: 4, line: 5 } as const;

/** Tables of abbreviations that are kept: units are read one after the other, and many share one or have their own. */
const maxTables = 256;

export class InfoFile {
  readonly sections: DwarfSections;
  readonly info: DwarfSection | undefined;
  readonly supplementary: InfoFile | undefined;
  readonly work: Work;
  #headers: UnitHeader[] | undefined;
  readonly #tables = new Map<string, Abbreviations>();
  /** The last one that was read for one entry, which is looked at twice. */
  #single: { readonly key: string; readonly table: Abbreviations } | undefined;

  /** `suffix` is '.dwo' for what is split off. */
  constructor(file: DwarfFile, suffix: '' | '.dwo', work: Work, supplementary?: InfoFile) {
    this.work = work;
    this.sections = new DwarfSections(file, suffix);
    this.info = this.sections.get('info');
    this.supplementary = supplementary;
    work.add((this.info?.size ?? 0) + (this.sections.get('line')?.size ?? 0));
  }

  get headers(): readonly UnitHeader[] {
    this.#headers ??= this.info === undefined ? [] : readUnitHeaders(this.info);
    return this.#headers;
  }

  /** The number of the unit that an offset of .debug_info lies in, −1 for none. */
  unitAt(offset: number): number {
    const headers = this.headers;
    let low = 0;
    let high = headers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (headers[middle]!.offset <= offset) low = middle + 1;
      else high = middle;
    }
    return low > 0 && offset < headers[low - 1]!.end ? low - 1 : -1;
  }

  /**
   * A table of abbreviations; `only` as {@link readAbbreviations}.
   * @throws ElfError
   */
  abbreviations(offset: number, encoding: Encoding, only = 0): Abbreviations {
    const { version, wide, addressSize } = encoding;
    const key = `${offset} ${wide} ${addressSize} ${version <= 2}`;
    let table = this.#tables.get(key) ?? (this.#single?.key === `${key} ${only}` ? this.#single.table : undefined);
    if (table !== undefined) return table;
    const section = this.sections.get('abbrev');
    if (section === undefined) return new Abbreviations(encoding);
    table = readAbbreviations(section, offset, encoding, only);
    this.work.spend(table.bytes);
    if (only !== 0) {
      this.#single = { key: `${key} ${only}`, table };
      return table;
    }
    if (this.#tables.size >= maxTables) this.#tables.clear();
    this.#tables.set(key, table);
    return table;
  }

  /** The text that a number of {@link TextIn} stands for. */
  text(reference: number): string {
    const offset = Math.floor(reference / 8);
    switch (reference % 8) {
      case TextIn.str:
        return this.sections.get('str')?.textAt(offset) ?? '';
      case TextIn.lineStr:
        return this.sections.get('line_str')?.textAt(offset) ?? '';
      case TextIn.supplementary:
        return this.supplementary?.sections.get('str')?.textAt(offset) ?? '';
      case TextIn.info:
        return this.info?.textAt(offset) ?? '';
      case TextIn.line:
        return this.sections.get('line')?.textAt(offset) ?? '';
      default:
        return '';
    }
  }
}
