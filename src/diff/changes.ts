/** How much more or less the functions have on the head than on the base, and which changed most. */
import type { Difference } from './difference.ts';

/** `self`: of a function alone; `total`: with what it calls. */
export const MEASURES = ['self', 'total'] as const;
export type Measure = (typeof MEASURES)[number];

/** Columns by function. */
export interface Changes {
  /** Percent of the side's total, or where the comparison is absolute, the unit of the sample type. */
  readonly base: Float64Array;
  readonly head: Float64Array;
  /** head − base: percentage points, or the unit of the sample type. */
  readonly delta: Float64Array;
}

/** `part` in percent of `whole`; nothing of nothing is 0. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? (100 * part) / whole : 0;
}

/** @param absolute the values as they are, in place of their shares of each side's total */
export function changes({ base, head }: Difference, measure: Measure, absolute: boolean): Changes {
  const before = absolute ? base[measure] : base[measure].map(value => percent(value, base.grandTotal));
  const after = absolute ? head[measure] : head[measure].map(value => percent(value, head.grandTotal));
  return { base: before, head: after, delta: after.map((value, i) => value - before[i]!) };
}

/**
 * The change in percent of the base; null for what the base does not have.
 */
export function relative(before: number, after: number): number | null {
  return before > 0 ? (100 * (after - before)) / before : null;
}

/** The functions with at least `minPercent` of all samples in their stacks, on at least one side. */
export function large({ base, head, functions }: Difference, minPercent: number): Uint32Array {
  return Uint32Array.from({ length: functions.length }, (_, i) => i).filter(i => {
    const [before, after] = [percent(base.total[i]!, base.grandTotal), percent(head.total[i]!, head.grandTotal)];
    return Math.max(before, after) >= minPercent;
  });
}

/** The rows, largest change first; equal ones by name. */
export function byChange(difference: Difference, { delta }: Changes, rows: Uint32Array): Uint32Array {
  const { name, file } = difference.functions;
  const compare = (a: string, b: string) => (a < b ? -1 : a === b ? 0 : 1);
  return rows.slice().sort((a, b) => {
    return Math.abs(delta[b]!) - Math.abs(delta[a]!) || compare(name[a]!, name[b]!) || compare(file[a]!, file[b]!);
  });
}
