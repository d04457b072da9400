import http, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { afterEach, describe, expect, test } from 'vitest';
import { uploadUrl } from '../../src/sinks/http.ts';
import { openSink, sinkOptions } from '../../src/sinks/index.ts';
import type { Upload } from '../../src/sinks/sink.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

interface Received {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Reply {
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** A sink with a server that answers all requests alike and keeps them. */
async function connect(options: { type: string; path?: string }, reply: Reply = {}) {
  const received: Received[] = [];
  const server = http.createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const body = Buffer.concat(await request.toArray());
    received.push({ method, url: new URL(url, 'http://server'), headers, body });
    response.writeHead(reply.status ?? 200, reply.headers).end(reply.body);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { path = '', ...others } = options;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const sink = await openSink(sinkOptions.parse({ ...others, url, timeout: '5s' }));
  cleanups.push(() => {
    sink.close();
    server.close();
    server.closeAllConnections();
  });
  return { received, sink, send: (...uploads: Upload[]) => sink.send(uploads, new AbortController().signal) };
}

const ID = '734fd599-6865-419e-9475-932762d8f469';
const RAW = Buffer.from('the bytes of a pprof');

function upload(more: Partial<Upload> = {}): Upload {
  return {
    id: ID,
    name: 'process_cpu',
    labels: { service_name: 'shop', pod: 'shop-1' },
    startMs: 1_700_000_000_123.4,
    durationMs: 10_000,
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10_101_010,
    samples: 12,
    rawBytes: RAW.length,
    pprof: gzipSync(RAW),
    ...more,
  };
}

const PUSH = protobuf
  .parse(`
    syntax = "proto3";
    message LabelPair { string name = 1; string value = 2; }
    message RawSample { bytes raw_profile = 1; string ID = 2; }
    message RawProfileSeries { repeated LabelPair labels = 1; repeated RawSample samples = 2; }
    message PushRequest { repeated RawProfileSeries series = 1; }`)
  .root.lookupType('PushRequest');

interface PushRequest {
  readonly series: {
    readonly labels: { readonly name: string; readonly value: string }[];
    readonly samples: { readonly rawProfile: Uint8Array; readonly ID: string }[];
  }[];
}

const PROTO = { 'content-type': 'application/proto' };

describe('pyroscope-push', () => {
  const type = 'pyroscope-push';

  test('what is on the wire', async () => {
    const { received, send } = await connect({ type, path: '/base/' }, { headers: PROTO });
    await send(upload({ labels: { service_name: 'shöp\ud800', pod: '' } }));
    const [{ method, url, headers, body }] = received as [Received];
    expect([method, url.pathname]).toEqual(['POST', '/base/push.v1.PusherService/Push']);
    expect(headers).toMatchObject({ ...PROTO, 'connect-protocol-version': '1', 'content-length': `${body.length}` });
    expect(headers['user-agent']).toMatch(/^ebpf-profiler\/\d/);
    expect(headers['content-encoding']).toBeUndefined();
    const { series } = PUSH.decode(body) as unknown as PushRequest;
    expect(series).toHaveLength(1);
    expect(Object.fromEntries(series[0]!.labels.map(({ name, value }) => [name, value]))).toEqual({
      ...{ __name__: 'process_cpu', __delta__: 'false', service_name: 'shöp\ufffd', pod: '' },
    });
    expect(series[0]!.samples.map(sample => sample.ID)).toEqual([ID]);
    expect(gunzipSync(series[0]!.samples[0]!.rawProfile)).toEqual(RAW);
  });

  test('each of a batch by itself', async () => {
    const { received, send, sink } = await connect({ type }, { headers: PROTO });
    await send(upload({ id: 'a' }), upload({ id: 'b' }), upload({ id: 'c' }));
    const requests = received.map(({ body }) => PUSH.decode(body) as unknown as PushRequest);
    expect(requests.map(({ series }) => series.flatMap(one => one.samples.map(({ ID }) => ID))).sort()).toEqual([
      ...[['a'], ['b'], ['c']],
    ]);
    expect(sink.limits).toMatchObject({ samples: 16_000, bytes: 2_000_000 });
  });

  test.each([
    ['invalid_argument', 400, 'rejected'],
    ['out_of_range', 400, 'rejected'],
    ['resource_exhausted', 429, 'retry'],
    ['resource_exhausted', 422, 'retry'],
    ['unauthenticated', 401, 'retry'],
    ['aborted', 409, 'retry'],
    ['unknown', 500, 'retry'],
    ['internal', 500, 'retry'],
    ['unavailable', 503, 'retry'],
    ['data_loss', 500, 'retry'],
    ['no_such_code', 400, 'rejected'],
    ['no_such_code', 500, 'retry'],
  ])('%s with %i: %s', async (code, status, kind) => {
    const body = JSON.stringify({ code, message: 'because' });
    const { send } = await connect({ type }, { status, body, headers: { 'retry-after': '7' } });
    const message = expect.stringContaining('(because)');
    await expect(send(upload())).rejects.toMatchObject({ name: 'DeliveryError', kind, message, retryAfterMs: 7000 });
  });

  test('a profile that it cannot read', async () => {
    const body = JSON.stringify({ code: 'unknown', message: 'gzip reset: unexpected EOF' });
    const { send } = await connect({ type }, { status: 500, body });
    await expect(send(upload())).rejects.toMatchObject({ kind: 'rejected' });
  });

  test.each(['null', '[]', '"x"', '{"code":7}', '{"co', '\0'])('an error that is %j', async body => {
    const { send } = await connect({ type }, { status: 503, body });
    await expect(send(upload())).rejects.toMatchObject({ name: 'DeliveryError', kind: 'retry' });
  });

  test('a page that says 200', async () => {
    const { send } = await connect({ type }, { headers: { 'content-type': 'text/html' }, body: '<p>Log in' });
    await expect(send(upload())).rejects.toMatchObject({ name: 'DeliveryError', kind: 'retry' });
  });
});

describe('pyroscope-ingest', () => {
  const type = 'pyroscope-ingest';

  test('what is on the wire', async () => {
    const { received, send } = await connect({ type });
    await send(upload());
    const [{ method, url, headers, body }] = received as [Received];
    expect([method, url.pathname]).toEqual(['POST', '/ingest']);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      ...{ name: 'shop{service_name=shop,pod=shop-1}', format: 'pprof', spyName: 'ebpf-profiler' },
      ...{ from: '1700000000123000000', until: '1700000010123000000' },
      ...{ sampleRate: '99', units: 'samples', aggregationType: 'sum' },
    });
    expect(headers['content-encoding']).toBeUndefined();
    expect(gunzipSync(body)).toEqual(RAW);
  });

  test.each<[Record<string, string>, string]>([
    [{ service_name: 'my shop{a="b"}' }, 'my_shop_a__b__{service_name=my shop{a="b"_}'],
    [{ service_name: 'a', pod: 'x,y=1}z{', __hidden__: 'b' }, 'a{service_name=a,pod=x_y=1_z{}'],
    [{ service_name: '' }, 'unknown{service_name=}'],
    [{ service_name: 'a/b.c-d_e', pod: 'é&?#%' }, 'a/b.c-d_e{service_name=a/b.c-d_e,pod=é&?#%}'],
  ])('labels %j', async (labels, name) => {
    const { received, send } = await connect({ type });
    await send(upload({ labels }));
    expect(received[0]!.url.searchParams.get('name')).toBe(name);
  });

  test('memory', async () => {
    const { received, send } = await connect({ type });
    const sampleTypes = [{ type: 'inuse_space', unit: 'bytes' }];
    await send(upload({ name: 'memory', sampleTypes, periodType: { type: 'space', unit: 'bytes' }, period: 524_288 }));
    const { searchParams } = received[0]!.url;
    expect(['units', 'aggregationType', 'sampleRate'].map(name => searchParams.get(name))).toEqual([
      ...['bytes', 'average', '100'],
    ]);
  });

  test.each([
    ['pushing failed: push series with index 0 and id failed: resource_exhausted: too much', 422, 'retry'],
    ['push failed: unavailable: no ingester', 422, 'retry'],
    ['push failed: invalid_argument: labels {x="internal: unavailable: "}', 422, 'rejected'],
    ['rpc error: code = Unavailable desc = gone', 422, 'retry'],
    ['rpc error: code = InvalidArgument desc = no', 422, 'rejected'],
    ['Post "x": context deadline exceeded', 422, 'retry'],
    ['the profile exceeds the samples count limit of a string', 422, 'rejected'],
    ['rate', 429, 'retry'],
    ['body', 413, 'rejected'],
    ['slow', 408, 'retry'],
    ['name', 400, 'rejected'],
  ])('%s with %i: %s', async (message, status, kind) => {
    const { send } = await connect({ type }, { status, body: JSON.stringify({ code: 'unknown', message }) });
    await expect(send(upload())).rejects.toMatchObject({ name: 'DeliveryError', kind });
  });
});

describe('http', () => {
  test.each(['POST', 'PUT'])('%s', async method => {
    const path = '/{service}/{name}/{id}?from={start}&to={end}&pod={label:pod}&none={label:none}';
    const { received, send } = await connect({ type: 'http', path, ...{ method } });
    await send(upload({ labels: { service_name: 'a/b?c', pod: '&=é' } }));
    const [request] = received as [Received];
    expect([request.method, request.url.pathname]).toEqual([method, `/a%2Fb%3Fc/process_cpu/${ID}`]);
    expect(Object.fromEntries(request.url.searchParams)).toEqual({
      ...{ from: '1700000000123', to: '1700000010123', pod: '&=é', none: '' },
    });
    expect(request.headers['content-type']).toBe('application/octet-stream');
    expect(request.headers['content-encoding']).toBeUndefined();
    expect(gunzipSync(request.body)).toEqual(RAW);
  });

  test.each(['.', '..', '../..', '%2e%2e', '\\..', '{id}', '\ud800', '@evil.example/', 'a\r\nb', '__proto__'])(
    'a label %j stays in its place',
    value => {
      const { host, pathname } = uploadUrl('http://h/a/{label:x}/b', upload({ labels: { x: value } }));
      expect([host, pathname.split('/').length, pathname.startsWith('/a/'), pathname.endsWith('/b')]).toEqual([
        ...['h', 4, true, true],
      ]);
    },
  );
});

describe('datadog', () => {
  const boundaryOf = ({ headers }: Received) =>
    /^multipart\/form-data; boundary=(\w+)$/.exec(headers['content-type']!)![1]!;

  test('to an agent', async () => {
    const { received, send } = await connect({ type: 'datadog' });
    await send(upload({ labels: { service_name: 'shop', env: 'a,b' } }));
    const [request] = received as [Received];
    expect([request.method, request.url.pathname]).toEqual(['POST', '/profiling/v1/input']);
    expect(request.headers['dd-api-key']).toBeUndefined();
    // Read by an implementation that is not ours.
    const form = await new Response(new Uint8Array(request.body), {
      headers: { 'content-type': request.headers['content-type']! },
    }).formData();
    expect(boundaryOf(request)).toHaveLength(32);
    const files = Object.fromEntries([...form].map(([name, value]) => [name, value as File]));
    expect(Object.entries(files).map(([name, file]) => [name, file.name])).toEqual([
      ['event', 'event.json'],
      ['profile.pprof', 'profile.pprof'],
    ]);
    expect(JSON.parse(await files.event!.text())).toEqual({
      ...{ version: '4', family: 'native', attachments: ['profile.pprof'] },
      ...{ start: '2023-11-14T22:13:20.123Z', end: '2023-11-14T22:13:30.123Z' },
      tags_profiler: expect.stringMatching(/^service:shop,env:a_b,profiler_version:[\d.]+$/),
    });
    expect(gunzipSync(await files['profile.pprof']!.arrayBuffer())).toEqual(RAW);
  });

  test('to the intake', async () => {
    process.env.DATADOG_KEY_OF_THIS_TEST = 'key';
    cleanups.push(() => delete process.env.DATADOG_KEY_OF_THIS_TEST);
    const { received, send } = await connect({ type: 'datadog', ...{ api_key_env: 'DATADOG_KEY_OF_THIS_TEST' } });
    await send(upload());
    expect(received[0]!.url.pathname).toBe('/api/v2/profile');
    expect(received[0]!.headers['dd-api-key']).toBe('key');
  });
});
