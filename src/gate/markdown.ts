/** The verdict as Markdown, for the summary of a job or a comment that a bot keeps up to date. */
import { formatCount } from '../../flamegraph/index.ts';
import type { Difference } from '../diff/difference.ts';
import { sideFacts } from '../diff/facts.ts';
import { printable } from '../diff/text.ts';
import type { GateEncodeOptions, GateFormat } from './format.ts';
import { type Finding, type FunctionTest, isFunction, type Outcome, type Verdict } from './verdict.ts';
import {
  changeText,
  findingText,
  headline,
  MEASURE_NAMES,
  OUTCOMES,
  probabilityText,
  relativeText,
  shareText,
} from './words.ts';

/** The first line of every report: a bot finds its comment by it. */
export const COMMENT_MARKER = '<!-- profiler-gate-report -->';
/** UTF-16 units; GitHub takes 65,536 of a comment (and 1 MiB of a summary). */
const MAX_REPORT = 60_000;
const MAX_FINDINGS = 10;
const MAX_MOVERS = 15;
const MAX_RENAMED = 20;
const MAX_NOTES = 20;
/** UTF-16 units of a name, and of a sentence: each may become six. */
const MAX_NAME = 120;
const MAX_SENTENCE = 500;
const SIGNS: Readonly<Record<Outcome, string>> = { ok: '✅', regressed: '❌', inconclusive: '⚠️', 'no-base': '⚠️' };

/**
 * Any text as itself: what could be markup, HTML or a mention is written as references to characters (CommonMark 6.2:
 * those are never markup), and within `<code>` GitHub looks for no @names and #numbers.
 */
export function code(text: string, most = MAX_NAME): string {
  const short = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  const safe = printable(short).replace(/[^\P{ASCII}\w ,;%=()/+-]|_/gu, char => `&#${char.codePointAt(0)};`);
  return `<code>${safe || ' '}</code>`;
}

function functionText({ name, file }: Pick<FunctionTest, 'name' | 'file'>): string {
  return file === '' ? code(name) : `${code(name)} ${code(file)}`;
}

function findingLine(finding: Finding): string {
  const { test, outcome } = finding;
  const what = isFunction(test) ? `${functionText(test)} ${MEASURE_NAMES[test.measure]}` : code(test.name);
  return `  - ${OUTCOMES[outcome]}: ${what}: ${findingText(finding)}`;
}

function* rules({ rules }: Verdict): Iterable<string> {
  for (const { rule, outcome, findings, found } of rules) {
    yield `- ${SIGNS[outcome]} ${code(rule.text)} ${OUTCOMES[outcome]}`;
    for (const finding of findings.slice(0, MAX_FINDINGS)) yield findingLine(finding);
    if (found > MAX_FINDINGS) yield `  - and ${formatCount(found - MAX_FINDINGS)} more`;
  }
}

function* movers({ functions }: Verdict): Iterable<string> {
  const changed = functions.filter(({ change }) => Math.abs(change) >= 0.00005).slice(0, MAX_MOVERS);
  if (changed.length === 0) return;
  yield '';
  yield '### Functions that changed most';
  yield '';
  yield '| function | | base | head | change (95 %) | relative (95 %) | q |';
  yield '| --- | --- | ---: | ---: | ---: | ---: | ---: |';
  for (const test of changed) {
    const name = `${functionText(test)}${test.isAllowed ? ' (allowed)' : ''}`;
    const numbers = [
      shareText(test.base),
      shareText(test.head),
      changeText(test),
      relativeText(test),
      probabilityText(test.q),
    ];
    yield `| ${[name, MEASURE_NAMES[test.measure], ...numbers].join(' | ')} |`;
  }
}

/** Nothing in it ends the link. */
function target(file: string, linkBase: string): string {
  return linkBase.replace(/[<>\\\s]/g, encodeURIComponent) + encodeURIComponent(file);
}

function link(file: string, { linkBase }: GateEncodeOptions): string {
  return `[${code(file)}](<${target(file, linkBase)}>)`;
}

function* facts(verdict: Verdict, difference: Difference): Iterable<string> {
  yield '';
  for (const [side, text] of sideFacts(difference)) yield `- ${side}: ${code(text, MAX_SENTENCE)}`;
  for (const { from, to, base, head } of verdict.renamed.slice(0, MAX_RENAMED)) {
    yield `- renamed or moved: ${functionText(from)} → ${functionText(to)}, inclusive ${shareText(base)} → ${shareText(head)}`;
  }
  for (const note of [...verdict.notes, ...difference.notes].slice(0, MAX_NOTES)) yield `- ${code(note, MAX_SENTENCE)}`;
}

function* lines(verdict: Verdict, difference: Difference, options: GateEncodeOptions): Iterable<string> {
  yield COMMENT_MARKER;
  yield `## ${SIGNS[verdict.outcome]} ${code(options.title)}`;
  yield '';
  yield code(headline(verdict), MAX_SENTENCE);
  yield '';
  yield* rules(verdict);
  const { files } = options;
  const picture = files.find(file => file.endsWith('.svg'));
  if (files.length > 0) yield `\n${files.map(file => link(file, options)).join(' · ')}`;
  if (picture !== undefined) yield `\n![flame graph of both sides](<${target(picture, options.linkBase)}>)`;
  yield* movers(verdict);
  yield* facts(verdict, difference);
}

function* encode(verdict: Verdict, difference: Difference, options: GateEncodeOptions): Iterable<string> {
  let length = 0;
  for (const line of lines(verdict, difference, options)) {
    length += line.length + 1;
    if (length > MAX_REPORT) {
      yield '\nThe report is cut off here.\n';
      return;
    }
    yield `${line}\n`;
  }
}

export const markdown: GateFormat = {
  name: 'markdown',
  description: 'the verdict and what changed most, for the summary of a job or a comment',
  extensions: ['.md'],
  encode,
};
