/** Builds `struct perf_event_attr` (include/uapi/linux/perf_event.h, `man perf_event_open`). */
import { PerfEventAttr, PerfEventAttrBits, PerfSampleFormat, PerfSoftware, PerfType, sizeOf } from './records.gen.ts';

/** CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns: samples and sideband records share it. */
const CLOCK_MONOTONIC = 1;

class Attributes {
  readonly bytes = new Uint8Array(sizeOf.PerfEventAttr);
  readonly #view = new DataView(this.bytes.buffer);

  constructor(type: number, config: number) {
    this.#view.setUint32(PerfEventAttr.type, type, true);
    this.#view.setUint32(PerfEventAttr.size, this.bytes.length, true);
    this.set64(PerfEventAttr.config, config);
  }

  set64(offset: number, value: number): void {
    this.#view.setUint32(offset, value % 2 ** 32, true);
    this.#view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
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
  const attributes = new Attributes(event.type, event.config).set('disabled');
  // Saves the interrupts of idle CPUs their work. Hardware PMUs may refuse it (arm64 does); the program filters too.
  if (event.type === PerfType.PERF_TYPE_SOFTWARE) attributes.set('exclude_idle');
  attributes.set('freq').set64(PerfEventAttr.sample_freq, event.hz);
  if (event.excludeUser) attributes.set('exclude_user');
  if (event.excludeKernel) attributes.set('exclude_kernel');
  return attributes.bytes;
}

/** The sideband of a CPU: executable mappings (with build ids where the kernel knows them), names, forks, exits. */
export function sidebandAttributes(options: { readonly buildIds: boolean }): Uint8Array {
  const attributes = new Attributes(PerfType.PERF_TYPE_SOFTWARE, PerfSoftware.PERF_COUNT_SW_DUMMY).set(
    'mmap',
    'mmap2',
    'comm',
    'comm_exec',
    'task',
    'sample_id_all',
    'use_clockid',
  );
  if (options.buildIds) attributes.set('build_id'); // since Linux 5.12
  attributes.set64(PerfEventAttr.sample_type, PerfSampleFormat.PERF_SAMPLE_TIME);
  attributes.set32(PerfEventAttr.clockid, CLOCK_MONOTONIC);
  return attributes.bytes;
}
