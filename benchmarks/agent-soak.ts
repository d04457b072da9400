/**
 * An agent for a long time on a busy machine: what it takes, whether that grows, whether every sample arrives.
 * `node dist/benchmarks/agent-soak.js [minutes] [--hz N] [--no-load] [--pyroscope]`
 * Readings go to standard error as they are made, the result to standard output. `--pyroscope` delivers to a real server,
 * too; see test/servers/README.md.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Pyroscope, startPyroscope } from '../test/servers/pyroscope.ts';
import { stopServers } from '../test/support/servers.ts';
import {
  type Accepted,
  type ProcessUsage,
  startAgent,
  startBackend,
  startLoad,
  until,
  usageOf,
} from './agent-support.ts';
import { folder, sleep, table } from './support.ts';

const INTERVAL_MS = 10_000;
const WINDOW_MS = 15_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    hz: { type: 'string', default: '99' },
    'no-load': { type: 'boolean', default: false },
    pyroscope: { type: 'boolean', default: false },
  },
});
const minutes = Number(positionals[0] ?? 60);

interface Reading extends ProcessUsage {
  /** Since the agent was started. */
  readonly seconds: number;
  /** Totals since then: samples of the windows that ended, without those of windows that failed; what went wrong. */
  readonly samples: number;
  readonly lost: number;
  readonly failedWindows: number;
  readonly dropped: number;
  readonly queued: number;
  /** Samples that the backend has. */
  readonly received: number;
}

const started = Date.now();
const backend = await startBackend();
const pyroscope = values.pyroscope ? await startPyroscope() : undefined;
const endLoad = values['no-load'] ? () => {} : startLoad();
const profiles = join(folder, 'profiles');
const agentStarted = performance.now();
const agent = await startAgent({
  frequency: Number(values.hz),
  window: `${WINDOW_MS}ms`,
  sinks: [
    { type: 'http', url: backend.url },
    { type: 'directory', dir: profiles },
    ...(pyroscope ? [{ type: 'pyroscope-push', url: pyroscope.url }] : []),
  ],
});

const accepted: Accepted[] = [];

async function read(): Promise<Reading> {
  const metrics = await agent.metrics();
  accepted.push(...(await backend.accepted()));
  return {
    ...usageOf(agent.pid),
    seconds: (performance.now() - agentStarted) / 1000,
    samples: metrics('profiler_samples_total') - metrics('profiler_samples_failed_total'),
    lost: metrics('profiler_losses_total', /cause="samples lost/),
    failedWindows: metrics('profiler_windows_failed_total'),
    dropped: metrics('profiler_sink_dropped_total'),
    queued: metrics('profiler_sink_queued'),
    received: accepted.reduce((sum, { samples }) => sum + samples, 0),
  };
}

function tell({ seconds, cpu, rss, anon, file, ...counts }: Reading): void {
  const memory = [rss, anon, file].map(megabytes => megabytes.toFixed(1)).join(' ');
  const rest = Object.entries(counts).map(([name, value]) => `${name} ${value}`);
  console.error(`${seconds.toFixed(0)} s: cpu ${cpu.toFixed(2)}, rss anon file ${memory}, ${rest.join(', ')}`);
}

async function readAll(): Promise<Reading[]> {
  const readings = [await read()];
  for (let next = INTERVAL_MS; next <= minutes * 60_000; next += INTERVAL_MS) {
    await sleep(agentStarted + next - performance.now());
    readings.push(await read());
    tell(readings.at(-1)!);
  }
  return readings;
}

/** When everything of the windows that have ended has arrived; two windows later when it never does. */
async function settled(): Promise<Reading> {
  let reading = await read();
  await until(async () => {
    reading = await read();
    return reading.queued === 0 && reading.received === reading.samples;
  }, 2 * WINDOW_MS);
  return reading;
}

/** Samples that Pyroscope has, once they are as many as they should be, or after 5 s. */
async function samplesAt(server: Pyroscope, expected: number): Promise<number> {
  const type = 'process_cpu:samples:count:cpu:nanoseconds';
  let total = 0;
  await until(async () => {
    total = await server.total({ type, selector: '{}', startMs: started, endMs: Date.now() + 1000 });
    return total === expected;
  }, 5000);
  return total;
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** % of one core between two readings. */
function cpuShare(first: Reading, last: Reading): number {
  return (100 * (last.cpu - first.cpu)) / (last.seconds - first.seconds);
}

interface Stretch {
  readonly cpu: number;
  readonly rss: number;
  readonly row: readonly string[];
}

function summarize(name: string, readings: readonly Reading[]): Stretch {
  const [first, last] = [readings[0]!, readings.at(-1)!];
  const cpu = cpuShare(first, last);
  const rss = mean(readings.map(reading => reading.rss));
  const cells = [
    rss,
    Math.max(...readings.map(reading => reading.rss)),
    mean(readings.map(({ anon }) => anon)),
    mean(readings.map(({ file }) => file)),
  ].map(megabytes => megabytes.toFixed(1));
  const descriptors = Math.max(...readings.map(reading => reading.descriptors));
  return { cpu, rss, row: [name, cpu.toFixed(2), ...cells, `${descriptors}`, `${last.samples - first.samples}`] };
}

/** A row of the result: what was measured, what it should be. */
function row(figure: string, measured: string, aim: string, isMet: boolean): string[] {
  return [figure, measured, aim, isMet ? 'met' : 'missed'];
}

function equalRow(figure: string, measured: number, expected: number): string[] {
  return row(figure, measured.toLocaleString('en'), expected.toLocaleString('en'), measured === expected);
}

const readings = await readAll();
const end = await settled();
const atPyroscope = pyroscope && (await samplesAt(pyroscope, end.samples));
endLoad();
const status = await agent.stop();
accepted.push(...(await backend.accepted()));
const files = readdirSync(profiles, { recursive: true }).filter(name => String(name).endsWith('.pb.gz')).length;
backend.close();
await stopServers();

const intervals = readings.length - 1;
const quarters = [0, 1, 2, 3].map(n => {
  const [from, to] = [n, n + 1].map(quarter => Math.round((quarter * intervals) / 4));
  return summarize(`quarter ${n + 1}`, readings.slice(from, to! + 1));
});
// With its start: a process begins with no CPU time.
const all = { ...summarize('all', readings), cpu: (100 * readings.at(-1)!.cpu) / readings.at(-1)!.seconds };
const mostRss = Math.max(...readings.map(({ rss }) => rss));
const growth = 100 * (quarters[3]!.rss / quarters[1]!.rss - 1);
const load = values['no-load'] ? 'no load' : 'two compilers and 50 programs a second';
console.log(`everything at ${values.hz} Hz for ${minutes} min, windows of ${WINDOW_MS / 1000} s, ${load}`);
table([
  ['', 'CPU %', 'RSS mean MB', 'max', 'anonymous', 'file', 'descriptors', 'samples'],
  ...[...quarters, all].map(stretch => stretch.row),
]);
console.log();
table([
  ['', 'measured', 'aim', ''],
  row('CPU with the start, % of one core', all.cpu.toFixed(2), '1', all.cpu <= 1),
  row('RSS at most, MB', mostRss.toFixed(1), '120', mostRss <= 120),
  row('RSS of the last quarter above the second, %', growth.toFixed(1), '3', growth <= 3),
  equalRow('samples lost', end.lost, 0),
  equalRow('windows failed', end.failedWindows, 0),
  equalRow('profiles dropped', end.dropped, 0),
  equalRow('samples at the backend; those of the windows', end.received, end.samples),
  ...(atPyroscope === undefined ? [] : [equalRow('samples at Pyroscope', atPyroscope, end.samples)]),
  equalRow('profiles in the folder; those at the backend', files, accepted.length),
  equalRow('exit status', status ?? -1, 0),
]);
