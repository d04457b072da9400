/** Why a place in the code has no rule: numbers while rows are made, words in the end. */

export const Unsupported = {
  none: 0,
  cfaExpression: 1,
  frameRegister: 2,
  frameValue: 3,
  frameExpression: 4,
  frameInTable: 5,
  returnElsewhere: 6,
  returnRegister: 7,
  returnValue: 8,
  returnExpression: 9,
  returnUnsaved: 10,
  misaligned: 11,
  tooLarge: 12,
  tooManyRules: 13,
} as const;

const texts = [
  '',
  'CFA is an expression',
  'frame pointer is in a register',
  'frame pointer is a value',
  'frame pointer is at an expression',
  'frame pointer is saved in a linkage table',
  'return address is not at CFA-8',
  'return address is in a register',
  'return address is a value',
  'return address is at an expression',
  'return address is not saved',
  'offset is no multiple of 8',
  'offset is too large',
  'too many different rules',
];

const firstRegister = 16;
const firstDeref = 144;
const lastRegister = 127;

/** The CFA counts from a register other than the stack and frame pointers, or is what it points to. */
export function cfaInRegister(register: number, deref: boolean): number {
  return (deref ? firstDeref : firstRegister) + Math.min(register & 0x7fffffff, lastRegister);
}

/** Counts by reason. */
export class UnsupportedCounts {
  readonly #counts = new Float64Array(firstDeref + lastRegister + 1);

  add(reason: number): void {
    this.#counts[reason]!++;
  }

  inWords(): Map<string, number> {
    const found = new Map<string, number>();
    for (let reason = 0; reason < this.#counts.length; reason++) {
      const count = this.#counts[reason]!;
      if (count > 0) found.set(textOf(reason), count);
    }
    return found;
  }
}

function textOf(reason: number): string {
  if (reason < firstRegister) return texts[reason] ?? '';
  const deref = reason >= firstDeref;
  const register = reason - (deref ? firstDeref : firstRegister);
  const name = register === lastRegister ? 'an unknown register' : `register ${register}`;
  return deref ? `CFA is where ${name} points to` : `CFA in ${name}`;
}
