/** How large a change is, between which bounds, and how likely it is to be none: 95 % and two-sided throughout. */
import { NORMAL, tQuantile, tTails } from './distributions.ts';

/** 1 − confidence, and what q has to be below. */
export const ALPHA = 0.05;
/** Both tails of the t that one tail of 20 % leaves: what is there is found four times of five. */
const POWER_TAILS = 0.4;

/** What the runs of one side say of one number. */
export interface Sample {
  readonly mean: number;
  /** Of a single run. */
  readonly variance: number;
  readonly runs: number;
  /** Degrees of freedom of the variance. */
  readonly freedom: number;
}

export interface Estimate {
  readonly base: number;
  readonly head: number;
  /** head − base, and the bounds of its confidence interval. */
  readonly change: number;
  readonly low: number;
  readonly high: number;
  /** The change as a part of the base, and its bounds; ±Infinity where the base is too small to tell. */
  readonly relative: number;
  readonly relativeLow: number;
  readonly relativeHigh: number;
  /** Of no change at all, two-sided. */
  readonly p: number;
}

interface Bounds {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Quantiles by degrees of freedom, on eighths and whole ones below the true ones, so on the safe side. */
function quantiles(tails: number): (freedom: number) => number {
  const known = new Map<number, number>();
  return freedom => {
    const step = freedom < 50 ? Math.floor(freedom * 8) / 8 : Math.floor(Math.min(freedom, NORMAL));
    const t = known.get(step) ?? tQuantile(tails, Math.max(step, 0.125));
    known.set(step, t);
    return t;
  };
}

/** The t of a 95 % interval, and the one to add for the power. */
const critical = quantiles(ALPHA);
const powered = quantiles(POWER_TAILS);

/**
 * The root k = head/base of (head − k·base)² = dh² + k²·db², on the side of `sign`: Fieller's bound of a ratio (1954),
 * with the distances of Donner and Zou (2012, https://doi.org/10.1177/0962280210383082) where they are not symmetric.
 */
function ratioBound(base: number, head: number, db: number, dh: number, sign: -1 | 1): number {
  if (dh === Infinity) return sign > 0 ? Infinity : 0;
  const a = base * base - db * db;
  // The base cannot be told from nothing: any ratio is possible above, and from below only what the head proves.
  if (a <= 0) return sign > 0 || (base === 0 && head - dh > 0) ? Infinity : 0;
  const b = base * head;
  const root = b * b - a * (head * head - dh * dh);
  return Math.max(0, (b + sign * Math.sqrt(Math.max(0, root))) / a);
}

/** Two independent numbers with bounds as one difference: MOVER, Zou and Donner 2008. */
function combine(base: Bounds, head: Bounds, p: number): Estimate {
  const change = head.value - base.value;
  const relative = base.value > 0 ? change / base.value : head.value > 0 ? Infinity : 0;
  const bound = (sign: -1 | 1) => {
    const [db, dh] =
      sign < 0 ? [base.high - base.value, head.value - head.low] : [base.value - base.low, head.high - head.value];
    const at = base.value === 0 && head.value === 0 ? 1 : ratioBound(base.value, head.value, db, dh, sign);
    return { absolute: change + sign * Math.hypot(db, dh), relative: at - 1 };
  };
  const [low, high] = [bound(-1), bound(1)];
  return {
    base: base.value,
    head: head.value,
    change,
    low: low.absolute,
    high: high.absolute,
    relative,
    relativeLow: low.relative,
    relativeHigh: high.relative,
    p,
  };
}

/** B. L. Welch 1947, with the degrees of freedom of Satterthwaite 1946. Two equal constants differ in nothing. */
export function welch(base: Sample, head: Sample): Estimate {
  const [vb, vh] = [base.variance / base.runs, head.variance / head.runs];
  const variance = vb + vh;
  const change = head.mean - base.mean;
  const freedom = variance > 0 ? variance ** 2 / (vb ** 2 / base.freedom + vh ** 2 / head.freedom) : 1;
  const t = critical(freedom);
  const bounds = (value: number, of: number) => {
    return { value, low: value - t * Math.sqrt(of), high: value + t * Math.sqrt(of) };
  };
  const p = change === 0 ? 1 : tTails(change / Math.sqrt(variance), freedom);
  return combine(bounds(base.mean, vb), bounds(head.mean, vh), p);
}

/** Wilson's interval of a share (1927), as in Newcombe 1998, method 3. */
export function wilson(share: number, samples: number): Bounds {
  const z = critical(NORMAL);
  const shrink = 1 + z ** 2 / samples;
  const middle = (share + z ** 2 / (2 * samples)) / shrink;
  const half = (z / shrink) * Math.sqrt((share * (1 - share)) / samples + z ** 2 / (4 * samples ** 2));
  return { value: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** Two shares of independent samples: Newcombe 1998, method 10, and the z of the pooled share. */
export function newcombe(base: number, baseSamples: number, head: number, headSamples: number): Estimate {
  const pooled = (base * baseSamples + head * headSamples) / (baseSamples + headSamples);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / baseSamples + 1 / headSamples));
  const p = head === base ? 1 : tTails((head - base) / error, NORMAL);
  return combine(wilson(base, baseSamples), wilson(head, headSamples), p);
}

/** Two numbers of which nothing tells how they vary. */
export function unbounded(base: number, head: number): Estimate {
  return combine({ value: base, low: -Infinity, high: Infinity }, { value: head, low: -Infinity, high: Infinity }, 1);
}

/** More than anyone records. */
const MAX_RUNS = 2 ** 16;

/**
 * Runs a side so that a change of `change` is found four times of five: the smallest n of at least 2 with
 * change ≥ (t of the interval + t of the power)·√(2·variance/n). Infinity beyond {@link MAX_RUNS}.
 */
export function runsNeeded(variance: number, change: number): number {
  const isEnough = (runs: number) => {
    const freedom = 2 * (runs - 1);
    const t = critical(freedom) + powered(freedom);
    return change >= t * Math.sqrt((2 * variance) / runs);
  };
  if (!isEnough(MAX_RUNS)) return Infinity;
  let [low, high] = [1, MAX_RUNS];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Samples a side so that a change between two shares is found four times of five. */
export function samplesNeeded(base: number, head: number): number {
  const z = critical(NORMAL) + powered(NORMAL);
  const variance = base * (1 - base) + head * (1 - head);
  return head === base ? Infinity : Math.ceil((z ** 2 * variance) / (head - base) ** 2);
}
