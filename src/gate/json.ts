/** The comparison of `profiler diff` as JSON with the verdict under the key `gate`; the form is described in docs/ci.md. */

import type { Difference } from '../diff/difference.ts';
import { json as comparison } from '../diff/json.ts';
import type { GateEncodeOptions, GateFormat } from './format.ts';
import { type Finding, type FunctionTest, isFunction, type TotalTest, type Verdict } from './verdict.ts';
import { MEASURE_NAMES } from './words.ts';

/** JSON has no infinity: what has no bound is null. */
function percent(part: number): number | null {
  return Number.isFinite(part) ? 100 * part : null;
}

function relativeOf({ relative, relativeLow, relativeHigh, p }: FunctionTest | TotalTest) {
  return {
    relativePercent: percent(relative),
    relativeLowPercent: percent(relativeLow),
    relativeHighPercent: percent(relativeHigh),
    p,
  };
}

function functionOf(test: FunctionTest) {
  return {
    name: test.name,
    file: test.file,
    measure: MEASURE_NAMES[test.measure],
    basePercent: percent(test.base),
    headPercent: percent(test.head),
    changePoints: percent(test.change),
    lowPoints: percent(test.low),
    highPoints: percent(test.high),
    ...relativeOf(test),
  };
}

function totalOf(test: TotalTest) {
  const { base, head, name, unit } = test;
  return { name, unit, base, head, ...relativeOf(test) };
}

function findingOf({ outcome, test, q, needed: { runs, samples } }: Finding) {
  return {
    outcome,
    ...(isFunction(test) ? { function: functionOf(test) } : { total: totalOf(test) }),
    q,
    ...(runs !== undefined && { runsNeeded: Number.isFinite(runs) ? runs : null }),
    ...(samples !== undefined && { samplesNeeded: Number.isFinite(samples) ? samples : null }),
  };
}

function gateOf({ outcome, method, runs, samples, floor, rules, total, functions, renamed, notes }: Verdict) {
  return {
    outcome,
    method,
    runs,
    samples,
    floorPoints: percent(floor),
    rules: rules.map(({ rule, outcome, findings, found, tested }) => {
      return { rule: rule.text, outcome, tested, found, findings: findings.map(findingOf) };
    }),
    ...(total && { total: totalOf(total) }),
    functions: functions.map(test => ({ ...functionOf(test), q: test.q, allowed: test.isAllowed })),
    renamed: renamed.map(({ from, to, base, head }) => {
      return { from, to, basePercent: percent(base), headPercent: percent(head) };
    }),
    notes,
  };
}

function encode(verdict: Verdict, difference: Difference, options: GateEncodeOptions): Iterable<string> {
  return comparison.encode(difference, { ...options, more: { gate: gateOf(verdict) } }) as Iterable<string>;
}

export const json: GateFormat = {
  name: 'json',
  description: 'the verdict and the comparison of every function, for programs',
  extensions: ['.json'],
  encode,
};
