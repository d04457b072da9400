/** What the gate finds. Shares are parts of a run: 0.08 is 8 %. */
import type { Measure } from '../diff/changes.ts';
import type { Rule } from './rules.ts';
import type { Compared } from './shares.ts';

/**
 * `regressed`: shown to be more than a rule allows. `inconclusive`: neither that nor the opposite is shown.
 * `no-base`: nothing to compare with, as in a first run.
 */
export type Outcome = 'ok' | 'regressed' | 'inconclusive' | 'no-base';

/** How bounds are found: from how runs differ, or where a side has one run, from its samples as if independent. */
export type Method = 'runs' | 'samples';

/** The share of one function. */
export interface FunctionTest extends Compared {
  readonly name: string;
  /** What it is called on the base: the same, but for renamed ones. */
  readonly was: string;
  /** '' when unknown. */
  readonly file: string;
  readonly measure: Measure;
  /** Inclusive, and the same as self in every run: it calls nothing that was seen. */
  readonly isSelfToo: boolean;
  /** Among all functions (Benjamini and Hochberg). */
  readonly q: number;
  readonly isAllowed: boolean;
}

/** What all of a run costs; its change is relative, so `base` and `head` are geometric means in `unit`. */
export interface TotalTest {
  readonly base: number;
  readonly head: number;
  /** `cpu`, `wall ms`, what a command prints. */
  readonly name: string;
  /** In pprof's terms; '' when the name says it. */
  readonly unit: string;
  readonly relative: number;
  /** −1 and Infinity where one run a side tells nothing. */
  readonly relativeLow: number;
  readonly relativeHigh: number;
  readonly p: number;
  /** Of the logarithm of one run. */
  readonly variance: number;
}

/** How much more has to be recorded to tell; of samples and runs the one that applies, Infinity for beyond reason. */
export interface Needed {
  readonly runs?: number;
  readonly samples?: number;
}

export interface Finding {
  readonly outcome: 'regressed' | 'inconclusive';
  readonly test: FunctionTest | TotalTest;
  /** Among the functions of the rule; the p of a total. */
  readonly q: number;
  /** A side, at least; nothing where it regressed. */
  readonly needed: Needed;
}

export interface RuleResult {
  readonly rule: Rule;
  readonly outcome: Outcome;
  /** Regressed before inconclusive, larger changes first; a thousand of them at most. */
  readonly findings: readonly Finding[];
  /** All of them. */
  readonly found: number;
  /** How many functions, or totals, were tested. */
  readonly tested: number;
}

/** One function under two names. */
export interface Renamed {
  readonly from: { readonly name: string; readonly file: string };
  readonly to: { readonly name: string; readonly file: string };
  /** Inclusive shares. */
  readonly base: number;
  readonly head: number;
}

export interface Verdict {
  readonly outcome: Outcome;
  readonly method: Method;
  readonly runs: { readonly base: number; readonly head: number };
  readonly samples: { readonly base: number; readonly head: number };
  readonly floor: number;
  readonly rules: readonly RuleResult[];
  /** undefined without a base. */
  readonly total: TotalTest | undefined;
  /** Those large enough to matter, largest change first. */
  readonly functions: readonly FunctionTest[];
  readonly renamed: readonly Renamed[];
  /** A sentence each. */
  readonly notes: readonly string[];
}

export function isFunction(test: FunctionTest | TotalTest): test is FunctionTest {
  return 'measure' in test;
}
