/** Durations as a configuration writes them: `500ms`, `10s`, `1.5m`, `2h`. */

import { type ZodType, z } from 'zod';

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** Node.js makes a timer above this fire at once (setTimeout). */
const LONGEST = 2 ** 31 - 1;
const FORM = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)$/;

/** NaN for what does not match {@link FORM}. */
function milliseconds(text: string): number {
  const [, amount, unit = ''] = FORM.exec(text) ?? [];
  return Math.round(Number(amount) * (MILLISECONDS[unit] ?? Number.NaN));
}

/** Milliseconds, at least 1 and no more than a timer can wait (24 days). */
export const duration: ZodType<number, string> = z
  .string()
  .regex(FORM, 'expected a number with its unit, such as "500ms", "10s", "1m" or "2h"')
  .refine(text => milliseconds(text) >= 1 && milliseconds(text) <= LONGEST, 'expected between 1 ms and 24 days')
  .transform(milliseconds);
