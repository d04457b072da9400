/** The comparison of every function as JSON, for programs; the form is described in docs/diff.md. */
import { byChange, type Changes, changes, large, percent, relative } from './changes.ts';
import type { Difference, DiffSide } from './difference.ts';
import type { DiffEncodeOptions, DiffFormat } from './format.ts';

/** Grows when a reader of an older form could be misled; new keys alone do not do that. */
const VERSION = 1;

function sideOf({ runs, grandTotal }: DiffSide) {
  return { total: grandTotal, profiles: runs.map(run => ({ name: run.name, total: run.grandTotal })) };
}

function amounts({ base, head }: Difference, measure: 'self' | 'total', found: Changes, row: number) {
  const [before, after] = [base[measure][row]!, head[measure][row]!];
  return {
    base: before,
    head: after,
    basePercent: percent(before, base.grandTotal),
    headPercent: percent(after, head.grandTotal),
    delta: found.delta[row]!,
    relativePercent: relative(found.base[row]!, found.head[row]!),
  };
}

function* encode(difference: Difference, options: DiffEncodeOptions): Iterable<string> {
  const { sampleType, notes, functions } = difference;
  const head = {
    format: 'profiler-diff',
    version: VERSION,
    title: options.title,
    sampleType,
    normalized: !options.absolute,
    minPercent: options.minPercent,
    base: sideOf(difference.base),
    head: sideOf(difference.head),
    notes,
    ...options.more,
  };
  yield `${JSON.stringify(head).slice(0, -1)},"functions":[`;
  const self = changes(difference, 'self', options.absolute);
  const total = changes(difference, 'total', options.absolute);
  let before = '\n';
  for (const row of byChange(difference, total, large(difference, options.minPercent))) {
    const entry = {
      name: functions.name[row]!,
      file: functions.file[row]!,
      self: amounts(difference, 'self', self, row),
      total: amounts(difference, 'total', total, row),
    };
    yield `${before}${JSON.stringify(entry)}`;
    before = ',\n';
  }
  yield ']}\n';
}

export const json: DiffFormat = {
  name: 'json',
  description: 'the comparison of every function, for programs',
  extensions: ['.json'],
  encode,
};
