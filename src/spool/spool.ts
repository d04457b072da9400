/**
 * The spool: uploads between the agent and its sinks, on the disk as long as it can be written, else in memory. One
 * process owns it. An upload can be delivered as soon as put() is called; put() resolves when it is on the disk. What a
 * crash leaves is found at the next start; only what had been delivered right before may be there, and is sent, again.
 */

import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import type { SinkLimits, Upload } from '../sinks/sink.ts';
import { Backlog, diskBytes } from './backlog.ts';
import { type Clock, systemClock } from './clock.ts';
import { entryName, SpoolDisk } from './disk.ts';
import { encodeEntry, ID, SpoolError } from './entry.ts';
import type { DropReason, Entry, QueueState, SinkQueue } from './queue.ts';
import { recover } from './recover.ts';
import { SpoolWriter } from './writer.ts';

/** The bounds are explained in `backlog.ts`. */
export interface SpoolOptions {
  readonly dir: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** 16 MiB when it is not given. */
  readonly maxMemoryBytes?: number;
  /** Names of folders: letters, digits, `.`, `_` and `-`, not beginning with a dot. */
  readonly sinks: readonly string[];
  readonly clock?: Clock;
  /** Gets a sentence for each thing that went wrong, and when it is over. */
  readonly log?: (message: string) => void;
}

/** An upload that a sink's loop holds. */
export interface Taken {
  readonly entry: Entry;
  readonly upload: Upload;
}

export interface SpoolState {
  /** What counts against `maxBytes`. */
  readonly bytes: number;
  /** What could not be written and waits in memory now. */
  readonly memoryEntries: number;
  readonly memoryBytes: number;
  /** Entries that could not be written when they came, since the start. */
  readonly unwritten: number;
  /** Why nothing can be written now; undefined when it can. */
  readonly failure: string | undefined;
  /** What waits for sinks that are no longer configured. It stays until it is too old, or too much. */
  readonly unconfigured: readonly (QueueState & { readonly sink: string })[];
}

const SINK = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
const DEFAULT_MEMORY_BYTES = 16 << 20;
/** What one take() reads into memory, whatever the sink could take. */
const MAX_BATCH_BYTES = 16 << 20;
/** Failures at the start that may pass; with all others somebody has to do something. */
const PASSING = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'ESTALE'];

export class Spool {
  /** Those that are configured. */
  readonly sinks: readonly string[];
  readonly #options: Required<SpoolOptions>;
  readonly #disk: SpoolDisk;
  readonly #writer: SpoolWriter;
  readonly #backlog: Backlog;
  #sequence = 0;

  /** {@link openSpool} makes one that is open. */
  constructor(options: Required<SpoolOptions>) {
    this.sinks = options.sinks;
    this.#options = options;
    this.#backlog = new Backlog(options, options.clock, (sink, entry) => this.#writer.remove(sink, entry));
    this.#disk = new SpoolDisk(options.dir, options.sinks);
    this.#writer = new SpoolWriter(this.#disk, this.#backlog, options.log);
  }

  /** @throws ProfilerError when somebody has to do something */
  async open(): Promise<void> {
    try {
      await this.#disk.prepare().catch(error => {
        if (!PASSING.includes(systemCode(error))) throw error;
        this.#writer.fail(error);
      });
      const { entries, lost, sequence } = await recover(this.#disk, this.#options.clock, this.#options.log);
      for (const sink of lost) this.#backlog.queue(sink).count('unreadable');
      for (const entry of entries) this.#backlog.add(entry);
      this.#sequence = sequence;
      this.#backlog.trim();
    } catch (error) {
      await this.#disk.close();
      throw this.#unusable(error);
    }
  }

  #unusable(error: unknown): unknown {
    if (error instanceof ProfilerError || systemCode(error) === '') return error;
    return new ProfilerError('spool', `cannot use the spool folder ${this.#options.dir} (${systemCode(error)}).`, {
      hint: 'Name a folder that the agent may make, read and write to.',
      exitCode: ExitCode.output,
      cause: error,
    });
  }

  #queue(sink: string): SinkQueue {
    if (!this.sinks.includes(sink)) throw new RangeError(`the spool has no sink "${sink}"`);
    return this.#backlog.queue(sink);
  }

  /**
   * Takes an upload for all sinks or some. Resolves when it is on the disk, or else waits in memory or had to be
   * dropped, which the states say.
   * @throws RangeError for a sink or an id that cannot be
   */
  async put(upload: Upload, sinks: readonly string[] = this.sinks): Promise<void> {
    const queues = sinks.map(sink => this.#queue(sink));
    if (!ID.test(upload.id)) throw new RangeError(`"${upload.id}" cannot be the id of an upload`);
    if (sinks.length === 0) return;
    const parts = this.#encode(upload);
    if (!parts) {
      for (const queue of queues) queue.count('oversize');
      return;
    }
    const entry: Entry = {
      name: entryName(++this.#sequence, upload.id),
      startMs: upload.startMs,
      bytes: sizeOf(parts),
      arrivedMs: this.#options.clock.now(),
      copies: 1,
      waiting: new Set(sinks),
      memory: { upload, parts, hasFailed: false },
    };
    this.#backlog.add(entry);
    this.#backlog.trim();
    await this.#writer.write(entry);
  }

  /** Undefined when it alone is more than the spool may hold. */
  #encode(upload: Upload): Uint8Array[] | undefined {
    try {
      const parts = encodeEntry(upload);
      return diskBytes({ bytes: sizeOf(parts), copies: 1 }) > this.#options.maxBytes ? undefined : parts;
    } catch (error) {
      if (error instanceof SpoolError) return undefined;
      throw error;
    }
  }

  /** The listener is called with each upload that comes for the sink, before it is on the disk. One for each sink. */
  onArrival(sink: string, listener: () => void): void {
    this.#queue(sink).onArrival = listener;
  }

  isEmpty(sink: string): boolean {
    return this.#queue(sink).size === 0;
  }

  /**
   * The oldest uploads of one window that wait for a sink, within its limits, but at least one if there is any. They are
   * out of reach of the bounds until {@link release}, and stay in the queue until {@link remove} or {@link drop}.
   * @throws Error as the system does when one cannot be read now
   */
  async take(sink: string, { batch, batchBytes }: Pick<SinkLimits, 'batch' | 'batchBytes'>): Promise<Taken[]> {
    const queue = this.#queue(sink);
    const limits = { batch, batchBytes: Math.min(batchBytes, MAX_BATCH_BYTES) };
    for (;;) {
      this.#backlog.trim();
      const held = queue.hold(limits);
      const taken: Taken[] = [];
      try {
        for (const entry of held) {
          const upload = await this.#read(sink, entry);
          if (upload) taken.push({ entry, upload });
        }
      } catch (error) {
        queue.release(held);
        throw error;
      }
      if (taken.length > 0 || held.length === 0) return taken;
    }
  }

  async #read(sink: string, entry: Entry): Promise<Upload | undefined> {
    if (entry.memory) return entry.memory.upload;
    try {
      return await this.#writer.read(sink, entry);
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      this.#options.log(`The spooled profile ${sink}/${entry.name} is lost: ${error.message}.`);
      this.drop(sink, entry, 'unreadable');
      return undefined;
    }
  }

  /** Gives back what {@link take} has given. */
  release(sink: string, taken: readonly Taken[]): void {
    this.#queue(sink).release(taken.map(({ entry }) => entry));
  }

  /** The sink has it. */
  remove(sink: string, entry: Entry): void {
    this.#backlog.remove(sink, entry);
  }

  /** The sink will never get it. */
  drop(sink: string, entry: Entry, reason: DropReason): void {
    this.#backlog.drop(sink, entry, reason);
  }

  /** What waits for a sink. */
  queueState(sink: string): QueueState {
    this.#queue(sink);
    return this.#backlog.state(sink);
  }

  get state(): SpoolState {
    const { bytes, kept, unwritten } = this.#backlog;
    const others = this.#backlog.sinks.filter(sink => !this.sinks.includes(sink));
    return {
      bytes,
      memoryEntries: kept.entries,
      memoryBytes: kept.bytes,
      unwritten,
      failure: this.#writer.failure,
      unconfigured: others.map(sink => ({ sink, ...this.#backlog.state(sink) })),
    };
  }

  /** Writes what is still in memory, if it can, and leaves the folder to the next owner. Nothing may be put in then. */
  close(): Promise<void> {
    return this.#writer.close();
  }
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/**
 * Opens the spool and finds what an earlier run has left. A disk that is full or read-only is no error: what comes stays
 * in memory then.
 * @throws ProfilerError when the folder cannot be made, is not safe to use or is used by another agent
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const name = options.sinks.find(sink => !SINK.test(sink));
  if (name !== undefined) {
    throw new ProfilerError('usage', `"${name}" cannot be the name of a sink.`, {
      hint: 'Use letters, digits, ".", "_" and "-".',
      exitCode: ExitCode.usage,
    });
  }
  const spool = new Spool({ maxMemoryBytes: DEFAULT_MEMORY_BYTES, clock: systemClock, log: () => {}, ...options });
  await spool.open();
  return spool;
}
