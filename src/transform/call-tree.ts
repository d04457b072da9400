/** Stacks that read alike as one: a tree of symbols with their values. */
import { Chains } from '../model/merge-stacks.ts';
import type { Profile } from '../model/profile.ts';
import type { FrameStacks, Symbols } from './frames.ts';

/** Nodes as columns; callers precede callees. */
export interface CallTree {
  readonly length: number;
  /** −1 for a node without a caller. */
  readonly caller: Int32Array;
  readonly symbol: Uint32Array;
  /** Value of the samples that end here; `total`: or in what was called from here. */
  readonly self: Float64Array;
  readonly total: Float64Array;
  /** For each stack of frames its node. */
  readonly nodeOf: Int32Array;
  /** Value of all samples, those without frames among them. */
  readonly grandTotal: number;
}

/** `value`: of each sample. */
export function callTree(
  { samples }: Pick<Profile, 'samples'>,
  stacks: FrameStacks,
  symbols: Symbols,
  value: Float64Array,
): CallTree {
  const chains = new Chains();
  const nodeOf = new Int32Array(stacks.length);
  for (let s = 0; s < stacks.length; s++) {
    nodeOf[s] = chains.push(nodeOf[stacks.prefix[s]!] ?? -1, symbols.of[stacks.frame[s]!]!);
  }
  const { length, prefix: caller, item: symbol } = chains;
  const self = new Float64Array(length);
  let grandTotal = 0;
  for (let i = 0; i < samples.length; i++) {
    grandTotal += value[i]!;
    const node = nodeOf[stacks.leaf[samples.stack[i]!]!];
    if (node !== undefined) self[node]! += value[i]!;
  }
  const total = self.slice();
  for (let node = length - 1; node >= 0; node--) if (caller[node]! >= 0) total[caller[node]!]! += total[node]!;
  return { length, caller, symbol, self, total, nodeOf, grandTotal };
}
