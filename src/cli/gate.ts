/** `profiler diff --fail-on …`: rules of the command line, what the runs cost, and what the verdict exits with. */
import { existsSync } from 'node:fs';
import type { Difference, SideName } from '../diff/difference.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { type GateOptions, judge, withoutBase } from '../gate/judge.ts';
import { namePattern } from '../gate/names.ts';
import { parseFloor, parseRule } from '../gate/rules.ts';
import { verdictLines } from '../gate/text.ts';
import type { Totals } from '../gate/total.ts';
import type { Verdict } from '../gate/verdict.ts';
import { headline } from '../gate/words.ts';
import { readRegular } from '../store/read.ts';
import { type Input, type Loaded, usage } from './diff-inputs.ts';
import { green, red, say, yellow } from './terminal.ts';

export interface GateFlags {
  readonly failOn: readonly string[];
  readonly floor: string;
  readonly allow: readonly string[];
  readonly strict: boolean;
}

type Gate = Required<Pick<GateOptions, 'rules' | 'floor' | 'isAllowed'>>;

const MAX_ALLOW_FILE = 2 ** 20;

/** Names of the allow-list: of a file a line each, without empty ones and comments. */
function allowedNames(text: string): string[] {
  const lines = existsSync(text) ? readRegular(text, MAX_ALLOW_FILE)?.toString().split('\n') : undefined;
  return lines?.map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#')) ?? [text];
}

/** @throws ProfilerError when an option cannot be read */
export function gateOf({ failOn, floor, allow }: GateFlags): Gate {
  const patterns = allow.flatMap(allowedNames).map(name => {
    try {
      return namePattern(name);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw usage(`--allow: ${name} is no regular expression that can be used: ${error.message}.`, 'See docs/ci.md.');
    }
  });
  const isAllowed = (name: string) => patterns.some(matches => matches(name));
  return { rules: failOn.map(parseRule), floor: parseFloor(floor), isAllowed };
}

/** What is known of a run besides its profile; null where nothing is. */
export interface RunFacts {
  readonly metricName: string | null;
  readonly metric: number | null;
  readonly rung: string | null;
}

export type SideFacts = Readonly<Record<SideName, readonly RunFacts[]>>;

/** The facts of what an input holds: of one run, or of all that a baseline has. */
export function factsOf({ run }: Input, loaded: Loaded): RunFacts[] {
  if ('profile' in loaded) {
    return [{ metricName: run?.metricName ?? null, metric: run?.metric ?? null, rung: run?.rung ?? null }];
  }
  const { metricName, runs } = loaded.baseline;
  return runs.map(({ metric }) => ({ metricName, metric, rung: null }));
}

/** The metric that all runs of both sides have; undefined without one. */
function totalsOf({ base, head }: SideFacts): Totals | undefined {
  const all = [...base, ...head];
  const [name, ...others] = new Set(all.map(({ metricName }) => metricName));
  const values = (side: readonly RunFacts[]) =>
    side.flatMap(({ metric }) => (metric !== null && metric > 0 ? [metric] : []));
  const [before, after] = [values(base), values(head)];
  if (name == null || others.length > 0 || before.length + after.length < all.length) return undefined;
  return { name, unit: '', base: before, head: after };
}

/** @throws ProfilerError when the sides were sampled in ways that see different things */
function checkRungs({ base, head }: SideFacts): void {
  const rungs = (side: readonly RunFacts[]) => [...new Set(side.flatMap(({ rung }) => rung ?? []))].sort().join(', ');
  const [before, after] = [rungs(base), rungs(head)];
  if (before === after || before === '' || after === '') return;
  throw new ProfilerError('different-types', `the base was sampled by ${before}, the head by ${after}.`, {
    hint: 'They see different stacks. To compare them all the same, say --force.',
    exitCode: ExitCode.usage,
  });
}

/** @param noBase why there is none, '' when there is one; @throws ProfilerError when the sides cannot be compared */
export function judgeRuns(
  difference: Difference,
  facts: SideFacts,
  gate: Gate,
  { noBase, force }: { readonly noBase: string; readonly force: boolean },
): Verdict {
  if (noBase !== '') return withoutBase(difference, gate, noBase);
  if (!force) checkRungs(facts);
  const totals = totalsOf(facts);
  const hasMetric = [...facts.base, ...facts.head].some(({ metric }) => metric !== null);
  const verdict = judge(difference, { ...gate, totals });
  if (totals || !hasMetric) return verdict;
  return {
    ...verdict,
    notes: [...verdict.notes, 'Not all runs have the same metric: the total is that of the profiles.'],
  };
}

/** What the process exits with. */
export function exitCodeOf({ outcome }: Verdict, strict: boolean): ExitCode {
  if (outcome === 'regressed') return ExitCode.regressed;
  return outcome === 'inconclusive' && strict ? ExitCode.inconclusive : ExitCode.ok;
}

/** On standard error, for those who look at nothing else. */
export function sayVerdict(verdict: Verdict): void {
  const colour = verdict.outcome === 'regressed' ? red : verdict.outcome === 'ok' ? green : yellow;
  const isWarning = verdict.outcome === 'inconclusive' || verdict.outcome === 'no-base';
  say(colour(`${isWarning ? 'warning: ' : ''}${headline(verdict)}`));
  const [, ...lines] = verdictLines(verdict, false);
  for (const line of lines) say(line.trimEnd());
}
