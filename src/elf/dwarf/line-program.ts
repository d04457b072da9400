/** Line programs (DWARF 5, 6.2.5): which line the code at an address comes from. */

import { ElfError } from '../bytes.ts';
import { Cursor } from '../cfi/cursor.ts';
import type { CodeSpace } from './code-space.ts';
import type { LineHeader } from './line-header.ts';
import { LineRows } from './line-rows.ts';
import type { DwarfSection } from './section.ts';
import type { LineIntervals } from './unit-table.ts';

const DW_LNS_copy = 1;
const DW_LNS_advance_pc = 2;
const DW_LNS_advance_line = 3;
const DW_LNS_set_file = 4;
const DW_LNS_set_column = 5;
const DW_LNS_negate_stmt = 6;
const DW_LNS_const_add_pc = 8;
const DW_LNS_fixed_advance_pc = 9;
const DW_LNE_end_sequence = 1;
const DW_LNE_set_address = 2;
const DW_LNE_set_discriminator = 4;

/** The largest program seen has 10 MB. */
const maxProgram = 1 << 28;

/**
 * Runs a program. What the header promises and the program does not keep ends it there.
 * @throws ElfError `too-large`
 */
export function runLineProgram(section: DwarfSection, header: LineHeader, code: CodeSpace): LineIntervals {
  const { program, end } = header;
  if (end - program > maxProgram) throw new ElfError('too-large', 'a line program is too large');
  const bytes = section.readForNow(program, end - program);
  const rows = new LineRows(code);
  if (header.lineRange > 0) run(bytes, header, rows);
  return rows.done();
}

/** Of each special opcode (6.2.5.1): how far it moves. */
function specialOpcodes({ opcodeBase, lineBase, lineRange, minInstruction }: LineHeader) {
  const byAddress = new Int32Array(256);
  const byLine = new Int32Array(256);
  for (let opcode = opcodeBase; opcode < 256; opcode++) {
    byAddress[opcode] = Math.floor((opcode - opcodeBase) / lineRange) * minInstruction;
    byLine[opcode] = lineBase + ((opcode - opcodeBase) % lineRange);
  }
  return { byAddress, byLine };
}

/**
 * The state machine (6.2.2) with the registers that are looked at. They are local variables, and nearly all of a program
 * is special opcodes and a few standard ones: it runs through 10 MB of them.
 */
function run(bytes: Uint8Array, header: LineHeader, rows: LineRows): void {
  const { opcodeBase, minInstruction, operands } = header;
  const { byAddress, byLine } = specialOpcodes(header);
  const cursor = new Cursor(bytes, 0, bytes.length);
  const end = bytes.length;
  // From DWARF 5 on there is a file 0.
  const firstFile = header.version >= 5 ? 1 : 0;
  let [at, address, file, line] = [0, 0, 1 + firstFile, 1];
  // Of the last row: a row that says the same is none.
  let [lastFile, lastLine] = [-1, -1];
  while (at < end) {
    const opcode = bytes[at++]!;
    if (opcode >= opcodeBase || opcode === DW_LNS_copy) {
      address += byAddress[opcode]!;
      line += byLine[opcode]!;
      if (line === lastLine && file === lastFile) continue;
      rows.add(address, file, line);
      lastLine = line;
      lastFile = file;
      continue;
    }
    // Four fifths of the rest, mostly of one byte.
    if (opcode === DW_LNS_set_column) {
      while (bytes[at++]! >= 0x80);
      continue;
    }
    if (opcode === DW_LNS_negate_stmt) continue;
    if (opcode === DW_LNS_advance_line && bytes[at]! < 0x80) {
      line += (bytes[at++]! << 25) >> 25;
      continue;
    }
    if (opcode === 0 && bytes[at]! < 0x80 && bytes[at + 1] === DW_LNE_set_discriminator) {
      at += 1 + bytes[at]!;
      continue;
    }
    cursor.at = at;
    switch (opcode) {
      case 0: {
        const length = cursor.uleb();
        const next = cursor.at + length;
        const extended = cursor.u8();
        if (extended === DW_LNE_end_sequence) {
          rows.endSequence(address);
          lastLine = -1;
          [address, file, line] = [0, 1 + firstFile, 1];
        } else if (extended === DW_LNE_set_address) address = length === 9 ? cursor.i64() : cursor.u32();
        cursor.at = next;
        break;
      }
      case DW_LNS_advance_pc:
        address += cursor.uleb() * minInstruction;
        break;
      case DW_LNS_advance_line:
        line += cursor.sleb();
        break;
      case DW_LNS_set_file:
        file = cursor.uleb() + firstFile;
        break;
      case DW_LNS_const_add_pc:
        address += byAddress[255]!;
        break;
      case DW_LNS_fixed_advance_pc:
        address += cursor.u16();
        break;
      default:
        // Blocks and prologues, and what a later version may add.
        for (let i = operands[opcode]!; i > 0; i--) cursor.uleb();
    }
    at = cursor.at;
  }
}
