/**
 * A capture session without BPF: perf_event_open with buffers of its own. Each sample brings its registers and a copy
 * of its stack, which the walk of bpf/unwind.h reads in userspace. With `kernel`, as whoever may sample the kernel;
 * without, as any user under kernel.perf_event_paranoid=2: own processes, while they run in user mode.
 */
import { readdirSync } from 'node:fs';
import { type Addon, addonErrno, addonStep, loadAddon, type PerfEvent } from './addon.ts';
import { type CaptureSession, type Consumer, processesOf, type SessionOptions, type Targets } from './options.ts';
import { bufferedSamplingAttributes, type Inherit, sidebandAttributes } from './perf-attr.ts';
import { PerfReader } from './perf-reader.ts';
import { checkSupported, explainPerf } from './perf-refusals.ts';
import { monotonicTime, onlineCpus } from './session.ts';
import { Sideband } from './sideband.ts';
import { LocalUnwindMaps } from './unwind-maps.ts';

/** 16 pages are about 400 mappings between two looks. */
const SIDEBAND_PAGES = 16;
const PAGE = 4096;
/** Of a buffer of samples; what a user may lock in memory is often not more than the least of these per CPU. */
const LEAST_PAGES = 32;
const MOST_BYTES = { buffer: 16 * 2 ** 20, together: 64 * 2 ** 20 };
/**
 * Of stack in a sample: as much as lets a buffer hold what comes in HOLD_MS, which is what compiling the table of a
 * large file takes. Of clang's stacks 0.6 % fit into 16 KiB, 69 % into 32 KiB, 98 % into 64 KiB, which is perf's limit.
 */
const STACK_BYTES = { least: 16_384, most: 65_024 };
const HOLD_MS = 100;
/** A sample is a little larger than its stack. */
const SAMPLE_HEAD = 128;
const DRAIN_MS = { least: 5, most: 250 };

/** A thread that is sampled (−1: all that run on the CPU), and who has the event besides it. */
interface Task {
  readonly id: number;
  readonly inherit: Inherit;
}

/** Events on one CPU; the first one has the buffer. */
interface Cpu {
  readonly samples: readonly PerfEvent[];
  readonly sideband: readonly PerfEvent[];
}

function stackBytes(bufferBytes: number, hz: number): number {
  const room = (bufferBytes * 1000) / (hz * HOLD_MS) - SAMPLE_HEAD;
  return Math.min(STACK_BYTES.most, Math.max(STACK_BYTES.least, Math.floor(room / 1024) * 1024));
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return []; // it has ended
  }
}

function tasksOf({ pids, tids, inherit }: Targets): { sampled: Task[]; followed: Task[] } {
  if (pids.length + tids.length === 0) {
    const all: Task[] = [{ id: -1, inherit: 'none' }];
    return { sampled: all, followed: all };
  }
  const descent = inherit ? 'children' : 'threads';
  const ofProcesses = pids.flatMap(threadsOf).map(id => ({ id, inherit: descent }) as const);
  const alone = tids.map(id => ({ id, inherit: 'none' }) as const);
  const theirs = processesOf({ pids: [], tids })
    .flatMap(threadsOf)
    .map(id => ({ id, inherit: 'threads' }) as const);
  return { sampled: [...ofProcesses, ...alone], followed: [...ofProcesses, ...theirs] };
}

export class PerfSession implements CaptureSession {
  readonly rung: 'perf' | 'perf-user';
  readonly drainMs: number;
  readonly unwindMaps: LocalUnwindMaps | undefined;
  readonly unwindRefusal = undefined;
  readonly #addon: Addon;
  readonly #options: SessionOptions;
  readonly #cpus = new Map<number, Cpu>();
  readonly #pages: number;
  readonly #reader: PerfReader;
  readonly #sideband = new Sideband();
  #started = false;
  #buildIds = true;

  /** Opens everything; start() starts to sample. Throws a ProfilerError, and nothing stays open then. */
  constructor(options: SessionOptions, kernel: boolean) {
    checkSupported(options, kernel);
    this.rung = kernel ? 'perf' : 'perf-user';
    this.#addon = loadAddon();
    this.#options = options;
    const copies = options.userStacks && options.unwind !== 'fp';
    if (copies) this.unwindMaps = new LocalUnwindMaps(this.#addon);
    const kernelStacks = kernel && options.kernelStacks;
    this.#reader = new PerfReader({
      layout: { callchain: kernelStacks || (options.userStacks && !copies), stack: copies },
      comm: options.targets.comm,
      kernelStacks,
      userStacks: options.userStacks,
    });
    try {
      this.#pages = this.#openAll(onlineCpus());
    } catch (error) {
      this.close();
      throw explainPerf(error, options, kernel);
    }
    const bytes = this.#pages * PAGE;
    const fillsAfter = (1000 * bytes) / ((stackBytes(bytes, options.hz) + SAMPLE_HEAD) * options.hz);
    this.drainMs = Math.min(DRAIN_MS.most, Math.max(DRAIN_MS.least, fillsAfter / 4));
  }

  /** With the largest buffers that are allowed: half as large as long as the kernel says no. Returns their pages. */
  #openAll(cpus: readonly number[]): number {
    const most = Math.min(MOST_BYTES.buffer, MOST_BYTES.together / cpus.length) / PAGE;
    for (let pages = 2 ** Math.floor(Math.log2(most)); ; ) {
      try {
        for (const cpu of cpus) this.#openCpu(cpu, pages);
        return pages;
      } catch (error) {
        this.close();
        const hasNoRoom = addonStep(error) === 'mmap of the perf buffer' && pages > LEAST_PAGES;
        if (!hasNoRoom && !(this.#buildIds && addonErrno(error) === 'EINVAL')) throw error;
        if (hasNoRoom) pages /= 2;
        else this.#buildIds = false; // before Linux 5.12: inodes instead
      }
    }
  }

  #openCpu(cpu: number, pages: number): void {
    const { sampled, followed } = tasksOf(this.#options.targets);
    const sideband: PerfEvent[] = [];
    const samples: PerfEvent[] = [];
    this.#cpus.set(cpu, { sideband, samples });
    this.#open(sideband, followed, cpu, SIDEBAND_PAGES, inherit => this.#sidebandAttributes(inherit));
    this.#open(samples, sampled, cpu, pages, inherit => this.#samplingAttributes(inherit, pages * PAGE));
  }

  /** One event for each task, with one buffer. Tasks that have ended are left out. */
  #open(
    into: PerfEvent[],
    tasks: readonly Task[],
    cpu: number,
    pages: number,
    attributes: (inherit: Inherit) => Uint8Array,
  ): void {
    for (const { id, inherit } of tasks) {
      try {
        const first = into[0];
        const event = new this.#addon.PerfEvent(attributes(inherit), id, cpu, first ? 0 : pages);
        into.push(event);
        if (first) event.writeTo(first);
      } catch (error) {
        if (addonErrno(error) !== 'ESRCH') throw error;
      }
    }
  }

  #sidebandAttributes(inherit: Inherit): Uint8Array {
    return sidebandAttributes({ buildIds: this.#buildIds, inherit });
  }

  #samplingAttributes(inherit: Inherit, bufferBytes: number): Uint8Array {
    const { event, hz, kernelStacks, userStacks, unwind } = this.#options;
    const sampling = { ...event, hz, excludeKernel: event.excludeKernel || this.rung === 'perf-user' };
    const how = !userStacks ? 'none' : unwind === 'fp' ? 'frame-pointers' : 'copy';
    return bufferedSamplingAttributes(sampling, {
      inherit,
      kernelStacks: kernelStacks && this.rung === 'perf',
      userStacks: how,
      stackBytes: stackBytes(bufferBytes, hz),
    });
  }

  start(): void {
    this.#started = true;
    try {
      for (const { samples } of this.#cpus.values()) for (const event of samples) event.enable();
    } catch (error) {
      this.close();
      throw explainPerf(error, this.#options, this.rung === 'perf');
    }
  }

  /** Children that inherited an event before are not followed onto a CPU that comes online later. */
  followCpus(): void {
    const online = onlineCpus();
    for (const cpu of online) {
      if (this.#cpus.has(cpu)) continue;
      try {
        this.#openCpu(cpu, this.#pages);
        if (this.#started) for (const event of this.#cpus.get(cpu)!.samples) event.enable();
      } catch {
        this.#closeCpu(cpu); // offline again, or no memory may be locked any more
      }
    }
  }

  readSideband(consumer: Consumer): boolean {
    const until = monotonicTime();
    for (const { sideband } of this.#cpus.values()) {
      this.#sideband.read(SIDEBAND_PAGES * PAGE, into => sideband[0]?.drain(into) ?? 0);
    }
    return this.#sideband.handOver(until, {
      take: (sideband, at) => {
        this.#reader.take(sideband, at);
        consumer.take(sideband, at);
      },
    });
  }

  /** The samples are read first: what the sideband tells of a sample's process was then written before it is read. */
  drain(consumer: Consumer): void {
    const start = monotonicTime();
    const buffers = [...this.#cpus.values()].flatMap(({ samples }) => samples.slice(0, 1));
    this.#reader.fill(buffers, this.#pages * PAGE);
    this.readSideband(consumer);
    this.#reader.handOver(start, consumer);
    consumer.settle(start);
    this.#sideband.forget();
  }

  losses(): Record<string, number> {
    return {
      'samples lost (ring buffer full)': this.#reader.lost,
      'process events lost (sideband buffer full)': this.#sideband.lost,
    };
  }

  #closeCpu(cpu: number): void {
    const { samples = [], sideband = [] } = this.#cpus.get(cpu) ?? {};
    for (const event of [...samples, ...sideband]) event.close();
    this.#cpus.delete(cpu);
  }

  close(): void {
    for (const cpu of [...this.#cpus.keys()]) this.#closeCpu(cpu);
  }
}
