/** Abbreviation tables (DWARF 5, 7.5.3), compiled into what a walk over the entries of a unit has to do. */

import { ElfError } from '../bytes.ts';
import type { Cursor } from '../cfi/cursor.ts';
import * as D from './constants.ts';
import { type Encoding, isAddressForm, lengthOf, unknownLength } from './forms.ts';
import type { DwarfSection } from './section.ts';

/** Compilers number from 1; a table of gcc has some hundred, one of a whole Go program some ten. */
const maxCode = 1 << 18;
const maxSpecs = 1 << 20;
const firstWindow = 1 << 14;
/** Of one section this much is read for one table at most. */
const maxWindow = 1 << 26;

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

/** Entries by code. Of code c: attributes `firstSpec[c]` … `endSpec[c]` − 1, steps `firstStep[c]` … `endStep[c]` − 1. */
export class Abbreviations {
  /** One more than the highest code. */
  length = 0;
  kind = new Uint8Array(64);
  /** 0 when the code is not in the table, 1 for an entry without children, 2 for one with children. */
  shape = new Uint8Array(64);
  firstSpec = new Uint32Array(64);
  endSpec = new Uint32Array(64);
  firstStep = new Uint32Array(64);
  endStep = new Uint32Array(64);
  readonly attributes: number[] = [];
  readonly forms: number[] = [];
  /** Of DW_FORM_implicit_const. */
  readonly implicit: number[] = [];
  readonly steps: number[] = [];
  /** Of each step: the value of DW_FORM_implicit_const. */
  readonly stepImplicit: number[] = [];

  reserve(code: number): void {
    if (code >= maxCode) throw new ElfError('too-large', `an abbreviation has the number ${code}`);
    this.length = Math.max(this.length, code + 1);
    if (code < this.kind.length) return;
    const capacity = 2 ** Math.ceil(Math.log2(code + 1));
    this.kind = grown(this.kind, new Uint8Array(capacity));
    this.shape = grown(this.shape, new Uint8Array(capacity));
    this.firstSpec = grown(this.firstSpec, new Uint32Array(capacity));
    this.endSpec = grown(this.endSpec, new Uint32Array(capacity));
    this.firstStep = grown(this.firstStep, new Uint32Array(capacity));
    this.endStep = grown(this.endStep, new Uint32Array(capacity));
  }
}

function grown<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/**
 * The table at an offset of .debug_abbrev; up to the entry `only` where just that one is needed.
 * @throws ElfError `damaged`, `too-large`
 */
export function readAbbreviations(section: DwarfSection, offset: number, encoding: Encoding, only = 0): Abbreviations {
  for (let window = firstWindow; ; window *= 8) {
    const cursor = section.cursorAt(offset, window);
    const table = parse(cursor, encoding, only);
    if (!cursor.overrun) return table;
    if (window >= section.size - offset || window > maxWindow) {
      throw new ElfError('damaged', 'a table of abbreviations has no end');
    }
  }
}

function parse(cursor: Cursor, encoding: Encoding, only: number): Abbreviations {
  const table = new Abbreviations();
  for (;;) {
    const code = cursor.uleb();
    if (code === 0 || cursor.overrun) return table;
    table.reserve(code);
    const tag = cursor.uleb();
    table.kind[code] = kindOfTag(tag);
    table.shape[code] = cursor.u8() === 0 ? 1 : 2;
    table.firstSpec[code] = table.forms.length;
    table.firstStep[code] = table.steps.length;
    parseSpecs(cursor, table, code, encoding);
    table.endSpec[code] = table.forms.length;
    table.endStep[code] = table.steps.length;
    if (code === only) return table;
  }
}

function parseSpecs(cursor: Cursor, table: Abbreviations, code: number, encoding: Encoding): void {
  const hasRanges = table.kind[code] === EntryKind.function || table.kind[code] === EntryKind.inlined;
  for (;;) {
    const attribute = cursor.uleb();
    const form = cursor.uleb();
    if ((attribute === 0 && form === 0) || cursor.overrun) return;
    const implicit = form === D.DW_FORM_implicit_const ? cursor.sleb() : 0;
    if (table.forms.length >= maxSpecs) throw new ElfError('too-large', 'a table of abbreviations is too large');
    table.attributes.push(attribute);
    table.forms.push(form);
    table.implicit.push(implicit);
    addStep(table, table.firstStep[code]!, slotFor(attribute, form, hasRanges), form, implicit, encoding);
  }
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

function addStep(
  table: Abbreviations,
  first: number,
  slot: number,
  form: number,
  implicit: number,
  encoding: Encoding,
): void {
  const { steps } = table;
  const last = steps.length - 1;
  const length = lengthOf(form, encoding);
  if (slot >= 0 && length !== unknownLength) steps.push(readStep + slot * 2 ** formBits + form);
  else if (length >= 0 && last >= first && steps[last]! >= 0 && steps[last]! < readStep - 16) steps[last]! += length;
  else steps.push(length);
  if (table.stepImplicit.length < steps.length) table.stepImplicit.push(implicit);
}
