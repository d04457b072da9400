/** From raw samples to distinct stacks with their counts and labels. */
import { FrameMark } from '../capture/records.gen.ts';
import { field64, frameWords, isWalked, kernelFrames, unwindEnd, userFrames, Word } from '../capture/samples.ts';
import { growInt32, growUint32 } from '../model/columns.ts';
import type { Labelled, Labeller } from './labels.ts';
import { StackCounter } from './stack-counter.ts';
import { StackEnds } from './stack-ends.ts';
import { StackTable } from './stack-table.ts';

/** Says which location an address is, given as the halves of 64 bits. Asked once for each new stack's frames. */
export interface Resolver {
  kernel(low: number, high: number): number;
  user(low: number, high: number): number;
}

/** Marks of a user frame, in the high word of its address. */
const MARK_SHIFT = FrameMark.PROFILER_FRAME_SHIFT - 32;
const MARK_BITS = -1 << MARK_SHIFT;
const EXACT = FrameMark.PROFILER_FRAME_EXACT << MARK_SHIFT;
const BY_FRAME_POINTER = FrameMark.PROFILER_FRAME_FRAME_POINTER << MARK_SHIFT;

export class Aggregator {
  readonly counter = new StackCounter();
  readonly stacks = new StackTable();
  readonly ends = new StackEnds();
  /** Of each key of the counter: stack (−1: not a single frame) and label set, as the labeller numbers them. */
  stack = new Int32Array(1024);
  labels = new Uint32Array(1024);

  readonly #labeller: Labeller;

  constructor(labeller: Labeller) {
    this.#labeller = labeller;
  }

  /**
   * Counts one sample (see capture/samples.ts) of a process image. The words are changed: from the pid on, the record
   * itself becomes the key, with the image in place of the pid, which can be reused, and without what is not to be told
   * apart. Returns the number of the key.
   */
  add(words: Uint32Array, at: number, image: Labelled, resolver: Resolver): number {
    const end = at + frameWords(words, at);
    const weight = field64(words, at + Word.weight);
    words[at + Word.pid] = image.id;
    this.#labeller.mask(words, at);

    const start = at + Word.pid;
    const seen = this.counter.length;
    const key = this.counter.add(words, start, end - start, weight);
    if (key < seen) return key;
    if (key >= this.stack.length) {
      this.stack = growInt32(this.stack);
      this.labels = growUint32(this.labels);
    }
    this.stack[key] = this.#resolve(words, at, key, resolver);
    this.labels[key] = this.#labeller.of(words, at, image);
    return key;
  }

  /** Frames are innermost first; the table is built from the outermost on: user frames below kernel frames. */
  #resolve(words: Uint32Array, at: number, key: number, resolver: Resolver): number {
    const kernel = kernelFrames(words, at);
    const user = userFrames(words, at);
    const firstUser = at + Word.frames + 2 * kernel;
    const markBits = isWalked(words, at) ? MARK_BITS : 0;
    let byFramePointer = 0;
    let stack = -1;
    for (let i = user - 1; i >= 0; i--) {
      const low = words[firstUser + 2 * i]!;
      const word = words[firstUser + 2 * i + 1]!;
      const mark = word & markBits;
      const high = word & ~markBits;
      if ((mark & BY_FRAME_POINTER) !== 0) byFramePointer++;
      // Return addresses: one byte before lies in the call.
      const before = i > 0 && (mark & EXACT) === 0 ? 1 : 0;
      stack = this.stacks.push(stack, resolver.user(low - before, low < before ? high - 1 : high));
    }
    this.ends.set(key, unwindEnd(words, at), user, byFramePointer);
    for (let i = kernel - 1; i >= 0; i--) {
      const low = words[at + Word.frames + 2 * i]!;
      const high = words[at + Word.frames + 2 * i + 1]!;
      const before = i > 0 ? 1 : 0;
      stack = this.stacks.push(stack, resolver.kernel(low - before, low < before ? high - 1 : high));
    }
    return stack;
  }
}
