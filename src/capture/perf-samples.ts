/**
 * Samples of a perf buffer, made into those of the BPF program (samples.ts): registers and a copy of the stack become a
 * snapshot, which is walked by the same tables. Layout: `man perf_event_open`, PERF_RECORD_SAMPLE.
 */
import { Limit, PerfLost, PerfRecord, Start, sizeOf, UnwindEnd } from './records.gen.ts';
import { setSmallFields, Word } from './samples.ts';

/** include/uapi/linux/perf_event.h: macros, which BTF does not hold. */
const MISC_CPUMODE = 7;
const MISC_KERNEL = 1;
/** enum perf_callchain_context, as the low word: these stand among the addresses and say what follows. */
const CONTEXT_MAX = -4095 >>> 0;
const CONTEXT_KERNEL = -128 >>> 0;
const CONTEXT_USER = -512 >>> 0;
/** enum perf_sample_regs_abi: 32-bit programs have no tables here. */
const ABI_64 = 2;

/** Words of a record: header, pid and tid, time, cpu, period. */
const At = { misc: 1, pid: 2, tid: 3, time: 4, cpu: 6, period: 8, rest: 10 } as const;
/** What is sampled of the registers, in the order of their numbers: x29, lr, sp, pc; rbp, rsp, rip, r10. */
const REGISTERS =
  process.arch === 'arm64' ? (['fp', 'extra', 'sp', 'pc'] as const) : (['fp', 'sp', 'pc', 'extra'] as const);
const START_WORDS = sizeOf.Start / 4;

/** What the records of an event hold. */
export interface PerfLayout {
  readonly callchain: boolean;
  /** Registers and stack. */
  readonly stack: boolean;
}

/** Words that one sample can have: header, frames of both kinds, and the largest record that perf writes. */
export const MAX_SAMPLE_WORDS = Word.frames + 4 * Limit.PROFILER_MAX_FRAMES + START_WORDS + 2 ** 14;

/** Where the next record ends, in words; 0 when no whole record is left. */
export function recordEnd(words: Uint32Array, at: number, end: number): number {
  if (at + 2 > end) return 0;
  const size = words[at + 1]! >>> 16;
  return size >= 8 && size % 8 === 0 && at + size / 4 <= end ? at + size / 4 : 0;
}

/** Whether there is a sample, with all that a sample begins with. */
export function isSample(words: Uint32Array, at: number, end: number): boolean {
  return words[at] === PerfRecord.PERF_RECORD_SAMPLE && end - at >= At.rest;
}

/** Time of a sample, ns. */
export function sampleTime(words: Uint32Array, at: number): number {
  return words[at + At.time + 1]! * 2 ** 32 + words[at + At.time]!;
}

/** Records that a buffer had no room for, if that is what the record tells; else 0. */
export function lostRecords(words: Uint32Array, at: number, end: number): number {
  if (words[at] !== PerfRecord.PERF_RECORD_LOST || 4 * (end - at) < sizeOf.PerfLost) return 0;
  return words[at + PerfLost.lost / 4]!;
}

export class PerfSampleReader {
  readonly #layout: PerfLayout;
  /** The sample: see samples.ts. */
  readonly words = new Uint32Array(MAX_SAMPLE_WORDS);
  #kernelFrames = 0;
  #userFrames = 0;

  constructor(layout: PerfLayout) {
    this.#layout = layout;
  }

  /**
   * Reads the sample at `at` of a buffer into `words`, which are overwritten by the next one. The name of the thread is
   * the caller's to add.
   */
  read(from: Uint32Array, at: number, end: number): void {
    const { words } = this;
    words[Word.time] = from[at + At.time]!;
    words[Word.time + 1] = from[at + At.time + 1]!;
    words[Word.weight] = from[at + At.period]!;
    words[Word.weight + 1] = from[at + At.period + 1]!;
    words[Word.cgroup] = words[Word.cgroup + 1] = 0;
    words[Word.pid] = from[at + At.pid]!;
    words[Word.tid] = from[at + At.tid]!;
    words[Word.cpu] = from[at + At.cpu]!;
    this.#kernelFrames = this.#userFrames = 0;
    const { callchain, stack } = this.#layout;
    const rest = callchain ? this.#frames(from, at + At.rest, end) : at + At.rest;
    const isKernel = (from[at + At.misc]! & MISC_CPUMODE) === MISC_KERNEL;
    const snapshot = stack ? this.#snapshot(from, rest, end, isKernel) : 0;
    const { PROFILER_END_NO_STACK: none, PROFILER_END_FRAME_POINTERS: framePointers } = UnwindEnd;
    setSmallFields(words, 0, {
      kernelFrames: this.#kernelFrames,
      userFrames: this.#userFrames,
      snapshot,
      end: this.#userFrames > 0 ? framePointers : none,
    });
  }

  /** The addresses of the call chain: kernel first, each part innermost first. Returns where it ends. */
  #frames(from: Uint32Array, at: number, end: number): number {
    if (at + 2 > end) return end;
    const last = Math.min(end, at + 2 + 2 * from[at]!);
    let context = 0;
    for (let i = at + 2; i + 1 < last; i += 2) {
      const low = from[i]!;
      const high = from[i + 1]!;
      if (high === 0xffffffff && low >= CONTEXT_MAX) context = low;
      else if (context === CONTEXT_KERNEL) this.#push(low, high, 'kernel');
      else if (context === CONTEXT_USER) this.#push(low, high, 'user');
    }
    return last;
  }

  #push(low: number, high: number, kind: 'kernel' | 'user'): void {
    const count = kind === 'kernel' ? this.#kernelFrames : this.#userFrames;
    if (count === Limit.PROFILER_MAX_FRAMES) return;
    const at = Word.frames + 2 * (this.#kernelFrames + this.#userFrames);
    this.words[at] = low;
    this.words[at + 1] = high;
    if (kind === 'kernel') this.#kernelFrames++;
    else this.#userFrames++;
  }

  /** Puts struct profiler_start and the stack behind the frames. Returns their length in words of 8 bytes, 0 for none. */
  #snapshot(from: Uint32Array, at: number, end: number, isKernel: boolean): number {
    if (at + 2 > end || from[at] !== ABI_64) return 0;
    const registers = at + 2;
    const size = registers + 2 * REGISTERS.length;
    if (size + 2 > end) return 0;
    const stack = size + 2;
    const copied = stack + from[size]! / 4;
    if (copied + 2 > end && from[size] !== 0) return 0;
    const { words } = this;
    const start = Word.frames + 2 * (this.#kernelFrames + this.#userFrames);
    words.fill(0, start, start + START_WORDS);
    for (const [i, register] of REGISTERS.entries()) {
      words[start + Start[register] / 4] = from[registers + 2 * i]!;
      words[start + Start[register] / 4 + 1] = from[registers + 2 * i + 1]!;
    }
    words[start + Start.kernel / 4] = isKernel ? 1 : 0;
    // The copy has its full size, and says behind it how much of it was there.
    const length = from[size] === 0 ? 0 : Math.min(from[copied]! >>> 3, (copied - stack) / 2);
    words.set(from.subarray(stack, stack + 2 * length), start + START_WORDS);
    return START_WORDS / 2 + length;
  }
}
