/** A backend on loopback that takes uploads, or does not, as the test says; and the sink that brings them there. */

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import { DeliveryError, type Sink, type SinkLimits, type Upload } from '../../src/sinks/sink.ts';

/** What the backend says to a request: a status, with the seconds of its Retry-After; nothing: no answer at all. */
export type Answer = { readonly status: number; readonly retryAfter?: number } | undefined;

export interface Backend {
  readonly sink: Sink;
  /** Numbers of the uploads of each request. */
  readonly requests: number[][];
  /** Those of them that were accepted. */
  readonly accepted: number[];
  /** Says how the requests from now on are answered. */
  answer(by: (uploads: readonly number[]) => Answer): void;
}

export const accept = (): Answer => ({ status: 200 });
export const fail = (): Answer => ({ status: 503 });

function numberOf(id: string): number {
  return Number(id.slice(-12));
}

export async function openBackend(limits: Partial<SinkLimits> = {}): Promise<Backend> {
  const requests: number[][] = [];
  const accepted: number[] = [];
  let answer: (uploads: readonly number[]) => Answer = accept;
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      const uploads = JSON.parse(body).map(numberOf);
      const says = answer(uploads);
      requests.push(uploads);
      if (!says) return;
      if (says.status === 200) accepted.push(...uploads);
      if (says.retryAfter !== undefined) response.setHeader('retry-after', says.retryAfter);
      response.writeHead(says.status).end();
    });
  };
  const server = createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const all = { samples: 1e9, bytes: 1e9, batch: 10, batchBytes: 1e9, ...limits };
  const sink = {
    limits: all,
    close: () => {},
    async send(uploads: readonly Upload[], signal: AbortSignal, accepted?: (upload: Upload) => void) {
      await send(url, uploads, signal);
      for (const upload of uploads) accepted?.(upload);
    },
  };
  return {
    sink,
    requests,
    accepted,
    answer: by => {
      answer = by;
    },
  };
}

async function send(url: string, uploads: readonly Upload[], signal: AbortSignal): Promise<void> {
  const body = JSON.stringify(uploads.map(({ id }) => id));
  const response = await fetch(url, { method: 'POST', body, signal });
  await response.arrayBuffer();
  if (response.ok) return;
  const seconds = response.headers.get('retry-after');
  const retryAfterMs = seconds === null ? undefined : 1000 * Number(seconds);
  const kind = response.status === 400 ? 'rejected' : 'retry';
  if (response.status === 500) throw new TypeError('a bug in the sink');
  throw new DeliveryError(kind, `HTTP ${response.status}`, { retryAfterMs });
}
