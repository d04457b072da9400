/** What is known of a stored profile without decoding it. */
import { z } from 'zod';

const valueType = z.object({ type: z.string(), unit: z.string() });

export const description = z.object({
  /** See Upload in sinks/sink.ts. */
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  sampleTypes: z.array(valueType),
  samples: z.number(),
});

export type Description = z.output<typeof description>;

/** undefined for text that is no description. */
export function parseDescription(text: string): Description | undefined {
  try {
    return description.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // no JSON
  }
}
