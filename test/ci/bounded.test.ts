import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { boundedProfile } from '../../src/ci/bounded.ts';
import { decodePprof } from '../support/pprof.ts';
import { profile } from '../support/profile.ts';

/** One stack that matters, and many that do not. */
const text = ['main;hot 100000', ...Array.from({ length: 3000 }, (_, i) => `main;cold${i};leaf${i * 7919} 1`)].join(
  '\n',
);
const large = profile(text);

test('small enough as it is', () => {
  const { cut, profile: same } = boundedProfile(large, 1 << 20);
  expect(cut).toBe(0);
  expect(same).toBe(large);
});

test('what has the least samples is left out, and no sample with it', () => {
  const whole = boundedProfile(large, 1 << 20).bytes.length;
  const { cut, bytes } = boundedProfile(large, whole / 4);
  expect(cut).toBeGreaterThan(0);
  expect(bytes.length).toBeLessThan(whole / 4);
  const { samples } = decodePprof(gunzipSync(bytes));
  expect(samples.reduce((sum, { values }) => sum + values[0]!, 0)).toBe(103_000);
  expect(samples.find(({ frames }) => frames.at(-1) === 'hot')?.values[0]).toBe(100_000);
});
