/** Pyroscope (https://github.com/grafana/pyroscope): started, and asked through the Connect API of its querier. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs/minimal.js';
import { decodePprof, type Pprof } from '../support/pprof.ts';
import { answers, getJson, type Server, startServer } from '../support/servers.ts';
import type { Range } from './parca.ts';

export interface Query extends Range {
  /** `process_cpu:cpu:nanoseconds:cpu:nanoseconds` */
  readonly type: string;
  /** `{service_name="x"}` */
  readonly selector: string;
}

export interface Pyroscope extends Server {
  /** All profiles of a query as one. */
  merge(query: Query): Promise<Pprof>;
  /** Total of the flame graph. */
  total(query: Query): Promise<number>;
  /** Points by the value of one label; `stepSeconds` apart, each with what came in the step before it. */
  series(
    query: Query,
    groupBy: string,
    stepSeconds: number,
  ): Promise<Record<string, { timeMs: number; value: number }[]>>;
  labelValues(name: string, query: Query): Promise<string[]>;
}

interface RawSeries {
  readonly labels?: readonly { name: string; value: string }[];
  readonly points: readonly { timestamp: string; value?: number }[];
}

/** querier.v1.SelectMergeProfileRequest: profile_typeID = 1, label_selector = 2, start = 3, end = 4. */
function encodeMerge({ type, selector, startMs, endMs }: Query): Uint8Array<ArrayBuffer> {
  const writer = protobuf.Writer.create();
  writer.uint32(10).string(type).uint32(18).string(selector).uint32(24).int64(startMs).uint32(32).int64(endMs);
  return new Uint8Array(writer.finish());
}

function queries(base: string): Omit<Pyroscope, keyof Server> {
  const service = `${base}/querier.v1.QuerierService`;
  const post = <T>(method: string, body: object) =>
    getJson<T>(`${service}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const select = ({ type, selector, startMs, endMs }: Query) => ({
    profile_typeID: type,
    label_selector: selector,
    start: String(startMs),
    end: String(endMs),
  });
  return {
    async merge(query) {
      const headers = { 'content-type': 'application/proto' };
      const response = await fetch(`${service}/SelectMergeProfile`, {
        method: 'POST',
        headers,
        body: encodeMerge(query),
      });
      if (!response.ok) throw new Error(`SelectMergeProfile answered ${response.status}: ${await response.text()}`);
      return decodePprof(new Uint8Array(await response.arrayBuffer()));
    },
    async total(query) {
      const answer = await post<{ flamegraph?: { total?: string } }>('SelectMergeStacktraces', select(query));
      return Number(answer.flamegraph?.total ?? 0);
    },
    async series(query, groupBy, stepSeconds) {
      const body = { ...select(query), group_by: [groupBy], step: stepSeconds };
      const { series = [] } = await post<{ series?: RawSeries[] }>('SelectSeries', body);
      const points = ({ points }: RawSeries) => points.map(p => ({ timeMs: Number(p.timestamp), value: p.value ?? 0 }));
      return Object.fromEntries(series.map(one => [one.labels?.[0]?.value ?? '', points(one)]));
    },
    async labelValues(name, { selector, startMs, endMs }) {
      const body = { name, matchers: [selector], start: String(startMs), end: String(endMs) };
      return (await post<{ names?: string[] }>('LabelValues', body)).names ?? [];
    },
  };
}

export interface PyroscopeOptions {
  /** `limits:` of the configuration: https://grafana.com/docs/pyroscope/latest/configure-server/reference-configuration-parameters/#limits */
  readonly limits?: Readonly<Record<string, number | string>>;
  /** The storage of version 2. */
  readonly v2?: boolean;
}

const RINGS = ['compactor', 'distributor', 'overrides-exporter', 'query-scheduler'];

function ringArgs(http: number): string[] {
  const rings = RINGS.flatMap(name => [
    `-${name}.ring.store=inmemory`,
    `-${name}.ring.instance-addr=127.0.0.1`,
    `-${name}.ring.instance-port=${http}`,
  ]);
  return [
    ...rings,
    '-ring.store=inmemory',
    '-ingester.lifecycler.addr=127.0.0.1',
    '-ingester.min-ready-duration=0s',
    '-store-gateway.sharding-ring.store=inmemory',
    '-store-gateway.sharding-ring.instance-addr=127.0.0.1',
    '-query-frontend.instance-addr=127.0.0.1',
  ];
}

function v2Args(data: string, grpc: number, raft: number): string[] {
  return [
    ...['-storage.backend=filesystem', `-storage.filesystem.dir=${data}`],
    `-metastore.address=127.0.0.1:${grpc}`,
    `-query-backend.address=127.0.0.1:${grpc}`,
    ...['server-id', 'bind-address', 'advertise-address'].map(name => `-metastore.raft.${name}=127.0.0.1:${raft}`),
    '-metastore.min-ready-duration=0s',
    '-segment-writer.min-ready-duration=0s',
    '-segment-writer.lifecycler.addr=127.0.0.1',
    '-all.enable-v1-write-path=false',
    '-all.enable-v1-read-path=false',
    '-write-path=segment-writer',
    '-enable-query-backend=true',
  ];
}

export async function startPyroscope({ limits = {}, v2 = false }: PyroscopeOptions = {}): Promise<Pyroscope> {
  const server = await startServer('pyroscope', 4, (folder, ports) => {
    const [http = 0, grpc = 0, gossip = 0, raft = 0] = ports;
    const file = join(folder, 'pyroscope.yaml');
    writeFileSync(file, JSON.stringify({ limits }));
    const url = `http://127.0.0.1:${http}`;
    const args = [
      `-config.file=${file}`,
      ...[`-server.http-listen-address=127.0.0.1`, `-server.http-listen-port=${http}`],
      ...['-server.grpc-listen-address=127.0.0.1', `-server.grpc-listen-port=${grpc}`],
      ...['-memberlist.bind-addr=127.0.0.1', `-memberlist.bind-port=${gossip}`],
      ...['-memberlist.advertise-addr=127.0.0.1', `-memberlist.advertise-port=${gossip}`],
      ...ringArgs(http),
      // Nothing of its own: neither usage reports nor profiles of itself, which would count against its limits.
      ...['-usage-stats.enabled=false', '-self-profiling.disable-push=true', '-config.show_banner=false'],
      ...(v2 ? v2Args(join(folder, 'data'), grpc, raft) : []),
    ];
    const env: Record<string, string> = v2 ? { PYROSCOPE_V2: '1' } : {};
    return { url, args, env, ready: () => answers(`${url}/ready`) };
  });
  return { ...server, ...queries(server.url) };
}
