/** Brings what is spooled for one sink to its backend, in order, for as long as it takes. */

import { DeliveryError, type Sink, type Upload } from '../sinks/sink.ts';
import { backoffMs } from './backoff.ts';
import { Bell } from './bell.ts';
import { type Clock, systemClock } from './clock.ts';
import type { QueueState } from './queue.ts';
import type { Spool, Taken } from './spool.ts';

export interface UploaderOptions {
  readonly spool: Spool;
  /** Of the sink, as the spool knows it. */
  readonly name: string;
  readonly sink: Sink;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Gets a sentence when deliveries begin to fail and when they succeed again, and for each profile that is refused. */
  readonly log: (message: string) => void;
}

export interface UploaderState extends QueueState {
  /** Uploads that were accepted, and bytes of their pprofs as sent, since the start. */
  readonly sentEntries: number;
  readonly sentBytes: number;
  /** Requests, and those of them that failed and may succeed later. */
  readonly attempts: number;
  readonly retries: number;
  /** Uploads that the backend will never take. */
  readonly rejected: number;
  /** `open` after five failures in a row: one upload is tried after each back-off, until one is accepted. */
  readonly circuit: 'closed' | 'open';
  /** Of the last failed request. */
  readonly lastError: string | undefined;
  /** Milliseconds since the epoch. */
  readonly lastSuccessMs: number | undefined;
}

const FAILURES_TO_OPEN = 5;
const PROBE = { batch: 1, batchBytes: Number.POSITIVE_INFINITY };

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export class Uploader {
  readonly #options: Required<UploaderOptions>;
  readonly #stop = new AbortController();
  /** Something came, or stop() was called. */
  readonly #work = new Bell();
  /** The queue is empty, or a back-off begins. */
  readonly #progress = new Bell();
  #running: Promise<void> | undefined;
  #request: AbortController | undefined;
  #pause: AbortController | undefined;
  /** The next back-off is left out. */
  #isHurried = false;
  /** When the back-off that is under way ends, on the clock. */
  #nextAttemptMs = 0;
  /** In a row. */
  #failures = 0;
  readonly #counts = { sentEntries: 0, sentBytes: 0, attempts: 0, retries: 0 };
  #lastError: string | undefined;
  #lastSuccessMs: number | undefined;

  constructor(options: UploaderOptions) {
    this.#options = { clock: systemClock, random: Math.random, ...options };
    options.spool.onArrival(options.name, () => this.#work.ring());
  }

  get #isOpen(): boolean {
    return this.#failures >= FAILURES_TO_OPEN;
  }

  get state(): UploaderState {
    const queue = this.#options.spool.queueState(this.#options.name);
    return {
      ...queue,
      ...this.#counts,
      rejected: queue.dropped.rejected,
      circuit: this.#isOpen ? 'open' : 'closed',
      lastError: this.#lastError,
      lastSuccessMs: this.#lastSuccessMs,
    };
  }

  /** Delivers until {@link stop}; never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#loop();
    return this.#running;
  }

  async #loop(): Promise<void> {
    const { spool, name } = this.#options;
    while (!this.#stop.signal.aborted) {
      if (spool.isEmpty(name)) {
        this.#progress.ring();
        await this.#work.wait();
      } else {
        const delayMs = await this.#turn();
        if (delayMs > 0) await this.#backOff(delayMs);
      }
    }
    this.#progress.ring();
  }

  /** Delivers one batch. Returns how long to wait then, in milliseconds. */
  async #turn(): Promise<number> {
    const { spool, name, sink, random } = this.#options;
    let taken: readonly Taken[] = [];
    try {
      taken = await spool.take(name, this.#isOpen ? PROBE : sink.limits);
      if (taken.length === 0) return 0;
      await this.#deliver(taken);
    } catch (error) {
      return this.#stop.signal.aborted ? 0 : this.#failed(error);
    } finally {
      spool.release(name, taken);
    }
    // What is refused while the circuit is open does not close it.
    return this.#isOpen ? backoffMs(this.#failures, random()) : 0;
  }

  /** @throws whatever the sink does, unless it refuses uploads */
  async #deliver(taken: readonly Taken[]): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const waiting = new Map(taken.map(one => [one.upload, one]));
    try {
      await this.#send(waiting);
    } catch (error) {
      if (!(error instanceof DeliveryError) || error.kind !== 'rejected') throw error;
      this.#lastError = error.message;
      const left = [...waiting.values()];
      if (left.length === 1) this.#rejected(left[0]!, error.message);
      // One of them may be the only one that is refused.
      else for (const one of left) await this.#deliver([one]);
    }
  }

  /** Takes what is accepted out of `waiting` and out of the spool, at once. */
  async #send(waiting: Map<Upload, Taken>): Promise<void> {
    this.#request = new AbortController();
    this.#counts.attempts++;
    try {
      await this.#options.sink.send([...waiting.keys()], this.#request.signal, upload => {
        const taken = waiting.get(upload);
        if (taken && waiting.delete(upload)) this.#accepted(taken);
      });
    } finally {
      this.#request = undefined;
    }
  }

  #accepted({ entry, upload }: Taken): void {
    const { spool, name, clock, log } = this.#options;
    spool.remove(name, entry);
    this.#counts.sentEntries++;
    this.#counts.sentBytes += upload.pprof.length;
    if (this.#failures > 0) log(`Sink ${name} takes profiles again; ${spool.queueState(name).entries} are waiting.`);
    this.#failures = 0;
    this.#lastSuccessMs = clock.wall();
  }

  #rejected({ entry, upload }: Taken, why: string): void {
    const { spool, name, log } = this.#options;
    log(`Sink ${name} refuses the profile ${upload.id} (${upload.name} of ${upload.labels.service_name}): ${why}`);
    spool.drop(name, entry, 'rejected');
  }

  /** Returns the back-off, in milliseconds. */
  #failed(error: unknown): number {
    const { name, log, random } = this.#options;
    this.#failures++;
    this.#counts.retries++;
    this.#lastError = messageOf(error);
    if (!(error instanceof DeliveryError)) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log(`Sink ${name} failed in an unexpected way and will be tried again: ${text}`);
    } else if (this.#failures === 1)
      log(`Sink ${name} does not take profiles, which wait in the spool: ${error.message}`);
    if (this.#failures === FAILURES_TO_OPEN)
      log(`Sink ${name} failed ${this.#failures} times; probing it from now on.`);
    const retryAfterMs = error instanceof DeliveryError ? error.retryAfterMs : undefined;
    return backoffMs(this.#failures, random(), retryAfterMs);
  }

  async #backOff(delayMs: number): Promise<void> {
    if (!this.#isHurried) {
      const { clock } = this.#options;
      this.#pause = new AbortController();
      this.#nextAttemptMs = clock.now() + delayMs;
      this.#progress.ring();
      await clock.sleep(delayMs, this.#pause.signal);
      this.#nextAttemptMs = 0;
      this.#pause = undefined;
    }
    this.#isHurried = false;
  }

  /**
   * Tries to empty the queue while {@link run} is under way: leaves one back-off out, the one under way if there is one,
   * and gives up when the time is over or the next attempt would come later.
   * @param deadlineMs milliseconds from now
   * @returns uploads that are still in the spool
   */
  async flush(deadlineMs: number): Promise<number> {
    const { spool, name, clock } = this.#options;
    const deadline = clock.now() + deadlineMs;
    const timer = new AbortController();
    const over = clock.sleep(deadlineMs, timer.signal);
    this.#isHurried = true;
    this.#nextAttemptMs = 0;
    this.#pause?.abort();
    while (!spool.isEmpty(name) && !this.#stop.signal.aborted) {
      if (clock.now() >= deadline || this.#nextAttemptMs > deadline) break;
      await Promise.race([this.#progress.wait(), over]);
    }
    timer.abort();
    this.#isHurried = false;
    return spool.queueState(name).entries;
  }

  /** Aborts the request under way, which leaves its uploads in the spool, and ends {@link run}. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#request?.abort();
    this.#pause?.abort();
    this.#work.ring();
    await this.#running;
  }
}
