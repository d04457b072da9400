/** Times as the command line writes them. */

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const ISO = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;
/** What a Date can be. */
const MAX_TIME = 8.64e15;

/** Milliseconds since the epoch of `now`, `-15m`, `2026-01-31T10:00Z`, `1769853600000`; undefined for other text. */
export function parseWhen(text: string, now: number): number | undefined {
  if (text === 'now') return now;
  const [, amount, unit = ''] = /^-(\d{1,9}(?:\.\d{1,3})?)([smhd])$/.exec(text) ?? [];
  const time = amount !== undefined ? now - Number(amount) * UNITS[unit]! : absolute(text);
  return Math.abs(time) <= MAX_TIME ? time : undefined; // false for NaN
}

/** NaN for what is no time. */
function absolute(text: string): number {
  if (/^\d{1,16}$/.test(text)) return Number(text);
  return ISO.test(text) ? Date.parse(text) : Number.NaN;
}
