/** Runs whose functions are known without their stacks, as a baseline file keeps them. */
import type { ValueType } from '../model/profile.ts';

export interface SharesRun {
  /** Value of all samples, in the unit of the sample type, and how many they are (0: unknown). */
  readonly total: number;
  readonly samples: number;
}

export interface SharesFunction {
  /** Canonical (see canonical.ts). */
  readonly name: string;
  readonly file: string;
  /** Parts of each run's total. */
  readonly self: readonly number[];
  readonly inclusive: readonly number[];
}

export interface Shares {
  readonly sampleType: ValueType;
  readonly periodType: ValueType;
  readonly period: number;
  /** `cycles`, '' when unknown. */
  readonly event: string;
  readonly runs: readonly SharesRun[];
  readonly functions: readonly SharesFunction[];
}
