/** Values for people: three significant digits, the same in every locale. */

/** A unit's larger relatives: factor to the given unit, and symbol. Ascending. */
type Scale = readonly (readonly [factor: number, symbol: string])[];

const TIME: Scale = [
  [1, 'ns'],
  [1e3, 'µs'],
  [1e6, 'ms'],
  [1e9, 's'],
  [6e10, 'min'],
  [3.6e12, 'h'],
];
const BYTES: Scale = [
  [1, 'B'],
  [2 ** 10, 'KiB'],
  [2 ** 20, 'MiB'],
  [2 ** 30, 'GiB'],
  [2 ** 40, 'TiB'],
];
const SCALES: Readonly<Record<string, readonly [scale: Scale, factor: number]>> = {
  nanoseconds: [TIME, 1],
  microseconds: [TIME, 1e3],
  milliseconds: [TIME, 1e6],
  seconds: [TIME, 1e9],
  bytes: [BYTES, 1],
};

function threeDigits(value: number): string {
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}

/** `1234567` → `1,234,567`; fractions keep two digits. */
export function formatCount(value: number): string {
  const text = Number.isInteger(value) ? value.toFixed(0) : value.toFixed(2);
  return text.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');
}

/**
 * A value with its unit: `1.23 s`, `45.6 MiB`, `1,234` (unit `count`), `12 lines` (any other).
 * @param unit in pprof's terms: `nanoseconds`, `bytes`, `count` …
 */
export function formatValue(value: number, unit: string): string {
  const known = Object.hasOwn(SCALES, unit) ? SCALES[unit] : undefined;
  if (!known) return unit === 'count' || unit === '' ? formatCount(value) : `${formatCount(value)} ${unit}`;
  const [scale, factor] = known;
  const base = value * factor;
  let step = scale[0]!;
  for (const larger of scale) if (base >= larger[0] * 0.9995) step = larger;
  if (step[0] === 1) return `${formatCount(base)} ${step[1]}`;
  const scaled = base / step[0];
  return `${scaled >= 999.5 ? formatCount(Math.round(scaled)) : threeDigits(scaled)} ${step[1]}`;
}

/** `12.3 %`: a part of a whole. Says 0 and 100 only where it is exact. */
export function formatPercent(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %';
  if (part === whole) return '100 %';
  const percent = (part / whole) * 100;
  if (percent < 0.01) return '<0.01 %';
  if (percent > 99.9 && percent < 100) return '>99.9 %';
  return `${percent.toFixed(percent < 1 ? 2 : 1)} %`;
}

/** `+1.20 s`, `−34`, `±0`: a difference of two values. */
export function formatChange(change: number, unit: string): string {
  if (change === 0) return '±0';
  return `${change > 0 ? '+' : '−'}${formatValue(Math.abs(change), unit)}`;
}

/** `+1.2 points`: a difference of two shares, which are parts of 1, in percentage points. */
export function formatPoints(change: number): string {
  const text = Math.abs(change * 100).toFixed(Math.abs(change) < 0.01 ? 2 : 1);
  return Number(text) === 0 ? '±0 points' : `${change > 0 ? '+' : '−'}${text} points`;
}
