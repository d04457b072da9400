/**
 * Samples as they come out of the ring buffer: 32-bit words, read in place. Nothing is allocated for a sample; its
 * consumer gets the words and the index of the first one.
 */
import { Sample, sizeOf } from './records.gen.ts';

/** Word offsets of a sample's fields. */
export const Word = {
  time: Sample.time / 4,
  weight: Sample.weight / 4,
  cgroup: Sample.cgroup_id / 4,
  pid: Sample.pid / 4,
  tid: Sample.tid / 4,
  cpu: Sample.cpu / 4,
  comm: Sample.comm / 4,
  /** First address: kernel frames, then user frames, innermost first, two words each. */
  frames: sizeOf.Sample / 4,
} as const;

/** The words that hold the small fields, and where in them they are (little-endian). */
const KERNEL = (Sample.kernel_frames & ~3) / 4;
const KERNEL_SHIFT = (Sample.kernel_frames & 3) * 8;
const END = (Sample.unwind & ~3) / 4;
const END_SHIFT = (Sample.unwind & 3) * 8;
const USER = (Sample.user_frames & ~3) / 4;
const USER_SHIFT = (Sample.user_frames & 3) * 8;
const SNAPSHOT = (Sample.snapshot & ~3) / 4;
const SNAPSHOT_SHIFT = (Sample.snapshot & 3) * 8;
const WALKED = (Sample.walked & ~3) / 4;
const WALKED_SHIFT = (Sample.walked & 3) * 8;

export function kernelFrames(words: Uint32Array, at: number): number {
  return (words[at + KERNEL]! >>> KERNEL_SHIFT) & 0xff;
}

export function userFrames(words: Uint32Array, at: number): number {
  return (words[at + USER]! >>> USER_SHIFT) & 0xffff;
}

/** Why the walk of the user stack ended: enum profiler_unwind_end. */
export function unwindEnd(words: Uint32Array, at: number): number {
  return (words[at + END]! >>> END_SHIFT) & 0xff;
}

/** Whether the user frames have marks (enum profiler_frame_mark) in their highest bytes. */
export function isWalked(words: Uint32Array, at: number): boolean {
  return ((words[at + WALKED]! >>> WALKED_SHIFT) & 0xff) !== 0;
}

/** Words of 8 bytes that stand in place of the user frames, to be walked: 0 for none. */
function snapshotLength(words: Uint32Array, at: number): number {
  return (words[at + SNAPSHOT]! >>> SNAPSHOT_SHIFT) & 0xffff;
}

/** What is to be walked yet of the user stack (bpf/records.h: struct profiler_start and stack), or undefined. */
export function snapshotBytes(words: Uint32Array, at: number): Uint8Array | undefined {
  const length = snapshotLength(words, at);
  if (length === 0) return undefined;
  return new Uint8Array(words.buffer, words.byteOffset + 4 * (at + frameWords(words, at)), 8 * length);
}

/** Says that a snapshot was walked: why it ended, and how many frames are in its place. */
export function setWalked(words: Uint32Array, at: number, frames: number, end: number): void {
  set(words, at + SNAPSHOT, SNAPSHOT_SHIFT, 0xffff, 0);
  set(words, at + USER, USER_SHIFT, 0xffff, frames);
  set(words, at + END, END_SHIFT, 0xff, end);
  set(words, at + WALKED, WALKED_SHIFT, 0xff, 1);
}

/** The small fields of a sample that does not come from the BPF program; the others are words of their own. */
export function setSmallFields(
  words: Uint32Array,
  at: number,
  fields: {
    readonly kernelFrames: number;
    readonly userFrames: number;
    readonly snapshot: number;
    readonly end: number;
  },
): void {
  words.fill(0, at + KERNEL, at + Word.comm);
  set(words, at + KERNEL, KERNEL_SHIFT, 0xff, fields.kernelFrames);
  set(words, at + USER, USER_SHIFT, 0xffff, fields.userFrames);
  set(words, at + SNAPSHOT, SNAPSHOT_SHIFT, 0xffff, fields.snapshot);
  set(words, at + END, END_SHIFT, 0xff, fields.end);
}

function set(words: Uint32Array, at: number, shift: number, mask: number, value: number): void {
  words[at] = (words[at]! & ~(mask << shift)) | (value << shift);
}

/** Words up to the end of the frames: what tells two samples apart. */
export function frameWords(words: Uint32Array, at: number): number {
  return Word.frames + 2 * (kernelFrames(words, at) + userFrames(words, at));
}

/** Length of the record in words. */
export function sampleWords(words: Uint32Array, at: number): number {
  return frameWords(words, at) + 2 * snapshotLength(words, at);
}

/** An unsigned 64-bit field as a double: exact below 2^53. */
export function field64(words: Uint32Array, at: number): number {
  return words[at + 1]! * 2 ** 32 + words[at]!;
}

/** Calls `each` with the first word of every sample in `words[0 … end)`. It may change them. */
export function forEachSample(words: Uint32Array, end: number, each: (at: number) => void): void {
  for (let at = 0; at < end; ) {
    const next = at + sampleWords(words, at);
    each(at);
    at = next;
  }
}
