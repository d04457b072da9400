/** One answer of a server that is not trusted, taken piece by piece within limits. */

export interface FetchLimits {
  /** Without a byte for so long it is over. */
  readonly silenceMs: number;
  /** And in any case after this. */
  readonly totalMs: number;
  readonly maxBytes: number;
}

const MAX_REDIRECTS = 5;

export class FetchError extends Error {
  /** Whether the server is at fault, and asking it for something else is no use. */
  readonly isServer: boolean;

  constructor(message: string, isServer: boolean) {
    super(message);
    this.isServer = isServer;
  }
}

/**
 * Hands over the body of an answer and returns its size in bytes; undefined when the server says that there is no such
 * thing (404).
 * @throws FetchError when it is out of reach, silent, wrong or too much, and what `take` throws
 */
export async function fetchBody(
  address: string,
  { silenceMs, totalMs, maxBytes }: FetchLimits,
  signal: AbortSignal,
  take: (bytes: Uint8Array) => void,
): Promise<number | undefined> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), silenceMs);
  const total = AbortSignal.timeout(totalMs);
  try {
    const response = await follow(address, AbortSignal.any([silence.signal, total, signal]));
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw new FetchError(`status ${response.status}`, response.status >= 500);
    const tooMuch = () => new FetchError(`it has more than ${maxBytes} bytes`, false);
    if (Number(response.headers.get('content-length') ?? 0) > maxBytes) throw tooMuch();
    let size = 0;
    for await (const bytes of response.body ?? []) {
      timer.refresh();
      size += bytes.length;
      if (size > maxBytes) throw tooMuch();
      take(bytes);
    }
    return size;
  } catch (error) {
    if (silence.signal.aborted) throw new FetchError(`nothing came for ${silenceMs / 1000} s`, true);
    if (total.aborted) throw new FetchError(`it takes longer than ${totalMs / 1000} s`, false);
    if (signal.aborted) throw new FetchError('given up', false);
    // What fetch rejects with: the reason is in its cause.
    if (error instanceof TypeError) throw new FetchError(reasonOf(error), true);
    throw error;
  } finally {
    clearTimeout(timer);
    // Also ends what is still to come of the answer.
    silence.abort();
  }
}

function reasonOf(error: TypeError): string {
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}

/** Redirects are followed by hand: some, to http and https only, and never from https to http. */
async function follow(address: string, signal: AbortSignal): Promise<Response> {
  let url = new URL(address);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(url, { signal, redirect: 'manual', headers: { 'user-agent': 'ebpf-profiler' } });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next === undefined || !isAllowed(url, next)) throw new FetchError('it redirects to what is not allowed', false);
    url = next;
  }
  throw new FetchError(`more than ${MAX_REDIRECTS} redirects`, false);
}

function isAllowed(from: URL, to: URL): boolean {
  return to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:');
}
