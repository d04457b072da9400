/** Abbreviation tables (DWARF 5, 7.5.3), compiled into what a walk over the entries of a unit has to do. */

import { ElfError } from '../bytes.ts';
import { Cursor } from '../cfi/cursor.ts';
import * as D from './constants.ts';
import { type Encoding, isAddressForm, lengthOf, unknownLength } from './forms.ts';
import type { DwarfSection } from './section.ts';

/** Compilers number from 1; a table of gcc has some hundred, one of a whole Go program some ten. */
const maxCode = 1 << 18;
const firstWindow = 1 << 15;
/** Of a table of which one entry is needed. */
const singleWindow = 1 << 12;
/** Of one section this much is read for one table at most. */
const maxWindow = 1 << 22;

/** What a walk does at an entry. */
export const EntryKind = { other: 0, function: 1, inlined: 2, container: 3, type: 4 } as const;

/**
 * The steps over an entry. From 0 up to here: so many bytes of no interest. Above: a value to keep, `readStep` + slot ·
 * 2^13 + form. Negative: one value of the length that `lengthOf` has under this number.
 */
export const readStep = 1 << 24;
const formBits = 13;

/** Where a walk keeps values. */
export const Slot = {
  sibling: 0,
  low: 1,
  lowIndex: 2,
  high: 3,
  highIndex: 4,
  length: 5,
  ranges: 6,
  rangesIndex: 7,
  callFile: 8,
  callLine: 9,
} as const;
export const slots = 10;

export function slotOf(step: number): number {
  return (step - readStep) >>> formBits;
}

export function formOf(step: number): number {
  return step & ((1 << formBits) - 1);
}

/** Blocks and namespaces, in which there may be functions and inlined calls: their siblings are not jumped to. */
const containers: ReadonlySet<number> = new Set([
  0x0b, // DW_TAG_lexical_block
  0x11, // DW_TAG_compile_unit
  0x1e, // DW_TAG_module
  0x22, // DW_TAG_with_stmt
  0x25, // DW_TAG_catch_block
  0x32, // DW_TAG_try_block
  0x39, // DW_TAG_namespace
  0x3c, // DW_TAG_partial_unit
  0x4a, // DW_TAG_skeleton_unit
]);

/** Types with member functions: classes, interfaces, structures, unions. */
const types: ReadonlySet<number> = new Set([0x02, 0x13, 0x17, 0x38]);

function kindOfTag(tag: number): number {
  if (tag === D.DW_TAG_subprogram) return EntryKind.function;
  if (tag === D.DW_TAG_inlined_subroutine) return EntryKind.inlined;
  if (types.has(tag)) return EntryKind.type;
  return containers.has(tag) ? EntryKind.container : EntryKind.other;
}

/**
 * Entries by code. A table of gcc has hundreds of them and a walk meets few: steps are worked out when they are needed.
 */
export class Abbreviations {
  /** How much was read. */
  bytes = 0;
  /** One more than the highest code. */
  length = 0;
  /** {@link EntryKind}. */
  kind: Uint8Array;
  /** 0 when the code is not in the table, 1 for an entry without children, 2 for one with children. */
  shape: Uint8Array;
  /** Of an entry without children that is of no interest: its bytes behind the code, where that is known; else −1. */
  leaf: Int32Array;
  /** The steps of a code are `steps[firstStep]` … `steps[endStep − 1]`; firstStep is −1 until {@link compile}. */
  firstStep: Int32Array;
  endStep: Int32Array;
  readonly steps: number[] = [];
  /** Of each step: the value of DW_FORM_implicit_const. */
  readonly implicit: number[] = [];
  readonly #encoding: Encoding;
  readonly #bytes: Uint8Array;
  /** Where the attributes of each code are. */
  #specs: Uint32Array;

  /** `capacity`: up to which code, at a guess. */
  constructor(encoding: Encoding, bytes: Uint8Array = new Uint8Array(0), capacity = 0) {
    this.kind = new Uint8Array(capacity);
    this.shape = new Uint8Array(capacity);
    this.leaf = new Int32Array(capacity).fill(-1);
    this.firstStep = new Int32Array(capacity);
    this.endStep = new Int32Array(capacity);
    this.#specs = new Uint32Array(capacity);
    this.#encoding = encoding;
    this.#bytes = bytes;
  }

  /** @throws ElfError `too-large` */
  add(code: number, tag: number, hasChildren: boolean, specs: number): void {
    if (code >= this.kind.length) this.#reserve(code);
    this.length = Math.max(this.length, code + 1);
    this.kind[code] = kindOfTag(tag);
    this.shape[code] = hasChildren ? 2 : 1;
    this.firstStep[code] = -1;
    this.leaf[code] = -1;
    this.#specs[code] = specs;
  }

  /** The attributes of a code: attribute, form (and constant) in turns, up to two zeros. */
  specs(code: number): Cursor {
    return new Cursor(this.#bytes, this.#specs[code]!, this.#bytes.length);
  }

  /** Works out the steps of a code. */
  compile(code: number): void {
    const specs = this.specs(code);
    const hasRanges = this.kind[code] === EntryKind.function || this.kind[code] === EntryKind.inlined;
    this.firstStep[code] = this.steps.length;
    for (;;) {
      const attribute = specs.uleb();
      const form = specs.uleb();
      if ((attribute === 0 && form === 0) || specs.overrun) break;
      const implicit = form === D.DW_FORM_implicit_const ? specs.sleb() : 0;
      this.#addStep(this.firstStep[code]!, slotFor(attribute, form, hasRanges), form, implicit);
    }
    this.endStep[code] = this.steps.length;
    const last = this.steps.length - 1;
    const isFixed = last === this.firstStep[code] && this.steps[last]! >= 0 && this.steps[last]! < readStep;
    if (isFixed && this.kind[code] === EntryKind.other && this.shape[code] === 1) this.leaf[code] = this.steps[last]!;
  }

  #addStep(first: number, slot: number, form: number, implicit: number): void {
    const { steps } = this;
    const last = steps.length - 1;
    const length = lengthOf(form, this.#encoding);
    if (slot >= 0 && length !== unknownLength) steps.push(readStep + (slot << formBits) + form);
    else if (length >= 0 && last >= first && steps[last]! >= 0 && steps[last]! < readStep - 16) steps[last]! += length;
    else steps.push(length);
    if (this.implicit.length < steps.length) this.implicit.push(implicit);
  }

  #reserve(code: number): void {
    if (code >= maxCode) throw new ElfError('too-large', `an abbreviation has the number ${code}`);
    const capacity = 2 ** Math.ceil(Math.log2(code + 1));
    this.kind = grown(this.kind, new Uint8Array(capacity));
    this.shape = grown(this.shape, new Uint8Array(capacity));
    this.leaf = grown(this.leaf, new Int32Array(capacity).fill(-1));
    this.firstStep = grown(this.firstStep, new Int32Array(capacity));
    this.endStep = grown(this.endStep, new Int32Array(capacity));
    this.#specs = grown(this.#specs, new Uint32Array(capacity));
  }
}

function grown<T extends Uint8Array | Uint32Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/**
 * The table at an offset of .debug_abbrev; up to the entry `only` where just that one is needed.
 * @throws ElfError `damaged`, `too-large`
 */
export function readAbbreviations(section: DwarfSection, offset: number, encoding: Encoding, only = 0): Abbreviations {
  for (let window = only === 0 ? firstWindow : singleWindow; ; window *= 8) {
    const bytes = section.read(offset, Math.min(window, section.size - offset));
    const cursor = new Cursor(bytes, 0, bytes.length);
    const table = parse(cursor, encoding, only);
    if (!cursor.overrun) {
      table.bytes = cursor.at;
      return table;
    }
    if (window >= section.size - offset || window > maxWindow) {
      throw new ElfError('damaged', 'a table of abbreviations has no end');
    }
  }
}

function parse(cursor: Cursor, encoding: Encoding, only: number): Abbreviations {
  const table = new Abbreviations(encoding, cursor.bytes, only === 0 ? 1024 : 0);
  for (;;) {
    const code = cursor.uleb();
    if (code === 0) return table;
    const tag = cursor.uleb();
    const hasChildren = cursor.u8() !== 0;
    if (only === 0 || code === only) table.add(code, tag, hasChildren, cursor.at);
    skipSpecs(cursor);
    if (cursor.overrun || code === only) return table;
  }
}

/** Moves behind the two zeros that end the attributes of an entry. */
function skipSpecs(cursor: Cursor): void {
  const { bytes, end } = cursor;
  let at = cursor.at;
  while (at < end) {
    const attribute = bytes[at++]!;
    if (attribute >= 0x80) while (bytes[at++]! >= 0x80);
    const form = bytes[at++]!;
    if (form >= 0x80) while (bytes[at++]! >= 0x80);
    else if (form === D.DW_FORM_implicit_const) while (bytes[at++]! >= 0x80);
    else if (form === 0 && attribute === 0) {
      cursor.at = at;
      return;
    }
  }
  cursor.fail();
}

/** Where the walk keeps an attribute, −1 when it does not. */
function slotFor(attribute: number, form: number, hasRanges: boolean): number {
  if (attribute === D.DW_AT_sibling) return Slot.sibling;
  if (!hasRanges) return -1;
  const isIndex = form !== D.DW_FORM_addr;
  switch (attribute) {
    case D.DW_AT_low_pc:
      return isIndex ? Slot.lowIndex : Slot.low;
    case D.DW_AT_high_pc:
      if (!isAddressForm(form)) return Slot.length;
      return isIndex ? Slot.highIndex : Slot.high;
    case D.DW_AT_ranges:
      return form === D.DW_FORM_rnglistx ? Slot.rangesIndex : Slot.ranges;
    case D.DW_AT_call_file:
      return Slot.callFile;
    case D.DW_AT_call_line:
      return Slot.callLine;
    default:
      return -1;
  }
}
