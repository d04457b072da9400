/** Call frame instructions (DWARF 5, 6.4.2 and 7.24, with the additions of GNU and of the Arm 64-bit architecture). */

import { RuleKind, Saved } from '../../capture/records.gen.ts';
import type { RowBuilder } from '../unwind-rows.ts';
import { readExpression } from './cfa-expression.ts';
import type { Cie } from './cie.ts';
import { Cursor } from './cursor.ts';
import { type FrameRegisters, FrameState, SavedHow, stateSize } from './frame-state.ts';
import { readPointer } from './pointer-encoding.ts';
import { Unsupported } from './unsupported.ts';

/** Compilers nest one or two. */
const maxRemembered = 256;
/** In the first word of a rule. */
const EXACT_ONLY = Saved.PROFILER_EXACT_ONLY << 8;

/**
 * Runs the instructions of one function after the other and adds the rows. A row is added when the location moves on,
 * so that each place has one.
 */
export class CfaProgram {
  readonly #rows: RowBuilder;
  readonly #base: number;
  readonly #state: FrameState;
  /** What each CIE begins with; undefined when its instructions are damaged. */
  readonly #initials = new Map<Cie, Int32Array | undefined>();
  readonly #remembered = new Int32Array(maxRemembered * stateSize);
  #depth = 0;
  #cie: Cie | undefined;
  #initial: Int32Array | undefined;
  #cursor: Cursor | undefined;
  #location = 0;
  #limit = 0;
  #dataAlign = 0;
  #codeAlign = 0;

  /** Locations count from `base`. */
  constructor(registers: FrameRegisters, rows: RowBuilder, base: number) {
    this.#state = new FrameState(registers);
    this.#rows = rows;
    this.#base = base;
  }

  /** Adds the rows of the code [start, limit) by the instructions [at, end) of its section; false when damaged. */
  run(cie: Cie, at: number, end: number, start: number, limit: number): boolean {
    if (cie !== this.#cie) this.#begin(cie);
    if (this.#initial === undefined) return false;
    this.#state.load(this.#initial, 0);
    if (!this.#execute(at, end, start, limit)) return false;
    this.#addRow();
    return true;
  }

  #begin(cie: Cie): void {
    if (cie.section.bytes !== this.#cursor?.bytes) this.#cursor = new Cursor(cie.section.bytes, 0, 0);
    this.#cie = cie;
    this.#codeAlign = cie.codeAlign;
    this.#dataAlign = cie.dataAlign;
    if (!this.#initials.has(cie)) this.#initials.set(cie, this.#runInitial(cie));
    this.#initial = this.#initials.get(cie);
  }

  #runInitial(cie: Cie): Int32Array | undefined {
    const initial = new Int32Array(stateSize);
    this.#initial = initial;
    this.#state.reset(cie.returnColumn);
    this.#state.save(initial, 0);
    // Nothing to cover: an advance ends it.
    if (!this.#execute(cie.at, cie.end, 0, 0)) return undefined;
    this.#state.save(initial, 0);
    return initial;
  }

  #addRow(): void {
    const reason = this.#state.encode();
    const { low, high } = this.#state;
    const isGuarded = this.#cie!.section.isGo && low !== RuleKind.PROFILER_RULE_END;
    if (reason === Unsupported.none) this.#rows.add(this.#location, isGuarded ? low | EXACT_ONLY : low, high);
    else this.#rows.addUnsupported(this.#location, reason);
  }

  #execute(at: number, end: number, start: number, limit: number): boolean {
    const cursor = this.#cursor!;
    const state = this.#state;
    cursor.moveTo(at, end);
    this.#location = start;
    this.#limit = limit;
    this.#depth = 0;
    while (cursor.at < cursor.end) {
      const instruction = cursor.bytes[cursor.at++]!;
      const low = instruction & 0x3f;
      switch (instruction >>> 6) {
        case 1: // DW_CFA_advance_loc
          this.#advance(low);
          break;
        case 2: // DW_CFA_offset
          state.setRegister(low, SavedHow.atCfa, cursor.uleb() * this.#dataAlign);
          break;
        case 3: // DW_CFA_restore
          state.restoreRegister(low, this.#initial!);
          break;
        default:
          this.#instruction(low, cursor, state);
      }
    }
    return !cursor.overrun;
  }

  /** Instructions about locations and whole states. */
  #instruction(instruction: number, cursor: Cursor, state: FrameState): void {
    switch (instruction) {
      case 0x00: // DW_CFA_nop
      case 0x2c: // DW_CFA_AARCH64_negate_ra_state_with_pc
      case 0x2d: // DW_CFA_AARCH64_negate_ra_state: the walk strips the signature off every return address
        break;
      case 0x01: // DW_CFA_set_loc
        this.#setLocation(cursor);
        break;
      case 0x02: // DW_CFA_advance_loc1
        this.#advance(cursor.u8());
        break;
      case 0x03: // DW_CFA_advance_loc2
        this.#advance(cursor.u16());
        break;
      case 0x04: // DW_CFA_advance_loc4
        this.#advance(cursor.u32());
        break;
      case 0x1d: // DW_CFA_MIPS_advance_loc8, which binutils take on every machine
        this.#advance(cursor.u64());
        break;
      case 0x0a: // DW_CFA_remember_state
        if (this.#depth === maxRemembered) cursor.fail();
        else state.save(this.#remembered, this.#depth++ * stateSize);
        break;
      case 0x0b: // DW_CFA_restore_state
        if (this.#depth === 0) cursor.fail();
        else state.load(this.#remembered, --this.#depth * stateSize);
        break;
      case 0x2e: // DW_CFA_GNU_args_size: for landing pads
        cursor.uleb();
        break;
      default:
        this.#cfaInstruction(instruction, cursor, state);
    }
  }

  #cfaInstruction(instruction: number, cursor: Cursor, state: FrameState): void {
    switch (instruction) {
      case 0x0c: // DW_CFA_def_cfa
        state.setCfa(cursor.uleb(), cursor.uleb());
        break;
      case 0x0d: // DW_CFA_def_cfa_register
        state.setCfaRegister(cursor.uleb());
        break;
      case 0x0e: // DW_CFA_def_cfa_offset
        state.setCfaOffset(cursor.uleb());
        break;
      case 0x0f: // DW_CFA_def_cfa_expression
        state.setCfaExpression(readExpression(cursor));
        break;
      case 0x12: // DW_CFA_def_cfa_sf
        state.setCfa(cursor.uleb(), cursor.sleb() * this.#dataAlign);
        break;
      case 0x13: // DW_CFA_def_cfa_offset_sf
        state.setCfaOffset(cursor.sleb() * this.#dataAlign);
        break;
      default:
        this.#registerInstruction(instruction, cursor.uleb(), cursor, state);
    }
  }

  /** Instructions whose first operand is a register. */
  #registerInstruction(instruction: number, register: number, cursor: Cursor, state: FrameState): void {
    switch (instruction) {
      case 0x05: // DW_CFA_offset_extended
        state.setRegister(register, SavedHow.atCfa, cursor.uleb() * this.#dataAlign);
        break;
      case 0x11: // DW_CFA_offset_extended_sf
        state.setRegister(register, SavedHow.atCfa, cursor.sleb() * this.#dataAlign);
        break;
      case 0x2f: // DW_CFA_GNU_negative_offset_extended
        state.setRegister(register, SavedHow.atCfa, -cursor.uleb() * this.#dataAlign);
        break;
      case 0x06: // DW_CFA_restore_extended
        state.restoreRegister(register, this.#initial!);
        break;
      case 0x07: // DW_CFA_undefined
        state.setRegister(register, SavedHow.undefined, 0);
        break;
      case 0x08: // DW_CFA_same_value
        state.setRegister(register, SavedHow.same, 0);
        break;
      case 0x09: // DW_CFA_register
        cursor.uleb();
        state.setRegister(register, SavedHow.register, 0);
        break;
      case 0x10: // DW_CFA_expression
        state.setRegisterExpression(register, readExpression(cursor));
        break;
      case 0x14: // DW_CFA_val_offset
      case 0x15: // DW_CFA_val_offset_sf
        cursor.uleb();
        state.setRegister(register, SavedHow.value, 0);
        break;
      case 0x16: // DW_CFA_val_expression
        cursor.skip(cursor.uleb());
        state.setRegister(register, SavedHow.value, 0);
        break;
      default:
        // How long its operands are is not known.
        cursor.fail();
    }
  }

  #advance(delta: number): void {
    this.#moveTo(this.#location + delta * this.#codeAlign);
  }

  #setLocation(cursor: Cursor): void {
    const { section, encoding } = this.#cie!;
    const bases = { section: section.address, data: 0, function: this.#location + this.#base };
    const location = readPointer(cursor, encoding, bases) - this.#base;
    if (location >= this.#location) this.#moveTo(location);
    else cursor.fail();
  }

  #moveTo(location: number): void {
    if (location === this.#location) return;
    if (location < this.#limit) {
      this.#addRow();
      this.#location = location;
      return;
    }
    // What comes after the end of the function does not matter.
    const cursor = this.#cursor!;
    if (!cursor.overrun) cursor.at = cursor.end;
  }
}
