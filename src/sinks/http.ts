/** Any server that takes a gzipped pprof by POST or PUT, at a URL that says what it is. */

import { z } from 'zod';
import { openBackend } from './delivery.ts';
import { httpUrl, networkOptions } from './options.ts';
import { separately } from './separately.ts';
import type { SinkType, Upload } from './sink.ts';

const PLACEHOLDER = /\{([^{}]*)\}/g;
const LABEL = /^label:([a-zA-Z_][a-zA-Z0-9_]*)$/;

/** Times are in milliseconds since the epoch. */
const VALUES: Readonly<Record<string, (upload: Upload) => string>> = {
  service: ({ labels }) => labels.service_name ?? '',
  name: ({ name }) => name,
  start: ({ startMs }) => String(Math.round(startMs)),
  end: ({ startMs, durationMs }) => String(Math.round(startMs + durationMs)),
  id: ({ id }) => id,
};

/** One segment of a path, or a value in a query: `.` and `..` would be steps even when they are encoded. */
function encodeSegment(text: string): string {
  const wellFormed = Buffer.from(text).toString();
  return encodeURIComponent(wellFormed.replace(/^\.+$/, dots => '_'.repeat(dots.length)));
}

function expand(template: string, value: (placeholder: string) => string): string {
  return template.replace(PLACEHOLDER, (_, placeholder: string) => encodeSegment(value(placeholder)));
}

/**
 * The URL with `{service}`, `{name}`, `{start}`, `{end}`, `{id}` and `{label:NAME}` replaced, each encoded so that it
 * stays in its place. A label that is not there is empty.
 */
export function uploadUrl(template: string, upload: Upload): URL {
  const value = (placeholder: string) => {
    const [, label] = LABEL.exec(placeholder) ?? [];
    return label === undefined ? (VALUES[placeholder]?.(upload) ?? '') : (upload.labels[label] ?? '');
  };
  return new URL(expand(template, value));
}

function isKnown(template: string): boolean {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
  return names.every(name => Object.hasOwn(VALUES, name) || LABEL.test(name));
}

/** What is sent may not choose whom it is sent to. */
function isFixedOrigin(template: string): boolean {
  return !/^[^/]*\/\/[^/?#]*[{}]/.test(template);
}

const url = z
  .string()
  .refine(isKnown, {
    error: 'expected no placeholders but {service}, {name}, {start}, {end}, {id} and {label:NAME}',
    abort: true,
  })
  .refine(isFixedOrigin, { error: 'expected no placeholders in the host', abort: true })
  .pipe(httpUrl);

const options = networkOptions(
  'http',
  { method: z.enum(['POST', 'PUT']).default('POST').describe('Of the request.') },
  url,
);
type Options = z.output<typeof options>;

/** Nothing is known of the server: 16 MiB is what a proxy may still take. */
const LIMITS = { samples: Number.POSITIVE_INFINITY, bytes: 16 * 2 ** 20, batch: 64, batchBytes: 1_000_000 };

export const http = {
  type: 'http',
  options,
  async open(options: Options) {
    const backend = await openBackend(options);
    const headers = { 'Content-Type': 'application/octet-stream' };
    return {
      limits: LIMITS,
      send: separately((upload, signal) => {
        const url = uploadUrl(options.url, upload);
        return backend.deliver({ method: options.method, url, headers, body: upload.pprof }, signal);
      }),
      close: () => backend.close(),
    };
  },
} satisfies SinkType<Options>;
