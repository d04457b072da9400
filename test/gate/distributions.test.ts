import { describe, expect, test } from 'vitest';
import {
  digamma,
  incompleteBeta,
  logGamma,
  normalQuantile,
  tQuantile,
  trigamma,
  tTails,
} from '../../src/gate/distributions.ts';

/** Abramowitz and Stegun, Handbook of Mathematical Functions, table 26.10: t by degrees of freedom and both tails. */
const T_TABLE = `
df    .5     .2     .1     .05     .02     .01     .002     .0001
1     1.000  3.078  6.314  12.706  31.821  63.657  318.309  6366.198
4     0.741  1.533  2.132  2.776   3.747   4.604   7.173    15.544
8     0.706  1.397  1.860  2.306   2.896   3.355   4.501    7.120
30    0.683  1.310  1.697  2.042   2.457   2.750   3.385    4.482
120   0.677  1.289  1.658  1.980   2.358   2.617   3.160    4.025`;

const [heading = [], ...rows] = T_TABLE.trim()
  .split('\n')
  .map(line => line.trim().split(/\s+/));
const cells = rows.flatMap(([df = '', ...values]) => {
  return values.map((value, i) => [Number(df), Number(heading[i + 1]), Number(value)] as const);
});

test.each(cells)('t of %d degrees of freedom with tails of %d is %d', (df, tails, t) => {
  expect(tQuantile(tails, df)).toBeCloseTo(t, t > 1000 ? 1 : 3);
  expect(tTails(tQuantile(tails, df), df)).toBeCloseTo(tails, 10);
});

describe('special functions against the values of their definitions', () => {
  test('ln Γ: factorials, and √π at one half', () => {
    expect(logGamma(11)).toBeCloseTo(Math.log(3_628_800), 12);
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 12);
    expect(logGamma(1e5)).toBeCloseTo(1_051_287.708_973_657, 6);
  });

  test("ψ and ψ′: Euler's constant, π²/6", () => {
    expect(digamma(1)).toBeCloseTo(-0.577_215_664_901_532_9, 12);
    expect(digamma(0.5)).toBeCloseTo(-0.577_215_664_901_532_9 - 2 * Math.LN2, 12);
    expect(trigamma(1)).toBeCloseTo(Math.PI ** 2 / 6, 12);
    expect(trigamma(0.5)).toBeCloseTo(Math.PI ** 2 / 2, 12);
  });

  test('the incomplete beta function: polynomials, symmetry, ends', () => {
    for (const x of [0.01, 0.3, 0.5, 0.99]) {
      expect(incompleteBeta(1, 1, x)).toBeCloseTo(x, 12);
      expect(incompleteBeta(3, 1, x)).toBeCloseTo(x ** 3, 12);
      expect(incompleteBeta(2, 2, x)).toBeCloseTo(3 * x ** 2 - 2 * x ** 3, 12);
      expect(incompleteBeta(2.5, 7.25, x) + incompleteBeta(7.25, 2.5, 1 - x)).toBeCloseTo(1, 12);
    }
    expect([incompleteBeta(2, 3, 0), incompleteBeta(2, 3, 1)]).toEqual([0, 1]);
  });

  test('t of one degree of freedom is Cauchy, of two has roots', () => {
    for (const t of [0.1, 1, 5, 1e4]) {
      expect(tTails(t, 1)).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(t), 10);
      expect(tTails(-t, 2)).toBeCloseTo(1 - t / Math.sqrt(2 + t * t), 10);
    }
  });

  test('quantiles of the normal distribution', () => {
    expect(normalQuantile(0.05)).toBeCloseTo(1.959_964, 5);
    expect(normalQuantile(0.4)).toBeCloseTo(0.841_621, 5);
    expect(normalQuantile(2e-6)).toBeCloseTo(4.753_424, 4);
  });

  test('extremes are numbers', () => {
    expect([tTails(0, 3), tTails(Infinity, 3), tTails(1e200, 8), tTails(Number.NaN, 3)]).toEqual([1, 0, 0, 1]);
    expect(tTails(40, 1e9)).toBeLessThan(1e-300);
    expect(tQuantile(1, 8)).toBeCloseTo(0);
    expect(Number.isFinite(tQuantile(0, 8))).toBe(true);
  });
});
