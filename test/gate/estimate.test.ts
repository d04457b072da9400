import { describe, expect, test } from 'vitest';
import { falseDiscovery } from '../../src/gate/adjust.ts';
import { tTails } from '../../src/gate/distributions.ts';
import { newcombe, runsNeeded, samplesNeeded, welch, wilson } from '../../src/gate/estimate.ts';
import { fitPrior } from '../../src/gate/prior.ts';
import { moments } from '../../src/gate/shares.ts';
import { testTotal } from '../../src/gate/total.ts';
import { random } from '../support/random.ts';

function sample(...values: number[]) {
  return { ...moments(values), runs: values.length, freedom: values.length - 1 };
}

describe("Welch's t", () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.1: processes with and without the equal variances.
  const assembly = welch(
    sample(32, 37, 35, 28, 41, 44, 35, 31, 34, 38, 42),
    sample(36, 31, 30, 31, 34, 36, 29, 32, 31),
  );

  test('the published example: t = 2.269, 15.5 degrees of freedom', () => {
    expect(assembly.change).toBeCloseTo(32.2222 - 36.0909, 4);
    expect(assembly.p).toBeCloseTo(tTails(2.269, 15.5), 3);
  });

  test('the interval has the change in its middle, and excludes none as p does', () => {
    expect((assembly.low + assembly.high) / 2).toBeCloseTo(assembly.change, 9);
    expect(assembly.high).toBeLessThan(0);
    expect(assembly.relativeHigh).toBeLessThan(0);
  });

  test('equal constants differ in nothing, different ones for sure', () => {
    expect(welch(sample(2, 2, 2), sample(2, 2, 2))).toMatchObject({ p: 1, change: 0, low: 0, high: 0, relative: 0 });
    expect(welch(sample(2, 2, 2), sample(3, 3, 3))).toMatchObject({ p: 0, low: 1, high: 1, relativeLow: 0.5 });
  });

  test('a base that cannot be told from nothing has no bound above', () => {
    expect(welch(sample(0, 0, 3), sample(2, 3, 4))).toMatchObject({ relativeHigh: Infinity });
    expect(welch(sample(0, 0, 0), sample(2, 2.1, 2.2))).toMatchObject({ relative: Infinity, relativeLow: Infinity });
  });

  test("Fieller's bounds are where the difference to that multiple is no longer significant", () => {
    const many = { freedom: 1e6 }; // so that they are the same for all multiples
    const [base, head] = [
      { ...sample(10, 11, 12, 9), ...many },
      { ...sample(14, 15, 13, 14), ...many },
    ];
    const { relativeLow, relativeHigh } = welch(base, head);
    const times = (factor: number) => ({ ...base, mean: base.mean * factor, variance: base.variance * factor ** 2 });
    expect(welch(times(1 + relativeLow), head).low).toBeCloseTo(0, 6);
    expect(welch(times(1 + relativeHigh), head).high).toBeCloseTo(0, 6);
  });
});

describe('one profile a side', () => {
  // R. G. Newcombe, Statistics in Medicine 17 (1998), tables I: 81/263, 15/148, 0/20, and II of 873–890: 56/70 − 48/80.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('Wilson of %d in %d', (count, of, low, high) => {
    const found = wilson(count / of, of);
    expect([found.low, found.high]).toEqual([expect.closeTo(low, 4), expect.closeTo(high, 4)]);
  });

  test.each([
    [48, 80, 56, 70, 0.0524, 0.3339],
    [3, 10, 9, 10, 0.1705, 0.809],
    [0, 20, 10, 10, 0.6791, 1],
  ])('Newcombe of %d/%d and %d/%d', (base, baseSamples, head, headSamples, low, high) => {
    const found = newcombe(base / baseSamples, baseSamples, head / headSamples, headSamples);
    expect([found.low, found.high]).toEqual([expect.closeTo(low, 4), expect.closeTo(high, 4)]);
  });

  test('the same share is no change', () => {
    expect(newcombe(0.5, 100, 0.5, 400).p).toBe(1);
    expect(newcombe(0, 100, 0, 100)).toMatchObject({ p: 1, change: 0, relative: 0 });
  });
});

test('q of Benjamini and Hochberg, their example of 15 p values (1995, section 3.2)', () => {
  const p = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
  ];
  const q = falseDiscovery(
    p,
    p.map(() => 7),
  );
  expect([...q].filter(value => value <= 0.05)).toHaveLength(4);
  expect(q[0]).toBeCloseTo(0.0015, 6);
  expect(q[3]).toBeCloseTo((0.0095 * 15) / 4, 6);
  expect(q[14]).toBe(1);
});

test('weights move the limit to where they are, and none is never found', () => {
  const p = [0.02, 0.02];
  expect([...falseDiscovery(p, [3, 1])]).toEqual([expect.closeTo(0.02 / 0.75, 9), expect.closeTo(0.04, 9)]);
  expect(falseDiscovery(p, [1, 0])[1]).toBe(1);
  expect(falseDiscovery([], [])).toHaveLength(0);
});

describe('what is needed to tell', () => {
  test('5 % → 6 % of all: about 8,150 samples a side (power .8)', () => {
    expect(samplesNeeded(0.05, 0.06)).toBeGreaterThan(8_100);
    expect(samplesNeeded(0.05, 0.06)).toBeLessThan(8_200);
    expect(samplesNeeded(0.05, 0.05)).toBe(Infinity);
  });

  // Cohen, Statistical Power Analysis (1988), table 2.4.1: n a group for d at two-sided .05, power .80.
  test.each([
    [0.5, 64],
    [0.8, 26],
    [1.0, 17],
  ])('a change of %d standard deviations: %d runs', (change, runs) => {
    expect(Math.abs(runsNeeded(1, change) - runs)).toBeLessThanOrEqual(1);
  });

  test('nothing varies: two; beyond reason: infinitely many', () => {
    expect(runsNeeded(0, 1)).toBe(2);
    expect(runsNeeded(1, 1e-6)).toBe(Infinity);
  });
});

describe('totals', () => {
  const of = (base: number[], head: number[]) => testTotal({ name: 'cpu ms', unit: '', base, head });

  test('are compared as ratios', () => {
    const found = of([100, 102, 98, 101], [200, 206, 196, 202]);
    expect(found.relative).toBeCloseTo(1, 1);
    expect(found.relativeLow).toBeGreaterThan(0.9);
    expect(found.relativeHigh).toBeLessThan(1.1);
  });

  test('one run a side tells nothing; one varies as the others do', () => {
    expect(of([100], [200])).toMatchObject({
      relative: expect.closeTo(1),
      relativeLow: -1,
      relativeHigh: Infinity,
      p: 1,
    });
    expect(of([100, 101, 99, 100], [130]).relativeLow).toBeGreaterThan(0.2);
  });
});

describe('variances that learn from each other', () => {
  /** Variances of 4 degrees of freedom around those of sampling, with runs that differ by `spread`. */
  const next = random(7);
  const chi4 = () => -2 * Math.log(((next(1e6) + 1) / 1e6) * ((next(1e6) + 1) / 1e6));
  const variances = (spread: number) => {
    return Array.from({ length: 200 }, (_, i) => {
      const share = 0.005 + i / 2000;
      const rest = share * (1 - share);
      return { share, samples: 1e4, freedom: 4, variance: ((rest / 1e4 + spread ** 2 * rest ** 2) * chi4()) / 4 };
    });
  };

  test.each([0, 0.1])('the truth comes out: runs that differ by %d', spread => {
    const prior = fitPrior(variances(spread));
    const share = 0.08;
    const truth = (share * (1 - share)) / 1e4 + (spread * share * (1 - share)) ** 2;
    const found = prior.moderate({ share, samples: 1e4, freedom: 4, variance: truth });
    expect(found.variance / truth).toBeGreaterThan(0.7);
    expect(found.variance / truth).toBeLessThan(1.4);
    expect(found.freedom).toBeGreaterThan(30);
  });

  test('a function that varies more than all others keeps what it has', () => {
    const seen = { share: 0.08, samples: 1e4, freedom: 4, variance: 0.01 };
    expect(fitPrior(variances(0.05)).moderate(seen)).toEqual({ variance: 0.01, freedom: 4 });
  });

  test('few functions, or unknown numbers of samples, say nothing of others', () => {
    const seen = { share: 0.08, samples: 1e4, freedom: 4, variance: 1e-5 };
    expect(fitPrior(variances(0).slice(0, 7)).moderate(seen)).toEqual({ variance: 1e-5, freedom: 4 });
    const unknown = variances(0).map(one => ({ ...one, samples: 0 }));
    expect(fitPrior(unknown).moderate(seen)).toEqual({ variance: 1e-5, freedom: 4 });
  });
});
