/** The agent's HTTP server: profiles to pull, health, metrics and a page for people. */
import { timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { ExitCode, ProfilerError } from '../errors.ts';
import type { Agent } from './agent.ts';
import type { AgentConfig } from './config.ts';
import { isLoopback } from './config-address.ts';
import { type Log, reasonOf } from './log.ts';
import { agentMetrics } from './metrics.ts';
import { indexPage, statusPage } from './pages.ts';

/** What a path answers. */
interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Call {
  readonly agent: Agent;
  readonly query: URLSearchParams;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

type Handler = (call: Call) => Answer | Promise<Answer>;

const TEXT = 'text/plain; charset=utf-8';
const HTML = 'text/html; charset=utf-8';
const DEFAULT_SECONDS = 10;
const MAX_SECONDS = 600;
/** Of windows after the last one ended until the agent is no longer called ready. */
const LATE_WINDOWS = 3;
/** Parameters of a pull that do not select by a label. */
const OWN_PARAMETERS = ['seconds', 'format', 'debug'];

function text(status: number, body: string): Answer {
  return { status, type: TEXT, body: `${body}\n` };
}

function seconds(query: URLSearchParams): number | undefined {
  const value = Number(query.get('seconds') ?? DEFAULT_SECONDS);
  return value > 0 && value <= MAX_SECONDS ? value : undefined;
}

/** Samples from now on for `seconds`; other parameters are labels and the values that they must have. */
function pull(format: string, type: string, headers: Readonly<Record<string, string>> = {}): Handler {
  return async ({ agent, query, signal }) => {
    const duration = seconds(query);
    if (duration === undefined) return text(400, `seconds has to be more than 0 and at most ${MAX_SECONDS}.`);
    const selected = [...query].filter(([name]) => !OWN_PARAMETERS.includes(name));
    const selection = Object.fromEntries(
      selected.map(([name, value]) => [name === 'service' ? 'service_name' : name, value]),
    );
    const title = ['all of this machine', ...Object.values(selection)].at(-1)!;
    const body = await agent.pull(duration * 1000, { format, title, selection }, signal);
    if (body) return { status: 200, type, body, headers };
    return {
      ...text(503, 'Too many profiles are being taken at once; try again later.'),
      headers: { 'Retry-After': '5' },
    };
  };
}

function health({ agent }: Call): Answer {
  return agent.failure === undefined ? text(200, 'ok') : text(503, agent.failure);
}

function ready(call: Call): Answer {
  const { agent } = call;
  const late = performance.now() - agent.windowEndedAt > LATE_WINDOWS * agent.config.window;
  return late ? text(503, 'No window has ended for too long.') : health(call);
}

const ROUTES: Readonly<Record<string, Handler>> = {
  '/': ({ agent }) => ({ status: 200, type: HTML, body: statusPage(agent) }),
  '/flamegraph.svg': pull('svg', 'image/svg+xml'),
  '/debug/pprof': () => ({ ...text(301, ''), headers: { Location: '/debug/pprof/' } }),
  '/debug/pprof/': () => ({ status: 200, type: HTML, body: indexPage() }),
  '/debug/pprof/profile': pull('pprof', 'application/octet-stream', {
    'Content-Disposition': 'attachment; filename="profile.pb.gz"',
  }),
  '/metrics': async ({ agent }) => {
    const registry = agentMetrics(agent);
    return { status: 200, type: registry.contentType, body: await registry.metrics() };
  },
  '/healthz': health,
  '/readyz': ready,
};

/** Without a token only who means this machine by its address: a page in a browser may give it another name. */
function isAllowed(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return isLoopback((request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
  const [given, wanted] = [request.headers.authorization ?? '', `Bearer ${token}`].map(part => Buffer.from(part));
  return given!.length === wanted!.length && timingSafeEqual(given!, wanted!);
}

async function answer(agent: Agent, request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent');
  const handler = ROUTES[pathname];
  if (!handler) return text(404, 'There is no such page; / has a list.');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { ...text(405, 'Only GET.'), headers: { Allow: 'GET' } };
  return await handler({ agent, query: searchParams, signal });
}

function send(response: ServerResponse, { status, type, body, headers }: Answer): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new ProfilerError('http-file', `cannot read ${path}: ${reasonOf(cause)}.`, {
      hint: 'The section http of the configuration names it.',
      exitCode: ExitCode.usage,
      cause,
    });
  }
}

/** Health and readiness are open to everybody who reaches the address: they say nothing about programs. */
const OPEN = ['/healthz', '/readyz'];

export interface AgentServer {
  /** `http://127.0.0.1:4041` */
  readonly url: string;
  close(): Promise<void>;
}

/** Listens as the configuration says. Throws a ProfilerError when it cannot; undefined when it is off. */
export async function openServer(
  agent: Agent,
  { address, token_file, tls }: AgentConfig['http'],
  log: Log,
): Promise<AgentServer | undefined> {
  if (address === undefined) return undefined;
  const token = token_file === undefined ? undefined : readSecret(token_file);
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const isOpen = OPEN.includes((request.url ?? '').split('?')[0]!);
    if (!isOpen && !isAllowed(request, token)) {
      const refusal = text(401, token === undefined ? 'Only by an address of this machine.' : 'A token is needed.');
      send(response, { ...refusal, headers: { 'WWW-Authenticate': 'Bearer' } });
      return;
    }
    answer(agent, request, gone.signal)
      .catch(error => {
        if (!gone.signal.aborted) log.error(`A request failed: ${reasonOf(error)}.`);
        return text(500, 'The agent could not answer; its log says why.');
      })
      .then(reply => send(response, reply));
  };
  const server: Server = tls
    ? createTlsServer({ cert: readSecret(tls.cert_file), key: readSecret(tls.key_file) }, handle)
    : createServer(handle);
  server.headersTimeout = 10_000;
  server.maxConnections = 64;
  await listen(server, address);
  const { port } = server.address() as AddressInfo;
  const bound = address.host || '::';
  const host = bound.includes(':') ? `[${bound}]` : bound;
  return {
    url: `${tls ? 'https' : 'http'}://${host}:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', cause => {
      reject(
        new ProfilerError('http-address', `cannot listen on ${host}:${port}: ${reasonOf(cause)}.`, {
          hint: 'Choose another http.address, or `off`.',
          exitCode: ExitCode.failure,
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}
