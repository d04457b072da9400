/** What `html-pack.ts` wrote, as columns again. The bytes may come from anybody: every index is checked. */

import type { FlameFrames } from './data.ts';
import { ByteReader, DAMAGED, TICKS_PER_MS } from './html-bytes.ts';

/** A profile as the viewer holds it. Samples stand in the order of their stacks. */
export interface ViewerData {
  /** names[0] is ''. */
  readonly names: readonly string[];
  readonly frames: FlameFrames & { readonly module: Uint32Array };
  /** In pre-order: callers precede callees, and what is below a stack follows it. */
  readonly stacks: { readonly length: number; readonly prefix: Int32Array; readonly frame: Uint32Array };
  readonly samples: { readonly length: number; readonly stack: Int32Array };
  readonly values: readonly { readonly head: Float64Array; readonly base: Float64Array | undefined }[];
  readonly threads: { readonly names: readonly string[]; readonly of: Uint32Array };
  /** Empty where it is not known; ms. */
  readonly timeline: { readonly length: number; readonly sample: Uint32Array; readonly time: Float64Array };
}

// A mark at the start of a name is part of the name.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function unpackNames(reader: ByteReader): string[] {
  const count = reader.count();
  const lengths = new Uint32Array(2 * count);
  for (let i = 0; i < lengths.length; i++) lengths[i] = reader.varint();
  let bytes = new Uint8Array(256);
  let before = 0;
  return Array.from({ length: count }, (_, i) => {
    const shared = Math.min(lengths[2 * i]!, before);
    const suffix = reader.raw(lengths[2 * i + 1]!);
    before = shared + suffix.length;
    if (before > bytes.length) {
      const larger = new Uint8Array(2 * before);
      larger.set(bytes);
      bytes = larger;
    }
    bytes.set(suffix, shared);
    return decoder.decode(bytes.subarray(0, before));
  });
}

function unpackFrames(reader: ByteReader, names: number): ViewerData['frames'] {
  const length = reader.count();
  const name = new Uint32Array(length);
  const kind = new Uint8Array(length);
  const [detail, module] = [new Uint32Array(length), new Uint32Array(length)];
  for (let i = 0; i < length; i++) name[i] = reader.index(names);
  for (let i = 0; i < length; i++) kind[i] = reader.index(256);
  for (let i = 0; i < length; i++) detail[i] = reader.index(names);
  for (let i = 0; i < length; i++) module[i] = reader.index(names);
  return { length, name, kind, detail, module };
}

/** The tree, leaf by leaf: up from the one before, and down again. */
function unpackTree(reader: ByteReader, length: number): Int32Array {
  const prefix = new Int32Array(length);
  const leaves = reader.count();
  const [rises, drops] = [reader.planes(leaves), reader.planes(leaves)];
  let next = 0;
  for (let leaf = 0; leaf < leaves; leaf++) {
    let caller = next - 1;
    for (let rise = rises[leaf]!; rise > 0 && caller >= 0; rise--) caller = prefix[caller]!;
    const end = next + drops[leaf]!;
    if (end === next || end > length) throw new RangeError(DAMAGED);
    for (; next < end; next++) {
      prefix[next] = caller;
      caller = next;
    }
  }
  if (next < length) throw new RangeError(DAMAGED);
  return prefix;
}

function unpackStacks(reader: ByteReader, frames: number): ViewerData['stacks'] {
  const length = reader.count();
  const prefix = unpackTree(reader, length);
  const frame = new Uint32Array(length);
  const ranks = reader.planes(length);
  const fresh = reader.planes(reader.count());
  let firsts = 0;
  const callees: number[][] = Array.from({ length: frames + 1 }, () => []);
  for (let i = 0; i < length; i++) {
    const known = callees[prefix[i]! < 0 ? frames : frame[prefix[i]!]!]!;
    const found = ranks[i] === 0 ? fresh[firsts++] : known[ranks[i]! - 1];
    if (found === undefined || found >= frames) throw new RangeError(DAMAGED);
    if (ranks[i] === 0) known.push(found);
    frame[i] = found;
  }
  return { length, prefix, frame };
}

/** The stack of each sample, from how many each has: see packPlaces. */
function unpackPlaces(reader: ByteReader, { length, prefix }: ViewerData['stacks']): Int32Array {
  const stack = new Int32Array(reader.count());
  const counts = reader.planes(length + 1);
  let next = 0;
  for (let place = -1; place < length; place++) {
    const isLeaf = place >= 0 && prefix[place + 1] !== place;
    const end = next + (isLeaf ? counts[place + 1]! ^ 1 : counts[place + 1]!);
    if (end > stack.length) throw new RangeError(DAMAGED);
    while (next < end) stack[next++] = place;
  }
  if (next < stack.length) throw new RangeError(DAMAGED);
  return stack;
}

function unpackValues(reader: ByteReader, length: number): Float64Array {
  const values = new Float64Array(length);
  if (reader.index(2) === 1) {
    for (let i = 0; i < length; i++) values[i] = reader.varint();
    return values;
  }
  const bytes = reader.raw(8 * length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < length; i++) values[i] = view.getFloat64(8 * i);
  return values;
}

function unpackTimeline(reader: ByteReader, samples: number): ViewerData['timeline'] {
  const length = reader.count();
  const sample = new Uint32Array(length);
  const time = new Float64Array(length);
  let tick = 0;
  for (let i = 0; i < length; i++) {
    tick += reader.varint();
    time[i] = tick / TICKS_PER_MS;
  }
  for (let i = 0; i < length; i++) sample[i] = reader.index(samples);
  return { length, sample, time };
}

/** @throws RangeError where the bytes are not what `pack` writes */
export function unpack(bytes: Uint8Array): ViewerData {
  const reader = new ByteReader(bytes);
  const names = unpackNames(reader);
  const frames = unpackFrames(reader, names.length);
  const stacks = unpackStacks(reader, frames.length);
  const types = reader.count();
  const threadNames = Array.from({ length: reader.count() }, () => decoder.decode(reader.raw(reader.varint())));
  const stack = unpackPlaces(reader, stacks);
  const { length } = stack;
  const values = Array.from({ length: types }, () => {
    const head = unpackValues(reader, length);
    return { head, base: reader.index(2) === 1 ? unpackValues(reader, length) : undefined };
  });
  const of = new Uint32Array(threadNames.length > 0 ? length : 0);
  for (let i = 0; i < of.length; i++) of[i] = reader.index(threadNames.length);
  return {
    names,
    frames,
    stacks,
    samples: { length, stack },
    values,
    threads: { names: threadNames, of },
    timeline: unpackTimeline(reader, length),
  };
}
