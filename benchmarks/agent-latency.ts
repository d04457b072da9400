/**
 * How long after its end a window of 5,000 stacks is at the backend, what naming and encoding take of that, and how long
 * the thread that samples stands still meanwhile. `node dist/benchmarks/agent-latency.js [windows]`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type ExportOptions, exportWindow } from '../src/agent/export.ts';
import { Exporter } from '../src/agent/exporter.ts';
import { UnwindEnd } from '../src/capture/records.gen.ts';
import { encodePprof } from '../src/encode/pprof.ts';
import { nameUnknown } from '../src/model/name-unknown.ts';
import { Miss } from '../src/model/profile.ts';
import { selectSamples } from '../src/model/select.ts';
import { nameProfile, type Sampling } from '../src/naming.ts';
import type { MappedCode } from '../src/process/code.ts';
import { openPath } from '../src/process/files.ts';
import type { RawProfile } from '../src/window.ts';
import { compileWithout } from '../test/support/unwind-targets.ts';
import { type Accepted, start, startAgent, startBackend } from './agent-support.ts';
import { folder, median, sleep, table } from './support.ts';

const WINDOWS = Number(process.argv[2] ?? 30);
const STACKS = 5000;
const FRAMES = 40;
const ROUNDS = 15;
const HZ = 997;
/** So many samples meet 5,000 of 16,384 stacks that are equally likely: −16384 ln(1 − 5000/16384). */
const SAMPLES = 5960;

const ms = (value: number) => value.toFixed(1);

/** Functions all over the node binary, whose names are as long as those of other programs. */
function nodeCode(): { code: MappedCode; address: Float64Array } {
  const { bytes, elf } = openPath(process.execPath) ?? {};
  const text = elf?.sections.find(({ name }) => name === '.text');
  if (!bytes || !elf || !text) throw new Error(`${process.execPath} has no section headers`);
  const known = { buildId: elf.buildId, cacheKey: '', start: 0, limit: 2 ** 47, fileOffset: 0 };
  return {
    code: { id: 1, kind: 'file', filename: process.execPath, ...known, elf, bytes, miss: Miss.none },
    address: Float64Array.from({ length: STACKS }, (_, i) => text.address + Math.floor((i * text.size) / STACKS)),
  };
}

/** A window in which `group` stacks have the outer half of their frames in common. */
function makeWindow(address: Float64Array, group: number): RawProfile {
  const [prefix, location, leaves]: [number[], number[], number[]] = [[], [], []];
  const push = (count: number, caller: number) => {
    for (let i = 0; i < count; i++) {
      location.push((Math.imul(location.length, 2654435761) >>> 0) % address.length);
      caller = prefix.push(caller) - 1;
    }
    return caller;
  };
  let outer = -1;
  for (let i = 0; i < STACKS; i++) {
    if (i % group === 0) outer = push(FRAMES / 2, -1);
    leaves.push(push(FRAMES / 2, outer));
  }
  const ones = () => new Float64Array(STACKS).fill(1);
  return {
    addresses: {
      length: address.length,
      mapping: new Int32Array(address.length),
      address: address.slice(),
      miss: new Uint8Array(address.length),
    },
    stacks: { length: prefix.length, prefix: Int32Array.from(prefix), location: Uint32Array.from(location) },
    samples: {
      length: STACKS,
      stack: Int32Array.from(leaves),
      labels: new Uint32Array(STACKS),
      count: ones(),
      weight: ones(),
    },
    timeline: undefined,
    labelSets: [[{ key: 'service_name', value: 'node' }]],
    ends: {
      end: new Uint8Array(STACKS).fill(UnwindEnd.PROFILER_END_COMPLETE),
      frames: new Uint32Array(STACKS).fill(FRAMES),
      byFramePointer: new Uint32Array(STACKS),
    },
    startTimeMs: Date.now(),
    durationMs: 15_000,
  };
}

const sampling: Sampling = {
  event: { value: 'time', counts: { type: 'cpu', unit: 'nanoseconds' } },
  hz: 99,
  shortNames: false,
  inlines: true,
  lines: true,
  losses: {},
  comments: [],
};
const options: ExportOptions = { sampling, name: 'process_cpu', limits: { samples: Infinity, bytes: Infinity } };

/** Median time of each step, milliseconds, without the first round: after it, names are known. */
async function timeSteps(code: MappedCode, window: () => RawProfile): Promise<readonly number[]> {
  const exporter = new Exporter({ debugFolders: () => [], onNote: () => {} });
  const rounds: number[][] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const [raw, rows] = [window(), Array.from({ length: STACKS }, (_, i) => i)];
    const times = [performance.now()];
    const profile = nameUnknown(nameProfile(raw, [code], sampling));
    times.push(performance.now());
    const selected = selectSamples(profile, rows);
    times.push(performance.now());
    const bytes = encodePprof(selected);
    times.push(performance.now());
    gzipSync(bytes, { level: 1 });
    times.push(performance.now());
    exportWindow({ raw, mappings: [code] }, options);
    times.push(performance.now());
    await exporter.exportWindow({ raw, mappings: [code] }, options);
    times.push(performance.now());
    rounds.push(times.slice(1).map((time, i) => time - times[i]!));
  }
  await exporter.close();
  return rounds[0]!.map((_, step) => median(rounds.slice(1).map(times => times[step]!)));
}

async function encoding(): Promise<void> {
  const { code, address } = nodeCode();
  const windows = { 'half of the frames shared by 32 stacks': 32, 'nothing shared': 1 };
  const rows: string[][] = [];
  for (const [name, group] of Object.entries(windows)) {
    const steps = await timeSteps(code, () => makeWindow(address, group));
    const [naming = 0, select = 0, encode = 0, gzip = 0, all = 0, thread = 0] = steps;
    rows.push([name, ...[naming, select, encode, gzip, select + encode + gzip, all, thread].map(ms)]);
  }
  console.log(
    `\na window of ${STACKS} stacks of ${FRAMES} frames, names known, ms (medians of ${ROUNDS}; the sum: aim 25)`,
  );
  table([['', 'naming', 'select', 'encode', 'gzip', 'sum of the three', 'all', "all by the agent's thread"], ...rows]);
}

/** Of the agent's main thread: the longest time between two turns of a timer of 1 ms, in each tenth of a second. */
const WATCHER = `
const { isMainThread } = require('node:worker_threads');
if (isMainThread) {
  const delay = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 1 });
  const lines = [];
  delay.enable();
  setInterval(() => {
    lines.push(Date.now() + ' ' + delay.max / 1e6);
    delay.reset();
  }, 100).unref();
  process.on('exit', () => require('node:fs').writeFileSync(process.env.WATCHER_OUTPUT, lines.join('\\n')));
}
`;
const TENTH_MS = 100;

interface Stall {
  /** When it was written down, milliseconds since the epoch. */
  readonly at: number;
  readonly ms: number;
}

interface Deliveries {
  readonly windowSeconds: number;
  readonly accepted: readonly Accepted[];
  readonly stalls: readonly Stall[];
}

/** The windows that an agent delivers of one program with so many threads. */
async function deliver(program: string, threads: number): Promise<Deliveries> {
  const watcher = join(folder, 'watcher.cjs');
  const output = join(folder, 'stalls');
  writeFileSync(watcher, WATCHER);
  process.env.WATCHER_OUTPUT = output;
  const windowSeconds = Math.ceil(SAMPLES / HZ / threads);
  const backend = await startBackend();
  const end = start([program, '36000', `${threads}`, '16384']);
  await sleep(1000);
  const sinks = [{ type: 'http', url: backend.url }];
  const config = { frequency: HZ, window: `${windowSeconds}s`, targets: { comm: ['deep'] }, sinks };
  const agent = await startAgent(config, ['--require', watcher]);
  const accepted: Accepted[] = [];
  while (accepted.length <= WINDOWS) {
    await sleep(1000);
    accepted.push(...(await backend.accepted()));
  }
  await agent.stop();
  end();
  backend.close();
  const lines = readFileSync(output, 'utf8').split('\n');
  const stalls = lines.map(line => line.split(' ').map(Number)).map(([at = 0, ms = 0]) => ({ at, ms }));
  return { windowSeconds, accepted, stalls };
}

/** The longest stalls around the end of each window, until it was accepted, and the longest one at other times. */
function stallsOf({ accepted, stalls }: Deliveries): { readonly ends: readonly number[]; readonly other: number } {
  const isNear = ({ at }: Stall, { endMs, acceptedMs }: Accepted) =>
    at >= endMs - TENTH_MS && at <= acceptedMs + TENTH_MS;
  const most = (some: readonly Stall[]) => Math.max(0, ...some.map(stall => stall.ms));
  const from = accepted[0]!.acceptedMs + TENTH_MS; // not the start
  const to = accepted.at(-1)!.endMs;
  const others = stalls.filter(stall => stall.at > from && stall.at < to && !accepted.some(one => isNear(stall, one)));
  return {
    ends: accepted.slice(1).map(one => most(stalls.filter(stall => isNear(stall, one)))),
    other: most(others),
  };
}

async function latency(): Promise<void> {
  const program = compileWithout(folder, 'deep.cc', 'deep');
  const rows: string[][] = [];
  for (const threads of [1, cpus().length]) {
    const deliveries = await deliver(program, threads);
    const [first, ...others] = deliveries.accepted;
    const times = others.map(({ endMs, acceptedMs }) => acceptedMs - endMs);
    const { ends, other } = stallsOf(deliveries);
    const stacks = median(others.map(one => one.stacks));
    const figures = [first!.acceptedMs - first!.endMs, median(times), Math.max(...times)];
    const blocked = [median(ends), Math.max(...ends), other];
    const name = `${threads} of ${cpus().length}, ${deliveries.windowSeconds} s`;
    rows.push([name, stacks.toFixed(0), ...figures.map(value => value.toFixed(0)), ...blocked.map(ms)]);
  }
  console.log(`\n${WINDOWS} windows of one program, 40 deep, ${HZ} Hz: from the end to the backend (aim 300 ms),`);
  console.log('and the longest time between two turns of a 1 ms timer of the thread that samples (aim 10 ms)');
  const delivery = ['first window ms', 'median ms', 'max ms'];
  const stalls = ['around ends: median ms', 'max ms', 'else: max ms'];
  table([['CPUs busy, window', 'stacks', ...delivery, ...stalls], ...rows]);
}

await encoding();
await latency();
