/**
 * The columns of a page as bytes, small before and after gzip: names share prefixes with the one before them; stacks
 * stand as `html-pack-stacks.ts` says; samples, of which most leaves have one, as how many each stack has. `html-unpack.ts`
 * reads it.
 */

import type { FlameData } from './data.ts';
import { ByteWriter, TICKS_PER_MS } from './html-bytes.ts';
import type { HtmlData, HtmlSampleType } from './html-data.ts';
import { type PackedStacks, packStacks } from './html-pack-stacks.ts';

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

/**
 * Writes how many samples each stack has, 0 standing for one on leaves and for none on the others, which is mostly so.
 * Returns the samples in the order of their stacks.
 */
function packPlaces(
  out: ByteWriter,
  { samples, stacks }: FlameData,
  { length, places, leaves }: PackedStacks,
): Uint32Array {
  const place = new Int32Array(samples.length);
  const counts = new Uint32Array(length + 1);
  for (let i = 0; i < samples.length; i++) {
    const of = samples.stack[i]!;
    if (of < -1 || of >= stacks.length) throw new RangeError(`sample ${i} points to stack ${of} of ${stacks.length}`);
    place[i] = places[of] ?? -1;
    counts[place[i]! + 1]!++;
  }
  for (const leaf of leaves) counts[leaf + 1]! ^= 1;
  out.varint(samples.length);
  out.planes(counts);
  return Uint32Array.from(place.keys()).sort((a, b) => place[a]! - place[b]!);
}

function packSamples(out: ByteWriter, data: HtmlData, types: readonly HtmlSampleType[], order: Uint32Array): void {
  for (const { value, base } of types) {
    packValues(out, value, order);
    out.varint(base ? 1 : 0);
    if (base) packValues(out, base, order);
  }
  if (!data.threads) return;
  const { names, of } = data.threads;
  for (const row of order) {
    if (!(of[row]! < names.length))
      throw new RangeError(`sample ${row} points to thread ${of[row]} of ${names.length}`);
    out.varint(of[row]!);
  }
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
  const stacks = packStacks(out, data);
  out.varint(types.length);
  out.varint(data.threads ? data.threads.names.length : 0);
  for (const name of data.threads?.names ?? []) {
    const bytes = encoder.encode(name);
    out.varint(bytes.length);
    out.raw(bytes);
  }
  const order = packPlaces(out, data, stacks);
  packSamples(out, data, types, order);
  packTimeline(out, data, order);
  return out.bytes();
}
