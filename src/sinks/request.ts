/** One request over HTTP/1.1, with limits for everything that the other side decides. */

import http from 'node:http';
import https from 'node:https';
import { systemCode } from '../errors.ts';
import type { TlsFiles } from './tls.ts';

const CONNECT_MS = 10_000;
/** An unused connection is closed before load balancers do (60 s), so that no request meets one that just closes. */
const IDLE_MS = 30_000;
/** More of an answer is not read. */
const MAX_ANSWER = 64 * 1024;

export interface Request {
  readonly method: 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** At most the first 64 KiB. */
  readonly body: Buffer;
}

/** Connections to one server, kept open between requests. */
export interface HttpClient {
  /**
   * Never follows a redirection.
   * @throws Error as the network does, whose cause {@link networkCause} says in words
   */
  send(request: Request, signal: AbortSignal): Promise<Answer>;
  /** Ends requests under way, too. */
  close(): void;
}

class Timeout extends Error {}

/** All of it for what succeeded; for what failed anyway, as much as arrives: servers close after an early 413. */
async function readAnswer(response: http.IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = response;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_ANSWER) break; // this closes the connection
    }
  } catch (error) {
    if (status < 300) throw error;
  }
  return { status, headers, body: Buffer.concat(chunks).subarray(0, MAX_ANSWER) };
}

function exchange(request: http.ClientRequest, body: Uint8Array, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let timeout: Timeout | undefined;
    let answered = false;
    const after = (ms: number, message: string) =>
      setTimeout(() => {
        timeout = new Timeout(message);
        request.destroy(timeout);
      }, ms);
    const total = after(timeoutMs, `no answer within ${timeoutMs / 1000} s`);
    const connecting = after(Math.min(CONNECT_MS, timeoutMs), 'the connection could not be opened in time');
    request.once('socket', socket => {
      if (socket.connecting) socket.once('secureConnect', () => clearTimeout(connecting));
      if (!socket.connecting) clearTimeout(connecting);
      else if (request.protocol === 'http:') socket.once('connect', () => clearTimeout(connecting));
    });
    request.once('response', response => {
      answered = true;
      readAnswer(response).then(resolve, error => reject(timeout ?? error));
    });
    // Also when a server answers with a change of protocols, which nobody asked for: then there is no error.
    request.once('close', () => {
      clearTimeout(total);
      clearTimeout(connecting);
      if (!answered) reject(timeout ?? new Error('the connection was closed without an answer'));
    });
    request.on('error', error => {
      if (!answered) reject(timeout ?? error);
    });
    request.end(body);
  });
}

/** `timeoutMs`: for one request as a whole. `tls`: for https://. */
export function openHttpClient(timeoutMs: number, tls: TlsFiles): HttpClient {
  const agentOptions = { keepAlive: true, timeout: IDLE_MS };
  const plain = new http.Agent(agentOptions);
  const secure = new https.Agent({ ...agentOptions, ...tls });
  return {
    async send({ method, url, headers, body }, signal) {
      const options = { method, signal, headers: { ...headers, 'Content-Length': body.byteLength } };
      const request =
        url.protocol === 'https:'
          ? https.request(url, { ...options, agent: secure })
          : http.request(url, { ...options, agent: plain });
      return exchange(request, body, timeoutMs);
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

const CAUSES: Readonly<Record<string, string>> = {
  ABORT_ERR: 'the delivery was cancelled',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; tls.ca_file can name it as trusted',
  EAI_AGAIN: 'its name could not be looked up',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed without a whole answer',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to its network',
  ENOTFOUND: 'there is no such host',
  EPIPE: 'the connection was closed without a whole answer',
  EPROTO: 'TLS failed: it may not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  ETIMEDOUT: 'the connection could not be opened in time',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an unknown authority; tls.ca_file can name that',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an unknown authority; tls.ca_file can name that',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an unknown authority; tls.ca_file can name that',
};

/** Why there was no answer, in words. Nothing of the request is in them. */
export function networkCause(error: unknown): string {
  const code = systemCode(error);
  if (code.startsWith('HPE_')) return 'what it answered is not HTTP';
  return CAUSES[code] ?? (code !== '' ? code : error instanceof Error ? error.message : 'unknown');
}
