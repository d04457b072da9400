/** Parca (https://github.com/parca-dev/parca, v0.28.0): started, and asked through the JSON gateway of its query API. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodePprof, type Pprof } from '../support/pprof.ts';
import { answers, getJson, type Server, startServer } from '../support/servers.ts';

/** Nothing listens there: what a server would ask or tell the world ends here. */
const NOWHERE = '127.0.0.1:1';

export interface Range {
  readonly startMs: number;
  readonly endMs: number;
}

/** One profile as the time axis shows it. */
export interface Point {
  readonly timeMs: number;
  readonly value: number;
  /** Sum of the durations of the profiles of one time. */
  readonly durationNs: number;
}

export interface Parca extends Server {
  /** Labels and points of every series that a query (`process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta{…}`) matches. */
  series(query: string, range: Range): Promise<{ labels: Record<string, string>; points: Point[] }[]>;
  /** All profiles of a query as one. */
  merge(query: string, range: Range): Promise<Pprof>;
  /** `name:sampleType:sampleUnit:periodType:periodUnit`, with `:delta` where durations are known. */
  types(): Promise<string[]>;
  labelValues(name: string): Promise<string[]>;
}

interface RawSeries {
  readonly labelset: { readonly labels: readonly { name: string; value: string }[] };
  readonly samples: readonly { timestamp: string; value: string; duration: string }[];
}

const iso = (ms: number) => new Date(ms).toISOString();

function queries(base: string): Omit<Parca, keyof Server> {
  const get = <T>(path: string, parameters: Record<string, string> = {}) =>
    getJson<T>(`${base}/api/profiles/${path}?${new URLSearchParams(parameters)}`);
  return {
    async series(query, { startMs, endMs }) {
      const parameters = { query, start: iso(startMs), end: iso(endMs), step: '1s' };
      // Without a match it answers 404.
      const { series } = await get<{ series: RawSeries[] }>('query_range', parameters).catch(() => ({ series: [] }));
      return series.map(({ labelset, samples }) => ({
        labels: Object.fromEntries(labelset.labels.map(({ name, value }) => [name, value])),
        points: samples.map(({ timestamp, value, duration }) => ({
          timeMs: Date.parse(timestamp),
          value: Number(value),
          durationNs: Number(duration),
        })),
      }));
    },
    async merge(query, { startMs, endMs }) {
      const selection = { 'merge.query': query, 'merge.start': iso(startMs), 'merge.end': iso(endMs) };
      const parameters = { mode: 'MODE_MERGE', ...selection, reportType: 'REPORT_TYPE_PPROF' };
      const { pprof } = await get<{ pprof: string }>('query', parameters);
      return decodePprof(gunzipSync(Buffer.from(pprof, 'base64')));
    },
    async types() {
      const { types } = await get<{ types: Record<string, string | boolean>[] }>('types');
      return types.map(type => {
        const parts = [type.name, type.sampleType, type.sampleUnit, type.periodType, type.periodUnit];
        return [...parts, ...(type.delta === true ? ['delta'] : [])].join(':');
      });
    },
    labelValues: async name => (await get<{ labelValues: string[] }>(`labels/${name}/values`)).labelValues,
  };
}

/** `config` is appended to the configuration file: `scrape_configs: …`. */
export async function startParca(config = ''): Promise<Parca> {
  const server = await startServer('parca', 1, (folder, [port]) => {
    const data = join(folder, 'data');
    const file = join(folder, 'parca.yaml');
    writeFileSync(file, `object_storage: {bucket: {type: FILESYSTEM, config: {directory: ${data}}}}\n${config}`);
    const url = `http://127.0.0.1:${port}`;
    const args = [`--config-path=${file}`, `--http-address=127.0.0.1:${port}`, `--storage-path=${data}`];
    const quiet = [`--debuginfod-upstream-servers=http://${NOWHERE}`, `--profile-share-server=${NOWHERE}`];
    const ready = () => answers(`${url}/api/profiles/types`);
    return { url, args: [...args, ...quiet, `--debuginfo-cache-dir=${data}`], ready };
  });
  return { ...server, ...queries(server.url) };
}
