/** A compile unit: what its first entry says, and how values of its entries are resolved. */

import type { Cursor } from '../cfi/cursor.ts';
import type { Abbreviations } from './abbreviations.ts';
import * as D from './constants.ts';
import { isAddressForm, readForm, readOffset, skipForm, skipString } from './forms.ts';
import { type InfoFile, TextIn } from './info-file.ts';
import { type AddRange, readRangeList } from './range-lists.ts';
import { readId, type UnitHeader } from './unit-headers.ts';
import { emptyRoot, type Root } from './unit-root.ts';

/** Where a unit's share of the sections begins: in a package they are those of many units behind one another. */
export interface Shares {
  readonly abbreviations: number;
  readonly strOffsets: number;
  readonly line: number;
  readonly rangeLists: number;
}

const wholeSections: Shares = { abbreviations: 0, strOffsets: 0, line: 0, rangeLists: 0 };
/** Of an entry; names of C++ templates that are stored in the entry itself have some kilobytes. */
const entryWindow = 1 << 7;
const maxEntry = 1 << 16;

export class Unit {
  readonly file: InfoFile;
  readonly header: UnitHeader;
  /** Of a split unit: what stayed in the program. */
  readonly skeleton: Unit | undefined;
  readonly #shares: Shares;
  #root: Root | undefined;

  constructor(file: InfoFile, header: UnitHeader, skeleton?: Unit, shares: Shares = wholeSections) {
    this.file = file;
    this.header = header;
    this.skeleton = skeleton;
    this.#shares = shares;
  }

  /** @throws ElfError */
  abbreviations(only = 0): Abbreviations {
    return this.file.abbreviations(this.#shares.abbreviations + this.header.abbreviations, this.header, only);
  }

  /** @throws ElfError */
  get root(): Root {
    this.#root ??= this.#readRoot();
    return this.#root;
  }

  /** Offset in .debug_line of the file that it is to be looked for in, −1 when the unit has no lines. */
  get lines(): { readonly unit: Unit; readonly offset: number } | undefined {
    const outer = this.skeleton ?? this;
    if (outer.root.lines >= 0) return { unit: outer, offset: outer.root.lines };
    return undefined;
  }

  get directory(): string {
    const own = this.file.text(this.root.directory);
    return own === '' && this.skeleton ? this.skeleton.directory : own;
  }

  /** What offsets in range lists count from. */
  get low(): number {
    return this.skeleton ? this.skeleton.root.low : this.root.low;
  }

  /** Adds the ranges of the unit; false when it has none or they are damaged. */
  addRanges(add: AddRange): boolean {
    const { low, high, ranges, rangesAreIndex } = this.root;
    if (ranges >= 0) return this.readRanges(ranges, rangesAreIndex, add);
    if (high > low) add(low, high);
    return high > low;
  }

  /** The range list that an attribute names; false when it is damaged. */
  readRanges(value: number, isIndex: boolean, add: AddRange): boolean {
    const { version, wide, addressSize } = this.header;
    const outer = this.skeleton ?? this;
    const section = version >= 5 ? this.file.sections.get('rnglists') : outer.file.sections.get('ranges');
    if (section === undefined) return false;
    let offset = value;
    if (isIndex) {
      const base = this.#listsBase();
      const width = wide ? 8 : 4;
      offset = base + readOffset(section.cursorAt(base + value * width, width), wide);
    } else if (version < 5 && this.skeleton) offset += this.skeleton.root.rangesBase;
    const addressAt = (index: number) => this.addressAt(index);
    const { work } = this.file;
    return readRangeList({ section, offset, version, addressSize, base: this.low, addressAt, work }, add);
  }

  /** The header of .debug_rnglists has 12 or 20 bytes (DWARF 5, 7.28); split units have no attribute to say so. */
  #listsBase(): number {
    const { listsBase } = this.root;
    if (listsBase >= 0) return listsBase;
    return this.#shares.rangeLists + (this.header.wide ? 20 : 12);
  }

  /** An address of .debug_addr; NaN, which no range holds, when there is none. */
  addressAt(index: number): number {
    const outer = this.skeleton ?? this;
    const { addressSize } = this.header;
    const at = Math.max(0, outer.root.addressBase) + index * addressSize;
    const cursor = outer.file.sections.get('addr')?.cursorAt(at, addressSize);
    if (cursor === undefined) return Number.NaN;
    const address = addressSize === 8 ? cursor.i64() : cursor.u32();
    return cursor.overrun ? Number.NaN : address;
  }

  /** Where a text of an attribute lies, and the cursor behind it; 0 when the form is none of a text. */
  readText(cursor: Cursor, form: number, cursorBase: number, wide: boolean = this.header.wide): number {
    switch (form) {
      case D.DW_FORM_string: {
        const offset = cursorBase + cursor.at;
        skipString(cursor);
        return offset * 8 + TextIn.info;
      }
      case D.DW_FORM_strp:
        return readOffset(cursor, wide) * 8 + TextIn.str;
      case D.DW_FORM_line_strp:
        return readOffset(cursor, wide) * 8 + TextIn.lineStr;
      case D.DW_FORM_strp_sup:
      case D.DW_FORM_GNU_strp_alt:
        return readOffset(cursor, wide) * 8 + TextIn.supplementary;
      case D.DW_FORM_strx:
      case D.DW_FORM_strx1:
      case D.DW_FORM_strx2:
      case D.DW_FORM_strx3:
      case D.DW_FORM_strx4:
      case D.DW_FORM_GNU_str_index:
        return this.#indexedText(readForm(cursor, form, 0, this.header));
      default:
        skipForm(cursor, form, this.header);
        return 0;
    }
  }

  #indexedText(index: number): number {
    const { wide, version } = this.header;
    const width = wide ? 8 : 4;
    // The contribution of a split unit has a header from DWARF 5 on (7.26).
    const header = version >= 5 ? (wide ? 16 : 8) : 0;
    const { stringsBase } = this.root;
    const base = stringsBase >= 0 ? stringsBase : header;
    const at = this.#shares.strOffsets + base + index * width;
    const cursor = this.file.sections.get('str_offsets')?.cursorAt(at, width);
    if (cursor === undefined) return 0;
    const offset = readOffset(cursor, wide);
    return cursor.overrun ? 0 : offset * 8 + TextIn.str;
  }

  /** Twice: an attribute may need a base that comes behind it. */
  #readRoot(): Root {
    const root = emptyRoot();
    this.#visitRoot((attribute, form, cursor, implicit) => {
      if (!this.#takeBase(root, attribute, form, cursor, implicit)) skipForm(cursor, form, this.header);
    });
    this.#root = root;
    let length = Number.NaN;
    this.#visitRoot((attribute, form, cursor, implicit, base) => {
      if (attribute === D.DW_AT_high_pc && !isAddressForm(form)) length = readForm(cursor, form, implicit, this.header);
      else this.#takeValue(root, attribute, form, cursor, implicit, base);
    });
    if (!Number.isNaN(length)) root.high = root.low + length;
    return root;
  }

  #takeBase(root: Root, attribute: number, form: number, cursor: Cursor, implicit: number): boolean {
    if (form === D.DW_FORM_implicit_const) return true;
    switch (attribute) {
      case D.DW_AT_str_offsets_base:
        root.stringsBase = readForm(cursor, form, implicit, this.header);
        return true;
      case D.DW_AT_addr_base:
      case D.DW_AT_GNU_addr_base:
        root.addressBase = readForm(cursor, form, implicit, this.header);
        return true;
      case D.DW_AT_rnglists_base:
        root.listsBase = readForm(cursor, form, implicit, this.header);
        return true;
      case D.DW_AT_GNU_ranges_base:
        root.rangesBase = readForm(cursor, form, implicit, this.header);
        return true;
      default:
        return false;
    }
  }

  #takeValue(root: Root, attribute: number, form: number, cursor: Cursor, implicit: number, base: number): void {
    switch (attribute) {
      case D.DW_AT_comp_dir:
        root.directory = this.readText(cursor, form, base);
        break;
      case D.DW_AT_dwo_name:
      case D.DW_AT_GNU_dwo_name:
        root.splitName = this.readText(cursor, form, base);
        break;
      case D.DW_AT_GNU_dwo_id:
        root.splitId = form === D.DW_FORM_data8 ? readId(cursor) : '';
        break;
      case D.DW_AT_stmt_list:
        root.lines = readForm(cursor, form, implicit, this.header);
        break;
      case D.DW_AT_low_pc:
        root.low = this.#readAddress(cursor, form);
        break;
      case D.DW_AT_high_pc:
        root.high = this.#readAddress(cursor, form);
        break;
      case D.DW_AT_ranges:
        root.ranges = readForm(cursor, form, implicit, this.header);
        root.rangesAreIndex = form === D.DW_FORM_rnglistx;
        break;
      default:
        skipForm(cursor, form, this.header);
    }
  }

  #readAddress(cursor: Cursor, form: number): number {
    const value = readForm(cursor, form, 0, this.header);
    return form === D.DW_FORM_addr ? value : this.addressAt(value);
  }

  #visitRoot(take: TakeAttribute): void {
    this.visitEntry(this.header.entries, take, true);
  }

  /**
   * Hands every attribute of the entry at an offset of .debug_info to `take`, which has to move the cursor over it.
   * False when there is no such entry or it is damaged.
   * @throws ElfError
   */
  visitEntry(offset: number, take: TakeAttribute, isAlone = false): boolean {
    if (this.file.info === undefined || offset < this.header.entries || offset >= this.header.end) return false;
    for (let window = entryWindow; ; window *= 8) {
      const cursor: Cursor = this.file.info.cursorAt(offset, window);
      const base = offset - cursor.at;
      const code = cursor.uleb();
      const table = this.abbreviations(isAlone ? code : 0);
      if (code === 0 || code >= table.length || table.shape[code] === 0) return false;
      const start = cursor.at;
      visitSpecs(table.specs(code), cursor, base, take);
      this.file.work.spend(Math.min(cursor.at, cursor.end) - start);
      if (!cursor.overrun) return true;
      if (window >= this.file.info.size - offset || window >= maxEntry) return false;
    }
  }
}

function visitSpecs(specs: Cursor, cursor: Cursor, base: number, take: TakeAttribute): void {
  for (;;) {
    const attribute = specs.uleb();
    const form = specs.uleb();
    if (attribute === 0 && form === 0) return;
    take(attribute, form, cursor, form === D.DW_FORM_implicit_const ? specs.sleb() : 0, base);
  }
}

/** `base`: what is to be added to a place in the cursor for a place in .debug_info. */
export type TakeAttribute = (attribute: number, form: number, cursor: Cursor, implicit: number, base: number) => void;
