/** From the samples to the trees of a view: whole stacks, reversed, or the callers and callees of one function. */

import type { ViewerData } from '../html-unpack.ts';
import { type Functions, NO_FUNCTION } from './functions.ts';
import { type Comparison, type Order, type Tree, TreeBuilder } from './tree.ts';

/** Stacks share their callers, but reversed or in order of time they share little: about 400 MB. */
const MAX_NODES = 1 << 22;

/** Which samples count, and with which of their values. */
export interface Selection {
  readonly type: number;
  /** Index of a thread, −1 for all. */
  readonly thread: number;
  /** ms, from … until before; undefined for all. */
  readonly range: readonly [from: number, to: number] | undefined;
}

/** Values by stack, of the samples that end there. */
export interface Weights {
  readonly head: Float64Array;
  readonly base: Float64Array;
  /** Of samples without frames. */
  readonly bareHead: number;
  readonly bareBase: number;
  /** Of all samples. */
  readonly totalHead: number;
  readonly totalBase: number;
}

export interface Shape {
  readonly functions: Functions;
  readonly order: Order;
  /** Calls of a function by itself are one frame. */
  readonly collapseRecursion: boolean;
}

/** By sample: how many entries of the timeline it has, and how many of them are in the range. */
function hits({ samples, timeline }: ViewerData, range: Selection['range']): readonly [Uint32Array, Uint32Array] {
  const all = new Uint32Array(samples.length);
  const inside = new Uint32Array(samples.length);
  for (let i = 0; i < timeline.length; i++) {
    const time = timeline.time[i]!;
    all[timeline.sample[i]!]!++;
    if (!range || (time >= range[0] && time < range[1])) inside[timeline.sample[i]!]!++;
  }
  return [all, inside];
}

export function weigh(data: ViewerData, selection: Selection): Weights {
  const { samples, stacks, threads } = data;
  const { head: value, base: ofBase } = data.values[selection.type]!;
  const head = new Float64Array(stacks.length);
  const base = new Float64Array(stacks.length);
  const [all, inside] = selection.range ? hits(data, selection.range) : [undefined, undefined];
  let [bareHead, bareBase, totalHead, totalBase] = [0, 0, 0, 0];
  for (let i = 0; i < samples.length; i++) {
    if (selection.thread >= 0 && threads.of[i] !== selection.thread) continue;
    const share = all && inside ? inside[i]! / Math.max(1, all[i]!) : 1;
    const [ofHead, other] = [value[i]! * share, (ofBase?.[i] ?? 0) * share];
    const stack = samples.stack[i]!;
    totalHead += ofHead;
    totalBase += other;
    if (stack < 0) {
      bareHead += ofHead;
      bareBase += other;
    } else {
      head[stack]! += ofHead;
      base[stack]! += other;
    }
  }
  return { head, base, bareHead, bareBase, totalHead, totalBase };
}

/** Adds to every stack what the stacks above it have. */
function summed({ stacks }: ViewerData, values: Float64Array): Float64Array {
  const total = values.slice();
  for (let i = stacks.length - 1; i >= 0; i--) if (stacks.prefix[i]! >= 0) total[stacks.prefix[i]!]! += total[i]!;
  return total;
}

/** The node for a frame of function `key` below `node`, which is `node` itself where the two are collapsed. */
function step(builder: TreeBuilder, node: number, key: number, { functions, collapseRecursion }: Shape): number {
  const same = builder.keyOf(node) === key && (collapseRecursion || key >= functions.firstPackage);
  return same ? node : builder.child(node, key);
}

/** The stacks of all samples, outermost callers first. */
export function wholeTree(data: ViewerData, weights: Weights, shape: Shape, comparison: Comparison): Tree {
  const { stacks } = data;
  const builder = new TreeBuilder(NO_FUNCTION, shape.order);
  const [head, base] = [summed(data, weights.head), summed(data, weights.base)];
  const node = new Int32Array(stacks.length);
  builder.add(0, weights.bareHead, weights.bareBase);
  for (let i = 0; i < stacks.length; i++) {
    if (!(head[i]! + base[i]! > 0)) continue;
    const caller = stacks.prefix[i]! < 0 ? 0 : node[stacks.prefix[i]!]!;
    node[i] = step(builder, caller, shape.functions.of[stacks.frame[i]!]!, shape);
    builder.add(node[i]!, weights.head[i]!, weights.base[i]!);
  }
  return builder.finish(comparison);
}

/** As {@link wholeTree} with a time axis: equal frames are one only where nothing was sampled between them. */
export function timeTree(data: ViewerData, selection: Selection, shape: Shape, comparison: Comparison): Tree {
  const { stacks, samples, timeline, threads } = data;
  const value = data.values[selection.type]!.head;
  const builder = new TreeBuilder(NO_FUNCTION, 'time', MAX_NODES);
  const [all] = hits(data, undefined);
  const path: number[] = [];
  for (let i = 0; i < timeline.length; i++) {
    const sample = timeline.sample[i]!;
    const time = timeline.time[i]!;
    if (selection.thread >= 0 && threads.of[sample] !== selection.thread) continue;
    if (selection.range && (time < selection.range[0] || time >= selection.range[1])) continue;
    path.length = 0;
    for (let s = samples.stack[sample]!; s >= 0; s = stacks.prefix[s]!)
      path.push(shape.functions.of[stacks.frame[s]!]!);
    let node = 0;
    for (let d = path.length - 1; d >= 0; d--) node = step(builder, node, path[d]!, shape);
    builder.add(node, value[sample]! / all[sample]!, 0);
  }
  return builder.finish(comparison);
}

/** The stacks of all samples from their innermost frames on: what the time went to, and from where. */
export function reversedTree(data: ViewerData, weights: Weights, shape: Shape, comparison: Comparison): Tree {
  const { stacks } = data;
  const builder = new TreeBuilder(NO_FUNCTION, shape.order, MAX_NODES);
  builder.add(0, weights.bareHead, weights.bareBase);
  for (let i = 0; i < stacks.length; i++) {
    if (!(weights.head[i]! + weights.base[i]! > 0)) continue;
    let node = 0;
    for (let s = i; s >= 0; s = stacks.prefix[s]!)
      node = step(builder, node, shape.functions.of[stacks.frame[s]!]!, shape);
    builder.add(node, weights.head[i]!, weights.base[i]!);
  }
  return builder.finish(comparison);
}

/**
 * Who calls a function, and what it calls, both with the function as root. In a recursion the outermost call counts, so
 * that both roots have the function's inclusive value.
 */
export function sandwich(
  data: ViewerData,
  weights: Weights,
  shape: Shape,
  comparison: Comparison,
  wanted: number,
): { readonly callers: Tree; readonly callees: Tree } {
  const { stacks } = data;
  const { of } = shape.functions;
  const callers = new TreeBuilder(wanted, shape.order, MAX_NODES);
  const callees = new TreeBuilder(wanted, shape.order);
  const [head, base] = [summed(data, weights.head), summed(data, weights.base)];
  const node = new Int32Array(stacks.length).fill(-1);
  for (let i = 0; i < stacks.length; i++) {
    if (!(head[i]! + base[i]! > 0)) continue;
    const prefix = stacks.prefix[i]!;
    const key = of[stacks.frame[i]!]!;
    if (prefix >= 0 && node[prefix]! >= 0) node[i] = step(callees, node[prefix]!, key, shape);
    else if (key !== wanted) continue;
    else {
      node[i] = 0;
      let caller = 0;
      for (let s = prefix; s >= 0; s = stacks.prefix[s]!) caller = step(callers, caller, of[stacks.frame[s]!]!, shape);
      callers.add(caller, head[i]!, base[i]!);
    }
    callees.add(node[i]!, weights.head[i]!, weights.base[i]!);
  }
  return { callers: callers.finish(comparison), callees: callees.finish(comparison) };
}

/** Inclusive and own values by function. */
export interface Costs {
  readonly self: Float64Array;
  readonly total: Float64Array;
  readonly baseSelf: Float64Array;
  readonly baseTotal: Float64Array;
}

/** A function's inclusive value counts each sample once, however often the function is in its stack. */
export function costs(tree: Tree, functions: number): Costs {
  const result = {
    self: new Float64Array(functions),
    total: new Float64Array(functions),
    baseSelf: new Float64Array(functions),
    baseTotal: new Float64Array(functions),
  };
  const openUntil = new Int32Array(functions);
  for (let node = 0; node < tree.length; node++) {
    const key = tree.key[node]!;
    if (key < 0) continue;
    result.self[key]! += tree.self[node]!;
    result.baseSelf[key]! += tree.baseSelf[node]!;
    if (node < openUntil[key]!) continue;
    openUntil[key] = tree.end[node]!;
    result.total[key]! += tree.total[node]!;
    result.baseTotal[key]! += tree.baseTotal[node]!;
  }
  return result;
}
