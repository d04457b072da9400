/** Builds `struct perf_event_attr` (include/uapi/linux/perf_event.h, `man perf_event_open`). */
import { PerfEventAttr, PerfEventAttrBits, PerfSampleFormat, PerfSoftware, PerfType, sizeOf } from './records.gen.ts';

/** CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns: samples and sideband records share it. */
const CLOCK_MONOTONIC = 1;
/** What every sample in a perf buffer begins with. */
const SAMPLE_TYPE =
  PerfSampleFormat.PERF_SAMPLE_TID |
  PerfSampleFormat.PERF_SAMPLE_TIME |
  PerfSampleFormat.PERF_SAMPLE_CPU |
  PerfSampleFormat.PERF_SAMPLE_PERIOD;

class Attributes {
  readonly bytes = new Uint8Array(sizeOf.PerfEventAttr);
  readonly #view = new DataView(this.bytes.buffer);

  constructor(type: number, config: number) {
    this.#view.setUint32(PerfEventAttr.type, type, true);
    this.#view.setUint32(PerfEventAttr.size, this.bytes.length, true);
    this.set64(PerfEventAttr.config, config);
  }

  set64(offset: number, value: number): this {
    this.#view.setUint32(offset, value % 2 ** 32, true);
    this.#view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
    return this;
  }

  set32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  set(...bits: readonly (keyof typeof PerfEventAttrBits)[]): this {
    for (const bit of bits) this.bytes[PerfEventAttrBits[bit] >> 3]! |= 1 << (PerfEventAttrBits[bit] & 7);
    return this;
  }
}

/** What to count, and how often to sample it. */
export interface SamplingEvent {
  readonly type: number;
  readonly config: number;
  /** Samples a second; the kernel adapts the event's period to it. */
  readonly hz: number;
  readonly excludeUser: boolean;
  readonly excludeKernel: boolean;
}

/** A sampling event, created disabled: it starts when the program is attached. */
export function samplingAttributes(event: SamplingEvent): Uint8Array {
  return samplingEvent(event).bytes;
}

function samplingEvent(event: SamplingEvent): Attributes {
  const attributes = new Attributes(event.type, event.config).set('disabled');
  // Saves the interrupts of idle CPUs their work. Hardware PMUs may refuse it (arm64 does); the program filters too.
  if (event.type === PerfType.PERF_TYPE_SOFTWARE) attributes.set('exclude_idle');
  attributes.set('freq').set64(PerfEventAttr.sample_freq, event.hz);
  if (event.excludeUser) attributes.set('exclude_user');
  if (event.excludeKernel) attributes.set('exclude_kernel');
  return attributes;
}

/** What follows a sample in a perf buffer, and whom the event follows. */
export interface TaskSampling {
  /** Children of the task have the event too; or else only its new threads; or else nobody. */
  readonly inherit: Inherit;
  /** Kernel frames, by PERF_SAMPLE_CALLCHAIN. */
  readonly kernelStacks: boolean;
  /** User frames: a copy of the registers and of the stack, or what the kernel finds by frame pointers. */
  readonly userStacks: 'copy' | 'frame-pointers' | 'none';
  /** Of stack in a copy, below 2^16 and a multiple of 8; the kernel writes all of it, whatever there is. */
  readonly stackBytes: number;
}

export type Inherit = 'children' | 'threads' | 'none';

/** arch/{x86,arm64}/include/uapi/asm/perf_regs.h: bits of bp, sp, ip, r10; of x29, lr, sp, pc. */
export const USER_REGISTERS = process.arch === 'arm64' ? 0b1111 * 2 ** 29 : (0b111 << 6) | (1 << 18);

function setInherit(attributes: Attributes, inherit: Inherit): void {
  if (inherit !== 'none') attributes.set('inherit');
  if (inherit === 'threads') attributes.set('inherit_thread'); // since Linux 5.13
}

/** A sampling event whose samples go into a perf buffer, created disabled: see perf-samples.ts for their layout. */
export function bufferedSamplingAttributes(event: SamplingEvent, options: TaskSampling): Uint8Array {
  const { kernelStacks, userStacks } = options;
  const attributes = samplingEvent(event).set('use_clockid');
  attributes.set32(PerfEventAttr.clockid, CLOCK_MONOTONIC);
  setInherit(attributes, options.inherit);
  let type = SAMPLE_TYPE;
  if (kernelStacks || userStacks === 'frame-pointers') type |= PerfSampleFormat.PERF_SAMPLE_CALLCHAIN;
  if (!kernelStacks) attributes.set('exclude_callchain_kernel');
  if (userStacks !== 'frame-pointers') attributes.set('exclude_callchain_user');
  if (userStacks === 'copy') {
    type |= PerfSampleFormat.PERF_SAMPLE_REGS_USER | PerfSampleFormat.PERF_SAMPLE_STACK_USER;
    attributes.set64(PerfEventAttr.sample_regs_user, USER_REGISTERS);
    attributes.set32(PerfEventAttr.sample_stack_user, options.stackBytes);
  }
  return attributes.set64(PerfEventAttr.sample_type, type).bytes;
}

/** The sideband of a CPU: executable mappings (with build ids where the kernel knows them), names, forks, exits. */
export function sidebandAttributes(options: {
  readonly buildIds: boolean;
  /** Of one task, and not of all that runs on the CPU. */
  readonly inherit?: Inherit;
}): Uint8Array {
  const attributes = new Attributes(PerfType.PERF_TYPE_SOFTWARE, PerfSoftware.PERF_COUNT_SW_DUMMY).set(
    'mmap',
    'mmap2',
    'comm',
    'comm_exec',
    'task',
    'sample_id_all',
    'use_clockid',
    'exclude_kernel', // it counts nothing; without, perf_event_paranoid may refuse it
  );
  if (options.buildIds) attributes.set('build_id'); // since Linux 5.12
  setInherit(attributes, options.inherit ?? 'none');
  attributes.set64(PerfEventAttr.sample_type, PerfSampleFormat.PERF_SAMPLE_TIME);
  attributes.set32(PerfEventAttr.clockid, CLOCK_MONOTONIC);
  return attributes.bytes;
}
