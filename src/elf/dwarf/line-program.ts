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
const DW_LNS_const_add_pc = 8;
const DW_LNS_fixed_advance_pc = 9;
const DW_LNE_end_sequence = 1;
const DW_LNE_set_address = 2;

/** The largest program seen has 10 MB. */
const maxProgram = 1 << 28;

/**
 * Runs a program. What the header promises and the program does not keep ends it there.
 * @throws ElfError `too-large`
 */
export function runLineProgram(section: DwarfSection, header: LineHeader, code: CodeSpace): LineIntervals {
  const { program, end } = header;
  if (end - program > maxProgram) throw new ElfError('too-large', 'a line program is too large');
  const bytes = section.read(program, end - program);
  const rows = new LineRows(code);
  new Machine(bytes, header, rows).run();
  return rows.done();
}

/** The registers of the state machine (6.2.2) that are looked at. */
class Machine {
  readonly #cursor: Cursor;
  readonly #header: LineHeader;
  readonly #rows: LineRows;
  /** What is added to the number of a file: from DWARF 5 on there is a file 0. */
  readonly #firstFile: number;
  #address = 0;
  #file = 1;
  #line = 1;

  constructor(bytes: Uint8Array, header: LineHeader, rows: LineRows) {
    this.#cursor = new Cursor(bytes, 0, bytes.length);
    this.#header = header;
    this.#rows = rows;
    this.#firstFile = header.version >= 5 ? 1 : 0;
  }

  run(): void {
    const { opcodeBase, lineBase, lineRange, minInstruction } = this.#header;
    if (lineRange === 0) return;
    // Of each special opcode (6.2.5.1): how far it moves.
    const byAddress = new Int32Array(256);
    const byLine = new Int32Array(256);
    for (let opcode = opcodeBase; opcode < 256; opcode++) {
      byAddress[opcode] = Math.floor((opcode - opcodeBase) / lineRange) * minInstruction;
      byLine[opcode] = lineBase + ((opcode - opcodeBase) % lineRange);
    }
    const cursor = this.#cursor;
    const { bytes, end } = cursor;
    while (cursor.at < end) {
      const opcode = bytes[cursor.at++]!;
      if (opcode >= opcodeBase) {
        this.#address += byAddress[opcode]!;
        this.#line += byLine[opcode]!;
        this.#rows.add(this.#address, this.#file + this.#firstFile, this.#line);
      } else if (opcode === 0) this.#extended();
      else this.#standard(opcode, byAddress[255]!);
    }
  }

  #standard(opcode: number, constAdd: number): void {
    const cursor = this.#cursor;
    switch (opcode) {
      case DW_LNS_copy:
        this.#rows.add(this.#address, this.#file + this.#firstFile, this.#line);
        break;
      case DW_LNS_advance_pc:
        this.#address += cursor.uleb() * this.#header.minInstruction;
        break;
      case DW_LNS_advance_line:
        this.#line += cursor.sleb();
        break;
      case DW_LNS_set_file:
        this.#file = cursor.uleb();
        break;
      case DW_LNS_const_add_pc:
        this.#address += constAdd;
        break;
      case DW_LNS_fixed_advance_pc:
        this.#address += cursor.u16();
        break;
      default:
        // Columns, statements and blocks, and what a later version may add.
        for (let i = this.#header.operands[opcode]!; i > 0; i--) cursor.uleb();
    }
  }

  #extended(): void {
    const cursor = this.#cursor;
    const length = cursor.uleb();
    const next = cursor.at + length;
    const opcode = cursor.u8();
    if (opcode === DW_LNE_end_sequence) {
      this.#rows.endSequence(this.#address);
      this.#address = 0;
      this.#file = 1;
      this.#line = 1;
    } else if (opcode === DW_LNE_set_address) this.#address = length === 9 ? cursor.i64() : cursor.u32();
    cursor.at = next;
  }
}
