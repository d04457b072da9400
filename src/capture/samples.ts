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

/** The word that holds the frame counts, and where in it they are (little-endian). */
const COUNTS = (Sample.kernel_frames & ~3) / 4;
const KERNEL_SHIFT = (Sample.kernel_frames & 3) * 8;
const USER_SHIFT = (Sample.user_frames & 3) * 8;
const STATE = (Sample.unwind & ~3) / 4;
const END_SHIFT = (Sample.unwind & 3) * 8;
const WALKED_SHIFT = (Sample.walked & 3) * 8;

export function kernelFrames(words: Uint32Array, at: number): number {
  return (words[at + COUNTS]! >>> KERNEL_SHIFT) & 0xff;
}

export function userFrames(words: Uint32Array, at: number): number {
  return (words[at + COUNTS]! >>> USER_SHIFT) & 0xff;
}

/** Why the walk of the user stack ended: enum profiler_unwind_end. */
export function unwindEnd(words: Uint32Array, at: number): number {
  return (words[at + STATE]! >>> END_SHIFT) & 0xff;
}

/** Whether the user frames have marks (enum profiler_frame_mark) in their highest bytes. */
export function isWalked(words: Uint32Array, at: number): boolean {
  return ((words[at + STATE]! >>> WALKED_SHIFT) & 0xff) !== 0;
}

/** Length of the record in words. */
export function sampleWords(words: Uint32Array, at: number): number {
  return Word.frames + 2 * (kernelFrames(words, at) + userFrames(words, at));
}

/** An unsigned 64-bit field as a double: exact below 2^53. */
export function field64(words: Uint32Array, at: number): number {
  return words[at + 1]! * 2 ** 32 + words[at]!;
}
