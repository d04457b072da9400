/**
 * The verdict as JUnit XML, a test case for each rule, as CI systems read it
 * (https://github.com/testmoapp/junitxml describes what they agree on).
 */
import type { Difference } from '../diff/difference.ts';
import { printable } from '../diff/text.ts';
import type { GateEncodeOptions, GateFormat } from './format.ts';
import { type Finding, isFunction, type RuleResult, type Verdict } from './verdict.ts';
import { findingText, headline, MEASURE_NAMES, OUTCOMES, testedText } from './words.ts';

const MAX_FINDINGS = 50;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Controls and lone surrogates have no place in XML at all (Char of XML 1.0, 2.2). */
function xml(text: string): string {
  return printable(text)
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, char => ENTITIES[char]!);
}

function line(finding: Finding): string {
  const { test } = finding;
  const name = isFunction(test) ? `${printable(test.name)} (${MEASURE_NAMES[test.measure]})` : test.name;
  return `${OUTCOMES[finding.outcome]}: ${name}: ${findingText(finding)}`;
}

function* testCase(result: RuleResult, { strict }: GateEncodeOptions): Iterable<string> {
  const { rule, outcome, findings } = result;
  const opening = `    <testcase classname="profiler.gate" name="${xml(rule.text)}" time="0"`;
  if (outcome === 'ok') {
    yield `${opening}/>\n`;
    return;
  }
  const message = xml(`${OUTCOMES[outcome]}: ${rule.text}, of ${testedText(result)}`);
  const [element, type] = outcome === 'regressed' || strict ? ['failure', ` type="${outcome}"`] : ['skipped', ''];
  yield `${opening}>\n      <${element} message="${message}"${type}>`;
  yield xmlLines(findings.slice(0, MAX_FINDINGS).map(line));
  yield `</${element}>\n    </testcase>\n`;
}

function xmlLines(lines: readonly string[]): string {
  return lines.map(xml).join('\n');
}

function* encode(verdict: Verdict, _: Difference, options: GateEncodeOptions): Iterable<string> {
  const { rules, notes } = verdict;
  const isFailure = ({ outcome }: RuleResult) => outcome === 'regressed' || (options.strict && outcome !== 'ok');
  const failures = rules.filter(isFailure).length;
  const skipped = rules.filter(({ outcome }) => outcome !== 'ok').length - failures;
  const counts = `tests="${rules.length}" failures="${failures}" skipped="${skipped}" errors="0" time="0"`;
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n`;
  yield `  <testsuite name="${xml(options.title)}" ${counts}>\n`;
  for (const result of rules) yield* testCase(result, options);
  yield `    <system-out>${xmlLines([headline(verdict), ...notes])}</system-out>\n  </testsuite>\n</testsuites>\n`;
}

export const junit: GateFormat = {
  name: 'junit',
  description: 'the verdict as JUnit XML, a test case for each rule',
  extensions: ['.xml'],
  encode,
};
