/** How every report says what the gate found. Names are as they came: each format makes them safe in its own way. */
import { formatCount, formatValue } from '../../flamegraph/index.ts';
import type { Measure } from '../diff/changes.ts';
import {
  type Finding,
  type FunctionTest,
  isFunction,
  type Needed,
  type Outcome,
  type RuleResult,
  type TotalTest,
  type Verdict,
} from './verdict.ts';

export const OUTCOMES: Readonly<Record<Outcome, string>> = {
  ok: 'ok',
  regressed: 'REGRESSED',
  inconclusive: 'inconclusive',
  'no-base': 'no base',
};
export const MEASURE_NAMES: Readonly<Record<Measure, string>> = { self: 'self', total: 'inclusive' };
/** Beyond it the change is told as a factor or not at all. */
const MAX_PERCENT = 1000;

function signed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const text = Math.abs(value).toFixed(digits);
  return `${Number(text) === 0 ? '' : value < 0 ? '-' : '+'}${text}`;
}

export function shareText(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** `+1.60 pp (+1.21 … +1.99)` */
export function changeText({ change, low, high }: FunctionTest): string {
  const bounds = Number.isFinite(low) ? ` (${signed(100 * low, 2)} … ${signed(100 * high, 2)})` : '';
  return `${signed(100 * change, 2)} pp${bounds}`;
}

/** `+20.0 % (+15.0 … +25.1)` */
export function relativeText({ base, head, relative, relativeLow, relativeHigh }: FunctionTest | TotalTest): string {
  if (base === 0) return head > 0 ? 'new' : 'unchanged';
  if (head === 0) return 'gone';
  const percent = (value: number) => (100 * value > MAX_PERCENT ? '∞' : signed(100 * value, 1));
  const isBounded = relativeLow > -1 || relativeHigh < Infinity;
  const bounds = isBounded ? ` (${percent(relativeLow)} … ${percent(relativeHigh)})` : '';
  return `${signed(100 * relative, 1)} %${bounds}`;
}

/** The total in its unit, which the name says where there is none. */
export function amountText(value: number, { unit }: TotalTest): string {
  return unit === '' ? Number(value.toPrecision(4)).toLocaleString('en') : formatValue(value, unit);
}

export function needText({ runs, samples }: Needed): string {
  if (samples !== undefined) {
    return Number.isFinite(samples)
      ? `about ${formatCount(samples)} samples a side would tell`
      : 'too close to the limit to tell';
  }
  if (runs === undefined) return '';
  return Number.isFinite(runs) ? `about ${formatCount(runs)} runs a side would tell` : 'too close to the limit to tell';
}

/** The parts of a finding besides the name of its function. */
export function findingText({ test, q, needed }: Finding): string {
  const need = needText(needed);
  const sides = isFunction(test)
    ? `${shareText(test.base)} → ${shareText(test.head)}, ${changeText(test)}, ${relativeText(test)}, q ${probabilityText(q)}`
    : `${amountText(test.base, test)} → ${amountText(test.head, test)}, ${relativeText(test)}, p ${probabilityText(q)}`;
  return need === '' ? sides : `${sides}: ${need}`;
}

export function probabilityText(p: number): string {
  return p < 0.0001 ? '< 0.0001' : p.toFixed(4);
}

/** One sentence about the whole. */
export function headline(verdict: Verdict): string {
  return verdict.outcome === 'no-base' ? `gate: no base, ${verdict.runs.head} runs of the head` : judged(verdict);
}

function judged({ outcome, runs, samples, method, rules, floor }: Verdict): string {
  const failed = rules.filter(rule => rule.outcome === outcome).map(({ rule }) => rule.text);
  const which = outcome === 'ok' ? '' : `: ${failed.join(', ')}`;
  const count =
    method === 'runs' ? `${runs.base} and ${runs.head} runs` : 'one profile a side, assumed independent samples';
  const size =
    samples.base > 0 && samples.head > 0
      ? `, ${formatCount(samples.base)} and ${formatCount(samples.head)} samples`
      : '';
  return `gate ${OUTCOMES[outcome]}${which} (${count}${size}, floor ${(100 * floor).toFixed(2)} pp)`;
}

/** What a rule looked at. */
export function testedText({ rule, tested }: RuleResult): string {
  return rule.subject === 'total' ? 'the total' : `${formatCount(tested)} shares of functions`;
}
