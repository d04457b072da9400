/** What a session is told, and how the BPF programs are told of it. */
import { readFileSync, readlinkSync } from 'node:fs';
import type { SelectedEvent } from './events/index.ts';
import { Config, Filter, Limit, Stacks, sizeOf, Unwind } from './records.gen.ts';
import type { Sideband } from './sideband.ts';
import type { UnwindMaps } from './unwind-maps.ts';

/** What is sampled. Every given condition has to hold; without any, the whole machine is. */
export interface Targets {
  readonly pids: readonly number[];
  readonly tids: readonly number[];
  readonly cgroup?: { readonly id: bigint; readonly level: number } | undefined;
  /** Thread name, at most 15 bytes. */
  readonly comm?: string | undefined;
  /** Follow the children of `pids`. */
  readonly inherit: boolean;
}

function processOf(tid: number): number {
  try {
    return Number(/^Tgid:\s+(\d+)$/m.exec(readFileSync(`/proc/${tid}/status`, 'utf8'))?.[1] ?? tid);
  } catch {
    return tid; // it has ended
  }
}

/** The processes that are named, or of the threads that are. */
export function processesOf({ pids, tids }: Pick<Targets, 'pids' | 'tids'>): number[] {
  return [...new Set([...pids, ...tids.map(processOf)])];
}

export interface SessionOptions {
  readonly event: SelectedEvent;
  readonly hz: number;
  readonly targets: Targets;
  readonly kernelStacks: boolean;
  readonly userStacks: boolean;
  /**
   * How user stacks are walked: `auto` by unwind tables, and by frame pointers in code that has none; `cfi` by tables
   * alone; `fp` by the kernel's bpf_get_stack, which knows frame pointers alone.
   */
  readonly unwind: UnwindMode;
}

export type UnwindMode = 'auto' | 'cfi' | 'fp';

/** How samples are taken, from what can most to what is allowed most: see ladder.ts. */
export type Rung = 'bpf' | 'perf' | 'perf-user';

/** Who a capture hands over to. */
export interface Consumer {
  /** A record of processes' lives, in the order of their times; its place is good until settle(). */
  take(sideband: Sideband, at: number): void;
  /** One sample: see samples.ts for the words. They are overwritten after the call. All records of its time are there. */
  sample(words: Uint32Array, at: number): void;
  /** All samples before the time `until`, ns, were handed over. */
  settle(until: number): void;
}

/** A running capture, whatever takes the samples. */
export interface CaptureSession {
  readonly rung: Rung;
  /** What the stack walk reads; undefined when stacks are not walked by tables. */
  readonly unwindMaps: UnwindMaps | undefined;
  /** Why this kernel cannot walk by tables, where `auto` asked for it. */
  readonly unwindRefusal: string | undefined;
  /** How long the buffers hold what comes at most, ms: drained at least that often, nothing is lost. */
  readonly drainMs: number;
  /** Starts to sample. Throws a ProfilerError, and everything is closed then. */
  start(): void;
  /** Starts on CPUs that came online, and stops on those that went. */
  followCpus(): void;
  /** Hands over the records of processes' lives. Returns whether there were any. */
  readSideband(consumer: Consumer): boolean;
  /** Calls once when a process that is followed becomes another program from now on, or cannot be walked. */
  onceWoken?(call: () => void): void;
  /** Hands over everything recorded since the last call: first the records, then the samples, then settles. */
  drain(consumer: Consumer): void;
  /** Counts of everything that was lost, by cause in plain words. */
  losses(): Record<string, number>;
  close(): void;
}

const UNWIND = {
  auto: Unwind.PROFILER_UNWIND_AUTO,
  cfi: Unwind.PROFILER_UNWIND_CFI,
  fp: Unwind.PROFILER_UNWIND_FP,
};
const INITIAL_PID_NAMESPACE = 0xeffffffc; // include/linux/proc_ns.h: PROC_PID_INIT_INO

/** Inode of our pid namespace, 0 for the initial one. */
function pidNamespace(): number {
  try {
    const inode = Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 0);
    return inode === INITIAL_PID_NAMESPACE ? 0 : inode;
  } catch {
    return 0;
  }
}

/** struct profiler_config. */
export function configBytes(options: SessionOptions): Uint8Array {
  const { targets } = options;
  const bytes = new Uint8Array(sizeOf.Config);
  const view = new DataView(bytes.buffer);
  const filter =
    (targets.pids.length + targets.tids.length > 0 ? Filter.PROFILER_FILTER_TARGET : 0) |
    (targets.cgroup ? Filter.PROFILER_FILTER_CGROUP : 0) |
    (targets.comm ? Filter.PROFILER_FILTER_COMM : 0);
  view.setBigUint64(Config.cgroup_id, targets.cgroup?.id ?? 0n, true);
  view.setUint32(Config.cgroup_level, targets.cgroup?.level ?? 0, true);
  view.setUint32(Config.unwind, UNWIND[options.unwind], true);
  view.setUint32(Config.pid_namespace, pidNamespace(), true);
  view.setUint32(Config.filter, filter, true);
  view.setUint32(
    Config.stacks,
    (options.kernelStacks ? Stacks.PROFILER_STACK_KERNEL : 0) | (options.userStacks ? Stacks.PROFILER_STACK_USER : 0),
    true,
  );
  view.setUint32(Config.inherit, targets.inherit ? 1 : 0, true);
  new TextEncoder().encodeInto(
    targets.comm ?? '',
    bytes.subarray(Config.comm, Config.comm + Limit.PROFILER_COMM_LEN - 1),
  );
  return bytes;
}
