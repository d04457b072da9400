/** The header of a line table (DWARF 5, 6.2.4; before that 6.2.4 of DWARF 4): how its program is read, and its files. */

import type { Cursor } from '../cfi/cursor.ts';
import * as D from './constants.ts';
import { readForm, skipString } from './forms.ts';
import { TextIn } from './info-file.ts';
import type { DwarfSection } from './section.ts';
import type { Unit } from './unit.ts';

const DW_LNCT_path = 1;
const DW_LNCT_directory_index = 2;

/** The largest unit seen has 3000 files. */
const maxFiles = 1 << 18;
const maxFormats = 16;
const firstWindow = 1 << 12;
const maxWindow = 1 << 26;

/** Files and directories as the numbers of {@link TextIn}. */
export interface LineFiles {
  readonly directories: number[];
  readonly names: number[];
  /** Of each file, its directory. */
  readonly directoryOf: number[];
}

export interface LineHeader {
  readonly version: number;
  readonly addressSize: number;
  /** Where the program begins and ends, bytes of .debug_line. */
  readonly program: number;
  readonly end: number;
  readonly minInstruction: number;
  readonly maxOperations: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Of each standard opcode, how many operands it has. */
  readonly operands: readonly number[];
  readonly files: LineFiles;
}

/** undefined when it is damaged or of an unknown version. `unit` is the one that the table belongs to. */
export function readLineHeader(section: DwarfSection, offset: number, unit: Unit): LineHeader | undefined {
  for (let window = firstWindow; ; window *= 8) {
    const cursor = section.cursorAt(offset, window);
    const header = parse(cursor, offset - cursor.at, section.size, unit);
    if (!cursor.overrun) return header;
    if (window >= section.size - offset || window > maxWindow) return undefined;
  }
}

function parse(cursor: Cursor, base: number, size: number, unit: Unit): LineHeader | undefined {
  const first = cursor.u32();
  const wide = first === 0xffffffff;
  const length = wide ? cursor.u64() : first;
  const end = Math.min(size, base + cursor.at + length);
  const version = cursor.u16();
  if (version < 2 || version > 5) return undefined;
  let addressSize = unit.header.addressSize;
  if (version >= 5) {
    addressSize = cursor.u8();
    cursor.skip(1);
  }
  const headerLength = wide ? cursor.u64() : cursor.u32();
  const program = base + cursor.at + headerLength;
  const minInstruction = cursor.u8();
  const maxOperations = version >= 4 ? cursor.u8() : 1;
  cursor.skip(1);
  const lineBase = (cursor.u8() << 24) >> 24;
  const lineRange = cursor.u8();
  const opcodeBase = cursor.u8();
  const operands = [0];
  for (let i = 1; i < opcodeBase; i++) operands.push(cursor.u8());
  const files = version >= 5 ? readFormats(cursor, base, wide, unit) : readLists(cursor, base);
  if (program > end || cursor.overrun) return undefined;
  return {
    version,
    addressSize,
    program,
    end,
    minInstruction,
    maxOperations,
    lineBase,
    lineRange,
    opcodeBase,
    operands,
    files,
  };
}

/** Before DWARF 5: lists of texts that end with an empty one. Directory 0 is the unit's; files count from 1. */
function readLists(cursor: Cursor, base: number): LineFiles {
  const files: LineFiles = { directories: [0], names: [0], directoryOf: [0] };
  const { directories, names, directoryOf } = files;
  while (!endOfList(cursor)) {
    if (directories.length >= maxFiles) cursor.fail();
    directories.push(readInline(cursor, base));
  }
  while (!endOfList(cursor)) {
    if (names.length >= maxFiles) cursor.fail();
    names.push(readInline(cursor, base));
    directoryOf.push(cursor.uleb());
    cursor.uleb();
    cursor.uleb();
  }
  return files;
}

function endOfList(cursor: Cursor): boolean {
  if (cursor.at >= cursor.end) {
    cursor.fail();
    return true;
  }
  if (cursor.bytes[cursor.at] !== 0) return false;
  cursor.at++;
  return true;
}

function readInline(cursor: Cursor, base: number): number {
  const offset = base + cursor.at;
  skipString(cursor);
  return offset * 8 + TextIn.line;
}

function readFormats(cursor: Cursor, base: number, wide: boolean, unit: Unit): LineFiles {
  const files: LineFiles = { directories: [], names: [], directoryOf: [] };
  readTable(cursor, base, wide, unit, path => files.directories.push(path));
  readTable(cursor, base, wide, unit, (path, directory) => {
    files.names.push(path);
    files.directoryOf.push(directory);
  });
  return files;
}

/** A list of entries, and before it which values its entries have (DWARF 5, 6.2.4, items 12 to 19). */
function readTable(
  cursor: Cursor,
  base: number,
  wide: boolean,
  unit: Unit,
  add: (path: number, directory: number) => void,
): void {
  const formats: number[] = [];
  const count = cursor.u8();
  if (count > maxFormats) cursor.fail();
  for (let i = 0; i < count && !cursor.overrun; i++) formats.push(cursor.uleb(), cursor.uleb());
  const entries = cursor.uleb();
  // An entry without values takes no bytes: nothing would bound their number.
  if (entries > maxFiles || (count === 0 && entries > 0)) cursor.fail();
  const encoding = { ...unit.header, wide };
  for (let i = 0; i < entries && !cursor.overrun; i++) {
    let path = 0;
    let directory = 0;
    for (let k = 0; k < formats.length; k += 2) {
      const form = formats[k + 1]!;
      if (formats[k] === DW_LNCT_path) path = readPath(cursor, base, form, wide, unit);
      else if (formats[k] === DW_LNCT_directory_index) directory = readForm(cursor, form, 0, encoding);
      else readForm(cursor, form, 0, encoding);
    }
    add(path, directory);
  }
}

function readPath(cursor: Cursor, base: number, form: number, wide: boolean, unit: Unit): number {
  if (form === D.DW_FORM_string) return readInline(cursor, base);
  return unit.readText(cursor, form, 0, wide);
}
