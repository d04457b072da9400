/** What of a tree fits into a picture, and what has to be left out and told instead. */

import type { FlameTree } from './layout.ts';

export interface Limits {
  /** Width of the root in px. */
  readonly width: number;
  /** Narrower frames are left out, in px. */
  readonly minWidth: number;
  /** Most frames in one picture: raises `minWidth` where there would be more. */
  readonly maxFrames: number;
  /** Deeper frames are left out. The root has depth 0. */
  readonly maxDepth: number;
}

/** Frames that are left out for one reason. */
export interface Omitted {
  frames: number;
  /** Width of the samples that reach such a frame. */
  width: number;
}

export interface Plan {
  /** px for one unit of value. */
  readonly scale: number;
  /** The limit in px that was in force. */
  readonly minWidth: number;
  /** Levels that are drawn, with the root's. */
  readonly rows: number;
  /** Frames that are drawn, with the root. */
  readonly drawn: number;
  readonly narrow: Readonly<Omitted>;
  readonly deep: Readonly<Omitted>;
}

/** The nodes of the picture, from left to right and from callers to callees. */
export function* visit(tree: FlameTree, plan: Plan): Generator<number> {
  yield 0;
  for (let node = 1; node < tree.length; ) {
    if (tree.depth[node]! < plan.rows && tree.width[node]! * plan.scale >= plan.minWidth) yield node++;
    else node = tree.end[node]!;
  }
}

/** The smallest width in px, not below the wanted one, that at most `maxFrames` frames reach. */
function widthLimit(tree: FlameTree, limits: Limits, scale: number): number {
  const widths = new Float64Array(tree.length);
  let candidates = 0;
  for (let node = 0; node < tree.length; node++) {
    const width = tree.width[node]! * scale;
    if (tree.depth[node]! <= limits.maxDepth && width >= limits.minWidth) widths[candidates++] = width;
  }
  if (candidates <= limits.maxFrames) return limits.minWidth;
  const ascending = widths.subarray(0, candidates).sort();
  const tooNarrow = ascending[candidates - limits.maxFrames - 1]!;
  const next = ascending.subarray(candidates - limits.maxFrames).find(width => width > tooNarrow);
  return next ?? tooNarrow * 2;
}

export function plan(tree: FlameTree, limits: Limits): Plan {
  const whole = tree.width[0]!;
  const scale = whole > 0 ? limits.width / whole : 0;
  const minWidth = widthLimit(tree, limits, scale);
  const narrow: Omitted = { ...tree.pruned };
  const deep: Omitted = { frames: 0, width: 0 };
  let deepest = 0;
  let drawn = 1;
  for (let node = 1; node < tree.length; ) {
    const isDeep = tree.depth[node]! > limits.maxDepth;
    if (isDeep || tree.width[node]! * scale < minWidth) {
      const omitted = isDeep ? deep : narrow;
      omitted.frames += tree.end[node]! - node;
      omitted.width += tree.width[node]!;
      node = tree.end[node]!;
      continue;
    }
    drawn++;
    if (tree.depth[node]! > deepest) deepest = tree.depth[node]!;
    node++;
  }
  return { scale, minWidth, rows: deepest + 1, drawn, narrow, deep };
}
