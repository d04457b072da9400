/**
 * The baseline file: the shares of each function in each run, small enough for a repository, and with a function a line
 * by name, so that a change of it can be read. Made by `profiler baseline`; its form is described in docs/ci.md.
 */
import { z } from 'zod';
import type { Difference } from '../diff/difference.ts';
import type { Shares } from '../diff/shares.ts';

const FORMAT = 'profiler-baseline';
/** Functions with a smaller share in all runs together are left out: a tenth of the default floor. */
const LEAST = 0.0005;
/** Digits of a share: a millionth, of runs that have thousands of samples. */
const SCALE = 1e6;
const MAX_RUNS = 1000;
const MAX_FUNCTIONS = 2 ** 18;

const valueType = z.object({ type: z.string(), unit: z.string() });
const shares = z.array(z.number().min(0).max(1)).max(MAX_RUNS);

const file = z
  .object({
    format: z.literal(FORMAT),
    version: z.literal(1),
    sampleType: valueType,
    periodType: valueType,
    period: z.number().min(0),
    event: z.string(),
    /** See GateRun; null where the runs have none. */
    metricName: z.string().nullable(),
    runs: z
      .array(z.object({ total: z.number().positive(), samples: z.number().min(0), metric: z.number().nullable() }))
      .min(1)
      .max(MAX_RUNS),
    functions: z
      .array(z.object({ name: z.string(), file: z.string(), self: shares, inclusive: shares }))
      .max(MAX_FUNCTIONS),
  })
  .refine(({ runs, functions }) => {
    return functions.every(({ self, inclusive }) => self.length === runs.length && inclusive.length === runs.length);
  }, 'a function has not as many shares as there are runs');

export type Baseline = z.output<typeof file>;

/** What the differences of the base alone does not say. */
export interface BaselineFacts extends Pick<Shares, 'periodType' | 'period' | 'event'> {
  readonly metricName: string | null;
  /** Of each run. */
  readonly metrics: readonly (number | null)[];
}

function rounded(share: number): number {
  return Math.round(share * SCALE) / SCALE;
}

/** @param difference whose head is what the baseline is made of */
export function makeBaseline({ sampleType, functions, head }: Difference, facts: BaselineFacts): Baseline {
  const { periodType, period, event, metricName, metrics } = facts;
  const rows = Array.from({ length: functions.length }, (_, row) => row);
  const large = rows.filter(row => head.total[row]! >= LEAST * head.grandTotal);
  const order = (a: string, b: string) => (a < b ? -1 : Number(a > b));
  large.sort((a, b) => {
    return order(functions.name[a]!, functions.name[b]!) || order(functions.file[a]!, functions.file[b]!);
  });
  return {
    format: FORMAT,
    version: 1,
    sampleType,
    periodType,
    period,
    event,
    metricName,
    runs: head.runs.map(({ grandTotal, samples }, i) => ({ total: grandTotal, samples, metric: metrics[i] ?? null })),
    functions: large.map(row => ({
      name: functions.name[row]!,
      file: functions.file[row]!,
      self: head.runs.map(({ self, grandTotal }) => rounded(self[row]! / grandTotal)),
      inclusive: head.runs.map(({ total, grandTotal }) => rounded(total[row]! / grandTotal)),
    })),
  };
}

export function* encodeBaseline({ runs, functions, ...facts }: Baseline): Iterable<string> {
  const lines = (values: readonly unknown[]) => values.map(value => `\n    ${JSON.stringify(value)}`).join(',');
  const head = JSON.stringify(facts, null, 2).slice(0, -2);
  yield `${head},\n  "runs": [${lines(runs)}\n  ],\n  "functions": [${lines(functions)}\n  ]\n}\n`;
}

/** Whether a file claims to be one; what it holds may still be wrong. */
export function isBaseline(text: string): boolean {
  return /^\s*\{\s*"format"\s*:\s*"profiler-baseline"/.test(text.slice(0, 200));
}

/** The file's content, or what is wrong with it as half a sentence. */
export function parseBaseline(text: string): Baseline | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  const { data, error } = file.safeParse(value);
  if (data) return data;
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is of another form'}`;
}
