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
  readonly key: Uint32Array;
  readonly frame: Int32Array;
  readonly mixed: Uint8Array;
  readonly self: Float64Array;
  readonly total: Float64Array;
}

/** Frames by what makes them equal; a smaller key stands further left. */
interface FrameKeys {
  /** By frame. */
  readonly key: Uint32Array;
  /** Keys are smaller than this. */
  readonly limit: number;
}

/**
 * Merges the stacks of all samples into a tree. Stacks without value do not appear in it.
 * @throws RangeError for a value that is negative or not finite, and for an index that points nowhere
 */
export function layout(data: FlameData): FlameTree {
  const keys = frameKeys(data);
  return inPreOrder(merge(data, keys, stackValues(data)), keys);
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
 * Sorting finds equal names as well as their order. A Map of names would not do: engines hash very long strings by their
 * length alone, so that names chosen for it make every lookup a linear search.
 */
function frameKeys(data: FlameData): FrameKeys {
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
  return { key, limit: (ranks + 1) * KINDS };
}

/** Finds or makes the node of every stack that has a value: one look-up by (node of the caller, key) each. */
function merge(data: FlameData, keys: FrameKeys, values: StackValues): Merged {
  const { stacks, frames } = data;
  let live = 1;
  for (let i = 0; i < stacks.length; i++) if (values.total[i]! > 0) live++;
  const tree = {
    parent: new Int32Array(live),
    key: new Uint32Array(live),
    frame: new Int32Array(live),
    mixed: new Uint8Array(live),
    self: new Float64Array(live),
    total: new Float64Array(live),
  };
  const { parent, key, frame, mixed, self, total } = tree;
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(live * 2)));
  const mask = slots.length - 1;
  const nodeOf = new Int32Array(stacks.length);
  parent[0] = frame[0] = -1;
  self[0] = total[0] = values.withoutFrames;
  let length = 1;
  for (let i = 0; i < stacks.length; i++) {
    if (!(values.total[i]! > 0)) continue;
    const prefix = stacks.prefix[i]!;
    const caller = prefix < 0 ? 0 : nodeOf[prefix]!;
    const leaf = stacks.frame[i]!;
    if (leaf >= frames.length) throw new RangeError(`stack ${i} points to frame ${leaf} of ${frames.length}`);
    const wanted = keys.key[leaf]!;
    let slot = Math.imul(Math.imul(caller, 0x9e3779b1) ^ wanted, 0x85ebca6b);
    slot = (slot ^ (slot >>> 15)) & mask;
    let node = slots[slot]!;
    while (node !== 0 && (parent[node] !== caller || key[node] !== wanted)) {
      slot = (slot + 1) & mask;
      node = slots[slot]!;
    }
    if (node === 0) {
      node = length++;
      slots[slot] = node;
      parent[node] = caller;
      key[node] = wanted;
      frame[node] = leaf;
    } else if (frames.detail[frame[node]!] !== frames.detail[leaf]) mixed[node] = 1;
    nodeOf[i] = node;
    self[node]! += values.self[i]!;
    total[node]! += values.total[i]!;
    if (caller === 0) total[0]! += values.total[i]!;
  }
  if (total[0] === Infinity) throw new RangeError('the values of the samples add up to more than a number can hold');
  return { length, ...tree };
}

/** First child and next sibling of every node, siblings by ascending key; 0 = none, for the root is nobody's child. */
function siblings(merged: Merged, limit: number): { first: Int32Array; next: Int32Array } {
  const { length, key, parent } = merged;
  const byKey = new Int32Array(limit);
  const sameKey = new Int32Array(length);
  for (let node = 1; node < length; node++) {
    sameKey[node] = byKey[key[node]!]!;
    byKey[key[node]!] = node;
  }
  const first = new Int32Array(length);
  const next = new Int32Array(length);
  for (let k = limit - 1; k >= 0; k--) {
    for (let node = byKey[k]!; node !== 0; node = sameKey[node]!) {
      const caller = parent[node]!;
      next[node] = first[caller]!;
      first[caller] = node;
    }
  }
  return { first, next };
}

function inPreOrder(merged: Merged, keys: FrameKeys): FlameTree {
  const { length } = merged;
  const { first, next } = siblings(merged, keys.limit);
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
    if (first[source] !== 0) {
      caller = node;
      source = first[source]!;
      continue;
    }
    end[node] = node + 1;
    left += total[node]!;
    while (next[source] === 0 && caller >= 0) {
      end[caller] = node + 1;
      left = start[caller]! + total[caller]!;
      source = merged.parent[source]!;
      caller = parent[caller]!;
    }
    source = next[source]!;
  }
  return { length, parent, end, depth, frame, mixed, self, total, start, grandTotal: total[0]!, maxDepth };
}
