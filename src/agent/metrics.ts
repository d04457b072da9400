/** What the agent tells about itself, in Prometheus' format. */
import { readdirSync } from 'node:fs';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { packageVersion } from '../package.ts';
import type { UploaderState } from '../spool/uploader.ts';
import type { Agent } from './agent.ts';

interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly type: typeof Counter | typeof Gauge;
  readonly name: string;
  readonly help: string;
  /** Label names; without them there is one row. */
  readonly labels?: readonly string[];
  readonly rows: (agent: Agent) => readonly Row[];
}

function single(type: Metric['type'], name: string, help: string, value: (agent: Agent) => number): Metric {
  return { type, name, help, rows: agent => [{ labels: {}, value: value(agent) }] };
}

function ofSinks(type: Metric['type'], name: string, help: string, value: (state: UploaderState) => number): Metric {
  const rows = ({ delivery }: Agent) =>
    delivery.routes.map(({ name: sink, uploader }) => ({ labels: { sink }, value: value(uploader.state) }));
  return { type, name: `profiler_sink_${name}`, help, labels: ['sink'], rows };
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return Number.NaN;
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const METRICS: readonly Metric[] = [
  {
    type: Gauge,
    name: 'profiler_info',
    help: 'Version, and the event that is sampled.',
    labels: ['version', 'event'],
    rows: ({ event }) => [{ labels: { version: packageVersion(), event }, value: 1 }],
  },
  single(Gauge, 'profiler_frequency_hertz', 'Samples a second on each busy CPU, as taken now.', agent => agent.hz),
  single(Gauge, 'profiler_shed_step', 'What is given up to save memory; 0: nothing.', agent => agent.shed),
  single(Counter, 'profiler_samples_total', 'Samples of the windows that ended.', ({ counts }) => counts.samples),
  {
    type: Counter,
    name: 'profiler_losses_total',
    help: 'What did not make it into the samples, or not in full.',
    labels: ['cause'],
    rows: ({ losses }) => [...losses].map(([cause, value]) => ({ labels: { cause }, value })),
  },
  single(Counter, 'profiler_windows_total', 'Windows that ended.', ({ counts }) => counts.windows),
  single(
    Counter,
    'profiler_windows_failed_total',
    'Windows that could not be exported.',
    ({ counts }) => counts.windowsFailed,
  ),
  single(Counter, 'profiler_samples_failed_total', 'Samples in those.', ({ counts }) => counts.samplesFailed),
  single(Counter, 'profiler_profiles_total', 'Profiles made of windows.', ({ counts }) => counts.profiles),
  single(Counter, 'profiler_reloads_total', 'Configurations taken over.', ({ counts }) => counts.reloads),
  single(Counter, 'profiler_reloads_failed_total', 'Configurations refused.', ({ counts }) => counts.reloadsFailed),
  single(
    Gauge,
    'profiler_last_window_end_seconds',
    'Unix time of the end of the last window.',
    ({ last }) => (last?.endMs ?? 0) / 1000,
  ),
  single(Gauge, 'profiler_last_window_samples', 'Samples in it.', ({ last }) => last?.samples ?? 0),
  single(Gauge, 'profiler_last_window_series', 'Series in it.', ({ last }) => last?.series ?? 0),
  single(
    Gauge,
    'profiler_last_export_seconds',
    'Time from its end to its profiles.',
    ({ last }) => (last?.exportMs ?? 0) / 1000,
  ),
  single(
    Gauge,
    'profiler_spool_bytes',
    'Disk that waiting profiles take.',
    ({ delivery }) => delivery.spool.state.bytes,
  ),
  single(
    Gauge,
    'profiler_spool_memory_bytes',
    'Profiles that wait in memory because the disk does not take them.',
    ({ delivery }) => delivery.spool.state.memoryBytes,
  ),
  ofSinks(Gauge, 'queued', 'Profiles that wait.', state => state.entries),
  ofSinks(Gauge, 'queued_bytes', 'Bytes of those.', state => state.bytes),
  ofSinks(Gauge, 'oldest_seconds', 'How long the oldest of them waits.', state => (state.oldestAgeMs ?? 0) / 1000),
  ofSinks(Gauge, 'circuit_open', '1 after five failures in a row.', state => Number(state.circuit === 'open')),
  ofSinks(Counter, 'sent_total', 'Profiles that were accepted.', state => state.sentEntries),
  ofSinks(Counter, 'sent_bytes_total', 'Bytes of those.', state => state.sentBytes),
  ofSinks(Counter, 'attempts_total', 'Requests.', state => state.attempts),
  ofSinks(Counter, 'retries_total', 'Requests that failed and are repeated.', state => state.retries),
  {
    type: Counter,
    name: 'profiler_sink_dropped_total',
    help: 'Profiles that will never be delivered.',
    labels: ['sink', 'reason'],
    rows: ({ delivery }) =>
      delivery.routes.flatMap(({ name: sink, uploader }) =>
        Object.entries(uploader.state.dropped).map(([reason, value]) => ({ labels: { sink, reason }, value })),
      ),
  },
  single(Counter, 'process_cpu_seconds_total', 'CPU time of the agent.', cpuSeconds),
  single(Gauge, 'process_resident_memory_bytes', 'Resident memory of the agent.', () => process.memoryUsage.rss()),
  single(Gauge, 'process_open_fds', 'Open file descriptors.', openDescriptors),
  single(Gauge, 'process_start_time_seconds', 'Unix time of its start.', () => performance.timeOrigin / 1000),
];

export function newTableDelays(): Histogram {
  return new Histogram({
    name: 'profiler_unwind_tables_seconds',
    help: 'Time from an exec, or from a mapping of code, until there are unwind tables for it.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers: [],
  });
}

/** All metrics; the values of nearly all are read when somebody asks for them. */
export function agentMetrics(agent: Agent): Registry {
  const registry = new Registry();
  registry.registerMetric(agent.tableDelays);
  for (const { type, name, help, labels = [], rows } of METRICS) {
    new type({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset();
        for (const row of rows(agent)) this.inc(row.labels, row.value);
      },
    });
  }
  return registry;
}
