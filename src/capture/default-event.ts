import { readFileSync } from 'node:fs';
import { addonErrno, loadAddon } from './addon.ts';
import { findEvent, type SelectedEvent } from './events/index.ts';
import { samplingAttributes } from './perf-attr.ts';

/** `cycles` where the machine has a PMU, else `cpu-clock`. */
export function defaultEvent(): SelectedEvent {
  const cycles = findEvent('cycles');
  // Everything on the first CPU; or what any user may, this process in user mode.
  const has = canOpen(cycles, -1, 0) || canOpen({ ...cycles, excludeKernel: true }, 0, -1);
  return has ? cycles : findEvent('cpu-clock');
}

function canOpen(event: SelectedEvent, pid: number, cpu: number): boolean {
  const { PerfEvent } = loadAddon();
  try {
    new PerfEvent(samplingAttributes({ ...event, hz: 99 }), pid, cpu, 0).close();
    return true;
  } catch (error) {
    // Not permitted is told when the session opens, for whatever event it is.
    if (addonErrno(error) === '') throw error;
    return false;
  }
}

/** The rate that was asked for, or the highest one that the kernel allows. */
export function allowedRate(hz: number): number {
  const limit = Number(readFileSync('/proc/sys/kernel/perf_event_max_sample_rate', 'utf8'));
  return limit < hz ? limit : hz;
}
