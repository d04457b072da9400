import { describe, expect, test } from 'vitest';
import { MemoryGuard, SHED, sampledShare } from '../../src/agent/memory.ts';

const LIMIT = 100;

/** The steps after checks of `[bytes, seconds]`. */
function steps(...checks: readonly (readonly [bytes: number, seconds: number])[]): number[] {
  const guard = new MemoryGuard(LIMIT);
  return checks.map(([bytes, seconds]) => {
    guard.check(bytes, 1000 * seconds);
    return guard.step;
  });
}

describe('steps', () => {
  test('one more at a time while memory is short, up to the last', () => {
    const checks = Array.from({ length: 6 }, (_, i) => [95, 10 * i] as const);
    expect(steps(...checks)).toEqual([1, 2, 3, 4, 4, 4]);
  });

  test('each has time to show', () => expect(steps([95, 0], [95, 4], [95, 5])).toEqual([1, 1, 2]));

  test('none between the marks', () => expect(steps([80, 0], [89, 10], [71, 1000])).toEqual([0, 0, 0]));

  test('one less after two minutes below the lower mark', () => {
    expect(steps([95, 0], [95, 10], [60, 20], [60, 129], [60, 130], [60, 131], [60, 251])).toEqual([
      1, 2, 2, 2, 1, 1, 0,
    ]);
  });

  test('a change is told', () => {
    const guard = new MemoryGuard(LIMIT);
    expect([guard.check(95, 0), guard.check(95, 1), guard.check(95, 6000)]).toEqual([true, false, true]);
  });
});

test('what is sampled at each step', () => {
  expect(Object.values(SHED).map(sampledShare)).toEqual([1, 1, 1 / 2, 1 / 4, 1 / 8]);
});
