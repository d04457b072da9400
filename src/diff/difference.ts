/** What became of a program between two recordings: functions and stacks of both sides, matched, with both values. */
import type { FlameData } from '../../flamegraph/index.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import type { Profile, ValueType } from '../model/profile.ts';
import { type Measured, measured, obstacles, sampleCount, wayAround } from './comparable.ts';
import { FrameTable, Side } from './frames.ts';
import type { Shares } from './shares.ts';
import { StackTable } from './stacks.ts';
import { type FunctionValues, functionValues } from './values.ts';

export interface DiffOptions {
  /** Name of the sample type that is compared; default the last one of the first profile. */
  readonly sampleType?: string | undefined;
  /** Compare what measures different things or nothing at all; what was in the way is in the notes then. */
  readonly force?: boolean | undefined;
}

/** One profile of a side. */
export interface DiffRun extends FunctionValues {
  readonly name: string;
  /** Value of all its samples, in the unit of the sample type. */
  readonly grandTotal: number;
  /** How many samples that are; 0 when it is not known. */
  readonly samples: number;
  /** What was sampled, `cycles`; '' when it is not known. */
  readonly event: string;
  /** Milliseconds. */
  readonly durationMs: number;
  readonly losses: Readonly<Record<string, number>>;
}

/** All profiles of one side, added up. */
export interface DiffSide extends FunctionValues {
  readonly runs: readonly DiffRun[];
  readonly grandTotal: number;
}

/** The functions that have a value on at least one side; every column of values has the same order. */
export interface DiffFunctions {
  readonly length: number;
  readonly name: readonly string[];
  /** Source file or module, without its folder; '' when unknown. */
  readonly file: readonly string[];
}

/** A function that the sides have in different files; it stands in the head's. */
export interface MovedFunction {
  /** Index into the functions. */
  readonly row: number;
  /** The base's file. */
  readonly file: string;
}

export interface Difference {
  readonly sampleType: ValueType;
  readonly functions: DiffFunctions;
  readonly moved: readonly MovedFunction[];
  readonly base: DiffSide;
  readonly head: DiffSide;
  /** Stacks, matched by the names of their functions: `value` is the head's, `base` the base's. */
  readonly stacks: FlameData;
  /** What a reader has to know to trust the comparison, a sentence each. */
  readonly notes: readonly string[];
}

export const SIDES = ['base', 'head'] as const;
export type SideName = (typeof SIDES)[number];

function sum(name: string, value: Float64Array): number {
  let total = 0;
  for (const v of value) {
    if (!(v >= 0)) {
      throw new ProfilerError('negative-values', `"${name}" holds negative values: it is a difference already.`, {
        hint: 'Compare the profiles that it was made from.',
        exitCode: ExitCode.usage,
      });
    }
    total += v;
  }
  return total;
}

/** Takes one profile after the other, so that one at a time has to be in memory. The base comes before the head. */
export class DifferenceBuilder {
  readonly #options: DiffOptions;
  readonly #frames = new FrameTable();
  readonly #stacks = new StackTable(this.#frames);
  readonly #runs: Readonly<Record<SideName, DiffRun[]>> = { base: [], head: [] };
  readonly #notes: string[] = [];
  #first: Measured | undefined;

  constructor(options: DiffOptions = {}) {
    this.#options = options;
  }

  /**
   * @param name what messages call the profile
   * @throws ProfilerError when it cannot be compared with the others, or holds negative values or too much
   */
  add(side: SideName, name: string, profile: Profile): void {
    const found = measured(name, profile, this.#options.sampleType, this.#first);
    this.#first ??= found;
    this.#check(found);
    const value = profile.samples.values[found.index]!;
    const grandTotal = sum(name, value);
    const frames = this.#frames.ofLocations(profile, Side[side]);
    this.#stacks.add(Side[side], profile, frames, value);
    const values = functionValues(profile, frames, this.#frames.length, value);
    const { durationMs, losses } = profile;
    const samples = sampleCount(profile, found.index, grandTotal);
    this.#runs[side].push({ name, grandTotal, samples, event: found.event, durationMs, losses, ...values });
  }

  /**
   * Adds runs whose stacks nobody kept: the functions are compared, and the pictures have nothing of them.
   * @throws ProfilerError as {@link add}
   */
  addShares(side: SideName, name: string, shares: Shares): void {
    const { sampleType, periodType, period, event } = shares;
    const found = { name, sampleTypes: [sampleType], index: 0, periodType, period, event };
    this.#first ??= found;
    this.#check(found);
    const frames = shares.functions.map(one => this.#frames.function(one.name, one.file, Side[side]));
    for (const [i, { total: grandTotal, samples }] of shares.runs.entries()) {
      const values = { self: new Float64Array(this.#frames.length), total: new Float64Array(this.#frames.length) };
      for (const [f, { self, inclusive }] of shares.functions.entries()) {
        values.self[frames[f]!]! += self[i]! * grandTotal;
        values.total[frames[f]!]! += inclusive[i]! * grandTotal;
      }
      const run = { name: `${name} #${i + 1}`, grandTotal, samples, event, durationMs: 0, losses: {} };
      this.#runs[side].push({ ...run, ...values });
    }
    this.#notes.push(`${side}: "${name}" has no stacks: flame graphs show the other side alone.`);
  }

  #check(found: Measured): void {
    const [obstacle, ...more] = obstacles(this.#first!, found);
    if (obstacle === undefined) return;
    if (!this.#options.force) {
      throw new ProfilerError('different-types', obstacle, {
        hint: wayAround(this.#first!, found),
        exitCode: ExitCode.usage,
      });
    }
    this.#notes.push(obstacle, ...more);
  }

  /** @throws ProfilerError when a side has no profile, or no samples and `force` is not set */
  done(): Difference {
    const first = this.#first;
    if (!first) throw new ProfilerError('nothing-to-compare', 'there is no profile to compare.');
    const { kept, rowOf, movedFrames } = this.#rows();
    const { texts, name, file } = this.#frames;
    const base = this.#side('base', rowOf, kept.length);
    const head = this.#side('head', rowOf, kept.length);
    return {
      sampleType: first.sampleTypes[first.index]!,
      functions: {
        length: kept.length,
        name: kept.map(frame => texts[name[frame]!]!),
        file: kept.map(frame => texts[file[frame]!]!),
      },
      moved: movedFrames.map(frame => ({ row: rowOf[frame]!, file: texts[file[frame]!]! })),
      base,
      head,
      stacks: this.#stacks.done(),
      notes: [...this.#notes, ...lossNotes('base', base), ...lossNotes('head', head)],
    };
  }

  /** Frames that have a value somewhere, and for each frame its row among them or −1. */
  #rows(): { readonly kept: readonly number[]; readonly rowOf: Int32Array; readonly movedFrames: readonly number[] } {
    const target = this.#frames.moved();
    const row = new Int32Array(target.length).fill(-1);
    for (const { total } of SIDES.flatMap(side => this.#runs[side])) {
      for (let frame = 0; frame < total.length; frame++) if (total[frame]! > 0) row[target[frame]!] = 0;
    }
    const kept: number[] = [];
    for (let frame = 0; frame < row.length; frame++) if (row[frame] === 0) row[frame] = kept.push(frame) - 1;
    const movedFrames = [...target.keys()].filter(frame => target[frame] !== frame && row[target[frame]!]! >= 0);
    return { kept, movedFrames, rowOf: Int32Array.from(target, frame => row[frame]!) };
  }

  #side(name: SideName, rowOf: Int32Array, rows: number): DiffSide {
    const runs = this.#runs[name].map(run => ({ ...run, ...addUp([run], rowOf, rows) }));
    const grandTotal = runs.reduce((sum, run) => sum + run.grandTotal, 0);
    if (grandTotal === 0 && !this.#options.force) {
      throw new ProfilerError('empty-side', `there is no sample in the ${name}${namesText(runs)}.`, {
        hint: 'Record it again while there is something to do, or say --force to see the other side alone.',
      });
    }
    return { runs, grandTotal, ...addUp(this.#runs[name], rowOf, rows) };
  }
}

function namesText(runs: readonly DiffRun[]): string {
  return runs.length === 0 ? '' : ` (${runs.map(({ name }) => `"${name}"`).join(', ')})`;
}

/** The values of runs together, by row instead of by frame. */
function addUp(runs: readonly FunctionValues[], rowOf: Int32Array, rows: number): FunctionValues {
  const sum = { self: new Float64Array(rows), total: new Float64Array(rows) };
  for (const { self, total } of runs) {
    for (let frame = 0; frame < total.length; frame++) {
      const row = rowOf[frame]!;
      if (row < 0) continue;
      sum.self[row]! += self[frame]!;
      sum.total[row]! += total[frame]!;
    }
  }
  return sum;
}

function lossNotes(side: SideName, { runs }: DiffSide): string[] {
  const sums = new Map<string, number>();
  for (const { losses } of runs) {
    for (const [cause, count] of Object.entries(losses)) sums.set(cause, (sums.get(cause) ?? 0) + count);
  }
  return [...sums].filter(([, count]) => count > 0).map(([cause, count]) => `${side}: ${cause}: ${count}`);
}

/** Compares two profiles, or two sides of several profiles each. @throws ProfilerError as {@link DifferenceBuilder} */
export function diffProfiles(
  base: Profile | readonly Profile[],
  head: Profile | readonly Profile[],
  options: DiffOptions = {},
): Difference {
  const builder = new DifferenceBuilder(options);
  for (const profile of [base].flat()) builder.add('base', 'base', profile);
  for (const profile of [head].flat()) builder.add('head', 'head', profile);
  return builder.done();
}
