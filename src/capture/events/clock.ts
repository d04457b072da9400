import { PerfSoftware, PerfType } from '../records.gen.ts';
import type { EventSource, EventType } from './event.ts';

const CPU_TIME = { type: 'cpu', unit: 'nanoseconds' };

function clock(name: string, config: number): EventType {
  return { name, type: PerfType.PERF_TYPE_SOFTWARE, config, counts: CPU_TIME, value: 'weight' };
}

const EVENTS: ReadonlyMap<string, EventType> = new Map(
  Object.entries({
    'cpu-clock': clock('cpu-clock', PerfSoftware.PERF_COUNT_SW_CPU_CLOCK),
    'task-clock': clock('task-clock', PerfSoftware.PERF_COUNT_SW_TASK_CLOCK),
  }),
);

/** Kernel timers. Their period is in nanoseconds; they exist on every machine. */
export const clockEvents: EventSource = {
  description: 'kernel timers',
  examples: [...EVENTS.keys()],
  find: name => EVENTS.get(name),
};
