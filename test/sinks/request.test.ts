import http, { type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { retryAfterMs } from '../../src/sinks/delivery.ts';
import { openSink, sinkOptions } from '../../src/sinks/index.ts';
import { DeliveryError, type Sink, type Upload } from '../../src/sinks/sink.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** The port of a server that ends, with its connections, after the test. */
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', socket => sockets.add(socket));
  cleanups.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const serve = (listener: RequestListener) => listen(http.createServer(listener));
/** A server that gets the whole of what arrives, and the socket to answer on. */
const serveRaw = (answer: (socket: Socket) => void) =>
  listen(
    createServer(socket => {
      socket.on('error', () => {});
      socket.once('data', () => answer(socket));
    }),
  );

async function open(options: object): Promise<Sink> {
  const sink = await openSink(sinkOptions.parse({ type: 'http', timeout: '5s', ...options }));
  cleanups.push(() => sink.close());
  return sink;
}

function upload(id = '00000000-0000-4000-8000-000000000001', bytes = 100): Upload {
  return {
    ...{ id, name: 'process_cpu', labels: { service_name: 'shop' }, startMs: 1_700_000_000_000, durationMs: 10_000 },
    ...{ sampleTypes: [], periodType: { type: 'cpu', unit: 'nanoseconds' }, period: 1, samples: 1 },
    ...{ rawBytes: bytes, pprof: new Uint8Array(bytes).fill(7) },
  };
}

/** The error that a delivery ends with. */
async function failure(
  options: object,
  signal = new AbortController().signal,
  sent = [upload()],
): Promise<DeliveryError> {
  const sink = await open(options);
  const error: unknown = await sink.send(sent, signal).then(
    () => undefined,
    reason => reason,
  );
  expect(error).toBeInstanceOf(DeliveryError);
  return error as DeliveryError;
}

describe('statuses', () => {
  test.each([
    ...([400, 409, 413, 415, 422] as const).map(status => [status, 'rejected'] as const),
    ...([301, 307, 401, 403, 404, 408, 429, 500, 502, 503, 504] as const).map(status => [status, 'retry'] as const),
  ])('%i means %s', async (status, kind) => {
    const port = await serve((request, response) => {
      request.resume();
      response.writeHead(status, { location: `http://127.0.0.1:${port}/elsewhere` }).end('no  such\nluck');
    });
    const error = await failure({ url: `http://127.0.0.1:${port}/up` });
    expect(error).toMatchObject({ kind, retryAfterMs: undefined });
    expect(error.message).toContain(`127.0.0.1:${port} answered ${status}`);
    expect(error.message).toContain('(no such luck)');
  });

  test('a redirection is not followed', async () => {
    const urls: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      urls.push(request.url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    await failure({ url: `http://127.0.0.1:${port}/up` });
    expect(urls).toEqual(['/up']);
  });

  test('an early 413 is seen although the body is not read', async () => {
    const port = await serve((_, response) => response.writeHead(413, { connection: 'close' }).end('too large'));
    const error = await failure({ url: `http://127.0.0.1:${port}` }, undefined, [upload('a', 100_000)]);
    expect(error).toMatchObject({ kind: 'rejected', message: expect.stringContaining('413') });
  });

  test.each(['120', ' 120 '])('Retry-After: %j', async value => {
    const port = await serve((_, response) => response.writeHead(429, { 'retry-after': value }).end());
    expect(await failure({ url: `http://127.0.0.1:${port}` })).toMatchObject({ kind: 'retry', retryAfterMs: 120_000 });
  });

  test('Retry-After: forms and limits', () => {
    const now = Date.UTC(2026, 0, 2, 3, 4, 5);
    expect(retryAfterMs('Fri, 02 Jan 2026 03:05:05 GMT', now)).toBe(60_000);
    expect(retryAfterMs('Fri, 02 Jan 2026 03:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('0', now)).toBe(0);
    expect(retryAfterMs('999999999999999', now)).toBe(3_600_000);
    expect(retryAfterMs('Fri, 01 Jan 2999 00:00:00 GMT', now)).toBe(3_600_000);
    for (const text of [undefined, '', '-1', '1.5', 'soon', '1e3', 'Fri, 99 Jan 2026 03:05:05 GMT', '9'.repeat(400)])
      expect(retryAfterMs(text, now)).toBeUndefined();
  });

  test('of an endless answer the start is read', async () => {
    const port = await serve((_, response) => {
      response.writeHead(400);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.on('drain', more);
      more();
    });
    const error = await failure({ url: `http://127.0.0.1:${port}` });
    expect(error.kind).toBe('rejected');
    expect(error.message.length).toBeLessThan(500);
  });

  test.each([
    ['a page', '<!doctype html><p>hello'],
    ['bytes', '\0\x01hello'],
  ])('%s is not shown', async (_, body) => {
    const port = await serve((__, response) => response.writeHead(500).end(body));
    expect((await failure({ url: `http://127.0.0.1:${port}` })).message).not.toContain('hello');
  });
});

describe('the network', () => {
  test('nobody listens', async () => {
    const port = await serve(() => {});
    for (const cleanup of cleanups.splice(0)) cleanup();
    const error = await failure({ url: `http://127.0.0.1:${port}` });
    expect(error).toMatchObject({
      kind: 'retry',
      message: `cannot deliver to 127.0.0.1:${port}: the connection was refused.`,
    });
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ['closes without an answer', socket => socket.end(), 'closed without a whole answer'],
    ['resets the connection', socket => socket.resetAndDestroy(), 'closed without a whole answer'],
    ['does not speak HTTP', socket => socket.end('220 smtp.example ESMTP\r\n'), 'not HTTP'],
    ['changes the protocol', socket => socket.write(upgrade), 'closed without an answer'],
    ['has endless headers', socket => socket.write(`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(100_000)}`), 'not HTTP'],
    ['stops within the answer', socket => socket.end(`${ok(10)}12345`), 'closed without a whole answer'],
  ])('the server %s', async (_, answer, cause) => {
    const port = await serveRaw(answer);
    const error = await failure({ url: `http://127.0.0.1:${port}` });
    expect(error.kind).toBe('retry');
    expect(error.message).toContain(cause);
  });

  test('what a server says before it closes counts when it refuses', async () => {
    const port = await serveRaw(socket => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\nhalf'));
    expect(await failure({ url: `http://127.0.0.1:${port}` })).toMatchObject({
      kind: 'rejected',
      message: expect.stringContaining('half'),
    });
  });

  test.each<[string, (socket: Socket) => void]>([
    ['no answer', () => {}],
    ['half a header', socket => socket.write('HTTP/1.1 200 OK\r\nContent-Le')],
    ['half a body', socket => socket.write(`${ok(10)}12345`)],
    ['a byte now and then', drip],
  ])('%s within the time', async (_, answer) => {
    const port = await serveRaw(answer);
    const error = await failure({ url: `http://127.0.0.1:${port}`, timeout: '300ms' });
    expect(error.kind).toBe('retry');
    expect(error.message).toBe(`cannot deliver to 127.0.0.1:${port}: no answer within 0.3 s.`);
  });

  test('a delivery that is cancelled, before and within', async () => {
    const aborting = new AbortController();
    const port = await serveRaw(() => aborting.abort());
    const url = `http://127.0.0.1:${port}`;
    for (const signal of [aborting.signal, AbortSignal.abort()]) {
      const error = await failure({ url }, signal);
      expect(error).toMatchObject({ kind: 'retry', message: expect.stringContaining('was cancelled') });
    }
  });

  test('connections are used again', async () => {
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => response.end());
    });
    let connections = 0;
    server.on('connection', () => connections++);
    const sink = await open({ url: `http://127.0.0.1:${await listen(server)}` });
    for (let i = 0; i < 5; i++) await sink.send([upload(`${i}`)], new AbortController().signal);
    expect(connections).toBe(1);
  });
});

const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
const ok = (length: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;

function drip(socket: Socket): void {
  socket.write(ok(10_000));
  const timer = setInterval(() => socket.write('x'), 20);
  socket.once('close', () => clearInterval(timer));
}

describe('batches', () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const batch = ids.map(id => upload(id));

  /** A server that answers by id until it is told otherwise; counts what it accepted. */
  async function counting(statuses: Readonly<Record<string, number>>) {
    const counts: Record<string, number> = {};
    const port = await serve((request, response) => {
      request.resume().on('end', () => {
        const id = request.url!.slice(1);
        const status = statuses[id] ?? 200;
        if (status === 200) counts[id] = (counts[id] ?? 0) + 1;
        response.writeHead(status).end();
      });
    });
    return { counts, sink: await open({ url: `http://127.0.0.1:${port}/{id}` }) };
  }

  test.each([
    ['retry', { e: 503 }],
    ['rejected', { c: 400 }],
  ])('what was accepted is told though the batch fails: %s', async (kind, statuses) => {
    const { counts, sink } = await counting(statuses);
    const accepted: string[] = [];
    const sent = sink.send(batch, new AbortController().signal, ({ id }) => accepted.push(id));
    await expect(sent).rejects.toMatchObject({ kind });
    expect(Object.fromEntries(accepted.map(id => [id, 1]))).toEqual(counts);
    expect(accepted).not.toEqual([]);
    expect(accepted).not.toContain(Object.keys(statuses)[0]);
  });

  test('what may work later stands for all', async () => {
    const { sink } = await counting({ a: 400, b: 429, c: 400 });
    await expect(sink.send(batch, new AbortController().signal)).rejects.toMatchObject({ kind: 'retry' });
  });
});
