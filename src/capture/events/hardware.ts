import { PerfHardware, PerfType } from '../records.gen.ts';
import type { EventSource, EventType } from './event.ts';

function hardware(name: string, config: number): EventType {
  const isClock = name.endsWith('cycles') && !name.startsWith('stalled');
  return {
    name,
    type: PerfType.PERF_TYPE_HARDWARE,
    config,
    counts: isClock ? { type: 'cpu', unit: 'nanoseconds' } : { type: name, unit: 'count' },
    value: isClock ? 'time' : 'weight',
  };
}

const CONFIGS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    cycles: PerfHardware.PERF_COUNT_HW_CPU_CYCLES,
    instructions: PerfHardware.PERF_COUNT_HW_INSTRUCTIONS,
    'cache-references': PerfHardware.PERF_COUNT_HW_CACHE_REFERENCES,
    'cache-misses': PerfHardware.PERF_COUNT_HW_CACHE_MISSES,
    branches: PerfHardware.PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
    'branch-misses': PerfHardware.PERF_COUNT_HW_BRANCH_MISSES,
    'bus-cycles': PerfHardware.PERF_COUNT_HW_BUS_CYCLES,
    'ref-cycles': PerfHardware.PERF_COUNT_HW_REF_CPU_CYCLES,
    'stalled-cycles-frontend': PerfHardware.PERF_COUNT_HW_STALLED_CYCLES_FRONTEND,
    'stalled-cycles-backend': PerfHardware.PERF_COUNT_HW_STALLED_CYCLES_BACKEND,
  }),
);

const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'cpu-cycles': 'cycles',
    'branch-instructions': 'branches',
    'idle-cycles-frontend': 'stalled-cycles-frontend',
    'idle-cycles-backend': 'stalled-cycles-backend',
  }),
);

/** Counters of the processor's PMU; many virtual machines have none. */
export const hardwareEvents: EventSource = {
  description: 'hardware counters',
  examples: [...CONFIGS.keys()],
  find(alias) {
    const name = ALIASES.get(alias) ?? alias;
    const config = CONFIGS.get(name);
    return config === undefined ? undefined : hardware(name, config);
  },
};
