import { PerfType } from '../records.gen.ts';
import type { EventSource } from './event.ts';

/** `r1a8`: a raw event code of the processor's PMU, in hexadecimal, at most 52 bits. */
export const rawEvents: EventSource = {
  description: 'raw hardware event codes',
  examples: ['rNNN'],
  find(name) {
    if (!/^r[0-9a-f]{1,13}$/i.test(name)) return undefined;
    return {
      name,
      type: PerfType.PERF_TYPE_RAW,
      config: Number.parseInt(name.slice(1), 16),
      counts: { type: name, unit: 'count' },
      value: 'weight',
    };
  },
};
