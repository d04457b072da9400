import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { exportAs, exportWindow, type ProfileLimits } from '../../src/agent/export.ts';
import type { Labeller } from '../../src/aggregate/labels.ts';
import { sampleWords } from '../../src/capture/samples.ts';
import { CodeTable } from '../../src/process/code.ts';
import type { Upload } from '../../src/sinks/sink.ts';
import { Window } from '../../src/window.ts';
import { image, mapping } from '../support/mappings.ts';
import { decodePprof } from '../support/pprof.ts';
import { sampleRecords, type TestSample } from '../support/records.ts';

const sampling = {
  event: { value: 'weight', counts: { type: 'cpu', unit: 'nanoseconds' } },
  hz: 100,
  shortNames: false,
  inlines: true,
  lines: true,
  losses: { 'samples lost (somewhere)': 3 },
  comments: ['a test'],
} as const;
const NO_LIMITS: ProfileLimits = { samples: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

/** A process for each service, which maps code at 0x1000 … 0x100000. */
const programs = new Map(
  ['web', 'db'].map(service => [
    service,
    image({ mappings: [mapping(0x1000, 0x10_0000, { path: `/opt/${service}` })] }),
  ]),
);
const services = [...programs.keys()];
const byService: Labeller = {
  sets: services.map(value => [{ key: 'service_name', value }]),
  mask() {},
  of: (_words, _at, { id }) => services.findIndex(name => programs.get(name)!.id === id),
};

/** A window with these samples, `count` each. */
function windowOf(...samples: readonly (readonly [service: string, sample: TestSample, count?: number])[]) {
  const window = new Window(new CodeTable(), byService);
  for (const [service, sample, count = 1] of samples) {
    for (let i = 0; i < count; i++) {
      const words = sampleRecords({ weight: 10_000_000n, ...sample });
      expect(sampleWords(words, 0)).toBe(words.length);
      window.add(words, 0, programs.get(service)!);
    }
  }
  return window.end();
}

function exported(ended: ReturnType<typeof windowOf>, limits = NO_LIMITS): Upload[] {
  return exportWindow(ended, { sampling, name: 'process_cpu', limits });
}

function read(upload: Upload) {
  return decodePprof(gunzipSync(upload.pprof));
}

/** Distinct stacks of `web`. */
function many(count: number) {
  return windowOf(
    ...Array.from({ length: count }, (_, i) => ['web', { user: [BigInt(0x2000 + i), 0x3000n] }] as const),
  );
}

describe('uploads of a window', () => {
  test('one for each series with samples, and what is told of it', () => {
    const ended = windowOf(['web', { user: [0x2000n] }, 3], ['web', { user: [0x2001n] }], ['db', { user: [0x2000n] }]);
    const [web, db, ...more] = exported(ended);
    expect(more).toEqual([]);
    expect(web).toMatchObject({
      name: 'process_cpu',
      labels: { service_name: 'web' },
      sampleTypes: [
        { type: 'samples', unit: 'count' },
        { type: 'cpu', unit: 'nanoseconds' },
      ],
      periodType: { type: 'cpu', unit: 'nanoseconds' },
      period: 10_000_000,
      samples: 2,
      startMs: ended.raw.startTimeMs,
      durationMs: ended.raw.durationMs,
    });
    expect(web!.rawBytes).toBe(gunzipSync(web!.pprof).length);
    expect(read(web!).samples.map(({ values, labels }) => [values, labels])).toEqual([
      [[3, 30_000_000], {}],
      [[1, 10_000_000], {}],
    ]);
    expect([db!.labels.service_name, read(db!).raw.mapping.length]).toEqual(['db', 1]);
    expect(web!.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4/);
    expect(db!.id).not.toBe(web!.id);
  });

  test('the times are in the profile too', () => {
    const [web] = exported(windowOf(['web', {}]));
    const { raw } = read(web!);
    expect(Number(raw.timeNanos) / 1e6).toBeCloseTo(web!.startMs, -1);
    expect(Number(raw.durationNanos) / 1e6).toBeCloseTo(web!.durationMs, 3);
  });

  test('losses, and how the stacks of the series ended', () => {
    const walked = { user: [0x2000n], unwind: 1, walked: true };
    const [web] = exported(windowOf(['web', walked, 2], ['db', { ...walked, unwind: 3 }, 5]));
    expect(read(web!).comments).toEqual(
      expect.arrayContaining(['a test', 'samples lost (somewhere): 3', 'user stacks: 2']),
    );
  });

  test('nothing was sampled', () => expect(exported(windowOf())).toEqual([]));
});

describe('limits of backends', () => {
  function total(uploads: readonly Upload[]): number {
    return uploads.flatMap(upload => read(upload).samples).reduce((sum, { values }) => sum + values[0]!, 0);
  }

  test('samples: in parts that differ in time, and add up', () => {
    const uploads = exported(many(1000), { ...NO_LIMITS, samples: 300 });
    expect(uploads.map(({ samples }) => samples)).toEqual([250, 250, 250, 250]);
    expect(total(uploads)).toBe(1000);
    const starts = uploads.map(({ startMs }) => startMs - uploads[0]!.startMs);
    expect(starts.map(Math.round)).toEqual([0, 1, 2, 3]);
    expect(new Set(uploads.map(({ id }) => id)).size).toBe(4);
    expect(new Set(uploads.map(upload => Number(read(upload).raw.timeNanos))).size).toBe(4);
  });

  test('bytes', () => {
    const uploads = exported(many(1000), { ...NO_LIMITS, bytes: 10_000 });
    expect(uploads.length).toBeGreaterThan(3);
    for (const { rawBytes } of uploads) expect(rawBytes).toBeLessThanOrEqual(10_000);
    expect(total(uploads)).toBe(1000);
  });

  test('a single sample goes whatever its size', () => {
    expect(exported(many(2), { samples: 1, bytes: 10 }).map(({ samples }) => samples)).toEqual([1, 1]);
  });
});

test('all of a window as one file, in pprof with the labels of its series', () => {
  const ended = windowOf(['web', { user: [0x2000n] }], ['db', { user: [0x2000n] }, 2]);
  const pprof = decodePprof(gunzipSync(exportAs(ended, { sampling, format: 'pprof', title: '' })));
  expect(pprof.samples.map(({ labels, values }) => [labels.service_name, values[0]])).toEqual([
    ['web', 1],
    ['db', 2],
  ]);
  const text = Buffer.from(exportAs(ended, { sampling, format: 'collapsed', title: '' })).toString();
  expect(text.trim().split('\n')).toHaveLength(2);
});
