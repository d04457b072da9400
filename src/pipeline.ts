/** The whole flow on one screen: capture → processes → windows, which are named afterwards (naming.ts). */
import type { Labeller } from './aggregate/labels.ts';
import { openSession } from './capture/ladder.ts';
import { type CaptureSession, type Consumer, processesOf, type Rung, type SessionOptions } from './capture/options.ts';
import { UnwindEnd } from './capture/records.gen.ts';
import { field64, isWalked, kernelFrames, unwindEnd, userFrames, Word } from './capture/samples.ts';
import { maxFrames, monotonicTime } from './capture/session.ts';
import type { Sideband } from './capture/sideband.ts';
import { CodeTable } from './process/code.ts';
import { type Image, ProcessTable } from './process/table.ts';
import { Unwinder } from './unwind/unwinder.ts';
import { Window, type WindowOptions } from './window.ts';

export interface RecordingOptions extends SessionOptions {
  /** How samples are taken; `auto`: by what is allowed. */
  readonly rung: Rung | 'auto';
  /** Hard limit of kernel memory for unwind tables, bytes. */
  readonly unwindMemory: number;
  /** A process whose samples count from its next exec on: until then it is the shell that waits for the start. */
  readonly fromExecOf?: number | undefined;
  /** Whether a sample of a process counts; all do without it. */
  readonly accepts?: ((image: Image, words: Uint32Array, at: number) => boolean) | undefined;
  /** Takes sentences about files of targets that are not believed. */
  readonly onWarning?: (sentence: string) => void;
  /** Takes the time from when a process mapped code until it can be walked, ns. */
  readonly onTables?: (delay: number) => void;
  /** A recorded process has become another program. */
  readonly onExec?: (pid: number) => void;
}

const DRAIN_BUSY_NS = 100e6;

/** A running recording. Its owner opens windows, calls drain() every now and then, and close() at the end. */
export class Recording implements Consumer {
  readonly #options: RecordingOptions;
  readonly #session: CaptureSession;
  /** Why samples are not taken by BPF; '' when they are, or when something else was asked for. */
  readonly rungRefusal: string;
  readonly #code: CodeTable;
  readonly #processes: ProcessTable;
  readonly #unwinder: Unwinder | undefined;
  readonly #windows = new Set<Window>();
  /** When the process that is waited for became another program, ns. */
  #countsFrom = Number.POSITIVE_INFINITY;
  #samples = 0;
  readonly #maxFrames = maxFrames();
  #truncated = 0;
  #drained = 0;

  /** Prepares everything; start() starts to sample. Throws a ProfilerError. */
  constructor(options: RecordingOptions) {
    this.#options = options;
    this.#code = new CodeTable(options.onWarning);
    const { pids, tids } = options.targets;
    const followAll = pids.length + tids.length === 0;
    this.#processes = new ProcessTable({ followAll, onExec: (pid, time) => this.#started(pid, time) });
    const { session, refusal } = openSession(options, options.rung);
    this.#session = session;
    this.rungRefusal = refusal;
    const maps = this.#session.unwindMaps;
    if (maps) {
      this.#unwinder = new Unwinder({
        maps,
        code: this.#code,
        processes: this.#processes,
        framePointers: options.unwind === 'auto',
        memory: options.unwindMemory,
        onReady: options.onTables,
      });
    }
    for (const pid of processesOf(options.targets)) {
      this.#processes.image(pid);
      this.#unwinder?.follow(pid);
    }
  }

  /** What began meanwhile has its tables before the first sample. Throws a ProfilerError, and everything is closed then. */
  start(): void {
    this.#drained = monotonicTime();
    this.#unwinder?.prepare();
    this.follow();
    this.#session.start();
  }

  /** A window that counts the samples from now on, until closeWindow(). */
  openWindow(labeller: Labeller, options: WindowOptions = {}): Window {
    const window = new Window(this.#code, labeller, options);
    this.#windows.add(window);
    return window;
  }

  closeWindow(window: Window): ReturnType<Window['end']> {
    this.#windows.delete(window);
    const ended = window.end();
    for (const { jit } of ended.mappings) jit?.owner.look();
    if (this.#windows.size === 0) this.#code.forgetAddresses();
    return ended;
  }

  /**
   * Forgets and closes the files that nobody used between two calls. Not while somebody reads the files of a window that
   * was closed, or more than one is open. Returns the ids of their code.
   */
  sweep(): number[] {
    this.#unwinder?.sweep();
    return this.#code.sweep(code => this.#unwinder?.uses(code) ?? false);
  }

  /** Why stacks are not walked by unwind tables though that was wanted. */
  get unwindRefusal(): string | undefined {
    return this.#session.unwindRefusal;
  }

  get rung(): Rung {
    return this.#session.rung;
  }

  /** Between two drains, ms. */
  get drainMs(): number {
    return this.#session.drainMs;
  }

  get samples(): number {
    return this.#samples;
  }

  losses(): Record<string, number> {
    return {
      ...this.#session.losses(),
      'stacks cut off (too deep)': this.#truncated,
      'unwind tables given up (limit of memory)': this.#unwinder?.evictions ?? 0,
      'processes without unwind tables (limit of memory)': this.#unwinder?.refused ?? 0,
    };
  }

  drain(): void {
    this.#drained = monotonicTime();
    this.#session.drain(this);
    this.#code.mark();
    this.#flush();
  }

  /** Follows the lives of processes between two drains. Returns whether something happened. */
  follow(): boolean {
    const happened = this.#session.readSideband(this);
    this.#flush();
    // Samples of new processes are large as long as their stacks cannot be walked: the ring fills faster.
    if (happened && monotonicTime() - this.#drained > DRAIN_BUSY_NS) this.drain();
    return happened;
  }

  /**
   * Calls once when it is time for follow() before anything else would lead to it. Returns false where nobody can tell.
   */
  onceWoken(call: () => void): boolean {
    this.#session.onceWoken?.(call);
    return this.#session.onceWoken !== undefined;
  }

  #flush(): void {
    if (this.#unwinder) this.#unwinder.flush();
    else this.#processes.takeChanged(() => {});
  }

  followCpus(): void {
    this.#session.followCpus();
  }

  sample(words: Uint32Array, at: number): void {
    const pid = words[at + Word.pid]!;
    const time = field64(words, at + Word.time);
    if (pid === this.#options.fromExecOf && time < this.#countsFrom) return;
    const known = this.#processes.image(pid, time);
    const image = this.#code.isReused(known) ? this.#processes.renew(pid, time) : known;
    if (this.#options.accepts?.(image, words, at) === false) return;
    this.#samples++;
    this.#unwinder?.walk(image, words, at);
    if (this.#isCutOff(words, at)) this.#truncated++;
    for (const window of this.#windows) window.add(words, at, image);
  }

  #isCutOff(words: Uint32Array, at: number): boolean {
    if (kernelFrames(words, at) >= this.#maxFrames) return true;
    if (isWalked(words, at)) return unwindEnd(words, at) === UnwindEnd.PROFILER_END_TRUNCATED;
    return userFrames(words, at) >= this.#maxFrames;
  }

  take(sideband: Sideband, at: number): void {
    this.#processes.take(sideband, at);
  }

  settle(until: number): void {
    this.#processes.settle(until);
  }

  #started(pid: number, time: number): void {
    if (pid === this.#options.fromExecOf) this.#countsFrom = Math.min(this.#countsFrom, time);
    this.#options.onExec?.(pid);
  }

  /** Stops sampling, and releases what only sampling needs. */
  stop(): void {
    this.#session.close();
  }

  /** Releases the rest: the files that were open for names. */
  close(): void {
    this.stop();
    this.#code.close();
  }
}
