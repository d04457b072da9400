/**
 * What the variances of all functions say of one. Five runs alone tell a variance badly, and Student's t pays for it with
 * bounds that find little among many functions. Moderated variances (G. K. Smyth 2004, "Linear models and empirical Bayes
 * methods", section 6) borrow from the others: what sampling alone makes vary is known, p(1−p)/N of N samples, and how
 * much runs differ beyond that is nearly the same for most functions. Those for which it is not keep their own variance.
 */
import { digamma, incompleteBeta, trigamma } from './distributions.ts';

/** A variance that was seen: of the shares of one function on one side. */
export interface SeenVariance {
  readonly share: number;
  readonly variance: number;
  /** Harmonic mean of the samples of a run. */
  readonly samples: number;
  readonly freedom: number;
}

/** A function keeps its own variance when one as large would be seen once in so many. */
const OUTLIER = 0.001;
/** Times what is expected: as large is seen more often, whatever the degrees of freedom, and needs no look at the tail. */
const COMMON = 2;
/** Fewer variances say nothing of another. */
const MIN_SEEN = 8;
/** Samples of a run: with fewer, variances are not spread as those of normal numbers. */
const MIN_COUNT = 10;

/** Variance and its degrees of freedom. */
export interface Moderated {
  readonly variance: number;
  readonly freedom: number;
}

export interface Prior {
  moderate(seen: SeenVariance): Moderated;
}

const none: Prior = { moderate: ({ variance, freedom }) => ({ variance, freedom }) };

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The x > 0 with f(x) = value of a function that falls, between 1e-6 and 1e6. */
function solveFalling(f: (x: number) => number, value: number): number {
  let [low, high] = [-6, 6];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (f(10 ** middle) > value) low = middle;
    else high = middle;
  }
  return 10 ** low;
}

/** What is expected when runs differ by the factor 1 ± √spread: sampling, and that (of a part: p(1−p) of all). */
function expected({ share, samples }: SeenVariance, spread: number): number {
  const rest = share * (1 - share);
  return rest / samples + spread * rest ** 2;
}

/**
 * The least that a share can be believed to vary between runs. A handful of samples may be the same number in every run by
 * chance: four runs with one sample each, after four without, say little. With more, runs tell it themselves.
 */
export function leastVariance(share: number, samples: number): number {
  return samples > 0 && share * samples < MIN_COUNT ? (share * (1 - share)) / samples : 0;
}

/** @param all variances of different functions; those of functions that call each other would count twice */
export function fitPrior(all: readonly SeenVariance[]): Prior {
  const seen = all.filter(({ share, variance, samples }) => {
    return variance > 0 && share * samples >= MIN_COUNT && (1 - share) * samples >= MIN_COUNT;
  });
  if (seen.length < MIN_SEEN) return none;
  // The logarithm of a variance is off by so much on average, and varies by trigamma(d/2).
  const logs = (spread: number) => {
    return seen.map(one => {
      const half = one.freedom / 2;
      return Math.log(one.variance / expected(one, spread)) - digamma(half) + Math.log(half);
    });
  };
  // Large functions tell how much runs differ: of small ones, sampling makes nearly all of the variance.
  const weights = (spread: number) => seen.map(one => (one.share * (1 - one.share)) ** 2 / expected(one, spread));
  const off = (spread: number) => {
    const of = weights(spread);
    return logs(spread).reduce((sum, log, i) => sum + log * of[i]!, 0);
  };
  // Not more than sampling, unless it is more than one standard error of what is expected of sampling alone.
  const error = Math.hypot(...weights(0).map((weight, i) => weight * Math.sqrt(trigamma(seen[i]!.freedom / 2))));
  const spread = off(0) <= error ? 0 : solveFalling(off, 0);
  const most = seen.reduce((sum, { freedom }) => sum + freedom, 0);
  const priorFreedom = freedomOf(logs(spread), mean(seen.map(({ freedom }) => trigamma(freedom / 2))), most);
  return { moderate: one => moderate(one, expected(one, spread), priorFreedom) };
}

/**
 * How many degrees of freedom the prior is worth: as many as all variances have together, unless the logarithms are spread
 * wider than chance has it.
 */
function freedomOf(logs: readonly number[], byChance: number, most: number): number {
  const middle = mean(logs);
  const squares = logs.map(log => (log - middle) ** 2);
  const found = mean(squares);
  const error = Math.sqrt(mean(squares.map(square => (square - found) ** 2)) / squares.length);
  const excess = found - error - byChance;
  return excess > 0 ? Math.min(most, 2 * solveFalling(trigamma, excess)) : most;
}

function moderate({ variance, freedom }: SeenVariance, prior: number, priorFreedom: number): Moderated {
  if (!(prior > 0)) return { variance, freedom };
  const ratio = variance / prior;
  const sum = priorFreedom + freedom;
  const together = { variance: (priorFreedom * prior + freedom * variance) / sum, freedom: sum };
  if (ratio <= COMMON) return together;
  // The upper tail of F: DLMF 8.17 by A&S 26.6.2.
  const scaled = priorFreedom + freedom * ratio;
  const tail = incompleteBeta(priorFreedom / 2, freedom / 2, priorFreedom / scaled, (freedom * ratio) / scaled);
  return tail < OUTLIER ? { variance, freedom } : together;
}
