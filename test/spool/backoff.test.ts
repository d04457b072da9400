import { expect, test } from 'vitest';
import { backoffMs } from '../../src/spool/backoff.ts';
import { numbers } from './support.ts';

const LAST = 1 - 2 ** -53;

test('the ceiling doubles from half a second to five minutes', () => {
  const ceilings = numbers(12, 1).map(failures => Math.round(backoffMs(failures, LAST)));
  expect(ceilings).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]);
  expect(backoffMs(5000, LAST)).toBeLessThanOrEqual(300_000);
});

test('any time below is as likely', () => {
  expect([0, 0.25, 0.5].map(random => backoffMs(4, random))).toEqual([0, 1000, 2000]);
});

test('what the backend asks for is the least, up to an hour', () => {
  expect(backoffMs(1, 0.5, 10_000)).toBe(10_000);
  expect(backoffMs(8, 0.5, 10_000)).toBe(32_000);
  expect(backoffMs(1, 0.5, 86_400_000)).toBe(3_600_000);
  expect(backoffMs(1, 0.5, Number.POSITIVE_INFINITY)).toBe(3_600_000);
});

test('what makes no sense is not asked for', () => {
  for (const asked of [Number.NaN, -5, 0]) expect(backoffMs(1, 0.5, asked)).toBe(250);
});
