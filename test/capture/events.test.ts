import { describe, expect, test } from 'vitest';
import { eventSources, findEvent } from '../../src/capture/events/index.ts';
import { ProfilerError } from '../../src/errors.ts';

/** Name, type and config as include/uapi/linux/perf_event.h has them, and what a sample counts. */
const KNOWN = `
cpu-clock                1  0        cpu/nanoseconds weight
task-clock               1  1        cpu/nanoseconds weight
cycles                   0  0        cpu/nanoseconds time
instructions             0  1        instructions/count weight
cache-references         0  2        cache-references/count weight
cache-misses             0  3        cache-misses/count weight
branches                 0  4        branches/count weight
branch-misses            0  5        branch-misses/count weight
bus-cycles               0  6        cpu/nanoseconds time
stalled-cycles-frontend  0  7        stalled-cycles-frontend/count weight
stalled-cycles-backend   0  8        stalled-cycles-backend/count weight
ref-cycles               0  9        cpu/nanoseconds time
page-faults              1  2        page-faults/count weight
context-switches         1  3        context-switches/count weight
cpu-migrations           1  4        cpu-migrations/count weight
minor-faults             1  5        minor-faults/count weight
major-faults             1  6        major-faults/count weight
alignment-faults         1  7        alignment-faults/count weight
emulation-faults         1  8        emulation-faults/count weight
L1-dcache-loads          3  0        L1-dcache-loads/count weight
L1-dcache-load-misses    3  0x10000  L1-dcache-load-misses/count weight
LLC-load-misses          3  0x10002  LLC-load-misses/count weight
dTLB-load-misses         3  0x10003  dTLB-load-misses/count weight
iTLB-load-misses         3  0x10004  iTLB-load-misses/count weight`;

const rows = KNOWN.trim()
  .split('\n')
  .map(line => line.split(/\s+/) as [string, string, string, string, string]);

test.each(rows)('%s', (name, type, config, counts, value) => {
  const [countsType = '', unit = ''] = counts.split('/');
  expect(findEvent(name)).toEqual({
    name,
    type: Number(type),
    config: Number(config),
    counts: { type: countsType, unit },
    value,
    excludeUser: false,
    excludeKernel: false,
  });
});

test('the examples of help texts are these', () => {
  const examples = eventSources.flatMap(source => source.examples);
  expect(examples.toSorted()).toEqual([...rows.map(row => row[0]), 'rNNN'].toSorted());
});

test.each([
  ['cpu-cycles', 'cycles'],
  ['branch-instructions', 'branches'],
  ['idle-cycles-frontend', 'stalled-cycles-frontend'],
  ['idle-cycles-backend', 'stalled-cycles-backend'],
  ['faults', 'page-faults'],
  ['cs', 'context-switches'],
  ['migrations', 'cpu-migrations'],
])('%s is another name of %s', (alias, name) => expect(findEvent(alias)).toEqual({ ...findEvent(name), name: alias }));

test.each([
  ['L1-dcache-stores', 0, 1, 0],
  ['L1-dcache-prefetches', 0, 2, 0],
  ['L1-dcache-prefetch-misses', 0, 2, 1],
  ['L1-icache-loads', 1, 0, 0],
  ['LLC-loads', 2, 0, 0],
  ['LLC-store-misses', 2, 1, 1],
  ['dTLB-stores', 3, 1, 0],
  ['branch-loads', 5, 0, 0],
  ['branch-load-misses', 5, 0, 1],
  ['node-prefetch-misses', 6, 2, 1],
])('%s', (name, cache, operation, result) =>
  expect(findEvent(name)).toMatchObject({ type: 3, config: cache + operation * 2 ** 8 + result * 2 ** 16 }),
);

test.each([
  ['r1a8', 0x1a8],
  ['r0', 0],
  ['rFFfffffff', 0xfffffffff],
  ['rfffffffffffff', 2 ** 52 - 1],
])('raw: %s', (name, config) =>
  expect(findEvent(name)).toMatchObject({ type: 4, config, counts: { type: name, unit: 'count' }, value: 'weight' }),
);

describe('modifiers', () => {
  test.each([
    ['cycles:u', { excludeUser: false, excludeKernel: true }],
    ['cycles:k', { excludeUser: true, excludeKernel: false }],
    ['cycles:uk', { excludeUser: false, excludeKernel: false }],
    ['cycles:ku', { excludeUser: false, excludeKernel: false }],
    ['r1a8:k', { type: 4, config: 0x1a8, excludeUser: true }],
    ['LLC-loads:u', { type: 3, config: 2, excludeKernel: true }],
  ])('%s', (text, expected) => expect(findEvent(text)).toMatchObject({ name: text, ...expected }));

  test('what is counted keeps its name', () =>
    expect(findEvent('page-faults:u').counts).toEqual({ type: 'page-faults', unit: 'count' }));
});

test.each([
  '',
  ':',
  ':u',
  'cycle',
  'Cycles',
  ' cycles',
  'cycles:',
  'cycles:p',
  'cycles:u:k',
  'cycles:u:nonsense',
  'rxyz',
  'r',
  'r12345678901234', // 56 bits
  'rNNN',
  'LLC',
  'LLC-load',
  'LLC-loades-misses',
  'L2-loads',
  'constructor',
  'toString',
  '__proto__',
  'constructor-loads',
  'hasOwnProperty:u',
])('unknown: %j', text => {
  let thrown: unknown;
  try {
    findEvent(text);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ProfilerError);
  expect(thrown).toMatchObject({ code: 'unknown-event', exitCode: 2, message: `unknown event "${text}".` });
  expect((thrown as ProfilerError).hint).toMatch(
    /^Known are cpu-clock, task-clock, cycles, .*, rNNN, each with :u or :k\.$/,
  );
});
