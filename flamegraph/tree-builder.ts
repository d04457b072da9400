/** The walk that makes the nodes of a flame graph, in pre-order, out of the rows of a stack table. */

import type { FlameData } from './data.ts';
import { frameKeys, type RowValues } from './values.ts';

export interface Rows {
  readonly head: RowValues;
  readonly base: RowValues | undefined;
  /** By row. */
  readonly width: Float64Array;
  readonly wholeWidth: number;
}

/** Below this, insertion beats the call of a native sort. */
const FEW = 12;
const NONE = -1;

type Column = Int32Array | Uint32Array | Uint8Array | Float64Array;

function longer<T extends Column>(column: T): T {
  const next = new (column.constructor as new (length: number) => T)(column.length * 2);
  next.set(column as never);
  return next;
}

function sort(items: Float64Array, count: number): void {
  if (count > FEW) {
    items.subarray(0, count).sort();
    return;
  }
  for (let i = 1; i < count; i++) {
    const item = items[i]!;
    let at = i;
    for (; at > 0 && items[at - 1]! > item; at--) items[at] = items[at - 1]!;
    items[at] = item;
  }
}

function nodeColumns(capacity: number, baseCapacity: number) {
  return {
    parent: new Int32Array(capacity),
    depth: new Uint32Array(capacity),
    frame: new Int32Array(capacity),
    mixed: new Uint8Array(capacity),
    self: new Float64Array(capacity),
    total: new Float64Array(capacity),
    width: new Float64Array(capacity),
    start: new Float64Array(capacity),
    baseSelf: new Float64Array(baseCapacity),
    baseTotal: new Float64Array(baseCapacity),
  };
}

/** Nodes whose turn comes, the leftmost on top: the first of their rows, their parent and left edge. */
class Waiting {
  count = 0;
  row = new Int32Array(256);
  parent = new Int32Array(256);
  start = new Float64Array(256);

  push(row: number, parent: number, start: number): void {
    if (this.count === this.row.length) {
      this.row = longer(this.row);
      this.parent = longer(this.parent);
      this.start = longer(this.start);
    }
    this.row[this.count] = row;
    this.parent[this.count] = parent;
    this.start[this.count++] = start;
  }
}

/**
 * A node is a chain of rows, and its children are found when it is its turn: the children of all its rows, sorted by key,
 * equal ones chained. So what is too narrow is never gone into, and only the nodes that are wanted take memory.
 */
export class TreeBuilder {
  readonly #data: FlameData;
  readonly #rows: Rows;
  readonly #minWidth: number;
  readonly #key: Uint32Array;
  /** First child of a row; those of the root in the last entry. */
  readonly #child: Int32Array;
  /** The next row: at first the next sibling, then the next of the same node. */
  readonly #next: Int32Array;
  readonly #waiting = new Waiting();
  /** key * rows + row of the children of one node: exact up to 2^53, which no memory holds. */
  #scratch = new Float64Array(256);
  #nodes: ReturnType<typeof nodeColumns>;
  #length = 0;
  /** Rows that have a width, and those of them that are not in a node. */
  #live = 0;
  #prunedWidth = 0;

  constructor(data: FlameData, rows: Rows, minShare: number) {
    this.#data = data;
    this.#rows = rows;
    this.#minWidth = rows.wholeWidth * minShare;
    this.#key = frameKeys(data);
    this.#nodes = nodeColumns(1024, rows.base ? 1024 : 0);
    const { length, prefix } = data.stacks;
    this.#child = new Int32Array(length + 1).fill(NONE);
    this.#next = new Int32Array(length).fill(NONE);
    for (let row = length - 1; row >= 0; row--) {
      if (!(rows.width[row]! > 0)) continue;
      const caller = prefix[row]! < 0 ? length : prefix[row]!;
      this.#next[row] = this.#child[caller]!;
      this.#child[caller] = row;
      this.#live++;
    }
  }

  build() {
    this.#addRoot();
    const waiting = this.#waiting;
    while (waiting.count > 0) {
      const top = --waiting.count;
      this.#addNode(waiting.row[top]!, waiting.parent[top]!, waiting.start[top]!);
    }
    const length = this.#length;
    const columns = Object.entries(this.#nodes).map(([name, column]) => [name, column.slice(0, length)]);
    const nodes = Object.fromEntries(columns) as ReturnType<typeof nodeColumns>;
    const end = Int32Array.from(nodes.parent, (_, node) => node + 1);
    let maxDepth = 0;
    for (let node = length - 1; node > 0; node--) {
      const parent = nodes.parent[node]!;
      if (end[node]! > end[parent]!) end[parent] = end[node]!;
      if (nodes.depth[node]! > maxDepth) maxDepth = nodes.depth[node]!;
    }
    return { length, end, maxDepth, ...nodes, pruned: { frames: this.#live, width: this.#prunedWidth } };
  }

  #addRoot(): void {
    const { head, base, wholeWidth } = this.#rows;
    const nodes = this.#nodes;
    this.#length = 1;
    nodes.parent[0] = nodes.frame[0] = NONE;
    nodes.self[0] = head.withoutFrames;
    nodes.total[0] = head.sum;
    nodes.width[0] = wholeWidth;
    if (base) [nodes.baseSelf[0], nodes.baseTotal[0]] = [base.withoutFrames, base.sum];
    this.#expand(0, this.#gather(this.#data.stacks.length, 0), 0);
  }

  /** @param first of the chain of rows that are this node */
  #addNode(first: number, parent: number, start: number): void {
    const { stacks, frames } = this.#data;
    const { head, base, width } = this.#rows;
    if (this.#length === this.#nodes.parent.length) this.#grow();
    const nodes = this.#nodes;
    const node = this.#length++;
    const frame = stacks.frame[first]!;
    nodes.parent[node] = parent;
    nodes.depth[node] = nodes.depth[parent]! + 1;
    nodes.frame[node] = frame;
    nodes.start[node] = start;
    let count = 0;
    for (let row = first; row !== NONE; row = this.#next[row]!) {
      this.#live--;
      nodes.self[node]! += head.self[row]!;
      nodes.total[node]! += head.total[row]!;
      nodes.width[node]! += width[row]!;
      if (base) {
        nodes.baseSelf[node]! += base.self[row]!;
        nodes.baseTotal[node]! += base.total[row]!;
      }
      if (frames.detail[stacks.frame[row]!] !== frames.detail[frame]) nodes.mixed[node] = 1;
      count = this.#gather(row, count);
    }
    this.#expand(node, count, start);
  }

  #grow(): void {
    const columns = Object.entries(this.#nodes).map(([name, column]) => [name, longer<Column>(column)]);
    this.#nodes = Object.fromEntries(columns) as ReturnType<typeof nodeColumns>;
  }

  /** Adds the children of a row to the scratch, which holds `count`; returns how many it holds then. */
  #gather(row: number, count: number): number {
    const { length, frame } = this.#data.stacks;
    for (let child = this.#child[row]!; child !== NONE; child = this.#next[child]!) {
      if (count === this.#scratch.length) this.#scratch = longer(this.#scratch);
      this.#scratch[count++] = this.#key[frame[child]!]! * length + child;
    }
    return count;
  }

  /** Lets the children of `node` wait, whose rows are the `count` ones in the scratch. */
  #expand(node: number, count: number, start: number): void {
    const scratch = this.#scratch;
    const rows = this.#data.stacks.length;
    const waiting = this.#waiting;
    const bottom = waiting.count;
    sort(scratch, count);
    // From right to left, for the leftmost is to lie on top; how far from the left is known at the end.
    let fromRight = 0;
    for (let i = count - 1; i >= 0; ) {
      const key = Math.floor(scratch[i]! / rows) * rows;
      let [first, width] = [NONE, 0];
      for (; i >= 0 && scratch[i]! >= key; i--) {
        const row = scratch[i]! - key;
        this.#next[row] = first;
        first = row;
        width += this.#rows.width[row]!;
      }
      fromRight += width;
      if (width >= this.#minWidth) waiting.push(first, node, fromRight);
      else this.#prunedWidth += width;
    }
    for (let i = bottom; i < waiting.count; i++) waiting.start[i] = start + (fromRight - waiting.start[i]!);
  }
}
