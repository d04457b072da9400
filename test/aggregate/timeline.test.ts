import { expect, test } from 'vitest';
import { Timeline } from '../../src/aggregate/timeline.ts';

test('times in milliseconds since the start, in the order in which they came; columns grow', () => {
  const timeline = new Timeline(5e6);
  for (let i = 0; i < 3000; i++) timeline.add(i % 7, 5e6 + i * 1e6);
  const { length, sample, time } = timeline.columns();
  expect([length, sample.length, time.length]).toEqual([3000, 3000, 3000]);
  expect([sample[0], sample[6], sample[7], sample[2999]]).toEqual([0, 6, 0, 2999 % 7]);
  expect([time[0], time[1], time[2999]]).toEqual([0, 1, 2999]);
});
