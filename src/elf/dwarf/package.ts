/** Packages of split units, .dwp (DWARF 5, 7.3.5; the GNU extension has version 2 of it). */

import { Cursor } from '../cfi/cursor.ts';
import { InfoFile } from './info-file.ts';
import type { DwarfFile } from './parts.ts';
import { Unit } from './unit.ts';
import { readId } from './unit-headers.ts';
import type { Work } from './work.ts';

/** Which column of the index is of which section: .debug_info and .debug_abbrev in both versions. */
const DW_SECT_INFO = 1;
const DW_SECT_ABBREV = 3;
const DW_SECT_LINE = 4;
const DW_SECT_STR_OFFSETS = 6;
const DW_SECT_RNGLISTS = 8;

const maxColumns = 16;
const maxIndex = 1 << 26;
/** A third of the table is free: it takes a few. */
const maxProbes = 1 << 10;

export class Package {
  readonly #file: InfoFile;
  readonly #index: Cursor;
  #columns: number[] = [];
  #rows = 0;
  #slots = 0;

  /** @throws ElfError */
  constructor(file: DwarfFile, work: Work) {
    this.#file = new InfoFile(file, '.dwo', work);
    const section = this.#file.sections.getPlain('cu_index');
    const size = Math.min(section?.size ?? 0, maxIndex);
    const bytes = section?.read(0, size) ?? new Uint8Array(0);
    this.#index = new Cursor(bytes, 0, bytes.length);
    this.#readHeader();
  }

  #readHeader(): void {
    const cursor = this.#index;
    // Version 2 has 32 bits for it, version 5 16 bits and two bytes of padding.
    const version = cursor.u32() & 0xffff;
    const columns = cursor.u32();
    this.#rows = cursor.u32();
    this.#slots = cursor.u32();
    const isKnown = (version === 2 || version === 5) && columns <= maxColumns;
    const size = 16 + this.#slots * 12 + columns * 4 + this.#rows * columns * 8;
    if (cursor.overrun || !isKnown || size > cursor.bytes.length) {
      this.#slots = 0;
      return;
    }
    cursor.at = 16 + this.#slots * 12;
    for (let i = 0; i < columns; i++) this.#columns.push(cursor.u32());
  }

  find(id: string, skeleton: Unit): Unit | undefined {
    const row = this.#rowOf(id);
    const info = row === undefined ? undefined : this.#offset(row, DW_SECT_INFO);
    if (row === undefined || info === undefined) return undefined;
    const header = this.#file.headers[this.#file.unitAt(info)];
    if (header === undefined) return undefined;
    return new Unit(this.#file, header, skeleton, {
      abbreviations: this.#offset(row, DW_SECT_ABBREV) ?? 0,
      strOffsets: this.#offset(row, DW_SECT_STR_OFFSETS) ?? 0,
      line: this.#offset(row, DW_SECT_LINE) ?? 0,
      rangeLists: this.#offset(row, DW_SECT_RNGLISTS) ?? 0,
    });
  }

  /** The hash table (7.3.5.3): open addressing, its length a power of two. */
  #rowOf(id: string): number | undefined {
    const slots = this.#slots;
    const mask = slots - 1;
    const low = Number.parseInt(id.slice(8), 16);
    const step = (Number.parseInt(id.slice(0, 8), 16) & mask) | 1;
    let slot = low & mask;
    for (let tried = 0; tried < Math.min(slots, maxProbes); tried++) {
      const cursor = this.#index;
      cursor.at = 16 + slots * 8 + slot * 4;
      const row = cursor.u32();
      if (row === 0 || row > this.#rows) return undefined;
      cursor.at = 16 + slot * 8;
      if (readId(cursor) === id) return row - 1;
      slot = (slot + step) & mask;
    }
    return undefined;
  }

  #offset(row: number, section: number): number | undefined {
    const column = this.#columns.indexOf(section);
    if (column < 0) return undefined;
    const cursor = this.#index;
    const columns = this.#columns.length;
    cursor.at = 16 + this.#slots * 12 + columns * 4 + (row * columns + column) * 4;
    return cursor.u32();
  }
}
