/**
 * Datadog: to an agent (`/profiling/v1/input`, port 8126) or, with an API key, to the intake (`/api/v2/profile`). The
 * form is that of https://github.com/DataDog/libdatadog, libdd-profiling/src/exporter/profile_exporter.rs.
 */

import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { packageVersion } from '../package.ts';
import { type Credentials, readCredentials } from './auth.ts';
import { type Backend, openBackend } from './delivery.ts';
import { below, networkOptions } from './options.ts';
import { filePath, readHeaderSecret, variableName } from './secret.ts';
import { separately } from './separately.ts';
import type { Sink, SinkType, Upload } from './sink.ts';

const ATTACHMENT = 'profile.pprof';

/** Commas separate tags. */
function tags(labels: Upload['labels']): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name === 'service_name' ? 'service' : name}:${value.replaceAll(',', '_')}`)
    .concat(`profiler_version:${packageVersion()}`)
    .join(',');
}

/** multipart/form-data (RFC 7578): the event, which describes the attachment, and the attachment. */
export function encodeForm({ labels, startMs, durationMs, pprof }: Upload, boundary: string): Buffer {
  const event = {
    version: '4',
    family: 'native',
    attachments: [ATTACHMENT],
    start: new Date(startMs).toISOString(),
    end: new Date(startMs + durationMs).toISOString(),
    tags_profiler: tags(labels),
  };
  const head = (name: string, file: string, type: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${file}"\r\nContent-Type: ${type}\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(`${head('event', 'event.json', 'application/json')}${JSON.stringify(event)}\r\n`),
    Buffer.from(head(ATTACHMENT, ATTACHMENT, 'application/octet-stream')),
    pprof,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
}

const options = networkOptions('datadog', {
  api_key_file: filePath.optional(),
  api_key_env: variableName.optional(),
}).refine(
  ({ api_key_file: file, api_key_env: env }) => file === undefined || env === undefined,
  'expected one of api_key_file and api_key_env',
);
type Options = z.output<typeof options>;

/** Nothing is documented but the 50 MB of an agent's body; 16 MiB are well below. */
const LIMITS = { samples: Number.POSITIVE_INFINITY, bytes: 16 * 2 ** 20, batch: 64, batchBytes: 1_000_000 };

async function readKey(options: Options): Promise<Credentials> {
  const { api_key_file: file, api_key_env: env } = options;
  const { headers, secrets } = await readCredentials(options);
  const key = await readHeaderSecret({ file, env });
  return { headers: { ...headers, 'DD-API-KEY': key }, secrets: [...secrets, key] };
}

function openSink(backend: Backend, url: URL): Sink {
  return {
    limits: LIMITS,
    send: separately((upload, signal) => {
      const boundary = randomBytes(16).toString('hex');
      const headers = { 'Content-Type': `multipart/form-data; boundary=${boundary}` };
      return backend.deliver({ method: 'POST', url, headers, body: encodeForm(upload, boundary) }, signal);
    }),
    close: () => backend.close(),
  };
}

export const datadog = {
  type: 'datadog',
  options,
  async open(options: Options) {
    const isAgent = options.api_key_file === undefined && options.api_key_env === undefined;
    if (isAgent) return openSink(await openBackend(options), below(options.url, '/profiling/v1/input'));
    return openSink(await openBackend(options, () => readKey(options)), below(options.url, '/api/v2/profile'));
  },
} satisfies SinkType<Options>;
