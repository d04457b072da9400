/**
 * DWARF expressions (DWARF 5, 2.5) in unwind tables. Compilers and linkers write a handful of shapes, which are known
 * by their operations; there is no machine that runs others.
 */

import type { Cursor } from './cursor.ts';

/** How the canonical frame address is found. */
export const CfaHow = {
  /** Register + offset. */
  register: 0,
  /** What register + offset points to. GCC keeps the CFA so where it aligns the stack for vectors. */
  deref: 1,
  /** sp + offset, and 8 more from a certain instruction of each 16-byte stub on: linkage tables. */
  plt: 2,
  /** Another expression. */
  other: 3,
} as const;
export type CfaHow = (typeof CfaHow)[keyof typeof CfaHow];

/** What an expression says. */
export interface Expression {
  readonly how: CfaHow;
  readonly register: number;
  readonly offset: number;
  /** For `plt`: from which byte of a stub on the CFA is 8 more. */
  readonly threshold: number;
}

const DW_OP_deref = 0x06;
const DW_OP_plus_uconst = 0x23;
const DW_OP_lit0 = 0x30;
const DW_OP_breg0 = 0x70;
const DW_OP_bregx = 0x92;
const litMask = 0x1f;

/**
 * What the linkers put for all stubs of an x86-64 linkage table at once, after breg7 (rsp) 8: DW_OP_breg16 (rip) 0,
 * lit15, and, litN, ge, lit3, shl, plus: ((rip & 15) >= N) << 3. N is 11 where the stub's push ends with byte 11, and
 * others where branch targets are marked (binutils, bfd/elfx86-64.c).
 */
const pltTail = [0x80, 0x00, 0x3f, 0x1a, DW_OP_lit0, 0x2a, 0x33, 0x24, 0x22];
const pltThreshold = 4;

const unknown: Expression = { how: CfaHow.other, register: 0, offset: 0, threshold: 0 };

/** Reads an expression with its length before it; the cursor ends after it. */
export function readExpression(cursor: Cursor): Expression {
  const length = cursor.uleb();
  const start = cursor.at;
  cursor.skip(length);
  if (cursor.overrun) return unknown;
  const { at, end } = cursor;
  cursor.moveTo(start, at);
  const expression = classify(cursor);
  const short = cursor.overrun;
  cursor.moveTo(at, end);
  return short ? unknown : expression;
}

function classify(cursor: Cursor): Expression {
  const operation = cursor.u8();
  let register = operation - DW_OP_breg0;
  if (operation === DW_OP_bregx) register = cursor.uleb();
  else if (register < 0 || register > 31) return unknown;
  let offset = cursor.sleb();
  let how: CfaHow = CfaHow.register;
  let threshold = 0;
  if (cursor.end - cursor.at === pltTail.length) {
    threshold = readPltTail(cursor);
    how = threshold < 0 ? CfaHow.other : CfaHow.plt;
  } else if (cursor.at < cursor.end) {
    const next = cursor.u8();
    if (next === DW_OP_deref) how = CfaHow.deref;
    else if (next === DW_OP_plus_uconst) offset += cursor.uleb();
    else how = CfaHow.other;
    if (cursor.at !== cursor.end) how = CfaHow.other;
  }
  return { how, register, offset, threshold };
}

/** The N of {@link pltTail}, −1 when it is something else. */
function readPltTail(cursor: Cursor): number {
  let threshold = -1;
  for (const [i, expected] of pltTail.entries()) {
    const operation = cursor.u8();
    if (i === pltThreshold && operation >= DW_OP_lit0 && operation <= DW_OP_lit0 + litMask) {
      threshold = operation - DW_OP_lit0;
    } else if (operation !== expected) return -1;
  }
  return threshold;
}
