/** Servers that profiles can be asked back from: a new one is a file and a line here. */
import { ExitCode, ProfilerError } from '../errors.ts';
import { parca } from './parca.ts';
import { pyroscope } from './pyroscope.ts';
import type { Ask, Backend, ProfileQuery } from './query.ts';

export type { ProfileQuery } from './query.ts';

const backends: readonly Backend[] = [pyroscope, parca];

const TIMEOUT_MS = 60_000;
/** Of an answer. */
const MAX_BYTES = 2 ** 28;
/** Of what a server says about a failure, UTF-16 units. */
const MAX_REASON = 200;
/** A token for the server: arguments of a command are for everyone to see. */
const TOKEN = 'PROFILER_QUERY_TOKEN';

function usage(message: string): ProfilerError {
  const hint = `Say ${backends.map(({ name }) => `${name}+http://HOST:PORT`).join(' or ')}; https as well.`;
  return new ProfilerError('usage', message, { hint, exitCode: ExitCode.usage });
}

function parse(text: string): { backend: Backend; url: URL } {
  const [, name, rest = ''] = /^(\w+)\+(https?:\/\/.+)$/.exec(text) ?? [];
  const backend = backends.find(candidate => candidate.name === name);
  if (!backend || !URL.canParse(rest)) throw usage(`"${text}" is no server that can be asked.`);
  return { backend, url: new URL(rest) };
}

async function readBody(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_BYTES)
      throw new ProfilerError('too-large', `${response.url} answers with more than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Requests to one server; redirections are not followed, since they would take the token along. */
function asking(server: URL): Ask {
  const base = server.href.replace(/\/$/, '');
  const token = process.env[TOKEN];
  return async (path, { body, type }) => {
    const headers = {
      ...(type !== undefined && { 'content-type': type }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    try {
      const response = await fetch(base + path, {
        method: body ? 'POST' : 'GET',
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body && { body }),
      });
      const bytes = await readBody(response);
      if (response.ok) return bytes;
      if (response.status === 404) return undefined;
      const reason = Buffer.from(bytes)
        .toString()
        .slice(0, MAX_REASON)
        .replace(/[\p{C}\s]+/gu, ' ');
      throw new ProfilerError('query-failed', `${base} answers with ${response.status}: ${reason}`);
    } catch (cause) {
      if (cause instanceof ProfilerError) throw cause;
      const reason =
        cause instanceof Error ? (cause.cause instanceof Error ? cause.cause : cause).message : String(cause);
      throw new ProfilerError('query-failed', `cannot ask ${base}: ${reason}`, { cause });
    }
  };
}

/**
 * All profiles of a query as one pprof, gzipped or not; undefined when there are none.
 * @param server `pyroscope+http://host:4040`, `parca+https://host`
 * @throws ProfilerError
 */
export async function queryProfile(server: string, query: ProfileQuery): Promise<Uint8Array | undefined> {
  const { backend, url } = parse(server);
  return await backend.merge(asking(url), query);
}
