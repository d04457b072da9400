/** Sizes as a configuration writes them: `4096B`, `64KiB`, `1.5GiB`, `2MB`. */

import { type ZodType, z } from 'zod';

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
const FORM = /^([0-9]{1,12}(?:\.[0-9]{1,3})?)(B|kB|MB|GB|KiB|MiB|GiB)$/;

/** NaN for what does not match {@link FORM}. */
function bytes(text: string): number {
  const [, amount, unit = ''] = FORM.exec(text) ?? [];
  return Math.round(Number(amount) * (BYTES[unit] ?? Number.NaN));
}

/** Bytes, at least 1. */
export const byteSize: ZodType<number, string> = z
  .string()
  .regex(FORM, 'expected a number with its unit, such as "64KiB", "64MiB" or "2GB"')
  .refine(text => bytes(text) >= 1 && Number.isSafeInteger(bytes(text)), 'expected at least 1 byte')
  .transform(bytes);
