/** The shares that functions have of each run, as samples to compare. */
import type { Measure } from '../diff/changes.ts';
import type { DiffRun } from '../diff/difference.ts';
import { type Estimate, newcombe, type Sample, unbounded, welch } from './estimate.ts';
import { fitPrior, leastVariance, type Prior, type SeenVariance } from './prior.ts';

/** A function as a row of each side: two different ones when it was renamed, −1 where it is not. */
export interface Pair {
  readonly base: number;
  readonly head: number;
}

/** Mean and variance between runs (n − 1). */
export function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: values.length > 1 ? squares / (values.length - 1) : 0 };
}

/** The runs of one side. */
export class SideRuns {
  readonly runs: readonly DiffRun[];
  /** All samples together, and of a run the harmonic mean; 0 when unknown. */
  readonly samples: number;
  readonly perRun: number;

  /** @param runs with at least one sample each */
  constructor(runs: readonly DiffRun[]) {
    this.runs = runs;
    const inverse = runs.reduce((sum, { samples }) => sum + 1 / samples, 0);
    this.samples = runs.reduce((sum, { samples }) => sum + samples, 0);
    this.perRun = runs.length / inverse;
  }

  share(row: number, measure: Measure): number {
    return moments(this.shares(row, measure)).mean;
  }

  shares(row: number, measure: Measure): number[] {
    return this.runs.map(run => (row < 0 ? 0 : run[measure][row]! / run.grandTotal));
  }
}

/** A change, and the mean variance of a run's share; 0 where it is not from runs. */
export interface Compared extends Estimate {
  readonly variance: number;
}

/** Compares functions, all in the same way. */
export class ShareComparison {
  readonly #base: SideRuns;
  readonly #head: SideRuns;
  #prior: Prior = fitPrior([]);

  constructor(base: SideRuns, head: SideRuns) {
    this.#base = base;
    this.#head = head;
  }

  /** Whether bounds come from how runs differ. */
  get isByRuns(): boolean {
    return this.#base.runs.length + this.#head.runs.length > 2;
  }

  /** Learns from these functions how much shares vary. */
  learn(pairs: readonly Pair[]): void {
    const seen = pairs.flatMap(pair => this.#seen(pair, 'self'));
    this.#prior = fitPrior(seen.filter(({ freedom }) => freedom > 0));
  }

  #seen(pair: Pair, measure: Measure): [base: SeenVariance, head: SeenVariance] {
    const of = (side: SideRuns, row: number): SeenVariance => {
      const { mean, variance } = moments(side.shares(row, measure));
      return { share: mean, variance, samples: side.perRun, freedom: side.runs.length - 1 };
    };
    return [of(this.#base, pair.base), of(this.#head, pair.head)];
  }

  compare(pair: Pair, measure: Measure): Compared {
    const [base, head] = this.#seen(pair, measure);
    if (!this.isByRuns) {
      const isKnown = base.samples > 0 && head.samples > 0;
      const estimate = isKnown
        ? newcombe(base.share, base.samples, head.share, head.samples)
        : unbounded(base.share, head.share);
      return { ...estimate, variance: 0 };
    }
    const [first, second] = [this.#sample(base, head), this.#sample(head, base)];
    return { ...welch(first, second), variance: (first.variance + second.variance) / 2 };
  }

  /** A single run varies as those of the other side do. */
  #sample(side: SeenVariance, other: SeenVariance): Sample {
    const { variance, freedom } = this.#prior.moderate(side.freedom > 0 ? side : { ...other, share: side.share });
    const least = leastVariance((side.share + other.share) / 2, side.samples);
    return { mean: side.share, variance: Math.max(variance, least), runs: side.freedom + 1, freedom };
  }
}
