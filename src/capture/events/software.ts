import { PerfSoftware, PerfType } from '../records.gen.ts';
import type { EventSource } from './event.ts';

const CONFIGS: Readonly<Record<string, number>> = {
  'page-faults': PerfSoftware.PERF_COUNT_SW_PAGE_FAULTS,
  'minor-faults': PerfSoftware.PERF_COUNT_SW_PAGE_FAULTS_MIN,
  'major-faults': PerfSoftware.PERF_COUNT_SW_PAGE_FAULTS_MAJ,
  'context-switches': PerfSoftware.PERF_COUNT_SW_CONTEXT_SWITCHES,
  'cpu-migrations': PerfSoftware.PERF_COUNT_SW_CPU_MIGRATIONS,
  'alignment-faults': PerfSoftware.PERF_COUNT_SW_ALIGNMENT_FAULTS,
  'emulation-faults': PerfSoftware.PERF_COUNT_SW_EMULATION_FAULTS,
};

const ALIASES: Readonly<Record<string, string>> = {
  faults: 'page-faults',
  cs: 'context-switches',
  migrations: 'cpu-migrations',
};

/** Things that the kernel counts by itself. */
export const softwareEvents: EventSource = {
  description: 'kernel counters',
  examples: Object.keys(CONFIGS),
  find(alias) {
    const name = ALIASES[alias] ?? alias;
    const config = CONFIGS[name];
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
