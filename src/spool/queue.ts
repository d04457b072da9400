/** What waits for one sink, in order of arrival. */

import type { SinkLimits, Upload } from '../sinks/sink.ts';

/** Why an entry was given up. */
export const DROP_REASONS = ['age', 'bytes', 'memory', 'oversize', 'unreadable', 'rejected'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** One upload, for all sinks that wait for it. */
export interface Entry {
  /** Of its files. */
  readonly name: string;
  /** Of the upload. */
  readonly startMs: number;
  /** Of its file. */
  readonly bytes: number;
  /** On the monotonic clock, milliseconds. */
  readonly arrivedMs: number;
  /** How many files it takes: names that are links to one file count once. */
  copies: number;
  /** Names of sinks. */
  readonly waiting: Set<string>;
  /** What is not on the disk, and whether it could not be written; undefined when it is there. */
  memory: { readonly upload: Upload; readonly parts: readonly Uint8Array[]; hasFailed: boolean } | undefined;
}

export interface QueueState {
  readonly entries: number;
  readonly bytes: number;
  /** Milliseconds since the oldest entry arrived; undefined when there is none. */
  readonly oldestAgeMs: number | undefined;
  /** Entries that were given up since the start. */
  readonly dropped: Readonly<Record<DropReason, number>>;
}

export class SinkQueue {
  readonly #entries = new Set<Entry>();
  readonly #held = new Set<Entry>();
  readonly #dropped = Object.fromEntries(DROP_REASONS.map(reason => [reason, 0])) as Record<DropReason, number>;
  #bytes = 0;
  /** Called with each entry that comes. */
  onArrival: () => void = () => {};

  get size(): number {
    return this.#entries.size;
  }

  add(entry: Entry): void {
    this.#entries.add(entry);
    this.#bytes += entry.bytes;
    this.onArrival();
  }

  /** False when it was not there. */
  delete(entry: Entry): boolean {
    this.#held.delete(entry);
    if (!this.#entries.delete(entry)) return false;
    this.#bytes -= entry.bytes;
    return true;
  }

  count(reason: DropReason): void {
    this.#dropped[reason]++;
  }

  /** The oldest entries of one window within the limits, at least one if there is any. Nobody drops what is held. */
  hold({ batch, batchBytes }: Pick<SinkLimits, 'batch' | 'batchBytes'>): Entry[] {
    const held: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#entries) {
      bytes += entry.bytes;
      const first = held[0] ?? entry;
      const isTooMuch = held.length >= batch || bytes > batchBytes || entry.startMs !== first.startMs;
      if (held.length > 0 && isTooMuch) break;
      held.push(entry);
      this.#held.add(entry);
    }
    return held;
  }

  isHeld(entry: Entry): boolean {
    return this.#held.has(entry);
  }

  release(entries: readonly Entry[]): void {
    for (const entry of entries) this.#held.delete(entry);
  }

  state(nowMs: number): QueueState {
    const [oldest] = this.#entries;
    return {
      entries: this.#entries.size,
      bytes: this.#bytes,
      oldestAgeMs: oldest && nowMs - oldest.arrivedMs,
      dropped: { ...this.#dropped },
    };
  }
}
