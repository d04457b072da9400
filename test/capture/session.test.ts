import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { maxFrames, onlineCpus } from '../../src/capture/session.ts';

test('online CPUs: as many as the C library counts, in order, each once', () => {
  const cpus = onlineCpus();
  expect(cpus).toHaveLength(Number(execFileSync('getconf', ['_NPROCESSORS_ONLN'])));
  expect(cpus).toEqual([...new Set(cpus)].toSorted((a, b) => a - b));
});

test('frames of a stack: what the kernel takes, and a record holds', () => {
  const limit = Number(readFileSync('/proc/sys/kernel/perf_event_max_stack', 'utf8'));
  expect(maxFrames()).toBe(Math.min(limit || 127, 127));
});
