/**
 * Pyroscope's older HTTP API, `/ingest`, for servers and proxies without the push API
 * (https://grafana.com/docs/pyroscope/latest/reference-server-api/). The server names series by their sample types: one
 * that contains `cpu` becomes `process_cpu`, whatever it was.
 */

import type { z } from 'zod';
import { codeInText, codeVerdict } from './connect.ts';
import { messageOf, openBackend, type Verdict, verdictOf } from './delivery.ts';
import { below, networkOptions } from './options.ts';
import type { Answer } from './request.ts';
import { separately } from './separately.ts';
import type { SinkType, Upload } from './sink.ts';

/** As at the push API, where such a profile goes next. */
const LIMITS = { samples: 16_000, bytes: 2_000_000, batch: 64, batchBytes: 1_000_000 };
const NANOSECONDS = 1e9;

/**
 * `service{name=value,…}`; api/model/labelset in https://github.com/grafana/pyroscope has the syntax, which has no
 * escapes: what would end a value or is not allowed in the name of a service becomes `_`. The label `service_name` has
 * that name unchanged.
 */
export function seriesName({ labels }: Upload): string {
  const service = labels.service_name?.replace(/[^A-Za-z0-9_./-]/g, '_') || 'unknown';
  const pairs = Object.entries(labels)
    .filter(([name]) => !name.startsWith('__'))
    .map(([name, value]) => `${name}=${value.replace(/[,}]/g, '_')}`);
  return `${service}{${pairs.join(',')}}`;
}

/** Its precision is told by the count of its digits: 19 are nanoseconds. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms)}000000`;
}

export function ingestUrl(base: string, upload: Upload): URL {
  const { startMs, durationMs, sampleTypes, periodType, period } = upload;
  const isTime = periodType.unit === 'nanoseconds' && period > 0;
  const isBytes = sampleTypes.some(({ unit }) => unit === 'bytes');
  const isLive = sampleTypes.some(({ type }) => type.startsWith('inuse_'));
  const url = below(base, '/ingest');
  const parameters = {
    name: seriesName(upload),
    from: nanoseconds(startMs),
    until: nanoseconds(startMs + durationMs),
    format: 'pprof',
    sampleRate: String(isTime ? Math.max(1, Math.round(NANOSECONDS / period)) : 100),
    units: isBytes ? 'bytes' : 'samples',
    aggregationType: isLive ? 'average' : 'sum',
    spyName: 'ebpf-profiler',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

/** What a 422 without a code says when it was not the profile: gRPC's codes, and Go's errors of time and network. */
const FAULT = /\bcode = (?!InvalidArgument)[A-Z]|context (canceled|deadline exceeded)|connection (refused|reset)/;

/** Servers say 422 for their own faults too, and older ones for rate limits. */
export function ingestVerdict(answer: Answer): Verdict {
  if (answer.status !== 422) return verdictOf(answer);
  const message = messageOf(answer.body);
  const code = codeInText(message);
  if (code !== undefined) return codeVerdict(code);
  return FAULT.test(message) ? 'retry' : 'rejected';
}

const options = networkOptions('pyroscope-ingest', {});
type Options = z.output<typeof options>;

export const pyroscopeIngest = {
  type: 'pyroscope-ingest',
  options,
  async open(options: Options) {
    const backend = await openBackend(options);
    const headers = { 'Content-Type': 'application/octet-stream' };
    return {
      limits: LIMITS,
      send: separately((upload, signal) => {
        const url = ingestUrl(options.url, upload);
        return backend.deliver({ method: 'POST', url, headers, body: upload.pprof }, signal, ingestVerdict);
      }),
      close: () => backend.close(),
    };
  },
} satisfies SinkType<Options>;
