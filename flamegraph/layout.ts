/**
 * From stacks to the tree that a flame graph draws. Siblings with the same name and kind are one node, siblings stand in
 * the order of their names. No recursion and no object per node: stacks may be thousands of frames deep, trees millions
 * of nodes large.
 */

import type { FlameData } from './data.ts';
import { type Rows, TreeBuilder } from './tree-builder.ts';
import { checkStacks, type RowValues, rowValues } from './values.ts';

/** Whose values make the width of a node in a difference. With `both` they add up: what has vanished is still there. */
export type FlameSide = 'both' | 'head' | 'base';

export interface LayoutOptions {
  /** For a difference, default `both`. */
  readonly side?: FlameSide;
  /** For a difference: scale the base to the total of the head, so that a longer recording counts no more. Default no. */
  readonly normalize?: boolean;
  /** Nodes with a smaller part of the whole width are not made, only counted: most of a large profile. Default 0. */
  readonly minShare?: number;
}

/** The other side of a difference, in its own values. */
export interface FlameBase {
  readonly self: Float64Array;
  readonly total: Float64Array;
  readonly grandTotal: number;
  /** Factor that makes values of the base comparable to those of the head: 1, or what normalizes them. */
  readonly scale: number;
}

/** Nodes as columns in pre-order: parents precede children, siblings go from left to right. Node 0 is the root, "all". */
export interface FlameTree {
  readonly length: number;
  /** −1 for the root. */
  readonly parent: Int32Array;
  /** One past the node's last descendant: the subtree of node i is i … end[i]−1. */
  readonly end: Int32Array;
  /** 0 for the root. */
  readonly depth: Uint32Array;
  /** Index into frames: the first of the frames that became this node. −1 for the root. */
  readonly frame: Int32Array;
  /** 1 where frames of different details became one node. */
  readonly mixed: Uint8Array;
  /** Value of the samples that end here; for the root, of the samples without frames. In the unit of the samples. */
  readonly self: Float64Array;
  /** Value of the samples that end here or in a descendant. */
  readonly total: Float64Array;
  /** What the node is wide: its total, or in a difference what {@link FlameSide} says, in the head's unit. */
  readonly width: Float64Array;
  /** Left edge: the root's is 0, a first child has its parent's, the next has the one before it plus that one's width. */
  readonly start: Float64Array;
  /** The root's total: the value of all samples. */
  readonly grandTotal: number;
  /** Depth of the deepest node. */
  readonly maxDepth: number;
  /** In a difference: what the nodes have on the other side. */
  readonly base: FlameBase | undefined;
  /** What `minShare` left out: rows of the stack table, and the width of the samples through them. */
  readonly pruned: { readonly frames: number; readonly width: number };
}

/**
 * Merges the stacks of all samples into a tree. Stacks without width do not appear in it.
 * @throws RangeError for a value that is negative or not finite, and for an index that points nowhere
 */
export function layout(data: FlameData, options: LayoutOptions = {}): FlameTree {
  checkStacks(data);
  const head = rowValues(data, data.samples.value);
  const base = data.samples.base && rowValues(data, data.samples.base);
  const scale = options.normalize && head.sum > 0 && base && base.sum > 0 ? head.sum / base.sum : 1;
  if (base && !(head.sum + base.sum * scale < Infinity)) throw new RangeError('the values of both sides are too large');
  const rows = { head, base, ...widths(head, base, scale, options.side ?? 'both') };
  const { baseSelf, baseTotal, ...tree } = new TreeBuilder(data, rows, options.minShare ?? 0).build();
  return {
    ...tree,
    grandTotal: head.sum,
    base: base && { self: baseSelf, total: baseTotal, grandTotal: base.sum, scale },
  };
}

function widths(
  head: RowValues,
  base: RowValues | undefined,
  scale: number,
  side: FlameSide,
): Pick<Rows, 'width' | 'wholeWidth'> {
  if (!base) return { width: head.total, wholeWidth: head.sum };
  const [ofHead, ofBase] = [side === 'base' ? 0 : 1, side === 'head' ? 0 : scale];
  return {
    width: head.total.map((total, i) => total * ofHead + base.total[i]! * ofBase),
    wholeWidth: head.sum * ofHead + base.sum * ofBase,
  };
}
