/** What call frame instructions have said so far about one place in the code, and the rule that comes of it. */

import { RuleKind, Saved } from '../../capture/records.gen.ts';
import type { Machine } from '../format.ts';
import { CfaHow, type Expression } from './cfa-expression.ts';
import { cfaInRegister, Unsupported } from './unsupported.ts';

/** A machine's registers by their numbers in DWARF (System V ABI x86-64, figure 3.36; DWARF for the Arm 64-bit ABI). */
export interface FrameRegisters {
  readonly sp: number;
  readonly fp: number;
  /** Where a call leaves its return address; −1 when that is the stack. */
  readonly link: number;
  /** From which gcc counts the CFA while it realigns the stack of a function with arguments there; −1 for none. */
  readonly realign: number;
}

export const frameRegisters: Partial<Record<Machine, FrameRegisters>> = {
  'x86-64': { sp: 7, fp: 6, link: -1, realign: 10 },
  arm64: { sp: 31, fp: 29, link: 30, realign: -1 },
};

/** Where the caller's value of a register is (DWARF 5, 6.4.1). */
export const SavedHow = {
  same: 0,
  /** At CFA + offset. */
  atCfa: 1,
  /** At the frame pointer + offset. */
  atFp: 2,
  undefined: 3,
  register: 4,
  value: 5,
  expression: 6,
} as const;
export type SavedHow = (typeof SavedHow)[keyof typeof SavedHow];

const frameReasons: Partial<Record<SavedHow, number>> = {
  [SavedHow.register]: Unsupported.frameRegister,
  [SavedHow.value]: Unsupported.frameValue,
  [SavedHow.expression]: Unsupported.frameExpression,
};

const returnReasons: Partial<Record<SavedHow, number>> = {
  [SavedHow.same]: Unsupported.returnUnsaved,
  [SavedHow.atCfa]: Unsupported.returnElsewhere,
  [SavedHow.register]: Unsupported.returnRegister,
  [SavedHow.value]: Unsupported.returnValue,
};

/** A state has so many numbers. */
export const stateSize = 9;

const lowestOffset = -(2 ** 31);
const highestOffset = 2 ** 31 - 8;

/** What does not fit is far beyond what a rule can say, and stays so. */
function bounded(offset: number): number {
  if (offset > lowestOffset && offset < highestOffset) return offset | 0;
  return offset < 0 ? lowestOffset : highestOffset;
}

/** Rules of the CFA, the frame pointer and the return address. Offsets in bytes; other registers are not kept. */
export class FrameState {
  /** The two words of the rule, see {@link encode}. */
  low = 0;
  high = 0;
  readonly #registers: FrameRegisters;
  /** The register whose rule is that of the return address. */
  #returnColumn = 0;
  #cfaHow: CfaHow = CfaHow.register;
  #cfaRegister = -1;
  #cfaOffset = 0;
  #threshold = 0;
  #fpHow: SavedHow = SavedHow.same;
  #fpOffset = 0;
  #raHow: SavedHow = SavedHow.same;
  #raOffset = 0;

  constructor(registers: FrameRegisters) {
    this.#registers = registers;
  }

  reset(returnColumn: number): void {
    this.#returnColumn = returnColumn;
    this.#cfaHow = CfaHow.register;
    this.#cfaRegister = -1;
    this.#cfaOffset = 0;
    this.#fpHow = this.#raHow = SavedHow.same;
    this.#fpOffset = this.#raOffset = 0;
  }

  setCfa(register: number, offset: number): void {
    this.#cfaHow = CfaHow.register;
    this.#cfaRegister = bounded(register);
    this.#cfaOffset = bounded(offset);
  }

  /** Also ends an expression. */
  setCfaRegister(register: number): void {
    this.#cfaHow = CfaHow.register;
    this.#cfaRegister = bounded(register);
  }

  setCfaOffset(offset: number): void {
    this.#cfaOffset = bounded(offset);
  }

  setCfaExpression({ how, register, offset, threshold }: Expression): void {
    this.setCfa(register, offset);
    this.#cfaHow = how;
    this.#threshold = threshold;
  }

  setRegister(register: number, how: SavedHow, offset: number): void {
    if (register === this.#registers.fp) {
      this.#fpHow = how;
      this.#fpOffset = bounded(offset);
    } else if (register === this.#returnColumn) {
      this.#raHow = how;
      this.#raOffset = bounded(offset);
    }
  }

  /** DW_CFA_expression: the register is saved where the expression says. */
  setRegisterExpression(register: number, { how, register: base, offset }: Expression): void {
    const atFp = how === CfaHow.register && base === this.#registers.fp;
    this.setRegister(register, atFp ? SavedHow.atFp : SavedHow.expression, offset);
  }

  /** DW_CFA_restore: the register's rule as it stands in another state. */
  restoreRegister(register: number, from: Int32Array): void {
    if (register === this.#registers.fp) this.setRegister(register, from[4] as SavedHow, from[5]!);
    else if (register === this.#returnColumn) this.setRegister(register, from[6] as SavedHow, from[7]!);
  }

  save(into: Int32Array, at: number): void {
    into[at] = this.#cfaHow;
    into[at + 1] = this.#cfaRegister;
    into[at + 2] = this.#cfaOffset;
    into[at + 3] = this.#threshold;
    into[at + 4] = this.#fpHow;
    into[at + 5] = this.#fpOffset;
    into[at + 6] = this.#raHow;
    into[at + 7] = this.#raOffset;
    into[at + 8] = this.#returnColumn;
  }

  load(from: Int32Array, at: number): void {
    this.#cfaHow = from[at] as CfaHow;
    this.#cfaRegister = from[at + 1]!;
    this.#cfaOffset = from[at + 2]!;
    this.#threshold = from[at + 3]!;
    this.#fpHow = from[at + 4] as SavedHow;
    this.#fpOffset = from[at + 5]!;
    this.#raHow = from[at + 6] as SavedHow;
    this.#raOffset = from[at + 7]!;
    this.#returnColumn = from[at + 8]!;
  }

  /** Puts the state as struct profiler_unwind_rule into `low` and `high`; returns why when it cannot be said so. */
  encode(): number {
    if (this.#raHow === SavedHow.undefined) {
      this.low = RuleKind.PROFILER_RULE_END;
      this.high = 0;
      return Unsupported.none;
    }
    const kind = this.#kind();
    if (kind < 0) return this.#cfaReason();
    let saved = 0;
    let fp = 0;
    let ra = 0;
    if (this.#fpHow === SavedHow.atCfa || this.#fpHow === SavedHow.atFp) {
      saved = this.#fpHow === SavedHow.atCfa ? Saved.PROFILER_SAVED_FP : Saved.PROFILER_SAVED_FP_AT_FP;
      fp = this.#fpOffset;
      // A caller's value that is undefined is one that nobody needs.
    } else if (this.#fpHow > SavedHow.undefined) return frameReasons[this.#fpHow]!;
    if (!this.#returnIsFound()) return returnReasons[this.#raHow] ?? Unsupported.returnExpression;
    if (this.#raHow === SavedHow.atCfa) {
      saved |= Saved.PROFILER_SAVED_RA;
      ra = this.#raOffset;
    }
    const cfa = this.#cfaOffset;
    if (((cfa | fp | ra) & 7) !== 0) return Unsupported.misaligned;
    if (!fits(cfa) || !fits(fp) || !fits(ra)) return Unsupported.tooLarge;
    if (kind === RuleKind.PROFILER_RULE_PLT) {
      // The frame pointer's field holds the threshold.
      if (this.#fpHow !== SavedHow.same) return Unsupported.frameInTable;
      fp = this.#threshold << 3;
    }
    this.low = kind | (saved << 8) | ((cfa >> 3) << 16);
    this.high = ((fp >> 3) & 0xffff) | ((ra >> 3) << 16);
    return Unsupported.none;
  }

  /** RuleKind of the CFA, −1 when there is none. */
  #kind(): number {
    const isSp = this.#cfaRegister === this.#registers.sp;
    const isFp = this.#cfaRegister === this.#registers.fp;
    switch (this.#cfaHow) {
      case CfaHow.register:
        if (isSp) return RuleKind.PROFILER_RULE_SP;
        if (isFp) return RuleKind.PROFILER_RULE_FP;
        return this.#cfaRegister === this.#registers.realign ? RuleKind.PROFILER_RULE_EXTRA : -1;
      case CfaHow.deref:
        return isFp ? RuleKind.PROFILER_RULE_FP_DEREF : -1;
      case CfaHow.plt:
        // The expression asks for the program counter by the number that it has on x86-64.
        return isSp && this.#registers.link < 0 ? RuleKind.PROFILER_RULE_PLT : -1;
      default:
        return -1;
    }
  }

  #cfaReason(): number {
    if (this.#cfaHow === CfaHow.register) return cfaInRegister(this.#cfaRegister, false);
    if (this.#cfaHow === CfaHow.deref) return cfaInRegister(this.#cfaRegister, true);
    return Unsupported.cfaExpression;
  }

  /** Where calls push it, it has to be next to the CFA: what else is described is no function's frame. */
  #returnIsFound(): boolean {
    if (this.#registers.link < 0) return this.#raHow === SavedHow.atCfa && this.#raOffset === -8;
    if (this.#raHow === SavedHow.atCfa) return true;
    return this.#raHow === SavedHow.same && this.#returnColumn === this.#registers.link;
  }
}

/** Whether an offset in bytes fits into 16 bits of units of 8 bytes. */
function fits(offset: number): boolean {
  return offset >= -0x8000 * 8 && offset <= 0x7fff * 8;
}
