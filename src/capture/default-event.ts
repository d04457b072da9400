import { readFileSync } from 'node:fs';
import { addonErrno, loadAddon } from './addon.ts';
import { findEvent, type SelectedEvent } from './events/index.ts';
import { samplingAttributes } from './perf-attr.ts';

/** `cycles` where the machine has a PMU, else `cpu-clock`. */
export function defaultEvent(): SelectedEvent {
  const { PerfEvent } = loadAddon();
  const cycles = findEvent('cycles');
  try {
    new PerfEvent(samplingAttributes({ ...cycles, hz: 99 }), -1, 0, 0).close();
    return cycles;
  } catch (error) {
    // Not permitted is told when the session opens, for whatever event it is.
    if (addonErrno(error) === '') throw error;
    return findEvent('cpu-clock');
  }
}

/** The rate that was asked for, or the highest one that the kernel allows. */
export function allowedRate(hz: number): number {
  const limit = Number(readFileSync('/proc/sys/kernel/perf_event_max_sample_rate', 'utf8'));
  return limit < hz ? limit : hz;
}
