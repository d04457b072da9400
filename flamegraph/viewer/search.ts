/** Which functions a search means, and what share of the picture they make. */

import type { Functions } from './functions.ts';
import type { Tree } from './tree.ts';

/** Code units of a pattern, of a name that a pattern is tried on, and ms that a search may take. */
const MAX_PATTERN = 200;
const MAX_SUBJECT = 512;
const MAX_TIME = 500;
/** Repetitions without limit in one pattern: n of them cost the name's length to the power of n at worst. */
const MAX_REPEATS = 2;

export interface Search {
  /** By function: 1 where it matches. Undefined when nothing is searched for, or in vain. */
  readonly matches: Uint8Array | undefined;
  /** Why the search cannot be done, '' when it can. */
  readonly problem: string;
}

/**
 * A pattern that cannot take for ever: nothing but single characters and classes may repeat, and only twice, because
 * engines that track back need exponential time for repeated groups.
 */
function compile(source: string): RegExp | string {
  if (source.length > MAX_PATTERN) return `a pattern has at most ${MAX_PATTERN} characters`;
  const plain = source.replace(/\\./gs, 'a').replace(/\[[^\]]*\]/g, 'a');
  if (/\)[*+?{]/.test(plain)) return 'a group cannot be repeated here';
  if (/\\[1-9k]/.test(source)) return 'references to groups do not work here';
  if ((plain.match(/[*+{]/g)?.length ?? 0) > MAX_REPEATS) return `at most ${MAX_REPEATS} of * + { fit in a pattern`;
  try {
    return new RegExp(source, 'iu');
  } catch {
    return 'this is no regular expression';
  }
}

/** `text` is looked for as it is, in whatever case; `/text/` is a regular expression. */
export function search(text: string, { names, length }: Functions): Search {
  if (text === '') return { matches: undefined, problem: '' };
  const matches = new Uint8Array(length);
  const source = text.length > 2 && text.startsWith('/') && text.endsWith('/') ? text.slice(1, -1) : undefined;
  if (source === undefined) {
    const wanted = text.toLowerCase();
    for (let i = 0; i < length; i++) if (names[i]!.toLowerCase().includes(wanted)) matches[i] = 1;
    return { matches, problem: '' };
  }
  const pattern = compile(source);
  if (typeof pattern === 'string') return { matches: undefined, problem: pattern };
  const until = performance.now() + MAX_TIME;
  for (let i = 0; i < length; i++) {
    if (pattern.test(names[i]!.slice(0, MAX_SUBJECT))) matches[i] = 1;
    if (performance.now() > until) return { matches: undefined, problem: 'the pattern takes too long' };
  }
  return { matches, problem: '' };
}

export interface Matched {
  /** Value of the samples with a match in them, and number of matching frames. */
  readonly value: number;
  readonly frames: number;
}

/** What matches at or below `node`; a match inside of a match counts once. */
export function matched(tree: Tree, matches: Uint8Array, node: number): Matched {
  let value = 0;
  let frames = 0;
  let insideUntil = 0;
  for (let i = node; i < tree.end[node]!; i++) {
    const key = tree.key[i]!;
    if (key < 0 || matches[key] !== 1) continue;
    frames++;
    if (i < insideUntil) continue;
    insideUntil = tree.end[i]!;
    value += tree.width[i]!;
  }
  return { value, frames };
}
