/** What share of the picture a search has found. */

import type { Tree } from './tree.ts';

export interface Matched {
  /** Width of what matches, in the unit of the values, and number of matching frames. */
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
