/**
 * What waits for the sinks, and the bounds of it, the oldest entries going first:
 * - `maxBytes`: all of them together, in blocks of the file system. What several sinks wait for counts once, or once for
 *   each copy where files cannot be linked. What is being sent is not dropped.
 * - `maxAgeMs` since arrival, by a clock that nobody sets: no jump of the wall clock drops anything while the agent runs.
 *   Only for what an earlier run has left the wall clock is asked, once: it arrived when its window began, or, if that
 *   lies in the future, now.
 * - `maxMemoryBytes`: what could not be written.
 */

import type { Clock } from './clock.ts';
import { type DropReason, type Entry, type QueueState, SinkQueue } from './queue.ts';

export interface Bounds {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxMemoryBytes: number;
}

const BLOCK = 4096;

/** Bytes that the files of an entry take on the disk. */
export function diskBytes({ bytes, copies }: Pick<Entry, 'bytes' | 'copies'>): number {
  return Math.ceil(bytes / BLOCK) * BLOCK * copies;
}

export class Backlog {
  readonly #bounds: Bounds;
  readonly #clock: Clock;
  readonly #queues = new Map<string, SinkQueue>();
  /** In order of arrival. */
  readonly #entries = new Set<Entry>();
  /** Removes what a sink no longer waits for from the disk. */
  readonly #onRemoved: (sink: string, entry: Entry) => void;
  #bytes = 0;
  #kept = { entries: 0, bytes: 0 };
  #unwritten = 0;

  constructor(bounds: Bounds, clock: Clock, onRemoved: (sink: string, entry: Entry) => void) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#onRemoved = onRemoved;
  }

  /** What counts against `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What could not be written and waits in memory now. */
  get kept(): { readonly entries: number; readonly bytes: number } {
    return this.#kept;
  }

  /** Entries that could not be written when they came, since the start. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Names of sinks, also of those for which something was found. */
  get sinks(): readonly string[] {
    return [...this.#queues.keys()];
  }

  /** A new one when there was none. */
  queue(sink: string): SinkQueue {
    let queue = this.#queues.get(sink);
    if (!queue) {
      queue = new SinkQueue();
      this.#queues.set(sink, queue);
    }
    return queue;
  }

  state(sink: string): QueueState {
    return this.queue(sink).state(this.#clock.now());
  }

  add(entry: Entry): void {
    this.#entries.add(entry);
    this.#bytes += diskBytes(entry);
    for (const sink of entry.waiting) this.queue(sink).add(entry);
  }

  /** The entry is on the disk, so many times. */
  written(entry: Entry, copies: number): void {
    if (this.#entries.has(entry)) {
      if (entry.memory?.hasFailed) this.#keep(entry, -1);
      this.#bytes += diskBytes({ ...entry, copies }) - diskBytes(entry);
      entry.copies = copies;
    }
    entry.memory = undefined;
  }

  /** Could not be written, the oldest first. */
  failed(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (!entry.memory || entry.memory.hasFailed) continue;
      entry.memory.hasFailed = true;
      this.#keep(entry, 1);
      this.#unwritten++;
    }
    for (const entry of entries) {
      if (this.#kept.bytes <= this.#bounds.maxMemoryBytes) break;
      this.#dropForAll(entry, 'memory');
    }
  }

  #keep({ bytes }: Entry, sign: 1 | -1): void {
    this.#kept = { entries: this.#kept.entries + sign, bytes: this.#kept.bytes + sign * bytes };
  }

  /** Drops what is too old and what is too much. */
  trim(): void {
    const limit = this.#clock.now() - this.#bounds.maxAgeMs;
    for (const entry of this.#entries) {
      if (entry.arrivedMs < limit) this.#dropForAll(entry, 'age');
      else if (this.#bytes > this.#bounds.maxBytes) this.#dropForAll(entry, 'bytes');
      else break;
    }
  }

  #dropForAll(entry: Entry, reason: DropReason): void {
    for (const sink of [...entry.waiting]) if (!this.queue(sink).isHeld(entry)) this.drop(sink, entry, reason);
  }

  /** Gives an entry up for one sink. */
  drop(sink: string, entry: Entry, reason: DropReason): void {
    this.queue(sink).count(reason);
    this.remove(sink, entry);
  }

  /** The sink does not wait for it any more. */
  remove(sink: string, entry: Entry): void {
    if (!this.queue(sink).delete(entry)) return;
    entry.waiting.delete(sink);
    if (entry.waiting.size === 0) {
      this.#entries.delete(entry);
      this.#bytes -= diskBytes(entry);
      if (entry.memory?.hasFailed) this.#keep(entry, -1);
    }
    this.#onRemoved(sink, entry);
  }
}
