import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openSink, sinkOptions } from '../../src/sinks/index.ts';
import { DeliveryError, type Sink, type Upload } from '../../src/sinks/sink.ts';
import { testFolder } from '../support/folder.ts';

const path = testFolder();
const SECRET = 's3cret-t0ken';
const cleanups: (() => void)[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function listen(server: http.Server | https.Server): Promise<number> {
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>(resolve => (server as Server).listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const serve = (listener: RequestListener) => listen(http.createServer(listener));

async function open(options: object): Promise<Sink> {
  const sink = await openSink(sinkOptions.parse({ type: 'http', timeout: '5s', ...options }));
  cleanups.push(() => sink.close());
  return sink;
}

function upload(id = 'a'): Upload {
  return {
    ...{ id, name: 'process_cpu', labels: { service_name: 'shop' }, startMs: 1_700_000_000_000, durationMs: 10_000 },
    ...{ sampleTypes: [], periodType: { type: 'cpu', unit: 'nanoseconds' }, period: 1, samples: 1 },
    ...{ rawBytes: 3, pprof: Uint8Array.of(1, 2, 3) },
  };
}

/** The error that a delivery ends with. */
async function failure(options: object): Promise<DeliveryError> {
  const sink = await open(options);
  const error: unknown = await sink.send([upload()], new AbortController().signal).then(
    () => undefined,
    reason => reason,
  );
  expect(error).toBeInstanceOf(DeliveryError);
  return error as DeliveryError;
}

describe('secrets', () => {
  /** A server that shows the headers that it got. */
  const echo = () =>
    serve((request, response) => {
      request.resume();
      response.writeHead(401).end(`bad headers: ${JSON.stringify(request.headers)}`);
    });

  const encoded = Buffer.from(`agent:${SECRET}`).toString('base64');
  test.each<[string, object, string]>([
    ['basic', { basic_auth: { username: 'agent', password_env: 'SECRET' } }, encoded],
    ['bearer', { bearer_auth: { token_env: 'SECRET' } }, SECRET],
    ['header', { headers_from_env: { 'X-Key': 'SECRET' } }, SECRET],
    ['datadog', { type: 'datadog', api_key_env: 'SECRET' }, SECRET],
  ])('%s: sent, and in no message', async (_, options, secret) => {
    vi.stubEnv('SECRET', SECRET);
    let received = '';
    const port = await serve((request, response) => {
      received = JSON.stringify(request.headers);
      request.resume();
      response.writeHead(401).end(`who is ${received}?`.slice(0, 5000));
    });
    const error = await failure({ url: `http://127.0.0.1:${port}/up?key=hidden`, ...options });
    expect(received).toContain(secret);
    for (const text of [error.message, error.stack]) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(secret);
      expect(text).not.toContain('hidden');
    }
  });

  test('tenant and headers', async () => {
    const port = await echo();
    const options = { url: `http://127.0.0.1:${port}`, tenant: 'team-a', headers: { 'X-Team': 'blue' } };
    const { message } = await failure(options);
    expect(message).toContain('"x-scope-orgid":"team-a"');
    expect(message).toContain('"x-team":"blue"');
  });

  test('a file that is rotated, and one that is gone', async () => {
    const got: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      got.push(request.headers.authorization);
      request.resume().on('end', () => response.end());
    });
    writeFileSync(path('token'), 'first\n');
    const sink = await open({ url: `http://127.0.0.1:${port}`, bearer_auth: { token_file: path('token') } });
    const send = () => sink.send([upload(`${got.length}`)], new AbortController().signal);
    await send();
    writeFileSync(path('token'), 'second');
    await send();
    expect(got).toEqual(['Bearer first', 'Bearer second']);
    for (const text of ['', 'a\nb', 'x'.repeat(20_000)]) {
      writeFileSync(path('token'), text);
      await expect(send()).rejects.toMatchObject({ name: 'DeliveryError', kind: 'retry' });
    }
    expect(got).toHaveLength(2);
  });

  test.each<[string, object]>([
    ['file', { token_file: '/nowhere/token' }],
    ['variable', { token_env: 'NOT_SET_ANYWHERE' }],
  ])('a %s that is not there at the start', async (_, bearer_auth) => {
    const opened = open({ url: 'http://127.0.0.1:1', bearer_auth });
    await expect(opened).rejects.toMatchObject({ name: 'ProfilerError', code: 'sink-secret', exitCode: 2 });
  });
});

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasOpenssl)('TLS (needs openssl)', () => {
  beforeAll(() => {
    for (const [name, host] of [
      ['server', 'IP:127.0.0.1'],
      ['other', 'DNS:other.example'],
    ] as const) {
      const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)];
      const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${host}`, '-days', '2', '-nodes'];
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
      execFileSync('openssl', ['req', '-x509', ...key, ...files, ...subject], { stdio: 'ignore' });
    }
    writeFileSync(path('garbage.pem'), 'not PEM');
  });

  function serveTls(name: string, more: https.ServerOptions = {}): Promise<number> {
    const pair = { cert: readFileSync(path(`${name}.pem`)), key: readFileSync(path(`${name}.key`)) };
    const server = https.createServer({ ...pair, ...more }, (request, response) => {
      request.resume().on('end', () => response.end());
    });
    return listen(server);
  }

  const accepts = async (options: object) => {
    await (await open(options)).send([upload()], new AbortController().signal);
    return true;
  };

  test('a certificate of its own is refused, unless it is named or nothing is checked', async () => {
    const url = `https://127.0.0.1:${await serveTls('server')}`;
    const error = await failure({ url });
    expect(error).toMatchObject({ kind: 'retry', message: expect.stringContaining('self-signed') });
    expect(await accepts({ url, tls: { ca_file: path('server.pem') } })).toBe(true);
    expect(await accepts({ url, tls: { insecure_skip_verify: true } })).toBe(true);
  });

  test('a certificate for another host', async () => {
    const url = `https://127.0.0.1:${await serveTls('other')}`;
    const error = await failure({ url, tls: { ca_file: path('other.pem') } });
    expect(error).toMatchObject({ kind: 'retry', message: expect.stringContaining('for another host') });
  });

  test('a server that wants ours', async () => {
    const wants = { requestCert: true, rejectUnauthorized: true, ca: readFileSync(path('other.pem')) };
    const url = `https://127.0.0.1:${await serveTls('server', wants)}`;
    const tls = { ca_file: path('server.pem') };
    expect(await failure({ url, tls })).toMatchObject({ kind: 'retry' });
    expect(await accepts({ url, tls: { ...tls, cert_file: path('other.pem'), key_file: path('other.key') } })).toBe(
      true,
    );
  });

  test('a server that does not speak TLS', async () => {
    const port = await serve((_, response) => response.end());
    const error = await failure({ url: `https://127.0.0.1:${port}` });
    expect(error).toMatchObject({ kind: 'retry', message: expect.stringContaining('TLS') });
  });

  test.each<[string, () => object]>([
    ['is not there', () => ({ ca_file: path('nowhere.pem') })],
    ['is no PEM', () => ({ ca_file: path('garbage.pem') })],
    ['does not fit its key', () => ({ cert_file: path('server.pem'), key_file: path('other.key') })],
  ])('a file that %s', async (_, tls) => {
    const opened = open({ url: 'https://127.0.0.1:1', tls: tls() });
    await expect(opened).rejects.toMatchObject({ name: 'ProfilerError', code: 'sink-tls', exitCode: 2 });
  });
});
