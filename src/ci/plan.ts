/** In which order the runs of both sides are made. */

export type Side = 'base' | 'head';

export interface PlannedRun {
  readonly side: Side;
  /** From 1 on, of its side; 0 for a warm-up, which is not recorded. */
  readonly index: number;
}

/**
 * Warm-ups first; then the sides take turns, and take turns at being first: what drifts (heat, a neighbour's load) meets
 * both alike.
 */
export function planRuns(sides: readonly Side[], runs: number, warmups: number): PlannedRun[] {
  const plan: PlannedRun[] = [];
  for (let i = 0; i < warmups; i++) for (const side of sides) plan.push({ side, index: 0 });
  for (let index = 1; index <= runs; index++) {
    for (const side of index % 2 === 1 ? sides : sides.toReversed()) plan.push({ side, index });
  }
  return plan;
}
