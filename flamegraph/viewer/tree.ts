/** Trees of functions as columns. No recursion, no object per node: millions of nodes, thousands deep. */

import { PairTable } from '../html-pairs.ts';
import type { FlameSide } from '../layout.ts';

export type Order = 'name' | 'heavy' | 'time';

/** How values of a base become widths beside those of the head. */
export interface Comparison {
  readonly side: FlameSide;
  /** What a value of the base is multiplied by: 1, or what makes the totals equal. */
  readonly scale: number;
}

/** Nodes in pre-order: parents precede children, siblings go from left to right. Node 0 is the root. */
export interface Tree {
  readonly length: number;
  /** −1 for the root. */
  readonly parent: Int32Array;
  /** One past the last descendant. */
  readonly end: Int32Array;
  readonly depth: Uint32Array;
  /** Index into functions, NO_FUNCTION for a root that is none. */
  readonly key: Int32Array;
  readonly self: Float64Array;
  readonly total: Float64Array;
  /** Of the base, as it is counted there; all zero without one. */
  readonly baseSelf: Float64Array;
  readonly baseTotal: Float64Array;
  /** Left edge and width in the picture, in the unit of the values. */
  readonly start: Float64Array;
  readonly width: Float64Array;
}

function widened(from: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}

function widenedFloat(from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const to = new Float64Array(from.length * 2);
  to.set(from);
  return to;
}

/** Below this, insertion beats a native sort. */
const FEW = 12;

export class TreeBuilder {
  length = 1;
  #parent = new Int32Array(1024);
  #key = new Int32Array(1024);
  #firstChild = new Int32Array(1024);
  #lastChild = new Int32Array(1024);
  #nextSibling = new Int32Array(1024);
  #self = new Float64Array(1024);
  #baseSelf = new Float64Array(1024);
  readonly #further = new PairTable();
  readonly #order: Order;
  readonly #limit: number;

  /** @param limit most nodes: what lies beyond counts for the frame below it */
  constructor(root: number, order: Order, limit = Infinity) {
    this.#key[0] = root;
    this.#parent[0] = -1;
    this.#order = order;
    this.#limit = limit;
  }

  keyOf(node: number): number {
    return this.#key[node]!;
  }

  add(node: number, head: number, base: number): void {
    this.#self[node]! += head;
    this.#baseSelf[node]! += base;
  }

  #grow(): void {
    this.#parent = widened(this.#parent);
    this.#key = widened(this.#key);
    this.#firstChild = widened(this.#firstChild);
    this.#lastChild = widened(this.#lastChild);
    this.#nextSibling = widened(this.#nextSibling);
    this.#self = widenedFloat(this.#self);
    this.#baseSelf = widenedFloat(this.#baseSelf);
  }

  /** The node of `key` below `caller`; in order of time only where it is the last one there. */
  child(caller: number, key: number): number {
    const last = this.#lastChild[caller]!;
    if (last !== 0 && this.#key[last] === key) return last;
    if (last !== 0 && this.#order !== 'time') {
      const first = this.#firstChild[caller]!;
      if (this.#key[first] === key) return first;
      if (this.length >= this.#limit) return caller;
      const found = this.#further.findOrSet(caller, key, this.length);
      if (found >= 0) return found;
    }
    if (this.length >= this.#limit) return caller;
    if (this.length === this.#parent.length) this.#grow();
    const node = this.length++;
    this.#parent[node] = caller;
    this.#key[node] = key;
    if (last === 0) this.#firstChild[caller] = node;
    else this.#nextSibling[last] = node;
    this.#lastChild[caller] = node;
    return node;
  }

  /** Links the children of a node again, in the order wanted. */
  #sort(node: number, width: Float64Array, scratch: Int32Array): void {
    const key = this.#key;
    const heavy = this.#order === 'heavy';
    const compare = (a: number, b: number) => (heavy && width[b]! - width[a]!) || key[a]! - key[b]!;
    let count = 0;
    for (let child = this.#firstChild[node]!; child !== 0; child = this.#nextSibling[child]!) {
      let at = count++;
      if (count <= FEW) for (; at > 0 && compare(scratch[at - 1]!, child) > 0; at--) scratch[at] = scratch[at - 1]!;
      scratch[at] = child;
    }
    if (count > FEW) scratch.subarray(0, count).sort(compare);
    this.#firstChild[node] = scratch[0]!;
    for (let i = 0; i < count; i++) this.#nextSibling[scratch[i]!] = i + 1 < count ? scratch[i + 1]! : 0;
  }

  /** Values of all nodes with what is below them, in the order of discovery. */
  #totals(self: Float64Array): Float64Array {
    const total = self.slice(0, this.length);
    for (let node = this.length - 1; node > 0; node--) total[this.#parent[node]!]! += total[node]!;
    return total;
  }

  /** The tree; the builder is of no more use. */
  finish({ side, scale }: Comparison): Tree {
    const { length } = this;
    const head = this.#totals(this.#self);
    const base = this.#totals(this.#baseSelf);
    const wide = new Float64Array(length);
    for (let i = 0; i < length; i++) {
      wide[i] = (side === 'base' ? 0 : head[i]!) + (side === 'head' ? 0 : base[i]! * scale);
    }
    const floats = () => new Float64Array(length);
    const tree = {
      length,
      parent: new Int32Array(length).fill(-1),
      end: new Int32Array(length),
      depth: new Uint32Array(length),
      key: new Int32Array(length),
      self: floats(),
      total: floats(),
      baseSelf: floats(),
      baseTotal: floats(),
      start: floats(),
      width: floats(),
    };
    const scratch = new Int32Array(length);
    let source = 0;
    let caller = -1;
    let left = 0;
    for (let node = 0; node < length; node++) {
      tree.parent[node] = caller;
      tree.depth[node] = caller < 0 ? 0 : tree.depth[caller]! + 1;
      tree.key[node] = this.#key[source]!;
      tree.self[node] = this.#self[source]!;
      tree.total[node] = head[source]!;
      tree.baseSelf[node] = this.#baseSelf[source]!;
      tree.baseTotal[node] = base[source]!;
      tree.start[node] = left;
      tree.width[node] = wide[source]!;
      const first = this.#firstChild[source]!;
      if (first !== 0) {
        if (this.#order !== 'time' && this.#nextSibling[first] !== 0) this.#sort(source, wide, scratch);
        caller = node;
        source = this.#firstChild[source]!;
        continue;
      }
      tree.end[node] = node + 1;
      left += wide[source]!;
      while (this.#nextSibling[source] === 0 && caller >= 0) {
        tree.end[caller] = node + 1;
        left = tree.start[caller]! + tree.width[caller]!;
        source = this.#parent[source]!;
        caller = tree.parent[caller]!;
      }
      source = this.#nextSibling[source]!;
    }
    return tree;
  }
}
