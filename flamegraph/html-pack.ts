/**
 * The columns of a page as bytes, small before and after gzip: names share prefixes with the one before them; stacks
 * stand in pre-order, each as how far it goes up from the one before, and as which of its caller's callees it is.
 * `html-unpack.ts` reads it.
 */

import type { FlameData } from './data.ts';
import { ByteWriter, TICKS_PER_MS } from './html-bytes.ts';
import type { HtmlData, HtmlSampleType } from './html-data.ts';
import { PairTable } from './html-pairs.ts';

const encoder = new TextEncoder();

/** Writes names in the order of their bytes' text; returns what became of each index. */
function packNames(out: ByteWriter, names: readonly string[]): Uint32Array {
  // '' stays the first: nothing sorts before it.
  const order = names.map((_, i) => i).sort((a, b) => (names[a]! < names[b]! ? -1 : names[a] === names[b] ? a - b : 1));
  const place = new Uint32Array(names.length);
  const suffixes: Uint8Array[] = [];
  let before = new Uint8Array(0);
  out.varint(names.length);
  for (const [i, name] of order.entries()) {
    place[name] = i;
    const bytes = encoder.encode(names[name]!);
    let shared = 0;
    while (shared < before.length && before[shared] === bytes[shared]) shared++;
    out.varint(shared);
    out.varint(bytes.length - shared);
    suffixes.push(bytes.subarray(shared));
    before = bytes;
  }
  for (const suffix of suffixes) out.raw(suffix);
  return place;
}

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

/** Writes the stacks in pre-order; returns the place of each stack of the data in that order. */
function packStacks(out: ByteWriter, data: FlameData): Int32Array {
  const { length, frame, firstChild, nextSibling, parent, node } = trie(data);
  const place = new Int32Array(length).fill(-1);
  const rises = new Uint32Array(length - 1);
  const ranks = new Uint32Array(length - 1);
  const fresh = new Uint32Array(length - 1);
  const callees = new PairTable();
  const count = new Uint32Array(data.frames.length + 1);
  let next = 0;
  let firsts = 0;
  for (let at = firstChild[0]!; at !== 0; ) {
    place[at] = next;
    const caller = parent[at] === 0 ? data.frames.length : frame[parent[at]!]!;
    const rank = callees.findOrSet(caller, frame[at]!, count[caller]!);
    ranks[next++] = rank + 1;
    if (rank < 0) {
      count[caller]!++;
      fresh[firsts++] = frame[at]!;
    }
    if (firstChild[at] !== 0) {
      at = firstChild[at]!;
      continue;
    }
    let rise = 1;
    while (at !== 0 && nextSibling[at] === 0) {
      at = parent[at]!;
      rise++;
    }
    at = nextSibling[at]!;
    if (at !== 0) rises[next] = rise;
  }
  out.varint(next);
  out.planes(rises);
  out.planes(ranks);
  out.varint(firsts);
  out.planes(fresh.subarray(0, firsts));
  return node.map(n => place[n]!);
}

function packValues(out: ByteWriter, values: Float64Array, order: Uint32Array): void {
  for (const [i, value] of values.entries()) {
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`sample ${i} has the value ${value}: values must be finite and not negative`);
    }
  }
  const whole = values.every(Number.isSafeInteger);
  out.varint(whole ? 1 : 0);
  if (whole) for (const row of order) out.varint(values[row]!);
  else {
    const view = new DataView(new ArrayBuffer(8 * order.length));
    for (const [i, row] of order.entries()) view.setFloat64(8 * i, values[row]!);
    out.raw(new Uint8Array(view.buffer));
  }
}

function packSamples(
  out: ByteWriter,
  data: HtmlData,
  types: readonly HtmlSampleType[],
  places: Int32Array,
): Uint32Array {
  const { samples } = data;
  const stack = new Int32Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const of = samples.stack[i]!;
    if (of < -1 || of >= data.stacks.length)
      throw new RangeError(`sample ${i} points to stack ${of} of ${data.stacks.length}`);
    stack[i] = of < 0 ? 0 : places[of]! + 1;
  }
  const order = Uint32Array.from(stack.keys()).sort((a, b) => stack[a]! - stack[b]!);
  out.varint(samples.length);
  let before = 0;
  for (const row of order) {
    out.varint(stack[row]! - before);
    before = stack[row]!;
  }
  for (const { value, base } of types) {
    packValues(out, value, order);
    out.varint(base ? 1 : 0);
    if (base) packValues(out, base, order);
  }
  if (!data.threads) return order;
  const { names, of } = data.threads;
  for (const row of order) {
    if (!(of[row]! < names.length))
      throw new RangeError(`sample ${row} points to thread ${of[row]} of ${names.length}`);
    out.varint(of[row]!);
  }
  return order;
}

function packTimeline(out: ByteWriter, data: HtmlData, order: Uint32Array): void {
  const { timeline } = data;
  out.varint(timeline?.length ?? 0);
  if (!timeline) return;
  const place = new Uint32Array(order.length);
  for (const [i, row] of order.entries()) place[row] = i;
  let before = 0;
  for (let i = 0; i < timeline.length; i++) {
    const tick = Math.max(before, Math.round(timeline.time[i]! * TICKS_PER_MS));
    out.varint(tick - before);
    before = tick;
  }
  for (let i = 0; i < timeline.length; i++) out.varint(place[timeline.sample[i]!]!);
}

/** The values of the samples, by type: those of the data, or its only one. */
export function sampleTypes(data: HtmlData, unit: string): readonly HtmlSampleType[] {
  if (data.sampleTypes && data.sampleTypes.length > 0) return data.sampleTypes;
  return [{ type: 'samples', unit, value: data.samples.value, base: data.samples.base }];
}

/** @throws RangeError for an index that points nowhere, and a value that is negative or not finite */
export function pack(data: HtmlData, unit: string): Uint8Array {
  const out = new ByteWriter();
  const { frames } = data;
  const types = sampleTypes(data, unit);
  const place = packNames(out, data.names);
  out.varint(frames.length);
  for (let i = 0; i < frames.length; i++) {
    if (Math.max(frames.name[i]!, frames.detail[i]!, frames.module?.[i] ?? 0) >= place.length) {
      throw new RangeError(`frame ${i} points to a name beyond the ${place.length} there are`);
    }
  }
  for (let i = 0; i < frames.length; i++) out.varint(place[frames.name[i]!]!);
  for (let i = 0; i < frames.length; i++) out.varint(frames.kind[i]!);
  for (let i = 0; i < frames.length; i++) out.varint(place[frames.detail[i]!]!);
  const module = frames.module ?? frames.detail;
  for (let i = 0; i < frames.length; i++) out.varint(place[module[i]!]!);
  const places = packStacks(out, data);
  out.varint(types.length);
  out.varint(data.threads ? data.threads.names.length : 0);
  for (const name of data.threads?.names ?? []) {
    const bytes = encoder.encode(name);
    out.varint(bytes.length);
    out.raw(bytes);
  }
  const order = packSamples(out, data, types, places);
  packTimeline(out, data, order);
  return out.bytes();
}
