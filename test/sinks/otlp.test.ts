import http, { type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { afterEach, describe, expect, test } from 'vitest';
import { encodePprof } from '../../src/encode/pprof.ts';
import { openSink, sinkOptions } from '../../src/sinks/index.ts';
import type { Upload } from '../../src/sinks/sink.ts';
import { decodeWithProtobufjs } from '../encode/raw-pprof.ts';
import { everything, profile } from '../support/profile.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** The fields of opentelemetry-proto v1.10 and v1.11 that are written. */
const ROOT = protobuf.parse(`
  syntax = "proto3";
  message AnyValue { oneof value { string string_value = 1; int64 int_value = 3; } }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message Scope { string name = 1; string version = 2; }
  message ValueType { int32 type_strindex = 1; int32 unit_strindex = 2; }
  message Sample { int32 stack_index = 1; repeated int32 attribute_indices = 2; int32 link_index = 3;
    repeated int64 values = 4; repeated fixed64 timestamps_unix_nano = 5; }
  message Profile { ValueType sample_type = 1; repeated Sample samples = 2; fixed64 time_unix_nano = 3;
    uint64 duration_nano = 4; ValueType period_type = 5; int64 period = 6; bytes profile_id = 7; }
  message ScopeProfiles { Scope scope = 1; repeated Profile profiles = 2; }
  message ResourceProfiles { Resource resource = 1; repeated ScopeProfiles scope_profiles = 2; }
  message Mapping { uint64 memory_start = 1; uint64 memory_limit = 2; uint64 file_offset = 3;
    int32 filename_strindex = 4; repeated int32 attribute_indices = 5; }
  message Line { int32 function_index = 1; int64 line = 2; }
  message Location { int32 mapping_index = 1; uint64 address = 2; repeated Line lines = 3; }
  message Function { int32 name_strindex = 1; int32 system_name_strindex = 2; int32 filename_strindex = 3; }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Attribute { int32 key_strindex = 1; AnyValue value = 2; int32 unit_strindex = 3; }
  message Stack { repeated int32 location_indices = 1; }
  message Dictionary { repeated Mapping mapping_table = 1; repeated Location location_table = 2;
    repeated Function function_table = 3; repeated Link link_table = 4; repeated string string_table = 5;
    repeated Attribute attribute_table = 6; repeated Stack stack_table = 7; }
  message Request { repeated ResourceProfiles resource_profiles = 1; Dictionary dictionary = 2; }
  message PartialSuccess { int64 rejected_profiles = 1; string error_message = 2; }
  message Response { PartialSuccess partial_success = 1; }`).root;

interface Value {
  readonly stringValue?: string;
  readonly intValue?: string;
}
interface Attribute {
  readonly keyStrindex: number;
  readonly value: Value | null;
}
interface Otlp {
  readonly resourceProfiles: {
    readonly resource: { readonly attributes: { readonly key: string; readonly value: Value }[] };
    readonly scopeProfiles: {
      readonly scope: { readonly name: string };
      readonly profiles: {
        readonly sampleType: { readonly typeStrindex: number; readonly unitStrindex: number };
        readonly periodType: { readonly typeStrindex: number; readonly unitStrindex: number };
        readonly samples: { stackIndex: number; attributeIndices: number[]; linkIndex: number; values: string[] }[];
        readonly timeUnixNano: string;
        readonly durationNano: string;
        readonly period: string;
        readonly profileId: string;
      }[];
    }[];
  }[];
  readonly dictionary: {
    readonly mappingTable: { memoryStart: string; filenameStrindex: number; attributeIndices: number[] }[];
    readonly locationTable: { mappingIndex: number; address: string; lines: { functionIndex: number }[] }[];
    readonly functionTable: { nameStrindex: number; systemNameStrindex: number }[];
    readonly linkTable: { traceId: string; spanId: string }[];
    readonly stringTable: string[];
    readonly attributeTable: Attribute[];
    readonly stackTable: { locationIndices: number[] }[];
  };
}

function decode(body: Buffer): Otlp {
  const type = ROOT.lookupType('Request');
  const options = { longs: String, bytes: String, defaults: true, arrays: true };
  return type.toObject(type.decode(gunzipSync(body)), options) as Otlp;
}

interface Reply {
  readonly status?: number;
  readonly contentType?: string;
  readonly body?: Uint8Array | string;
}

async function connect({ status = 200, contentType = 'application/x-protobuf', body = '' }: Reply = {}) {
  const received: { url: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];
  const server = http.createServer(async (request, response) => {
    const { url = '', headers } = request;
    received.push({ url, headers, body: Buffer.concat(await request.toArray()) });
    response.writeHead(status, { 'content-type': contentType, 'retry-after': '3' }).end(body);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sink = await openSink(sinkOptions.parse({ type: 'otlp', url, timeout: '5s' }));
  cleanups.push(() => {
    sink.close();
    server.close();
    server.closeAllConnections();
  });
  return { received, send: (one: Upload) => sink.send([one], new AbortController().signal) };
}

const source = profile(everything);
const raw = encodePprof(source, ['pid', 'comm']);

function upload(more: Partial<Upload> = {}): Upload {
  return {
    ...{ id: '734fd599-6865-419e-9475-932762d8f4ff', name: 'process_cpu', labels: { service_name: 'shop', pod: 'p' } },
    ...{ startMs: source.startTimeMs, durationMs: source.durationMs, sampleTypes: source.sampleTypes },
    ...{ periodType: source.periodType, period: source.period, samples: source.samples.length },
    ...{ rawBytes: raw.length, pprof: gzipSync(raw), ...more },
  };
}

/** The samples of one type as lines: what both formats say in their own way. */
function otlpLines({ resourceProfiles, dictionary }: Otlp, type: number): string[] {
  const { stringTable, stackTable, locationTable, mappingTable, functionTable, attributeTable } = dictionary;
  return resourceProfiles[0]!.scopeProfiles[0]!.profiles[type]!.samples.map(sample => {
    const frames = stackTable[sample.stackIndex]!.locationIndices.map(index => {
      const { mappingIndex, address, lines } = locationTable[index]!;
      const names = lines.map(line => stringTable[functionTable[line.functionIndex]!.nameStrindex]);
      return `${names.join('<')}@${address}:${stringTable[mappingTable[mappingIndex]!.filenameStrindex]}`;
    });
    const labels = sample.attributeIndices.map(index => {
      const { keyStrindex, value } = attributeTable[index]!;
      return `${stringTable[keyStrindex]}=${value?.stringValue ?? value?.intValue}`;
    });
    return `${sample.values} ${frames.join(' ')} (${labels.join(' ')})`;
  });
}

function pprofLines(type: number): string[] {
  const { sample, location, function: functions, mapping, strings } = decodeWithProtobufjs(raw);
  return sample.map(({ value, locationId, label }) => {
    const frames = locationId.map(id => {
      const { mappingId, address, line } = location[Number(id) - 1]!;
      const names = line.map(({ functionId }) => strings[Number(functions[Number(functionId) - 1]!.name)]);
      const file = strings[Number(mapping[Number(mappingId) - 1]?.filename ?? 0)];
      return `${names.join('<')}@${BigInt.asUintN(64, BigInt(address))}:${file}`;
    });
    const labels = label.map(
      ({ key, str, num }) => `${strings[Number(key)]}=${Number(str) ? strings[Number(str)] : num}`,
    );
    return `${value[type]} ${frames.join(' ')} (${labels.join(' ')})`;
  });
}

describe('what is on the wire', () => {
  test('the same as in the pprof, with one profile for each sample type', async () => {
    const { received, send } = await connect();
    await send(upload());
    expect(received).toHaveLength(1);
    const [{ url, headers, body }] = received as [(typeof received)[0]];
    expect(url).toBe('/v1development/profiles');
    expect(headers).toMatchObject({ 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' });
    const otlp = decode(body);
    expect(pprofLines(0).length).toBeGreaterThan(5);
    for (const type of [0, 1]) expect(otlpLines(otlp, type)).toEqual(pprofLines(type));
    const { stringTable } = otlp.dictionary;
    const [{ resource, scopeProfiles }] = otlp.resourceProfiles as [Otlp['resourceProfiles'][0]];
    expect(resource.attributes.map(({ key, value }) => [key, value.stringValue])).toEqual([
      ['service.name', 'shop'],
      ['pod', 'p'],
    ]);
    expect(scopeProfiles.map(({ scope }) => scope.name)).toEqual(['ebpf-profiler']);
    const { timeNanos, durationNanos } = decodeWithProtobufjs(raw);
    const id = (last: number) =>
      Buffer.from(`734fd5996865419e9475932762d8f4${last.toString(16).padStart(2, '0')}`, 'hex');
    for (const [i, { type, unit }] of source.sampleTypes.entries()) {
      const one = scopeProfiles[0]!.profiles[i]!;
      expect(
        [one.sampleType, one.periodType].map(of => [stringTable[of.typeStrindex], stringTable[of.unitStrindex]]),
      ).toEqual([
        [type, unit],
        ['cpu', 'nanoseconds'],
      ]);
      expect(one).toMatchObject({ timeUnixNano: timeNanos, durationNano: durationNanos, period: `${source.period}` });
      expect(one.profileId).toBe(id((0xff + i) & 0xff).toString('base64'));
    }
  });

  test('tables begin with the empty row and hold each row once; build ids are attributes of mappings', async () => {
    const { received, send } = await connect();
    await send(upload());
    const { dictionary } = decode(received[0]!.body);
    expect(dictionary.stringTable[0]).toBe('');
    expect(dictionary.stackTable[0]).toEqual({ locationIndices: [] });
    expect(dictionary.locationTable[0]).toMatchObject({ mappingIndex: 0, address: '0', lines: [] });
    expect(dictionary.functionTable[0]).toMatchObject({ nameStrindex: 0, systemNameStrindex: 0 });
    expect(dictionary.mappingTable[0]).toMatchObject({ memoryStart: '0', filenameStrindex: 0, attributeIndices: [] });
    expect(dictionary.attributeTable[0]).toMatchObject({ keyStrindex: 0, value: null });
    expect(dictionary.linkTable.map(({ traceId, spanId }) => [traceId.length, spanId.length])).toEqual([[24, 12]]);
    for (const table of [dictionary.stackTable, dictionary.attributeTable, dictionary.stringTable])
      expect(new Set(table.map(row => JSON.stringify(row))).size).toBe(table.length);
    const buildIds = dictionary.mappingTable.map(({ attributeIndices }) =>
      attributeIndices.map(index => {
        const { keyStrindex, value } = dictionary.attributeTable[index]!;
        return `${dictionary.stringTable[keyStrindex]} ${value?.stringValue}`;
      }),
    );
    const expected = source.mappings.map(({ buildId }) =>
      buildId === '' ? [] : [`process.executable.build_id.gnu ${buildId}`],
    );
    expect(buildIds).toEqual([[], ...expected]);
  });
});

const response = (partialSuccess: object) => {
  const type = ROOT.lookupType('Response');
  return type.encode(type.fromObject({ partialSuccess })).finish();
};

describe('answers', () => {
  test.each<[string, Reply]>([
    ['empty', {}],
    ['a warning', { body: response({ errorMessage: 'mind the gap' }) }],
    ['not protobuf', { contentType: 'application/json', body: '{}' }],
    ['no content', { status: 204 }],
  ])('accepted: %s', async (_, reply) => {
    const { received, send } = await connect(reply);
    await send(upload());
    expect(received).toHaveLength(1);
  });

  test('a partial success is not sent again', async () => {
    const { send } = await connect({ body: response({ rejectedProfiles: 2, errorMessage: 'no such tenant' }) });
    const message = expect.stringContaining('rejected 2 profiles: no such tenant');
    await expect(send(upload())).rejects.toMatchObject({ name: 'DeliveryError', kind: 'rejected', message });
  });

  test.each([[0x0a, 5, 8], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x0b], [0xff], [0x0a, 2, 8, 0xff]])(
    'malformed: %j',
    async (...bytes) => {
      const { send } = await connect({ body: Uint8Array.from(bytes) });
      await expect(send(upload())).rejects.toMatchObject({ name: 'DeliveryError', kind: 'retry' });
    },
  );

  test.each([
    [400, 'rejected'],
    [413, 'rejected'],
    [429, 'retry'],
    [500, 'retry'],
    [503, 'retry'],
  ])('%i: %s', async (status, kind) => {
    const { send } = await connect({ status });
    await expect(send(upload())).rejects.toMatchObject({ name: 'DeliveryError', kind, retryAfterMs: 3000 });
  });
});

describe('a profile that is damaged', () => {
  const zipped = gzipSync(raw);
  test.each<[string, Uint8Array]>([
    ['no gzip', Buffer.from('nonsense')],
    ['cut off', zipped.subarray(0, zipped.length - 20)],
    ['with another byte', Uint8Array.from(zipped, (byte, i) => (i === 100 ? byte ^ 1 : byte))],
    ['longer than it says', gzipSync(Buffer.concat([raw, new Uint8Array(10)]))],
  ])('%s', async (_, pprof) => {
    const { received, send } = await connect();
    await expect(send(upload({ pprof }))).rejects.toMatchObject({ name: 'DeliveryError', kind: 'rejected' });
    expect(received).toHaveLength(0);
  });
});
