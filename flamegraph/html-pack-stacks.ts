/**
 * The stacks of a page as bytes: in pre-order, each as which of its caller's callees it is; their tree, leaf by leaf, as how
 * far it goes up from the one before and down again.
 */

import type { FlameData } from './data.ts';
import type { ByteWriter } from './html-bytes.ts';
import { PairTable } from './html-pairs.ts';

/** Equal stacks as one, as links between them. `node` has an entry for each stack of the data. */
interface Trie {
  readonly length: number;
  readonly frame: Int32Array;
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
  readonly parent: Int32Array;
  readonly node: Int32Array;
}

/** Node 0 is the root. Children stand in the order in which they were found. */
function trie({ stacks, frames }: FlameData): Trie {
  const known = new PairTable();
  const column = () => new Int32Array(stacks.length + 1);
  const [frame, firstChild, lastChild, nextSibling, parent] = [column(), column(), column(), column(), column()];
  const node = new Int32Array(stacks.length);
  let length = 1;
  for (let i = 0; i < stacks.length; i++) {
    const prefix = stacks.prefix[i]!;
    const leaf = stacks.frame[i]!;
    if (prefix >= i || prefix < -1)
      throw new RangeError(`stack ${i} has the prefix ${prefix}: callers precede callees`);
    if (leaf >= frames.length) throw new RangeError(`stack ${i} points to frame ${leaf} of ${frames.length}`);
    const caller = prefix < 0 ? 0 : node[prefix]!;
    const found = known.findOrSet(caller, leaf, length);
    node[i] = found >= 0 ? found : length;
    if (found >= 0) continue;
    frame[length] = leaf;
    parent[length] = caller;
    if (firstChild[caller] === 0) firstChild[caller] = length;
    else nextSibling[lastChild[caller]!] = length;
    lastChild[caller] = length++;
  }
  return { length, frame, firstChild, nextSibling, parent, node };
}

/** The nodes below the root in pre-order, as columns. */
interface PreOrder {
  /** Of each node of the trie; −1 for the root. */
  readonly place: Int32Array;
  readonly frame: Uint32Array;
  /** The caller's frame; the number of frames where there is no caller. */
  readonly caller: Uint32Array;
  /** Places of the leaves, and how many nodes each is up from the one before. */
  readonly leaves: readonly number[];
  readonly rises: readonly number[];
}

function preOrder({ length, frame, firstChild, nextSibling, parent }: Trie, frames: number): PreOrder {
  const place = new Int32Array(length).fill(-1);
  const order = { frame: new Uint32Array(length - 1), caller: new Uint32Array(length - 1) };
  const [leaves, rises]: [number[], number[]] = [[], []];
  let [next, rise] = [0, 0];
  for (let at = firstChild[0]!; at !== 0; ) {
    place[at] = next;
    order.frame[next] = frame[at]!;
    order.caller[next++] = parent[at] === 0 ? frames : frame[parent[at]!]!;
    if (firstChild[at] !== 0) {
      at = firstChild[at]!;
      continue;
    }
    leaves.push(next - 1);
    rises.push(rise);
    for (rise = 1; at !== 0 && nextSibling[at] === 0; rise++) at = parent[at]!;
    at = nextSibling[at]!;
  }
  return { place, ...order, leaves, rises };
}

/** Writes frames, each as which of its caller's callees it is, and as itself where it is called for the first time. */
function packCalls(out: ByteWriter, { frame, caller }: PreOrder, frames: number): void {
  const callees = new PairTable();
  const count = new Uint32Array(frames + 1);
  const ranks = frame.map((callee, i) => {
    const rank = callees.findOrSet(caller[i]!, callee, count[caller[i]!]!);
    if (rank < 0) count[caller[i]!]!++;
    return rank + 1;
  });
  // Where few calls are known already, it costs more to say which than to say all frames.
  if (callees.size > frame.length / 2) ranks.fill(0);
  const fresh = frame.filter((_, i) => ranks[i] === 0);
  out.planes(ranks);
  out.varint(fresh.length);
  out.planes(fresh);
}

export interface PackedStacks {
  readonly length: number;
  /** In pre-order, of each stack of the data. */
  readonly places: Int32Array;
  readonly leaves: readonly number[];
}

export function packStacks(out: ByteWriter, data: FlameData): PackedStacks {
  const tree = trie(data);
  const order = preOrder(tree, data.frames.length);
  out.varint(order.frame.length);
  out.varint(order.leaves.length);
  out.planes(Uint32Array.from(order.rises));
  out.planes(Uint32Array.from(order.leaves, (leaf, i) => leaf - (order.leaves[i - 1] ?? -1)));
  packCalls(out, order, data.frames.length);
  return { length: order.frame.length, places: tree.node.map(n => order.place[n]!), leaves: order.leaves };
}
