/** The native addon, typed, with its failures turned into sentences. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { ExitCode, ProfilerError } from '../errors.ts';
import { packageRoot } from '../package.ts';

/** A perf event on one CPU. */
export interface PerfEvent {
  /** Copies whole records of the buffer; returns the number of bytes. */
  drain(into: Uint8Array): number;
  /** Starts an event that was made disabled, in the children that have inherited it too. */
  enable(): void;
  /** Its records go into the buffer of another event of the same CPU. */
  writeTo(other: PerfEvent): void;
  close(): void;
}

/** A loaded BPF object and its ring buffer. Every method but `close` throws after `close()`. */
export interface BpfObject {
  /** Attaches a program to what its section names. */
  attach(program: string): void;
  /** Runs a program on every overflow of the event, and starts the event, which then belongs to the program. */
  sample(program: string, event: PerfEvent): void;
  /** Copies whole records of the ring buffer, end to end; returns the number of bytes. */
  drain(into: Uint8Array): number;
  /** Calls once when a program puts something into a ring buffer from now on; never after `close()`. */
  once(ring: string, call: () => void): void;
  /** Reads a per-CPU array of counters, each summed over the CPUs. */
  counters(map: string, into: Float64Array): void;
  /** Returns false when `flags` (linux/bpf.h: BPF_NOEXIST, BPF_EXIST) forbid it. */
  update(map: string, key: Uint8Array, value: Uint8Array, flags: number): boolean;
  /** A key that is not there is fine. */
  delete(map: string, key: Uint8Array): void;
  /** Removes as many keys as fit and hands them over; returns their number. */
  take(map: string, into: Uint8Array, keySize: number): number;
  /** The first bytes of an array map, shared with the kernel. They may be used after `close()`. */
  memory(map: string, bytes: number): Uint8Array;
  /**
   * Makes arrays of one value of `bytes` bytes, and puts them into a map of maps. Each has a function that maps it, as
   * `memory`, and is to be called once at most: what is mapped counts as resident.
   */
  addInner(map: string, indices: Uint32Array, bytes: number): (() => Uint8Array)[];
  close(): void;
}

/** A BPF program that looks up symbols of the running kernel. It goes with the object's collection. */
export interface KernelNames {
  /** `name+0xoffset/0xsize [module]`, `0xaddress` when there is no symbol, '' when the kernel refuses. */
  at(address: number): string;
}

export interface Addon {
  readonly KernelNames: new () => KernelNames;
  /** Loads the named programs of the object; with `preallocate`, hash maps take all of their memory at once. */
  readonly BpfObject: new (
    object: Uint8Array,
    rodata: Uint8Array,
    ring: string,
    ringBytes: number,
    programs: readonly string[],
    preallocate: boolean,
  ) => BpfObject;
  /** `attributes`: a struct perf_event_attr; `pages`: of buffer, a power of two, 0 for none. */
  readonly PerfEvent: new (
    attributes: Uint8Array,
    pid: number,
    cpu: number,
    pages: number,
  ) => PerfEvent;
  /**
   * Walks the stack of a snapshot (registers and stack bytes: bpf/records.h) with tables of a heap, and puts the frames
   * into its place. Returns enum profiler_unwind_end in the low 8 bits, and the number of frames above them.
   * `mappings`: heap address of `count` mappings.
   */
  walk(
    snapshot: Uint8Array,
    chunks: readonly (Uint8Array | undefined)[],
    files: Uint8Array,
    mappings: number,
    count: number,
    framePointers: boolean,
  ): number;
  /** CPU time of the children that have ended, and of theirs that they waited for, µs. */
  childrenCpu(): number;
  /** Gives back pages of a file that nobody has written to: they come back when they are needed. Others lose what they hold. */
  giveBack(address: number, bytes: number): void;
  /** Ends the process at once. */
  exit(status: number): never;
  /**
   * Becomes the program `path` (`args` with its name), with none but these capabilities (linux/capability.h) and no way
   * to get more. Throws when it cannot.
   */
  confine(keep: readonly number[], path: string, args: readonly string[]): never;
}

let loaded: Addon | undefined;

/** The addon, loaded at the first call. Throws a ProfilerError when it is not built or libbpf is missing. */
export function loadAddon(): Addon {
  try {
    loaded ??= createRequire(import.meta.url)(`${packageRoot}build/profiler.node`) as Addon;
    return loaded;
  } catch (cause) {
    throw new ProfilerError('no-addon', `the native addon does not load: ${firstLine(cause)}`, {
      hint: 'Build it with `npm run setup`.',
      cause,
    });
  }
}

/**
 * Ends the process when everything is written. Node.js waits for V8's compiler threads before it exits, and these may
 * wait for a garbage collection that never comes (github.com/nodejs/node/issues/54918): now and then a recording hung
 * for ever. Node.js' own tools, such as --cpu-prof, do need the proper end.
 */
export function exitProcess(status: number): void {
  process.exitCode = status;
  if (process.execArgv.length === 0) loaded?.exit(status);
}

/** undefined without the addon, and where the kernel does not permit or know it (Linux 5.13, CAP_BPF, CAP_PERFMON). */
export function openKernelNames(): KernelNames | undefined {
  try {
    return new (loadAddon().KernelNames)();
  } catch (error) {
    if (error instanceof ProfilerError || isAddonFailure(error)) return undefined;
    throw error;
  }
}

/** The compiled BPF object. */
export function loadBpfObject(): Uint8Array {
  try {
    return readFileSync(`${packageRoot}build/profiler.bpf.o`);
  } catch (cause) {
    throw new ProfilerError('no-bpf-object', 'the BPF program is not built.', {
      hint: 'Build it with `npm run setup`.',
      cause,
    });
  }
}

interface AddonFailure {
  readonly step: string;
  readonly errno: number;
  readonly log?: string;
}

function isAddonFailure(error: unknown): error is Error & AddonFailure {
  return error instanceof Error && 'step' in error && 'errno' in error && typeof error.errno === 'number';
}

/** The errno of a failed addon call (`EPERM`), or '' for anything else. */
export function addonErrno(error: unknown): string {
  if (!isAddonFailure(error)) return '';
  return Object.entries(constants.errno).find(([, value]) => value === error.errno)?.[0] ?? `E${error.errno}`;
}

/** What the addon tried when it failed (`perf_event_open`), or '' for anything else. */
export function addonStep(error: unknown): string {
  return isAddonFailure(error) ? error.step : '';
}

/** An addon failure as a sentence with a next step; anything else as it is. */
export function explain(error: unknown): unknown {
  if (!isAddonFailure(error)) return error;
  const code = addonErrno(error);
  if (code === 'EPERM' || code === 'EACCES') {
    return new ProfilerError(
      'not-permitted',
      `not permitted (${error.step}: ${code}): BPF sampling needs root, or the capabilities CAP_BPF and CAP_PERFMON.`,
      {
        hint: 'Run it with sudo, or see `profiler doctor`.',
        exitCode: ExitCode.notPermitted,
        cause: error,
      },
    );
  }
  if (!existsSync('/sys/kernel/btf/vmlinux')) {
    return new ProfilerError('no-btf', 'this kernel does not describe its types: /sys/kernel/btf/vmlinux is missing.', {
      hint: 'Boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as every current distribution has it.',
      exitCode: ExitCode.notPermitted,
      cause: error,
    });
  }
  const tail = (error.log ?? '').trim().split('\n').slice(-4).join('\n  ');
  return new ProfilerError(
    'kernel-refused',
    `the kernel refused (${error.step}: ${code})${tail ? `:\n  ${tail}` : '.'}`,
    {
      hint: 'See `profiler doctor` for what this kernel lacks.',
      exitCode: ExitCode.notPermitted,
      cause: error,
    },
  );
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
}
