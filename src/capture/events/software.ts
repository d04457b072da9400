import { PerfSoftware, PerfType } from '../records.gen.ts';
import type { EventSource } from './event.ts';

const CONFIGS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    'page-faults': PerfSoftware.PERF_COUNT_SW_PAGE_FAULTS,
    'minor-faults': PerfSoftware.PERF_COUNT_SW_PAGE_FAULTS_MIN,
    'major-faults': PerfSoftware.PERF_COUNT_SW_PAGE_FAULTS_MAJ,
    'context-switches': PerfSoftware.PERF_COUNT_SW_CONTEXT_SWITCHES,
    'cpu-migrations': PerfSoftware.PERF_COUNT_SW_CPU_MIGRATIONS,
    'alignment-faults': PerfSoftware.PERF_COUNT_SW_ALIGNMENT_FAULTS,
    'emulation-faults': PerfSoftware.PERF_COUNT_SW_EMULATION_FAULTS,
  }),
);

const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    faults: 'page-faults',
    cs: 'context-switches',
    migrations: 'cpu-migrations',
  }),
);

/** Things that the kernel counts by itself. */
export const softwareEvents: EventSource = {
  description: 'kernel counters',
  examples: [...CONFIGS.keys()],
  find(alias) {
    const name = ALIASES.get(alias) ?? alias;
    const config = CONFIGS.get(name);
    if (config === undefined) return undefined;
    return {
      name,
      type: PerfType.PERF_TYPE_SOFTWARE,
      config,
      counts: { type: name, unit: 'count' },
      value: 'weight',
    };
  },
};
