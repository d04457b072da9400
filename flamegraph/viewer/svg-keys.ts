/** Where the arrow keys lead to. */

import type { Frames } from './svg-frames.ts';

/** The nearest visible frame of the same level, to the right or to the left. */
function beside({ depth, visible, length }: Frames, from: number, by: 1 | -1): number | undefined {
  for (let i = from + by; i > 0 && i < length; i += by) if (depth[i] === depth[from] && visible[i] === 1) return i;
  return undefined;
}

/** The widest visible callee. */
function callee({ parent, end, size, visible }: Frames, from: number): number | undefined {
  let widest: number | undefined;
  for (let i = from + 1; i < end[from]!; i = end[i]!) {
    if (parent[i] === from && visible[i] === 1 && (widest === undefined || size[i]! > size[widest]!)) widest = i;
  }
  return widest;
}

function caller({ parent }: Frames, from: number): number | undefined {
  return from > 0 ? parent[from] : undefined;
}

const STEPS: Readonly<Record<string, (frames: Frames, from: number, inverted: boolean) => number | undefined>> = {
  ArrowUp: (frames, from, inverted) => (inverted ? caller(frames, from) : callee(frames, from)),
  ArrowDown: (frames, from, inverted) => (inverted ? callee(frames, from) : caller(frames, from)),
  ArrowLeft: (frames, from) => beside(frames, from, -1),
  ArrowRight: (frames, from) => beside(frames, from, 1),
  Home: () => 0,
};

/** The frame that a key leads to from another; undefined where it leads nowhere. */
export function step(frames: Frames, from: number, key: string, inverted: boolean): number | undefined {
  return Object.hasOwn(STEPS, key) ? STEPS[key]!(frames, from, inverted) : undefined;
}
