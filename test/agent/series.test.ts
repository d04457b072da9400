import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { Processes, type ProcessesOptions, SeriesLabels } from '../../src/agent/series.ts';
import type { Image } from '../../src/process/table.ts';
import { fileMapping, image } from '../support/mappings.ts';
import { sampleRecords, type TestSample } from '../support/records.ts';

const EVERYTHING = { pids: [], cgroups: [], containers: [], comm: [], exe: [] };
const PLAIN = { labels: {}, services: [], relabel: [] };

function processes(options: Partial<ProcessesOptions> = {}): Processes {
  return new Processes({ targets: EVERYTHING, labels: PLAIN, workloadOf: () => undefined, ...options });
}

const own = image({ pid: process.pid });

function accepts(of: Processes, who: Image, sample: TestSample = {}): boolean {
  return of.accepts(who, sampleRecords(sample), 0);
}

describe('processes', () => {
  test('of one that runs: what it is', () => {
    const all = processes({ labels: { ...PLAIN, labels: { team: 'a' } } });
    expect(accepts(all, own)).toBe(true);
    expect(all.labels(own.id)).toMatchObject({ service_name: 'node', team: 'a' });
  });

  test('of one that is gone: what its sample and its mappings tell', () => {
    const all = processes();
    const gone = image({ mappings: [fileMapping('/bin/true', { path: '/opt/app/server (deleted)' })] });
    expect(accepts(all, gone, { comm: 'worker' })).toBe(true);
    expect(all.labels(gone.id)).toEqual({ service_name: 'server' });
    const bare = image();
    accepts(all, bare, { comm: 'worker' });
    expect(all.labels(bare.id)).toEqual({ service_name: 'worker' });
  });

  test('only targets', () => {
    const some = processes({ targets: { ...EVERYTHING, exe: ['.*/node'] } });
    expect([accepts(some, own), accepts(some, image())]).toEqual([true, false]);
  });

  test('what relabelling drops is not sampled', () => {
    const rule = { source_labels: ['service_name'], separator: ';', regex: 'node', replacement: '$1', action: 'drop' };
    const none = processes({ labels: { ...PLAIN, relabel: [rule as never] } });
    expect([accepts(none, own), accepts(none, image())]).toEqual([false, true]);
  });

  test('looked at once in many windows, and again when its pod is not known yet', () => {
    let asked = 0;
    const some = processes({
      workloadOf: () => {
        asked++;
        return undefined;
      },
    });
    for (let window = 0; window < 20; window++) {
      for (let i = 0; i < 3; i++) accepts(some, own);
      some.nextWindow();
    }
    expect(asked).toBe(1);
    accepts(some, own);
    expect(asked).toBe(2);
  });

  test('forgotten after a window without a sample', () => {
    const all = processes();
    accepts(all, own);
    all.nextWindow();
    expect(all.labels(own.id)).toMatchObject({ service_name: 'node' });
    all.nextWindow();
    expect(all.labels(own.id)).toEqual({});
  });
});

describe('a gone process in a cgroup', () => {
  const folder = '/sys/fs/cgroup/profiler-series-test.service';
  let made = false;
  try {
    mkdirSync(folder);
    made = true;
  } catch {
    // not root, or not cgroup v2
  }
  afterAll(() => made && rmdirSync(folder));

  test.skipIf(!made)(`is of its unit${made ? '' : ' (skipped: no cgroup can be made)'}`, () => {
    const all = processes();
    const gone = image();
    accepts(all, gone, { cgroup: BigInt(statSync(folder).ino) });
    expect(all.labels(gone.id)).toEqual({ service_name: 'profiler-series-test' });
  });
});

describe('series of a window', () => {
  /** A gone process of this name. */
  function named(all: Processes, comm: string): Image {
    const one = image();
    accepts(all, one, { comm });
    return one;
  }

  test('one for each set of labels', () => {
    const all = processes();
    const series = new SeriesLabels(all, 10, {});
    const words = sampleRecords({});
    const [a, b, again] = [named(all, 'a'), named(all, 'b'), named(all, 'a')];
    expect([a, b, again].map(one => series.of(words, 0, one))).toEqual([0, 1, 0]);
    expect(series.sets).toEqual([[{ key: 'service_name', value: 'a' }], [{ key: 'service_name', value: 'b' }]]);
  });

  test('what comes after the last one that is allowed goes together', () => {
    const all = processes();
    const series = new SeriesLabels(all, 2, { hostname: 'h' });
    const words = sampleRecords({});
    const found = ['a', 'b', 'c', 'd', 'a'].map(comm => series.of(words, 0, named(all, comm)));
    expect(found).toEqual([0, 1, 2, 2, 0]);
    expect(series.sets[2]).toEqual([
      { key: 'hostname', value: 'h' },
      { key: 'service_name', value: 'other' },
    ]);
  });

  test('threads, their names and CPUs are not told apart', () => {
    const series = new SeriesLabels(processes(), 10, {});
    const samples = [sampleRecords({ tid: 5, cpu: 1, comm: 'a' }), sampleRecords({ tid: 6, cpu: 0, comm: 'bcd' })];
    for (const words of samples) series.mask(words, 0);
    expect(samples[0]).toEqual(samples[1]);
  });
});
