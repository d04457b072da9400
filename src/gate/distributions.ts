/**
 * Student's t and the functions that it needs, to about 12 digits. Formulas: NIST Digital Library of Mathematical
 * Functions (https://dlmf.nist.gov), by section. No npm library is small, typed for ES modules and total over these
 * arguments (extreme ones underflow to 0 here).
 */

/** From here on the asymptotic series below are exact to 15 digits. */
const LARGE = 12;
/** Degrees of freedom that stand for infinitely many: t is normal then, to 6 digits. */
export const NORMAL = 1e6;

/** ln Γ(x) for x > 0: 5.5.1 up to where 5.11.1 holds. */
export function logGamma(x: number): number {
  let [shifted, product] = [x, 1];
  for (; shifted < LARGE; shifted++) product *= shifted;
  const inverse = 1 / (shifted * shifted);
  const series =
    (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / shifted;
  return (shifted - 0.5) * Math.log(shifted) - shifted + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
}

/** ψ(x) for x > 0: 5.5.2 and 5.11.2. */
export function digamma(x: number): number {
  let [shifted, sum] = [x, 0];
  for (; shifted < LARGE; shifted++) sum -= 1 / shifted;
  const inverse = 1 / (shifted * shifted);
  const series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse / 132))));
  return sum + Math.log(shifted) - 0.5 / shifted - series;
}

/** ψ′(x) for x > 0: 5.15.5 and 5.15.8. */
export function trigamma(x: number): number {
  let [shifted, sum] = [x, 0];
  for (; shifted < LARGE; shifted++) sum += 1 / (shifted * shifted);
  const inverse = 1 / (shifted * shifted);
  const series = inverse * (1 / 6 - inverse * (1 / 30 - inverse * (1 / 42 - inverse * (1 / 30 - (inverse * 5) / 66))));
  return sum + 1 / shifted + inverse / 2 + series / shifted;
}

/** The continued fraction 8.17.22, by the modified method of Lentz (Thompson and Barnett, 1986). */
function betaFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 5000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
}

/** Iₓ(a, b), the regularized incomplete beta function (8.17.2), with x and y = 1 − x both given for their digits. */
export function incompleteBeta(a: number, b: number, x: number, y = 1 - x): number {
  if (x <= 0 || y <= 0) return x <= 0 ? 0 : 1;
  const front = Math.exp(a * Math.log(x) + b * Math.log(y) + logGamma(a + b) - logGamma(a) - logGamma(b));
  // Where it converges fast; else by symmetry, 8.17.4.
  if (x < (a + 1) / (a + b + 2)) return Math.min(1, (front * betaFraction(a, b, x)) / a);
  return Math.max(0, 1 - (front * betaFraction(b, a, y)) / b);
}

/** The probability that |T| ≥ |t|, with `df` > 0 degrees of freedom: A&S 26.7.1 by way of the beta function. */
export function tTails(t: number, df: number): number {
  if (Number.isNaN(t)) return 1;
  if (!Number.isFinite(t)) return 0;
  const freedom = Math.min(df, NORMAL);
  const sum = freedom + t * t;
  return incompleteBeta(freedom / 2, 0.5, freedom / sum, (t * t) / sum);
}

/** The t ≥ 0 that |T| exceeds with the probability `tails`, by bisection of the monotone function. */
export function tQuantile(tails: number, df: number): number {
  let [low, high] = [0, 1];
  while (tTails(high, df) > tails && high < 1e12) [low, high] = [high, high * 2];
  for (let i = 0; i < 60 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (tTails(middle, df) > tails) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The z ≥ 0 that a standard normal variable's size exceeds with the probability `tails`. */
export function normalQuantile(tails: number): number {
  return tQuantile(tails, NORMAL);
}
