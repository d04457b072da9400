/** Durations as a configuration writes them: `500ms`, `10s`, `1.5m`, `2h`, `7d`. */

import { type ZodType, z } from 'zod';

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Node.js makes a timer above this fire at once (setTimeout). */
const LONGEST = 2 ** 31 - 1;
const FORM = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)$/;

/** NaN for what does not match {@link FORM}. */
function milliseconds(text: string): number {
  const [, amount, unit = ''] = FORM.exec(text) ?? [];
  return Math.round(Number(amount) * (MILLISECONDS[unit] ?? Number.NaN));
}

const amount = z
  .string()
  .regex(FORM, 'expected a number with its unit, such as "500ms", "10s", "1m", "2h" or "7d"')
  .refine(text => milliseconds(text) >= 1, 'expected at least 1 ms');

/** Milliseconds, at least 1 and no more than a timer can wait (24 days). */
export const duration: ZodType<number, string> = amount
  .refine(text => milliseconds(text) <= LONGEST, 'expected at most 24 days')
  .transform(milliseconds);

/** Milliseconds, at least 1: how old something may be. */
export const age: ZodType<number, string> = amount.transform(milliseconds);
