/** The functions that changed most, as tables for a terminal or a log. */
import { formatCount, formatValue } from '../../flamegraph/index.ts';
import { byChange, type Changes, changes, large, MEASURES, type Measure, relative } from './changes.ts';
import type { Difference } from './difference.ts';
import { sideFacts } from './facts.ts';
import type { DiffEncodeOptions, DiffFormat } from './format.ts';

/** Rows of one table: what a reader looks through. */
const MAX_ROWS = 40;
/** Percentage points: what would read 0.00. */
const MIN_DELTA = 0.005;
/** UTF-16 units. */
const MAX_TEXT = 200;
const HEADINGS: Readonly<Record<Measure, string>> = {
  self: 'SELF: functions themselves',
  total: 'TOTAL: functions with what they call',
};
const COLUMNS = ['BASE', 'HEAD', 'DELTA', 'RELATIVE', 'FUNCTION'];

/** Controls of a terminal, and what reorders or hides text, are not for names to give. */
export function printable(text: string): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

function signed(value: number, format: (magnitude: number) => string): string {
  const text = format(Math.abs(value));
  return Number.parseFloat(text) === 0 ? text : `${value < 0 ? '-' : '+'}${text}`;
}

function relativeText(before: number, after: number): string {
  if (before > 0 && after === 0) return 'gone';
  const change = relative(before, after);
  if (change === null) return after > 0 ? 'new' : '0 %';
  return signed(change, magnitude => `${magnitude.toFixed(1)} %`);
}

function functionText({ functions }: Difference, row: number): string {
  const file = functions.file[row]!;
  return `${printable(functions.name[row]!)}${file === '' ? '' : `  (${printable(file)})`}`;
}

function tableRows(difference: Difference, found: Changes, rows: Uint32Array, absolute: boolean): string[][] {
  const { unit } = difference.sampleType;
  const amount = (value: number) => (absolute ? formatValue(value, unit) : `${value.toFixed(2)} %`);
  const delta = (value: number) => (absolute ? formatValue(value, unit) : `${value.toFixed(2)} pp`);
  return Array.from(rows, row => {
    const [before, after] = [found.base[row]!, found.head[row]!];
    return [
      amount(before),
      amount(after),
      signed(found.delta[row]!, delta),
      relativeText(before, after),
      functionText(difference, row),
    ];
  });
}

/** More is red, less is blue, as in the pictures. */
function coloured(line: string, delta: number, colours: boolean): string {
  return colours && delta !== 0 ? `\x1b[${delta > 0 ? 31 : 34}m${line}\x1b[0m` : line;
}

function* table(difference: Difference, measure: Measure, options: DiffEncodeOptions): Iterable<string> {
  const found = changes(difference, measure, options.absolute);
  const rows = byChange(difference, found, large(difference, options.minPercent));
  const changed = rows.filter(row => Math.abs(found.delta[row]!) > (options.absolute ? 0 : MIN_DELTA));
  yield `\n${HEADINGS[measure]}\n`;
  if (changed.length === 0) {
    yield 'nothing changed\n';
    return;
  }
  const shown = changed.subarray(0, MAX_ROWS);
  const cells = [COLUMNS, ...tableRows(difference, found, shown, options.absolute)];
  const widths = COLUMNS.map((_, i) => cells.reduce((widest, row) => Math.max(widest, row[i]!.length), 0));
  for (const [i, row] of cells.entries()) {
    const numbers = row.slice(0, -1).map((cell, column) => cell.padStart(widths[column]!));
    const line = [...numbers, row.at(-1)!].join('  ');
    yield `${i === 0 ? line : coloured(line, found.delta[shown[i - 1]!]!, options.colours)}\n`;
  }
  if (changed.length > MAX_ROWS) yield `and ${formatCount(changed.length - MAX_ROWS)} more that changed less\n`;
}

function* encode(difference: Difference, options: DiffEncodeOptions): Iterable<string> {
  const { sampleType, base, head, notes } = difference;
  yield `${printable(options.title)}\n`;
  for (const [side, fact] of sideFacts(difference)) yield `${side}: ${printable(fact)}\n`;
  const grown = relativeText(base.grandTotal, head.grandTotal);
  const what = options.absolute ? 'values' : "shares of each side's total";
  yield `${printable(sampleType.type)}: ${what}; the totals differ by ${grown}\n`;
  for (const note of notes) yield `note: ${printable(note)}\n`;
  if (options.minPercent > 0) yield `without functions below ${options.minPercent} % on both sides\n`;
  for (const measure of MEASURES) yield* table(difference, measure, options);
}

export const text: DiffFormat = {
  name: 'text',
  description: 'tables of the functions that changed most',
  extensions: ['.txt'],
  encode,
};
