/** The whole flow on one screen: capture → aggregate → process → symbolize → Profile. */
import { Aggregator, type Resolver } from './aggregate/aggregator.ts';
import type { Consumer } from './capture/merge.ts';
import type { SessionOptions } from './capture/options.ts';
import { UnwindEnd } from './capture/records.gen.ts';
import { isWalked, kernelFrames, unwindEnd, userFrames, Word } from './capture/samples.ts';
import { maxFrames, monotonicTime, Session } from './capture/session.ts';
import type { SidebandEvent } from './capture/sideband.ts';
import type { Label, Profile } from './model/profile.ts';
import { Locations } from './process/locations.ts';
import { type Image, ProcessTable } from './process/table.ts';
import { symbolize } from './symbolize/symbolizer.ts';
import { Unwinder } from './unwind/unwinder.ts';

export interface RecordingOptions extends SessionOptions {
  readonly byThread: boolean;
  readonly byCpu: boolean;
  readonly shortNames: boolean;
  /** Hard limit of kernel memory for unwind tables, bytes. */
  readonly unwindMemory: number;
  /** A process whose samples count from its next exec on: until then it is the shell that waits for the start. */
  readonly fromExecOf?: number | undefined;
  /** Goes into the profile: tool and version, command. */
  readonly comments: readonly string[];
}

const DRAIN_BUSY_NS = 100e6;

/** A running recording. Its owner calls drain() every now and then, and finish() or close() at the end. */
export class Recording implements Consumer, Resolver {
  readonly #options: RecordingOptions;
  readonly #session: Session;
  readonly #aggregator: Aggregator;
  readonly #locations = new Locations();
  readonly #processes: ProcessTable;
  readonly #unwinder: Unwinder | undefined;
  readonly #startTimeMs = Date.now();
  readonly #started = performance.now();
  #waiting: number | undefined;
  #image: Image | undefined;
  #samples = 0;
  readonly #maxFrames = maxFrames();
  #truncated = 0;
  #losses: Record<string, number> = {};
  #durationMs = 0;
  #drained = 0;

  /** Starts sampling. Throws a ProfilerError. */
  constructor(options: RecordingOptions) {
    this.#options = options;
    this.#waiting = options.fromExecOf;
    this.#aggregator = new Aggregator(options);
    const { pids, tids } = options.targets;
    const followAll = pids.length + tids.length === 0;
    this.#processes = new ProcessTable({ followAll });
    this.#session = new Session(options);
    const maps = this.#session.unwindMaps;
    if (maps) {
      const { code } = this.#locations;
      const framePointers = options.unwind === 'auto';
      this.#unwinder = new Unwinder({ maps, code, followAll, framePointers, memory: options.unwindMemory });
    }
    for (const pid of pids) {
      this.#processes.image(pid);
      this.#unwinder?.follow(pid);
    }
    this.#session.start();
  }

  /** Why stacks are not walked by unwind tables though that was wanted. */
  get unwindRefusal(): string | undefined {
    return this.#session.unwindRefusal;
  }

  get samples(): number {
    return this.#samples;
  }

  losses(): Record<string, number> {
    return {
      ...this.#session.losses(),
      'stacks cut off (too deep)': this.#truncated,
      'unwind tables given up (--unwind-memory)': this.#unwinder?.evictions ?? 0,
      'processes without unwind tables (--unwind-memory)': this.#unwinder?.refused ?? 0,
    };
  }

  drain(): void {
    const now = monotonicTime();
    this.#drained = now;
    this.#session.drain(this);
    this.#unwinder?.flush(now);
  }

  /** Follows the lives of processes between two drains. Returns whether something happened. */
  follow(): boolean {
    const now = monotonicTime();
    const happened = this.#session.readSideband(this);
    this.#unwinder?.flush(now);
    // Samples of new processes are large as long as their stacks cannot be walked: the ring fills faster.
    if (happened && now - this.#drained > DRAIN_BUSY_NS) this.drain();
    return happened;
  }

  followCpus(): void {
    this.#session.followCpus();
  }

  sample(words: Uint32Array, at: number): void {
    const pid = words[at + Word.pid]!;
    if (pid === this.#waiting) return;
    this.#samples++;
    this.#image = this.#processes.image(pid);
    this.#unwinder?.walk(this.#image, words, at);
    if (this.#isCutOff(words, at)) this.#truncated++;
    this.#aggregator.add(words, at, this.#image.id, this);
  }

  #isCutOff(words: Uint32Array, at: number): boolean {
    if (kernelFrames(words, at) >= this.#maxFrames) return true;
    if (isWalked(words, at)) return unwindEnd(words, at) === UnwindEnd.PROFILER_END_TRUNCATED;
    return userFrames(words, at) >= this.#maxFrames;
  }

  announce(event: SidebandEvent): void {
    this.#processes.announce(event);
    this.#unwinder?.announce(event);
  }

  event(event: SidebandEvent): void {
    if (event.kind === 'comm' && event.exec && event.pid === this.#waiting) this.#waiting = undefined;
    this.#processes.apply(event);
  }

  kernel(low: number, high: number): number {
    return this.#locations.kernel(low, high);
  }

  user(low: number, high: number): number {
    return this.#locations.user(this.#image!, low, high);
  }

  /** Stops sampling; what was sampled until now can still be had from finish(). */
  stop(): void {
    this.drain();
    this.#durationMs = performance.now() - this.#started;
    this.#losses = this.losses();
    this.#session.close();
  }

  /** Gives up: releases all that is open, without a profile. */
  close(): void {
    this.#session.close();
    this.#locations.code.close();
  }

  /** Names everything and releases all that is open. Call it after stop(). */
  finish(): Profile {
    const { code, length: locations, address, miss } = this.#locations;
    const { mappings, mapping } = this.#locations.sampledCode();
    const addresses = { length: locations, mapping, address, miss };
    const named = symbolize(addresses, mappings, { shortNames: this.#options.shortNames });
    code.close();
    const { event, hz, comments } = this.#options;
    const { counter, stacks, stack, labels, threads } = this.#aggregator;
    const period = event.value === 'time' ? 1e9 / hz : 1;
    const scaled = event.value === 'time' ? counter.count.map(count => count * period) : counter.weight;
    const count = counter.length;
    return {
      strings: named.strings,
      mappings: mappings.map(({ start, limit, fileOffset, filename, buildId }, i) => ({
        start,
        limit,
        fileOffset,
        filename,
        buildId,
        hasFunctions: named.hasFunctions[i] ?? false,
        hasFilenames: false,
        hasLineNumbers: false,
        hasInlineFrames: false,
      })),
      functions: named.functions,
      locations: {
        length: locations,
        mapping,
        address: address.subarray(0, locations),
        kind: named.kind,
        miss: named.miss,
        firstLine: named.firstLine,
      },
      lines: named.lines,
      stacks: {
        length: stacks.length,
        prefix: stacks.prefix.subarray(0, stacks.length),
        location: stacks.location.subarray(0, stacks.length),
      },
      samples: {
        length: count,
        stack: stack.subarray(0, count),
        labels: labels.subarray(0, count),
        values: [counter.count.subarray(0, count), scaled.subarray(0, count)],
      },
      labelSets: threads.map(({ comm, pid, tid, cpu }) => {
        const set: Label[] = [
          { key: 'comm', value: comm },
          { key: 'pid', value: pid },
        ];
        if (tid > 0) set.push({ key: 'tid', value: tid });
        if (cpu >= 0) set.push({ key: 'cpu', value: String(cpu) }); // pprof cannot tell the number 0 from none
        return set;
      }),
      sampleTypes: [{ type: 'samples', unit: 'count' }, event.counts],
      periodType: event.counts,
      period: event.counts.unit === 'nanoseconds' ? Math.round(1e9 / hz) : 1,
      startTimeMs: this.#startTimeMs,
      durationMs: this.#durationMs,
      losses: this.#losses,
      unwinding: this.#aggregator.ends.totals(counter.count, count),
      comments,
    };
  }
}
