/**
 * A capture session: the BPF object, its perf event on every online CPU and the sideband buffers. It is drained on a
 * timer by its owner; it starts no thread and keeps nothing after close().
 */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { ExitCode, ProfilerError } from '../errors.ts';
import { type Addon, addonErrno, type BpfObject, explain, loadAddon, loadBpfObject, type PerfEvent } from './addon.ts';
import { type CaptureSession, type Consumer, configBytes, type SessionOptions } from './options.ts';
import { samplingAttributes, sidebandAttributes } from './perf-attr.ts';
import { Counter, Limit, sizeOf, Target } from './records.gen.ts';
import { forEachSample } from './samples.ts';
import { Sideband } from './sideband.ts';
import { BpfUnwindMaps } from './unwind-maps.ts';

/** 64 pages are about 1,600 mappings between two drains of a CPU. */
const SIDEBAND_PAGES = 64;
/** Of reading the ring in one drain. */
const MAX_ROUNDS = 4;
/** The programs that follow processes from one table to the next. */
const LIFE = ['process_fork', 'process_exec', 'process_exit'];
const BPF_ANY = 0; // linux/bpf.h
/** A typical record: 40 frames. */
const TYPICAL_RECORD = sizeOf.Sample + 40 * 8;

interface Cpu {
  /** Since start(). */
  samples?: PerfEvent;
  readonly sideband: PerfEvent;
}

/** The online CPUs. Format of the list: Documentation/admin-guide/cputopology.rst, `0-3,8`. */
export function onlineCpus(): number[] {
  const list = readFileSync('/sys/devices/system/cpu/online', 'utf8').trim();
  return list.split(',').flatMap(range => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** The clock of samples and sideband events, ns. Exact for the first 104 days after boot, to 2 ns after that. */
export function monotonicTime(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

/** Frames of one kind that a sample can have: kernel.perf_event_max_stack, at most what a record holds. */
export function maxFrames(): number {
  const limit = Number(readFileSync('/proc/sys/kernel/perf_event_max_stack', 'utf8'));
  return limit > 0 ? Math.min(limit, Limit.PROFILER_MAX_FRAMES) : Limit.PROFILER_MAX_FRAMES;
}

/** The ring buffer holds two seconds: a drain that comes late loses nothing. */
const DRAIN_MS = 250;

/** Bytes of ring buffer for 2 s of typical samples: a power of two, 1 to 64 MiB. */
function ringBytes(hz: number, cpus: number): number {
  const wanted = 2 * hz * cpus * TYPICAL_RECORD;
  return 2 ** Math.min(26, Math.max(20, Math.ceil(Math.log2(wanted))));
}

/** Before Linux 6.1, programs on perf events may use no hash map that allocates as it fills. */
function preallocates(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major < 6 || (major === 6 && minor < 1);
}

/** What perf_event_open(2) answers for events that the hardware, or this virtual machine, does not have. */
const NO_SUCH_EVENT = ['ENOENT', 'EOPNOTSUPP', 'ENODEV', 'EINVAL'];

/** What perf_event_open(2) said of an event, as a sentence where the event is to blame; else as it is. */
export function explainEvent(name: string, error: unknown): unknown {
  return NO_SUCH_EVENT.includes(addonErrno(error)) ? unsupportedEvent(name, error) : error;
}

function unsupportedEvent(name: string, cause: unknown): ProfilerError {
  return new ProfilerError('event-not-supported', `this machine cannot sample "${name}" (${addonErrno(cause)}).`, {
    hint: 'Virtual machines mostly have no hardware counters: try -e cpu-clock.',
    exitCode: ExitCode.notPermitted,
    cause,
  });
}

function key(id: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(id).buffer);
}

/** The rung of BPF. */
export class Session implements CaptureSession {
  readonly rung = 'bpf';
  readonly drainMs = DRAIN_MS;
  readonly unwindMaps: BpfUnwindMaps | undefined;
  readonly unwindRefusal: string | undefined;
  readonly #addon: Addon;
  readonly #object: BpfObject;
  readonly #program: string;
  readonly #eventName: string;
  readonly #attributes: Uint8Array;
  readonly #cpus = new Map<number, Cpu>();
  /** Sideband buffers of CPUs that went. */
  readonly #gone: PerfEvent[] = [];
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #sideband = new Sideband();
  readonly #counters = new Float64Array(Counter.PROFILER_COUNTERS);
  #started = false;
  #buildIds = true;

  /**
   * Loads, and starts to follow the lives of processes; start() starts to sample. Throws a ProfilerError with the cause
   * and the next step; nothing stays open then.
   */
  constructor(options: SessionOptions) {
    this.#addon = loadAddon();
    const cpus = onlineCpus();
    const ring = ringBytes(options.hz, cpus.length);
    this.#words = new Uint32Array(ring / 4);
    this.#bytes = new Uint8Array(this.#words.buffer);
    this.#eventName = options.event.name;
    this.#attributes = samplingAttributes({ ...options.event, hz: options.hz });
    const walks = options.unwind !== 'fp' && options.userStacks;
    const load = (program: string) => {
      const object = loadBpfObject();
      return new this.#addon.BpfObject(
        object,
        configBytes(options),
        'samples',
        ring,
        [program, ...LIFE],
        preallocates(),
      );
    };
    this.#program = walks ? 'sample' : 'sample_frame_pointers';
    try {
      this.#object = load(this.#program);
    } catch (error) {
      if (!walks || options.unwind === 'cfi') throw explain(error);
      try {
        this.#program = 'sample_frame_pointers';
        this.#object = load(this.#program);
      } catch {
        throw explain(error);
      }
      this.unwindRefusal = String(error instanceof Error ? error.message : error);
    }
    try {
      if (this.#program === 'sample') this.unwindMaps = new BpfUnwindMaps(this.#addon, this.#object);
      for (const pid of options.targets.pids) this.#addTarget(pid, Target.PROFILER_TARGET_PROCESS);
      for (const tid of options.targets.tids) this.#addTarget(tid, Target.PROFILER_TARGET_THREAD);
      for (const program of LIFE) this.#object.attach(program);
      for (const cpu of cpus) this.#openCpu(cpu);
    } catch (error) {
      this.close();
      throw explain(error);
    }
  }

  start(): void {
    this.#started = true;
    try {
      for (const [cpu, events] of this.#cpus) events.samples ??= this.#openSamples(cpu);
    } catch (error) {
      this.close();
      throw explain(error);
    }
  }

  #addTarget(id: number, as: number): void {
    this.#object.update('targets', key(id), key(as), BPF_ANY);
  }

  #openSideband(cpu: number): PerfEvent {
    try {
      const attributes = sidebandAttributes({ buildIds: this.#buildIds });
      return new this.#addon.PerfEvent(attributes, -1, cpu, SIDEBAND_PAGES);
    } catch (error) {
      if (!this.#buildIds) throw error;
      this.#buildIds = false; // before Linux 5.12: inodes instead
      return this.#openSideband(cpu);
    }
  }

  #openSamples(cpu: number): PerfEvent {
    let samples: PerfEvent;
    try {
      samples = new this.#addon.PerfEvent(this.#attributes, -1, cpu, 0);
    } catch (error) {
      throw explainEvent(this.#eventName, error);
    }
    try {
      this.#object.sample(this.#program, samples);
      return samples;
    } catch (error) {
      samples.close();
      throw error;
    }
  }

  #openCpu(cpu: number): void {
    const sideband = this.#openSideband(cpu);
    try {
      this.#cpus.set(cpu, { sideband, ...(this.#started ? { samples: this.#openSamples(cpu) } : {}) });
    } catch (error) {
      sideband.close();
      throw error;
    }
  }

  /** Starts sampling CPUs that came online and stops on those that went. A CPU that goes at this moment is left out. */
  followCpus(): void {
    const online = onlineCpus();
    for (const [cpu, events] of this.#cpus) {
      if (online.includes(cpu)) continue;
      events.samples?.close();
      this.#gone.push(events.sideband); // what it still holds comes with the next drain
      this.#cpus.delete(cpu);
    }
    for (const cpu of online) {
      try {
        if (!this.#cpus.has(cpu)) this.#openCpu(cpu);
      } catch {
        // offline again: the next call sees it
      }
    }
  }

  get cpus(): number[] {
    return [...this.#cpus.keys()];
  }

  readSideband(consumer: Consumer): boolean {
    const until = monotonicTime();
    const open = [...this.#cpus.values()].map(({ sideband }) => sideband);
    for (const sideband of [...open, ...this.#gone]) {
      this.#sideband.read(SIDEBAND_PAGES * 4096, into => sideband.drain(into));
    }
    for (const sideband of this.#gone.splice(0)) sideband.close();
    return this.#sideband.handOver(until, consumer);
  }

  onceWoken(call: () => void): void {
    this.#object.once('wakes', call);
  }

  /** The ring is read first: what the sideband tells about a sample's process was then written before it is read. */
  drain(consumer: Consumer): void {
    // More than once while the ring fills faster than it is read, but not for ever: somebody may press Ctrl-C.
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const start = monotonicTime();
      const length = this.#object.drain(this.#bytes);
      this.readSideband(consumer);
      forEachSample(this.#words, length / 4, at => consumer.sample(this.#words, at));
      if (length > this.#bytes.length / 2) continue;
      consumer.settle(start);
      this.#sideband.forget();
      return;
    }
  }

  losses(): Record<string, number> {
    this.#object.counters('counters', this.#counters);
    return {
      'samples lost (ring buffer full)': this.#counters[Counter.PROFILER_COUNT_RING_FULL]!,
      'samples lost (no scratch record)': this.#counters[Counter.PROFILER_COUNT_SCRATCH]!,
      'samples without kernel stack (unreadable)': this.#counters[Counter.PROFILER_COUNT_KERNEL_FAILED]!,
      'child processes not followed (table full)': this.#counters[Counter.PROFILER_COUNT_TARGETS_FULL]!,
      'process events lost (sideband buffer full)': this.#sideband.lost,
    };
  }

  close(): void {
    for (const { samples, sideband } of this.#cpus.values()) {
      samples?.close();
      sideband.close();
    }
    for (const sideband of this.#gone.splice(0)) sideband.close();
    this.#cpus.clear();
    this.#object.close();
  }
}
