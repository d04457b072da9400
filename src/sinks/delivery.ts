/** What an answer over HTTP means for the profiles that were sent: accepted, later, never. */

import { STATUS_CODES } from 'node:http';
import { ExitCode, ProfilerError } from '../errors.ts';
import { packageVersion } from '../package.ts';
import { type Credentials, readCredentials } from './auth.ts';
import type { NetworkOptions } from './options.ts';
import { type Answer, networkCause, openHttpClient, type Request } from './request.ts';
import { DeliveryError } from './sink.ts';
import { readTls } from './tls.ts';

const MAX_EXCERPT = 300;
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Statuses about what was sent. All others are about the server, the way there or who we are, which can change. */
const REJECTED: ReadonlySet<number> = new Set([400, 406, 409, 410, 411, 413, 414, 415, 422, 431]);
/** The form that senders use (RFC 9110, section 5.6.7). */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

export type Verdict = 'accepted' | 'retry' | 'rejected';

/** A verdict with what the server says, where that is not simply the text of its answer. */
export interface Refusal {
  readonly verdict: 'retry' | 'rejected';
  readonly said: string;
}

/** What a status means to most servers. Redirections are not followed: with them goes who gets the profiles. */
export function verdictOf({ status }: Pick<Answer, 'status'>): Verdict {
  if (status >= 200 && status < 300) return 'accepted';
  return REJECTED.has(status) ? 'rejected' : 'retry';
}

/** Milliseconds until the time that `Retry-After` names, at most an hour; undefined when it names none. */
export function retryAfterMs(value: string | undefined, now = Date.now()): number | undefined {
  const text = value?.trim() ?? '';
  let ms = Number.NaN;
  if (/^\d{1,15}$/.test(text)) ms = Number(text) * 1000;
  else if (HTTP_DATE.test(text)) ms = Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/** `message` of a JSON answer, as Connect and others have it, or all of the answer. */
export function messageOf(body: Buffer): string {
  const text = body.toString();
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // plain text, or cut off
  }
  return text;
}

/** The start of what a server says, on one line, without secrets; '' for what is binary or a page. */
export function excerpt(text: string, secrets: readonly string[]): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: binary is told by them
  if (/[\0-\x08\x0e-\x1f\x7f\ufffd]/.test(text) || /^\s*</.test(text)) return '';
  // Longest first: one may be a part of another.
  const shown = secrets
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, one) => rest.replaceAll(one, '***'), text);
  return shown.replace(/\s+/g, ' ').trim().slice(0, MAX_EXCERPT);
}

function statusText({ status }: Answer): string {
  const text = `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  if (status >= 300 && status < 400) return `${text}, a redirection, which is not followed: configure its target`;
  if (status === 401 || status === 403) return `${text}: check the credentials`;
  if (status === 404 || status === 405) return `${text}: check the URL`;
  return text;
}

/** One backend over HTTP. */
export interface Backend {
  /**
   * Sends a request and resolves when `judge` takes the answer for accepted.
   * @throws DeliveryError otherwise
   */
  deliver(request: Request, signal: AbortSignal, judge?: (answer: Answer) => Verdict | Refusal): Promise<void>;
  close(): void;
}

/**
 * Reads certificates and, to see that they are there, the secrets, which are read again at each request.
 * @throws ProfilerError when one of them cannot be read
 */
export async function openBackend(options: NetworkOptions, read = () => readCredentials(options)): Promise<Backend> {
  const client = openHttpClient(options.timeout, readTls(options.tls));
  await checkCredentials(read);
  const userAgent = `ebpf-profiler/${packageVersion()}`;
  return {
    async deliver(request, signal, judge = verdictOf) {
      const { host } = request.url;
      const { headers, secrets } = await credentialsFor(host, read);
      const all = { 'User-Agent': userAgent, ...headers, ...request.headers };
      const answer = await client.send({ ...request, headers: all }, signal).catch(cause => {
        throw new DeliveryError('retry', `cannot deliver to ${host}: ${networkCause(cause)}.`, { cause });
      });
      const judged = judge(answer);
      if (judged === 'accepted') return;
      const { verdict, said: text } =
        typeof judged === 'string' ? { verdict: judged, said: messageOf(answer.body) } : judged;
      const said = excerpt(text, secrets);
      const message = `${host} answered ${statusText(answer)}${said && ` (${said})`}.`;
      throw new DeliveryError(verdict, message, { retryAfterMs: retryAfterMs(answer.headers['retry-after']) });
    },
    close: () => client.close(),
  };
}

/** @throws ProfilerError for a secret that cannot be read at the start */
export async function checkCredentials(read: () => Promise<Credentials>): Promise<void> {
  await read().catch(cause => {
    throw new ProfilerError('sink-secret', `${(cause as Error).message}.`, {
      hint: 'The configuration names the files and environment variables that hold secrets.',
      exitCode: ExitCode.usage,
      cause,
    });
  });
}

/** @throws DeliveryError for a secret that cannot be read later: it may come back */
export async function credentialsFor(host: string, read: () => Promise<Credentials>): Promise<Credentials> {
  return read().catch(cause => {
    throw new DeliveryError('retry', `cannot deliver to ${host}: ${(cause as Error).message}.`, { cause });
  });
}
