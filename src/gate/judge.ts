/** The gate: from the runs of two sides and rules to a verdict. */
import type { Difference, DiffRun, SideName } from '../diff/difference.ts';
import { ProfilerError } from '../errors.ts';
import { isLarge, pairsOf, type Sides, testFunctions, withQ } from './candidates.ts';
import { ALPHA, runsNeeded, samplesNeeded } from './estimate.ts';
import { findRenamed } from './renamed.ts';
import type { Rule } from './rules.ts';
import { type Pair, ShareComparison, SideRuns } from './shares.ts';
import { type Totals, testTotal } from './total.ts';
import {
  type Finding,
  type FunctionTest,
  isFunction,
  type Needed,
  type Outcome,
  type Renamed,
  type RuleResult,
  type TotalTest,
  type Verdict,
} from './verdict.ts';

export interface GateOptions {
  readonly rules: readonly Rule[];
  /** Smaller changes count for nothing; a part of the total, 0.005 for 0.5 percentage points. */
  readonly floor: number;
  /** What each run cost; without it, the total of its profile. */
  readonly totals?: Totals | undefined;
  /** Whether changes of a function are expected; they stop no rule but those of the total. */
  readonly isAllowed?: (name: string) => boolean;
}

/** Fewer runs find little but large changes. */
const FEW_RUNS = 3;
/** Both shares together: of smaller functions too few samples are taken to learn from. */
const LEARNED = 0.002;
/** Of a rule. */
const MAX_FINDINGS = 1000;

/** The runs that have samples. @throws ProfilerError when there are none */
function usable(runs: readonly DiffRun[], side: SideName, notes: string[]): SideRuns {
  const used = runs.filter(({ grandTotal }) => grandTotal > 0);
  for (const { name, grandTotal } of runs) if (!(grandTotal > 0)) notes.push(`${side}: "${name}" holds no samples.`);
  if (used.length > 0) return new SideRuns(used);
  throw new ProfilerError('empty-side', `there is no sample in the ${side}.`, {
    hint: 'Record it again while there is something to do.',
  });
}

/** So many runs or samples that the limit is told from what was found, should that be the truth. */
function neededOf(test: FunctionTest | TotalTest, { limit }: Rule, floor: number): Needed {
  const distance = isFunction(test)
    ? Math.abs(test.change - Math.max(limit * test.base, floor))
    : Math.abs(Math.log1p(test.relative) - Math.log1p(limit));
  if (test.variance > 0) return { runs: runsNeeded(test.variance, distance) };
  if (!isFunction(test) || !Number.isFinite(test.high)) return { runs: FEW_RUNS };
  return { samples: samplesNeeded(test.base, Math.min(1, test.base + distance)) };
}

/** Shown to be more than allowed; undefined: shown to be no more. */
function judgeFunction(test: FunctionTest, { limit }: Rule, floor: number): Finding['outcome'] | undefined {
  const isMore = test.relativeLow > limit && test.low > 0 && test.change >= floor;
  if (isMore && test.q < ALPHA) return 'regressed';
  return test.relativeHigh > limit && test.high > floor ? 'inconclusive' : undefined;
}

function judgeTotal({ relativeLow, relativeHigh, p }: TotalTest, { limit }: Rule): Finding['outcome'] | undefined {
  if (relativeLow > limit && p < ALPHA) return 'regressed';
  return relativeHigh > limit ? 'inconclusive' : undefined;
}

function worst(outcomes: readonly Outcome[]): Outcome {
  return (['regressed', 'inconclusive'] as const).find(outcome => outcomes.includes(outcome)) ?? 'ok';
}

/** Regressed before inconclusive, larger changes first. */
function byWeight(a: Finding, b: Finding): number {
  const change = ({ test }: Finding) => (isFunction(test) ? test.change : test.relative);
  return Number(b.outcome === 'regressed') - Number(a.outcome === 'regressed') || change(b) - change(a);
}

/** Those that the rule is about; of a function that calls nothing, one measure unless the other alone is asked for. */
function testsOf(rule: Rule, functions: readonly FunctionTest[]): FunctionTest[] {
  return withQ(
    functions.filter(({ name, was, measure, isSelfToo, isAllowed }) => {
      const isMeant = rule.measures.includes(measure) && !(isSelfToo && rule.measures.length > 1);
      return isMeant && !isAllowed && (rule.matches(name) || rule.matches(was));
    }),
  );
}

function judgeRule(rule: Rule, functions: readonly FunctionTest[], total: TotalTest, floor: number): RuleResult {
  const tests = rule.subject === 'total' ? [total] : testsOf(rule, functions);
  const findings = tests.flatMap((test): Finding[] => {
    const outcome = isFunction(test) ? judgeFunction(test, rule, floor) : judgeTotal(test, rule);
    return outcome === undefined ? [] : [{ outcome, test, q: isFunction(test) ? test.q : test.p, needed: {} }];
  });
  const told = findings
    .sort(byWeight)
    .slice(0, MAX_FINDINGS)
    .map(finding => {
      return finding.outcome === 'regressed' ? finding : { ...finding, needed: neededOf(finding.test, rule, floor) };
    });
  const outcome = worst(findings.map(finding => finding.outcome));
  return { rule, outcome, findings: told, found: findings.length, tested: tests.length };
}

function notesOf({ base, head, comparison }: Sides, results: readonly RuleResult[]): string[] {
  const notes = results
    .filter(({ rule, tested }) => rule.subject === 'function' && tested === 0)
    .map(({ rule }) => `${rule.text}: no such function was seen on either side.`);
  for (const [name, { runs, samples }] of [['base', base] as const, ['head', head] as const]) {
    if (runs.some(({ event }) => event === '')) notes.push(`${name}: nothing says by which event it was sampled.`);
    if (!(samples > 0)) notes.push(`${name}: nothing says how many samples it holds.`);
  }
  const least = Math.min(base.runs.length, head.runs.length);
  if (!comparison.isByRuns) {
    notes.push('One profile a side: the bounds assume independent samples, and know nothing of how runs differ.');
  } else if (least === 1) {
    notes.push('A side has one run: it is taken to vary as those of the other side do.');
  } else if (least < FEW_RUNS) notes.push(`With ${least} runs a side only large changes can be told from noise.`);
  return notes;
}

function totalsOf({ sampleType }: Difference, { base, head }: Sides): Totals {
  const of = ({ runs }: SideRuns) => runs.map(({ grandTotal }) => grandTotal);
  return { name: sampleType.type, unit: sampleType.unit, base: of(base), head: of(head) };
}

function renamedOf({ functions }: Difference, { base, head }: Sides, pair: Pair): Renamed {
  const nameOf = (row: number) => ({ name: functions.name[row]!, file: functions.file[row]! });
  return {
    from: nameOf(pair.base),
    to: nameOf(pair.head),
    base: base.share(pair.base, 'total'),
    head: head.share(pair.head, 'total'),
  };
}

/** Those with the floor that are in another file; not where only one side knows its source. */
function movedOf(difference: Difference, sides: Sides, floor: number): Renamed[] {
  return difference.moved.flatMap(({ row, file }) => {
    const pair = { base: row, head: row };
    if (!isLarge(sides, pair, 'total', floor)) return [];
    const found = renamedOf(difference, sides, pair);
    return [{ ...found, from: { ...found.from, file } }];
  });
}

/** The verdict of a first run: there is nothing to compare with. */
export function withoutBase({ head }: Difference, { rules, floor }: GateOptions, reason: string): Verdict {
  const { runs, samples } = usable(head.runs, 'head', []);
  return {
    outcome: 'no-base',
    method: 'runs',
    runs: { base: 0, head: runs.length },
    samples: { base: 0, head: samples },
    floor,
    rules: rules.map(rule => ({ rule, outcome: 'no-base', findings: [], found: 0, tested: 0 })),
    total: undefined,
    functions: [],
    renamed: [],
    notes: [`Nothing to compare with: ${reason}. This passes as a first run.`],
  };
}

/** @throws ProfilerError when a side has no samples */
export function judge(difference: Difference, options: GateOptions): Verdict {
  const { floor, rules, isAllowed = () => false } = options;
  const { functions } = difference;
  const notes: string[] = [];
  const [base, head] = [usable(difference.base.runs, 'base', notes), usable(difference.head.runs, 'head', notes)];
  const comparison = new ShareComparison(base, head);
  const sides = { base, head, comparison };
  comparison.learn(pairsOf(functions, []).filter(pair => isLarge(sides, pair, 'self', LEARNED)));
  const renamed = findRenamed(comparison, functions, base, head, floor);
  const named = rules.filter(({ subject }) => subject === 'function');
  const isNamed = (name: string) => named.some(rule => rule.matches(name));
  const tests = testFunctions(sides, difference, renamed, { floor, isAllowed, isNamed });
  const total = testTotal(options.totals ?? totalsOf(difference, sides));
  const results = rules.map(rule => judgeRule(rule, tests, total, floor));
  return {
    outcome: worst(results.map(({ outcome }) => outcome)),
    method: comparison.isByRuns ? 'runs' : 'samples',
    runs: { base: base.runs.length, head: head.runs.length },
    samples: { base: base.samples, head: head.samples },
    floor,
    rules: results,
    total,
    functions: tests.filter(test => !test.isSelfToo).sort((a, b) => Math.abs(b.change) - Math.abs(a.change)),
    renamed: [...renamed.map(pair => renamedOf(difference, sides, pair)), ...movedOf(difference, sides, floor)],
    notes: [...notes, ...notesOf(sides, results)],
  };
}
