/** What is done on the disk, one thing after the other, and what becomes of it when the disk does not take it. */

import { systemCode } from '../errors.ts';
import type { Upload } from '../sinks/sink.ts';
import type { SpoolDisk } from './disk.ts';
import type { Entry } from './queue.ts';

/** Who keeps account of the entries. */
export interface Outcome {
  /** The entry is on the disk, so many times. */
  written(entry: Entry, copies: number): void;
  /** What could not be written, the oldest first. */
  failed(entries: readonly Entry[]): void;
}

export class SpoolWriter {
  readonly #disk: SpoolDisk;
  readonly #outcome: Outcome;
  readonly #log: (message: string) => void;
  /** Names to be removed. */
  readonly #doomed = new Set<{ readonly sink: string; readonly name: string }>();
  /** In order of arrival. */
  readonly #unwritten = new Set<Entry>();
  #tail: Promise<unknown> = Promise.resolve();
  #isSweepPlanned = false;
  #failure: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(disk: SpoolDisk, outcome: Outcome, log: (message: string) => void) {
    this.#disk = disk;
    this.#outcome = outcome;
    this.#log = log;
  }

  /** Why nothing can be written now; undefined when it can. */
  get failure(): string | undefined {
    return this.#failure;
  }

  #run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Resolves when the entry is on the disk, could not be written or has been forgotten. */
  write(entry: Entry): Promise<void> {
    if (entry.waiting.size > 0) this.#unwritten.add(entry);
    return this.#run(async () => {
      // Those that came in the meantime go with the first one, so that a folder is forced to the disk once for them all.
      if (this.#unwritten.has(entry) && !entry.memory?.hasFailed) await this.#writeAll();
    });
  }

  read(sink: string, entry: Entry): Promise<Upload> {
    return this.#run(() => this.#disk.read(sink, entry.name));
  }

  /** Removes what a sink no longer waits for: now, and if that fails with whatever is written next. */
  remove(sink: string, entry: Entry): void {
    if (entry.waiting.size === 0) this.#unwritten.delete(entry);
    if (entry.memory) return; // while it is being written #placeAll sees to it
    this.#doomed.add({ sink, name: entry.name });
    if (this.#isSweepPlanned) return;
    this.#isSweepPlanned = true;
    void this.#run(async () => {
      this.#isSweepPlanned = false;
      await this.#sweep().catch(error => this.fail(error));
    });
  }

  /** @throws the last failure; one name that stays does not keep the others */
  async #sweep(): Promise<void> {
    const failures: unknown[] = [];
    for (const doomed of this.#doomed) {
      await this.#disk.remove(doomed.sink, doomed.name).then(
        () => this.#doomed.delete(doomed),
        error => failures.push(error),
      );
    }
    if (failures.length > 0) throw failures.at(-1);
  }

  /** The oldest first, up to the first that cannot be written: a full disk is tried once, not with each of them. */
  async #writeAll(): Promise<void> {
    const entries = [...this.#unwritten];
    try {
      await this.#disk.prepare();
      await this.#sweep().catch(() => {}); // room for what is written, and no reason not to write it
      await this.#placeAll(entries);
      if (this.#failure !== undefined) this.#log('The spool can be written again.');
      this.#failure = undefined;
    } catch (error) {
      this.fail(error);
      this.#outcome.failed(entries.filter(entry => this.#unwritten.has(entry)));
    }
  }

  async #placeAll(entries: readonly Entry[]): Promise<void> {
    const touched = new Set<string>();
    try {
      for (const entry of entries) {
        const sinks = [...entry.waiting];
        if (!entry.memory || sinks.length === 0) continue; // delivered in the meantime
        const copies = await this.#disk.place(entry.name, entry.memory.parts, sinks);
        this.#unwritten.delete(entry);
        this.#outcome.written(entry, copies);
        for (const sink of sinks) {
          touched.add(sink);
          if (!entry.waiting.has(sink)) this.remove(sink, entry);
        }
      }
    } finally {
      await this.#disk.sync(touched);
    }
  }

  /** Notes that the disk cannot be written, and says so once. */
  fail(error: unknown): void {
    this.#disk.distrust();
    const reason = systemCode(error) || (error instanceof Error ? error.message : String(error));
    if (this.#failure === undefined) {
      this.#log(`The spool cannot be written (${reason}): profiles stay in memory, as many as fit, until it can.`);
    }
    this.#failure = reason;
  }

  /** Writes what is still in memory, if it can, and closes the folders. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#run(() => this.#writeAll());
    await this.#run(() => this.#sweep().catch(() => {}));
    await this.#disk.close();
  }
}
