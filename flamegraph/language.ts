/** Colours by kind tell some languages apart, too: where the source file of code says which one it is. */

import { FlameKind, KINDS } from './data.ts';
import { KIND_LABELS } from './palette.ts';

/** Where the suffix of a source file is one of these, with or without `:line`, code is in that language. */
const LANGUAGES: readonly (readonly [label: string, source: RegExp])[] = [
  ['JavaScript', /^node:|\.[cm]?[jt]sx?(?::\d+)*$/],
  ['Python', /\.pyx?(?::\d+)*$/],
  ['Go', /\.go(?::\d+)*$/],
];

/** What a legend calls each class. */
export const CLASS_LABELS: readonly string[] = [...KIND_LABELS, ...LANGUAGES.map(([label]) => label)];

/** Kinds of code that can be in any language; that a call was inlined says more than its language. */
const ANY_LANGUAGE: readonly FlameKind[] = [FlameKind.native, FlameKind.jit, FlameKind.interpreted];

/** Suffixes are at the end. */
const TAIL = 64;

/**
 * The class that colours a frame, an index into {@link CLASS_LABELS} and the hues of a palette: its kind, or its language.
 * @param source of the frame, as `file:line`; anything else is of no language
 */
export function classOf(kind: FlameKind, source: string): number {
  if (!ANY_LANGUAGE.includes(kind)) return kind;
  const tail = source.length > TAIL && !source.startsWith('node:') ? source.slice(-TAIL) : source;
  const language = LANGUAGES.findIndex(([, pattern]) => pattern.test(tail));
  return language < 0 ? kind : KINDS + language;
}
