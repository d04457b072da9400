/** Reads the sample buffers of all CPUs and hands the samples over in the order of their times. */
import type { PerfEvent } from './addon.ts';
import type { Consumer } from './options.ts';
import { isSample, lostRecords, type PerfLayout, PerfSampleReader, recordEnd, sampleTime } from './perf-samples.ts';
import { Limit } from './records.gen.ts';
import { kernelFrames, snapshotBytes, userFrames, Word } from './samples.ts';
import type { Sideband } from './sideband.ts';
import { nameWords, ThreadNames } from './thread-names.ts';

export interface PerfReaderOptions {
  readonly layout: PerfLayout;
  /** Only threads of this name. */
  readonly comm: string | undefined;
  /** Which stacks are wanted. A sample without any of them is left out. */
  readonly kernelStacks: boolean;
  readonly userStacks: boolean;
}

const NAME_WORDS = Limit.PROFILER_COMM_LEN / 4;

/** What was read of one CPU. */
class Batch {
  readonly #bytes: Uint8Array;
  readonly words: Uint32Array;
  /** The next sample, in words. */
  at = 0;
  next = 0;
  /** Of the next sample, ns; infinite when there is none. */
  time = Number.POSITIVE_INFINITY;
  #end = 0;
  /** Records that the buffer had no room for. */
  lost = 0;

  constructor(bytes: number) {
    this.words = new Uint32Array(bytes / 4);
    this.#bytes = new Uint8Array(this.words.buffer);
  }

  fill(event: PerfEvent): void {
    this.#end = event.drain(this.#bytes) / 4;
    this.next = 0;
    this.advance();
  }

  /** Goes to the next sample. */
  advance(): void {
    for (this.at = this.next; ; this.at = this.next) {
      this.next = recordEnd(this.words, this.at, this.#end);
      if (this.next === 0) break;
      this.lost += lostRecords(this.words, this.at, this.next);
      if (!isSample(this.words, this.at, this.next)) continue;
      this.time = sampleTime(this.words, this.at);
      return;
    }
    this.time = Number.POSITIVE_INFINITY;
    this.#end = 0;
  }
}

export class PerfReader {
  readonly #options: PerfReaderOptions;
  readonly #samples: PerfSampleReader;
  readonly #names = new ThreadNames();
  readonly #comm: Uint32Array | undefined;
  readonly #batches: Batch[] = [];

  constructor(options: PerfReaderOptions) {
    this.#options = options;
    this.#samples = new PerfSampleReader(options.layout);
    this.#comm = options.comm === undefined ? undefined : nameWords(options.comm);
  }

  get lost(): number {
    return this.#batches.reduce((sum, { lost }) => sum + lost, 0);
  }

  /** Empties the buffers, each of at most so many bytes, into memory. */
  fill(events: readonly PerfEvent[], bytes: number): void {
    for (const [i, event] of events.entries()) {
      this.#batches[i] ??= new Batch(bytes);
      this.#batches[i].fill(event);
    }
  }

  /** Takes a record of the sideband, in the order of their times, before the samples that come after it. */
  take(sideband: Sideband, at: number): void {
    this.#names.take(sideband, at);
  }

  /** Hands over the samples, all of which happened before the time `until`, ns. */
  handOver(until: number, consumer: Pick<Consumer, 'sample'>): void {
    for (;;) {
      const batch = this.#earliest();
      if (batch === undefined) break;
      this.#names.advance(batch.time);
      this.#samples.read(batch.words, batch.at, batch.next);
      if (this.#isWanted()) consumer.sample(this.#samples.words, 0);
      batch.advance();
    }
    this.#names.advance(until);
  }

  #earliest(): Batch | undefined {
    let earliest: Batch | undefined;
    for (const batch of this.#batches) if (batch.time < (earliest?.time ?? Number.POSITIVE_INFINITY)) earliest = batch;
    return earliest;
  }

  /** Names the sample, and says whether it is to be counted. */
  #isWanted(): boolean {
    const { words } = this.#samples;
    const tid = words[Word.tid]!;
    if (tid === 0) return false; // the idle task
    const name = this.#names.of(words[Word.pid]!, tid);
    words.set(name, Word.comm);
    const comm = this.#comm;
    if (comm) for (let i = 0; i < NAME_WORDS; i++) if (comm[i] !== name[i]) return false;
    const { kernelStacks, userStacks } = this.#options;
    if (kernelStacks && userStacks) return true;
    if (kernelStacks) return kernelFrames(words, 0) > 0;
    return userFrames(words, 0) > 0 || snapshotBytes(words, 0) !== undefined;
  }
}
