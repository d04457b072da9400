/**
 * From stacks to the tree that a flame graph draws. Siblings with the same name and kind are one node, siblings stand in
 * the order of their names. No recursion and no object per node: stacks may be thousands of frames deep, trees millions
 * of nodes large.
 */

import { type FlameData, KINDS, kindOf } from './data.ts';

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
  /** Left edge: the root's is 0, a first child has its parent's, the next has the one before it plus that one's total. */
  readonly start: Float64Array;
  /** The root's total: the value of all samples. */
  readonly grandTotal: number;
  /** Depth of the deepest node. */
  readonly maxDepth: number;
}

/** Values of stacks: of the samples that end in it, and with those of every stack that extends it. */
interface StackValues {
  readonly self: Float64Array;
  readonly total: Float64Array;
  readonly withoutFrames: number;
}

/** The tree in the order of discovery: parents precede children, siblings are in no order. */
interface Merged {
  readonly length: number;
  readonly parent: Int32Array;
  /** 0 = none, for the root is nobody's child. */
  readonly firstChild: Int32Array;
  /** 0 = none. */
  readonly nextSibling: Int32Array;
  readonly key: Uint32Array;
  readonly frame: Int32Array;
  readonly mixed: Uint8Array;
  readonly self: Float64Array;
  readonly total: Float64Array;
}

/**
 * Merges the stacks of all samples into a tree. Stacks without value do not appear in it.
 * @throws RangeError for a value that is negative or not finite, and for an index that points nowhere
 */
export function layout(data: FlameData): FlameTree {
  return inPreOrder(merge(data, frameKeys(data), stackValues(data)));
}

function stackValues(data: FlameData): StackValues {
  const { samples, stacks } = data;
  const self = new Float64Array(stacks.length);
  let withoutFrames = 0;
  for (let i = 0; i < samples.length; i++) {
    const value = samples.value[i]!;
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`sample ${i} has the value ${value}: values must be finite and not negative`);
    }
    const stack = samples.stack[i]!;
    if (stack === -1) withoutFrames += value;
    else if (stack >= 0 && stack < stacks.length) self[stack]! += value;
    else throw new RangeError(`sample ${i} points to stack ${stack} of ${stacks.length}`);
  }
  const total = self.slice();
  for (let i = stacks.length - 1; i >= 0; i--) {
    const prefix = stacks.prefix[i]!;
    if (prefix >= i || prefix < -1)
      throw new RangeError(`stack ${i} has the prefix ${prefix}: callers precede callees`);
    if (prefix >= 0) total[prefix]! += total[i]!;
  }
  return { self, total, withoutFrames };
}

/**
 * By frame a number that is equal where frames are, and smaller for frames that stand further left.
 * Sorting finds equal names as well as their order. A Map of names would not do: engines hash very long strings by their
 * length alone, so that names chosen for it make every lookup a linear search.
 */
function frameKeys(data: FlameData): Uint32Array {
  const { names, frames } = data;
  const rank = new Uint32Array(names.length);
  const used: number[] = [];
  for (let i = 0; i < frames.length; i++) {
    const name = frames.name[i]!;
    if (name >= names.length || frames.detail[i]! >= names.length) {
      throw new RangeError(`frame ${i} points to a name beyond the ${names.length} there are`);
    }
    if (rank[name] === 0) used.push(name);
    rank[name] = 1;
  }
  used.sort((a, b) => (names[a]! < names[b]! ? -1 : names[a] === names[b] ? 0 : 1));
  let ranks = 0;
  for (let i = 0; i < used.length; i++) {
    if (i > 0 && names[used[i]!] !== names[used[i - 1]!]) ranks++;
    rank[used[i]!] = ranks;
  }
  const key = new Uint32Array(frames.length);
  for (let i = 0; i < frames.length; i++) key[i] = rank[frames.name[i]!]! * KINDS + kindOf(data, i);
  return key;
}

/**
 * Further children of nodes that have more than one, by (parent, key), in open addressing. Most nodes of a profile have
 * one child at most and never come here.
 */
class Children {
  readonly #parent: Int32Array;
  readonly #key: Uint32Array;
  readonly #slots: Int32Array;

  constructor(parent: Int32Array, key: Uint32Array) {
    this.#parent = parent;
    this.#key = key;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(parent.length * 2)));
  }

  /** The child of `caller` with this key, or `candidate`, which is a child from now on. */
  findOrAdd(caller: number, key: number, candidate: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = Math.imul(Math.imul(caller, 0x9e3779b1) ^ key, 0x85ebca6b);
    slot = (slot ^ (slot >>> 15)) & mask;
    for (let node = slots[slot]!; node !== 0; node = slots[slot]!) {
      if (this.#parent[node] === caller && this.#key[node] === key) return node;
      slot = (slot + 1) & mask;
    }
    slots[slot] = candidate;
    return candidate;
  }
}

function emptyTree(capacity: number) {
  return {
    parent: new Int32Array(capacity),
    firstChild: new Int32Array(capacity),
    nextSibling: new Int32Array(capacity),
    key: new Uint32Array(capacity),
    frame: new Int32Array(capacity),
    mixed: new Uint8Array(capacity),
    self: new Float64Array(capacity),
    total: new Float64Array(capacity),
  };
}

/** Finds or makes the node of every stack that has a value. */
function merge({ stacks, frames }: FlameData, keys: Uint32Array, values: StackValues): Merged {
  let live = 1;
  for (let i = 0; i < stacks.length; i++) if (values.total[i]! > 0) live++;
  const tree = emptyTree(live);
  const { parent, firstChild, nextSibling, key, frame, mixed, self, total } = tree;
  const children = new Children(parent, key);
  const nodeOf = new Int32Array(stacks.length);
  parent[0] = frame[0] = -1;
  self[0] = total[0] = values.withoutFrames;
  let length = 1;
  for (let i = 0; i < stacks.length; i++) {
    if (!(values.total[i]! > 0)) continue;
    const caller = stacks.prefix[i]! < 0 ? 0 : nodeOf[stacks.prefix[i]!]!;
    const leaf = stacks.frame[i]!;
    if (leaf >= frames.length) throw new RangeError(`stack ${i} points to frame ${leaf} of ${frames.length}`);
    const wanted = keys[leaf]!;
    const first = firstChild[caller]!;
    let node = length;
    if (first !== 0) node = key[first] === wanted ? first : children.findOrAdd(caller, wanted, length);
    if (node === length) {
      length++;
      parent[node] = caller;
      key[node] = wanted;
      frame[node] = leaf;
      if (first === 0) firstChild[caller] = node;
      else {
        nextSibling[node] = nextSibling[first]!;
        nextSibling[first] = node;
      }
    } else if (frames.detail[frame[node]!] !== frames.detail[leaf]) mixed[node] = 1;
    nodeOf[i] = node;
    self[node]! += values.self[i]!;
    total[node]! += values.total[i]!;
    if (caller === 0) total[0]! += values.total[i]!;
  }
  if (total[0] === Infinity) throw new RangeError('the values of the samples add up to more than a number can hold');
  return { length, ...tree };
}

/** Below this, insertion beats the call of a native sort. */
const FEW = 12;

/** Links the children of a node again, by ascending key. `scratch` holds key * nodes + node for each. */
function sortChildren(merged: Merged, node: number, scratch: Float64Array): void {
  const { length, firstChild, nextSibling, key } = merged;
  let count = 0;
  for (let child = firstChild[node]!; child !== 0; child = nextSibling[child]!) {
    const item = key[child]! * length + child;
    let at = count++;
    if (count <= FEW) for (; at > 0 && scratch[at - 1]! > item; at--) scratch[at] = scratch[at - 1]!;
    scratch[at] = item;
  }
  if (count > FEW) scratch.subarray(0, count).sort();
  let next = 0;
  for (let i = count - 1; i >= 0; i--) {
    const child = scratch[i]! % length;
    nextSibling[child] = next;
    next = child;
  }
  firstChild[node] = next;
}

function inPreOrder(merged: Merged): FlameTree {
  const { length, firstChild, nextSibling } = merged;
  const scratch = new Float64Array(length);
  const parent = new Int32Array(length).fill(-1);
  const end = new Int32Array(length);
  const depth = new Uint32Array(length);
  const frame = new Int32Array(length);
  const mixed = new Uint8Array(length);
  const self = new Float64Array(length);
  const total = new Float64Array(length);
  const start = new Float64Array(length);
  let maxDepth = 0;
  let source = 0;
  let caller = -1;
  let left = 0;
  for (let node = 0; node < length; node++) {
    parent[node] = caller;
    depth[node] = caller < 0 ? 0 : depth[caller]! + 1;
    if (depth[node]! > maxDepth) maxDepth = depth[node]!;
    frame[node] = merged.frame[source]!;
    mixed[node] = merged.mixed[source]!;
    self[node] = merged.self[source]!;
    total[node] = merged.total[source]!;
    start[node] = left;
    if (firstChild[source] !== 0) {
      if (nextSibling[firstChild[source]!] !== 0) sortChildren(merged, source, scratch);
      caller = node;
      source = firstChild[source]!;
      continue;
    }
    end[node] = node + 1;
    left += total[node]!;
    while (nextSibling[source] === 0 && caller >= 0) {
      end[caller] = node + 1;
      left = start[caller]! + total[caller]!;
      source = merged.parent[source]!;
      caller = parent[caller]!;
    }
    source = nextSibling[source]!;
  }
  return { length, parent, end, depth, frame, mixed, self, total, start, grandTotal: total[0]!, maxDepth };
}
