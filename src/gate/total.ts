/** What a whole run costs: tested apart from shares, which add up to one and hide what slows everything down alike. */
import { type Sample, welch } from './estimate.ts';
import { moments } from './shares.ts';
import type { TotalTest } from './verdict.ts';

/** The numbers of the runs. */
export interface Totals {
  readonly name: string;
  readonly unit: string;
  /** One for each run, above 0. */
  readonly base: readonly number[];
  readonly head: readonly number[];
}

/** Of logarithms, for what disturbs a run is a part of it, and so that bounds are those of the ratio. */
export function testTotal({ name, unit, base, head }: Totals): TotalTest {
  const [before, after] = [base, head].map(values => moments(values.map(Math.log))) as [Moments, Moments];
  const relative = Math.expm1(after.mean - before.mean);
  const found = { name, unit, base: Math.exp(before.mean), head: Math.exp(after.mean), relative };
  if (base.length + head.length <= 2) return { ...found, relativeLow: -1, relativeHigh: Infinity, p: 1, variance: 0 };
  const [first, second] = [sample(before, base, after, head), sample(after, head, before, base)];
  const { low, high, p } = welch(first, second);
  const variance = (first.variance + second.variance) / 2;
  return { ...found, relativeLow: Math.expm1(low), relativeHigh: Math.expm1(high), p, variance };
}

type Moments = ReturnType<typeof moments>;

/** A single run varies as those of the other side do. */
function sample(own: Moments, runs: readonly number[], other: Moments, others: readonly number[]): Sample {
  const { variance } = runs.length > 1 ? own : other;
  const freedom = (runs.length > 1 ? runs : others).length - 1;
  return { mean: own.mean, variance, runs: runs.length, freedom };
}
