/** The functions that are large enough to be tested, each with its change in both measures. */

import type { Measure } from '../diff/changes.ts';
import type { Difference, DiffFunctions } from '../diff/difference.ts';
import { falseDiscovery } from './adjust.ts';
import type { Pair, ShareComparison, SideRuns } from './shares.ts';
import type { FunctionTest } from './verdict.ts';

/** Both sides, and how they are compared. */
export interface Sides {
  readonly base: SideRuns;
  readonly head: SideRuns;
  readonly comparison: ShareComparison;
}

export interface CandidateOptions {
  readonly floor: number;
  readonly isAllowed: (name: string) => boolean;
  /** Those that a rule names are tested however small they are. */
  readonly isNamed: (name: string) => boolean;
}

/** Found with benchmarks/gate.ts: 1 finds less, 1.5 lets more through than the 2 % that are promised. */
const WEIGHT_EXPONENT = 1.25;

/** Each function once: as it was renamed, else as itself. */
export function pairsOf(functions: DiffFunctions, renamed: readonly Pair[]): Pair[] {
  const taken = new Set(renamed.flatMap(({ base, head }) => [base, head]));
  const pairs = [...renamed];
  for (let row = 0; row < functions.length; row++) if (!taken.has(row)) pairs.push({ base: row, head: row });
  return pairs;
}

/** Whether a change as large as the floor is possible: the larger share is at most the sum of both. */
export function isLarge({ base, head }: Sides, pair: Pair, measure: Measure, floor: number): boolean {
  const sum = base.share(pair.base, measure) + head.share(pair.head, measure);
  return sum > 0 && sum >= floor;
}

/** Whether it calls nothing that was seen. */
function isLeaf({ base, head }: Sides, pair: Pair): boolean {
  const same = (side: SideRuns, row: number) => side.runs.every(run => run.self[row] === run.total[row]);
  return same(base, pair.base) && same(head, pair.head);
}

/**
 * Weights by what a share can vary, so that thousands of small functions cost large ones nothing; half for each measure.
 * The exponent gives large functions a bit more: small ones that change by the floor stand out anyway.
 */
function weightsOf(tests: readonly FunctionTest[]): number[] {
  const raw = tests.map(({ base, head }) => {
    const middle = Math.min(1, (base + head) / 2);
    return Math.max((middle * (1 - middle)) ** WEIGHT_EXPONENT, 1e-12);
  });
  const sums = { self: 0, total: 0 };
  for (const [i, { measure }] of tests.entries()) sums[measure] += raw[i]!;
  return raw.map((weight, i) => weight / sums[tests[i]!.measure]);
}

/** The same tests with their q among each other. */
export function withQ(tests: readonly FunctionTest[]): FunctionTest[] {
  const probabilities = tests.map(({ p }) => p);
  const q = falseDiscovery(probabilities, weightsOf(tests));
  return tests.map((test, i) => ({ ...test, q: q[i]! }));
}

function testOne(sides: Sides, functions: DiffFunctions, pair: Pair, options: CandidateOptions): FunctionTest[] {
  const { comparison } = sides;
  const [name, was] = [functions.name[pair.head]!, functions.name[pair.base]!];
  const least = options.isNamed(name) || options.isNamed(was) ? 0 : options.floor;
  if (!isLarge(sides, pair, 'total', least)) return [];
  const facts = { name, was, file: functions.file[pair.head]!, isAllowed: options.isAllowed(name), q: 1 };
  const self = isLarge(sides, pair, 'self', least) ? comparison.compare(pair, 'self') : undefined;
  const isSelfToo = self !== undefined && isLeaf(sides, pair);
  const total = isSelfToo ? self : comparison.compare(pair, 'total');
  const tests: FunctionTest[] = [{ ...facts, ...total, measure: 'total', isSelfToo }];
  return self ? [{ ...facts, ...self, measure: 'self', isSelfToo: false }, ...tests] : tests;
}

/** Tests of all functions, with q among those that are no repetition. */
export function testFunctions(
  sides: Sides,
  { functions }: Difference,
  renamed: readonly Pair[],
  options: CandidateOptions,
): FunctionTest[] {
  const tests = pairsOf(functions, renamed).flatMap(pair => testOne(sides, functions, pair, options));
  return [...withQ(tests.filter(test => !test.isSelfToo)), ...tests.filter(test => test.isSelfToo)];
}
