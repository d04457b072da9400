import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openSink, sinkOptions } from '../../src/sinks/index.ts';
import type { Sink, Upload } from '../../src/sinks/sink.ts';
import { testFolder } from '../support/folder.ts';

const path = testFolder();
const cleanups: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const PROTO = protobuf.parse(`
  syntax = "proto3";
  message Label { string name = 1; string value = 2; }
  message LabelSet { repeated Label labels = 1; }
  message RawSample { bytes raw_profile = 1; }
  message RawProfileSeries { LabelSet labels = 1; repeated RawSample samples = 2; }
  message WriteRawRequest { string tenant = 1; repeated RawProfileSeries series = 2; bool normalized = 3; }`).root;
const REQUEST = PROTO.lookupType('WriteRawRequest');

interface WriteRawRequest {
  readonly tenant: string;
  readonly normalized: boolean;
  readonly series: {
    readonly labels: { readonly labels: { readonly name: string; readonly value: string }[] };
    readonly samples: { readonly rawProfile: Uint8Array }[];
  }[];
}

const WRITE_RAW = {
  path: '/parca.profilestore.v1alpha1.ProfileStoreService/WriteRaw',
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
} as const;

interface Received {
  readonly request: WriteRawRequest;
  readonly metadata: Record<string, unknown>;
}

/** A server that answers all calls alike, or never, and keeps them. */
async function serve(error: Partial<grpc.StatusObject> | undefined | 'never', secure?: grpc.ServerCredentials) {
  const received: Received[] = [];
  const server = new grpc.Server();
  const handler: grpc.handleUnaryCall<Buffer, Buffer> = ({ request, metadata }, respond) => {
    received.push({ request: REQUEST.decode(request) as unknown as WriteRawRequest, metadata: metadata.getMap() });
    if (error === 'never') return;
    if (error) respond(error);
    else respond(null, Buffer.alloc(0));
  };
  server.addService({ WriteRaw: WRITE_RAW }, { WriteRaw: handler });
  const credentials = secure ?? grpc.ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (failed, bound) => (failed ? reject(failed) : resolve(bound))),
  );
  cleanups.push(() => server.forceShutdown());
  return { received, url: `${secure ? 'https' : 'http'}://127.0.0.1:${port}` };
}

async function open(options: object): Promise<Sink> {
  const sink = await openSink(sinkOptions.parse({ type: 'parca', timeout: '5s', ...options }));
  cleanups.push(() => sink.close());
  return sink;
}

const RAW = Buffer.from('the bytes of a pprof');

function upload(more: Partial<Upload> = {}): Upload {
  return {
    ...{ id: 'a', name: 'process_cpu', labels: { service_name: 'shop' }, startMs: 1, durationMs: 1, samples: 1 },
    ...{ sampleTypes: [], periodType: { type: 'cpu', unit: 'nanoseconds' }, period: 1, rawBytes: RAW.length },
    ...{ pprof: gzipSync(RAW), ...more },
  };
}

const send = async (options: object, ...uploads: Upload[]) =>
  (await open(options)).send(uploads.length > 0 ? uploads : [upload()], new AbortController().signal);

test('what is on the wire', async () => {
  const { received, url } = await serve(undefined);
  await send({ url }, upload(), upload({ name: 'offcpu', labels: { service_name: 'é\ud800', pod: 'x' } }));
  expect(received).toHaveLength(1);
  const [{ request, metadata }] = received as [Received];
  expect(request).toMatchObject({ tenant: '', normalized: true });
  const labels = request.series.map(one =>
    Object.fromEntries(one.labels.labels.map(({ name, value }) => [name, value])),
  );
  expect(labels).toEqual([
    { __name__: 'process_cpu', service_name: 'shop' },
    { __name__: 'offcpu', service_name: 'é\ufffd', pod: 'x' },
  ]);
  for (const { samples } of request.series) expect(samples.map(one => gunzipSync(one.rawProfile))).toEqual([RAW]);
  expect(metadata.authorization).toBeUndefined();
});

test('a token and headers are metadata', async () => {
  vi.stubEnv('SECRET', 't0ken');
  const { received, url } = await serve(undefined);
  await send({ url, bearer_auth: { token_env: 'SECRET' }, headers: { projectID: 'p-1' }, tenant: 'team-a' });
  expect(received[0]!.metadata).toMatchObject({
    ...{ authorization: 'Bearer t0ken', projectid: 'p-1', 'x-scope-orgid': 'team-a' },
  });
});

describe('errors', () => {
  const { status } = grpc;
  test.each<[keyof typeof status, string, string]>([
    ['INVALID_ARGUMENT', 'missing __name__ label', 'rejected'],
    ['OUT_OF_RANGE', 'x', 'rejected'],
    ['FAILED_PRECONDITION', 'x', 'rejected'],
    ['RESOURCE_EXHAUSTED', 'slow down', 'retry'],
    ['RESOURCE_EXHAUSTED', 'grpc: received message larger than max (5 vs. 4)', 'rejected'],
    ['UNKNOWN', 'decompressing profile: unexpected EOF', 'rejected'],
    ['UNKNOWN', 'failed to ingest record', 'retry'],
    ['UNAUTHENTICATED', 'who', 'retry'],
    ['PERMISSION_DENIED', 'no', 'retry'],
    ['UNIMPLEMENTED', 'what', 'retry'],
    ['INTERNAL', 'oops', 'retry'],
    ['UNAVAILABLE', 'later', 'retry'],
    ['DATA_LOSS', 'oops', 'retry'],
  ])('%s (%s): %s', async (code, details, kind) => {
    const { received, url } = await serve({ code: status[code], details });
    const error = {
      name: 'DeliveryError',
      kind,
      message: `cannot deliver to ${new URL(url).host}: ${code} (${details}).`,
    };
    await expect(send({ url })).rejects.toMatchObject(error);
    expect(received).toHaveLength(1);
  });

  test('a secret that the server repeats', async () => {
    vi.stubEnv('SECRET', 't0ken');
    const { url } = await serve({ code: status.UNAUTHENTICATED, details: 'unknown token t0ken' });
    const sent = send({ url, bearer_auth: { token_env: 'SECRET' } });
    await expect(sent).rejects.toMatchObject({ message: expect.stringContaining('(unknown token ***)') });
  });

  test('no answer within the time', async () => {
    const { url } = await serve('never');
    const sent = send({ url, timeout: '300ms' });
    await expect(sent).rejects.toMatchObject({ kind: 'retry', message: expect.stringContaining('DEADLINE_EXCEEDED') });
  });

  test('a delivery that is cancelled, before and within', async () => {
    const { received, url } = await serve('never');
    const sink = await open({ url });
    const cancelled = { kind: 'retry', message: expect.stringContaining('CANCELLED') };
    await expect(sink.send([upload()], AbortSignal.abort())).rejects.toMatchObject(cancelled);
    const aborting = new AbortController();
    const sent = expect(sink.send([upload()], aborting.signal)).rejects.toMatchObject(cancelled);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    aborting.abort();
    await sent;
  });

  test('nobody listens', async () => {
    const { url } = await serve(undefined);
    for (const cleanup of cleanups.splice(0)) cleanup();
    await expect(send({ url })).rejects.toMatchObject({
      kind: 'retry',
      message: expect.stringContaining('UNAVAILABLE'),
    });
  });

  test.each<[string, (socket: Socket) => void]>([
    ['closes', socket => socket.destroy()],
    ['does not speak HTTP/2', socket => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['says nothing', () => {}],
  ])('a server that %s', async (_, answer) => {
    const sockets = new Set<Socket>();
    const server = createServer(socket => {
      sockets.add(socket.on('error', () => {}));
      answer(socket);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(send({ url, timeout: '500ms' })).rejects.toMatchObject({ name: 'DeliveryError', kind: 'retry' });
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)('TLS (needs openssl)', () => {
  beforeAll(() => {
    const files = ['-keyout', path('key.pem'), '-out', path('cert.pem')];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const subject = ['-subj', '/CN=server', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...key, ...files, ...subject], { stdio: 'ignore' });
  });

  test('a certificate of its own is refused, unless it is named or nothing is checked', async () => {
    const pair = { private_key: readFileSync(path('key.pem')), cert_chain: readFileSync(path('cert.pem')) };
    const { received, url } = await serve(undefined, grpc.ServerCredentials.createSsl(null, [pair]));
    await expect(send({ url })).rejects.toMatchObject({
      ...{ name: 'DeliveryError', kind: 'retry', message: expect.stringContaining('self-signed certificate') },
    });
    expect(received).toHaveLength(0);
    await send({ url, tls: { ca_file: path('cert.pem') } });
    await send({ url, tls: { insecure_skip_verify: true } });
    expect(received).toHaveLength(2);
  });
});
