import { PerfCache, PerfCacheOperation, PerfCacheResult, PerfType } from '../records.gen.ts';
import type { EventSource } from './event.ts';

const CACHES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    'L1-dcache': PerfCache.PERF_COUNT_HW_CACHE_L1D,
    'L1-icache': PerfCache.PERF_COUNT_HW_CACHE_L1I,
    LLC: PerfCache.PERF_COUNT_HW_CACHE_LL,
    dTLB: PerfCache.PERF_COUNT_HW_CACHE_DTLB,
    iTLB: PerfCache.PERF_COUNT_HW_CACHE_ITLB,
    branch: PerfCache.PERF_COUNT_HW_CACHE_BPU,
    node: PerfCache.PERF_COUNT_HW_CACHE_NODE,
  }),
);

const OPERATIONS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    load: PerfCacheOperation.PERF_COUNT_HW_CACHE_OP_READ,
    store: PerfCacheOperation.PERF_COUNT_HW_CACHE_OP_WRITE,
    prefetch: PerfCacheOperation.PERF_COUNT_HW_CACHE_OP_PREFETCH,
  }),
);

const NAME = /^(.+)-(load|store|prefetch)(?:(e?s)|-misses)$/;

/** `L1-dcache-loads`, `LLC-load-misses`, …; config = cache | operation << 8 | result << 16 (perf_event_open(2)). */
export const cacheEvents: EventSource = {
  description: 'hardware cache counters',
  examples: ['L1-dcache-loads', 'L1-dcache-load-misses', 'LLC-load-misses', 'dTLB-load-misses', 'iTLB-load-misses'],
  find(name) {
    const [, cacheName = '', operationName = '', plural] = NAME.exec(name) ?? [];
    const cache = CACHES.get(cacheName);
    const operation = OPERATIONS.get(operationName);
    if (cache === undefined || operation === undefined) return undefined;
    const result = plural
      ? PerfCacheResult.PERF_COUNT_HW_CACHE_RESULT_ACCESS
      : PerfCacheResult.PERF_COUNT_HW_CACHE_RESULT_MISS;
    return {
      name,
      type: PerfType.PERF_TYPE_HW_CACHE,
      config: cache | (operation << 8) | (result << 16),
      counts: { type: name, unit: 'count' },
      value: 'weight',
    };
  },
};
