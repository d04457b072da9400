/** The registry of backends: a new one is a file and a line here. */

import { type ZodType, z } from 'zod';
import { datadog } from './datadog.ts';
import { directory } from './directory.ts';
import { http } from './http.ts';
import { otlp } from './otlp.ts';
import { parca } from './parca.ts';
import { pyroscopeIngest } from './pyroscope-ingest.ts';
import { pyroscopePush } from './pyroscope-push.ts';
import type { Sink, SinkType } from './sink.ts';

export interface SinkOptions {
  readonly type: string;
  /** Of this sink in messages and metrics. */
  readonly name: string;
}

export const sinkTypes: readonly SinkType<SinkOptions>[] = [
  pyroscopePush,
  pyroscopeIngest,
  parca,
  otlp,
  datadog,
  http,
  directory,
];

type Member = ZodType<SinkOptions> & z.core.$ZodTypeDiscriminable;

/** One sink of a configuration. */
export const sinkOptions: ZodType<SinkOptions> = z.discriminatedUnion(
  'type',
  // Objects, all of them: a list of their interface does not say so.
  sinkTypes.map(({ options }) => options) as unknown as [Member],
);

/**
 * `options`: as {@link sinkOptions} gives them.
 * @throws ProfilerError when a secret or a certificate that they name cannot be read
 */
export async function openSink(options: SinkOptions): Promise<Sink> {
  const type = sinkTypes.find(({ type }) => type === options.type);
  if (!type) throw new Error(`no sink of type ${options.type}`);
  return type.open(options);
}
