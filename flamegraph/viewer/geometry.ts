/** Where nodes are: rows from the top, pixels from the left, and who is beside whom. */

import type { Tree } from './tree.ts';

/** px */
export const ROW = 18;
/** Narrower frames are not drawn one by one, px. */
export const NARROW = 0.5;

/** A tree as it is shown: from a node on, in a width, with the root at the top or at the bottom. */
export interface View {
  readonly tree: Tree;
  /** The node that fills the width. */
  readonly zoom: number;
  readonly inverted: boolean;
  /** Rows of the whole tree. */
  readonly rows: number;
  /** px */
  readonly width: number;
}

export function rowsOf(tree: Tree): number {
  return tree.depth.reduce((deepest, depth) => Math.max(deepest, depth), 0) + 1;
}

/** Row of a depth, from the top. */
export function rowOf({ inverted, rows }: View, depth: number): number {
  return inverted ? depth : rows - 1 - depth;
}

/** px of a unit of the values. */
export function scaleOf({ tree, zoom, width }: View): number {
  return tree.width[zoom]! > 0 ? width / tree.width[zoom]! : 0;
}

/** Left edge and width of a node, px. What calls the zoomed node is as wide as it. */
export function spanOf(view: View, node: number): readonly [x: number, width: number] {
  const { tree, zoom, width } = view;
  if (node < zoom && tree.end[node]! >= tree.end[zoom]!) return [0, width];
  const scale = scaleOf(view);
  return [(tree.start[node]! - tree.start[zoom]!) * scale, tree.width[node]! * scale];
}

function childAt(tree: Tree, node: number, value: number): number {
  for (let child = node + 1; child < tree.end[node]!; child = tree.end[child]!) {
    if (value < tree.start[child]! + tree.width[child]!) return value >= tree.start[child]! ? child : -1;
  }
  return -1;
}

/** The node at a point of the picture, −1 for none; px. */
export function nodeAt({ tree, zoom, inverted, rows, width }: View, x: number, y: number): number {
  const row = Math.floor(y / ROW);
  const depth = inverted ? row : rows - 1 - row;
  if (depth < 0 || depth >= rows || x < 0 || x >= width) return -1;
  let node = zoom;
  while (tree.depth[node]! > depth) node = tree.parent[node]!;
  const value = tree.start[zoom]! + (x / width) * tree.width[zoom]!;
  while (node >= 0 && tree.depth[node]! < depth) node = childAt(tree, node, value);
  return node;
}

function widestChild({ tree, zoom }: View, node: number): number {
  // Above what fills the width there is only the way to it.
  let way = zoom;
  while (way > node && tree.parent[way] !== node) way = tree.parent[way]!;
  if (way > node) return way;
  let widest = node;
  for (let child = node + 1; child < tree.end[node]!; child = tree.end[child]!) {
    if (widest === node || tree.width[child]! > tree.width[widest]!) widest = child;
  }
  return widest;
}

function sibling(view: View, node: number, right: boolean): number {
  const { tree, zoom } = view;
  const parent = tree.parent[node]!;
  if (parent < 0 || node <= zoom) return node;
  let found = node;
  for (let child = parent + 1; child < tree.end[parent]!; child = tree.end[child]!) {
    if (spanOf(view, child)[1] < NARROW) continue;
    if (right && child > node) return child;
    if (!right && child < node) found = child;
  }
  return found;
}

/** The node that an arrow key or Home goes to from a node; undefined for other keys. */
export function neighbour(view: View, node: number, key: string): number | undefined {
  if (key === 'Home') return view.zoom;
  if (key === 'ArrowLeft' || key === 'ArrowRight') return sibling(view, node, key === 'ArrowRight');
  if (key !== 'ArrowUp' && key !== 'ArrowDown') return undefined;
  if ((key === 'ArrowDown') === view.inverted) return widestChild(view, node);
  return Math.max(view.tree.parent[node]!, 0);
}
