import { describe, expect, test } from 'vitest';
import { endTotals, StackEnds } from '../../src/aggregate/stack-ends.ts';
import { UnwindEnd } from '../../src/capture/records.gen.ts';

/** Totals of keys, each `[end, samples, frames, by frame pointers]`. */
function totals(...keys: readonly (readonly [end: number, samples: number, frames: number, guessed: number])[]) {
  const ends = new StackEnds();
  for (const [key, [end, , frames, guessed]] of keys.entries()) ends.set(key, end, frames, guessed);
  return endTotals(
    ends.columns(keys.length),
    Float64Array.from(keys, ([, samples]) => samples),
    keys.keys(),
  );
}

const { PROFILER_END_COMPLETE: COMPLETE, PROFILER_END_NO_STACK: NO_STACK } = UnwindEnd;

test('samples and frames by how their stacks end', () => {
  const found = totals(
    [COMPLETE, 3, 10, 0],
    [UnwindEnd.PROFILER_END_NO_RULE, 2, 5, 4],
    [COMPLETE, 1, 20, 1],
    [NO_STACK, 100, 0, 0],
  );
  expect(found).toEqual({
    'user stacks': 6,
    'user stacks complete': 4,
    'user stacks truncated': 0,
    'user stacks no rule': 2,
    'user stacks bad read': 0,
    'user stacks no table': 0,
    'user stacks evicted': 0,
    'user stacks corrupt': 0,
    'user stacks frame pointers': 0,
    'user stacks failed': 0,
    'user frames': 60,
    'user frames by frame pointers': 9,
  });
});

describe('every end has its words', () => {
  const ends = Object.entries(UnwindEnd).filter(([, end]) => end > NO_STACK && end < UnwindEnd.PROFILER_ENDS);
  test.each(ends)('%s', (_, end) => {
    const { 'user stacks': all, ...others } = totals([end, 7, 1, 0]);
    const counted = Object.entries(others).filter(([name, count]) => name.startsWith('user stacks ') && count === 7);
    expect([all, counted.length]).toEqual([7, 1]);
  });

  test('and they add up', () => {
    const { 'user stacks': all, ...others } = totals(...ends.map(([, end], i) => [end, 2 ** i, 1, 1] as const));
    const parts = Object.entries(others).filter(([name]) => name.startsWith('user stacks '));
    expect(parts.reduce((sum, [, count]) => sum + count, 0)).toBe(all);
  });
});

test('without user stacks there is nothing to tell', () => {
  expect(totals()).toEqual({});
  expect(totals([NO_STACK, 5, 0, 0])).toEqual({});
});

test('keys beyond those that are asked for do not count', () => {
  const ends = new StackEnds();
  ends.set(0, COMPLETE, 1, 0);
  ends.set(1, COMPLETE, 1, 0);
  expect(endTotals(ends.columns(2), Float64Array.of(2, 3, 0), [0])['user stacks']).toBe(2);
});

test('columns grow, and counts are exact beyond 32 bits', () => {
  const keys = Array.from({ length: 5000 }, () => [COMPLETE, 2 ** 40, 511, 500] as const);
  const found = totals(...keys);
  expect(found['user stacks complete']).toBe(5000 * 2 ** 40);
  expect(totals(...keys.slice(0, 3))['user frames']).toBe(3 * 511 * 2 ** 40);
});

test('an end that this version does not know harms nothing', () => {
  expect(totals([200, 5, 3, 0], [COMPLETE, 1, 1, 0])['user stacks complete']).toBe(1);
});
