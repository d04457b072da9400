/** The verdict before the tables of the difference, for a terminal or a log. */

import { formatCount } from '../../flamegraph/index.ts';
import type { Difference } from '../diff/difference.ts';
import { printable, text as tables } from '../diff/text.ts';
import type { GateEncodeOptions, GateFormat } from './format.ts';
import { type Finding, isFunction, type Outcome, type Renamed, type RuleResult, type Verdict } from './verdict.ts';
import { findingText, headline, MEASURE_NAMES, OUTCOMES, shareText } from './words.ts';

/** Of one rule. */
const MAX_FINDINGS = 20;
const COLOURS: Readonly<Record<Outcome, number>> = { ok: 32, regressed: 31, inconclusive: 33, 'no-base': 33 };

function coloured(line: string, outcome: Outcome, colours: boolean): string {
  return colours ? `\x1b[${COLOURS[outcome]}m${line}\x1b[0m` : line;
}

function nameText({ test }: Finding): string {
  if (!isFunction(test)) return test.name;
  const file = test.file === '' ? '' : ` (${printable(test.file)})`;
  return `${printable(test.name)}${file}, ${MEASURE_NAMES[test.measure]}`;
}

function* ruleLines({ rule, outcome, findings, found, tested }: RuleResult, colours: boolean): Iterable<string> {
  yield `${coloured(`${OUTCOMES[outcome]}: ${printable(rule.text)}`, outcome, colours)}, of ${tested} tested\n`;
  for (const finding of findings.slice(0, MAX_FINDINGS)) {
    yield `  ${OUTCOMES[finding.outcome]}: ${nameText(finding)}: ${findingText(finding)}\n`;
  }
  if (found > MAX_FINDINGS) yield `  and ${formatCount(found - MAX_FINDINGS)} more\n`;
}

function placeText({ name, file }: Renamed['from']): string {
  return file === '' ? printable(name) : `${printable(name)} (${printable(file)})`;
}

/** What the gate found, without the tables. */
export function* verdictLines(verdict: Verdict, colours: boolean): Iterable<string> {
  yield `${coloured(headline(verdict), verdict.outcome, colours)}\n`;
  for (const result of verdict.rules) yield* ruleLines(result, colours);
  for (const { from, to, base, head } of verdict.renamed) {
    yield `renamed or moved: ${placeText(from)} → ${placeText(to)}, inclusive ${shareText(base)} → ${shareText(head)}\n`;
  }
  for (const note of verdict.notes) yield `note: ${printable(note)}\n`;
}

function* encode(verdict: Verdict, difference: Difference, options: GateEncodeOptions): Iterable<string> {
  yield* verdictLines(verdict, options.colours);
  yield '\n';
  yield* tables.encode(difference, options) as Iterable<string>;
}

export const text: GateFormat = {
  name: 'text',
  description: 'the verdict, and tables of the functions that changed most',
  extensions: ['.txt'],
  encode,
};
