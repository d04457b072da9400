/**
 * Firefox Profiler: its processed profile format, src/types/profile.ts and docs-developer/CHANGELOG-formats.md of
 * https://github.com/firefox-devtools/profiler. Opens at https://profiler.firefox.com and in any later version of it.
 */
import type { Profile, ValueType } from '../model/profile.ts';
import type { FrameStacks } from '../transform/frames.ts';
import { categories, sharedTables } from './firefox-tables.ts';
import type { EncodeOptions, Format } from './format.ts';
import { type Json, jsonList, jsonText } from './json-text.ts';
import { hitsOf, type Thread, threadsOf } from './threads.ts';

/** Of the processed format, and of the format of Firefox itself that it goes with. */
const VERSION = 70;
const GECKO_VERSION = 36;
const MS: Readonly<Record<string, number>> = { nanoseconds: 1e-6, microseconds: 1e-3, milliseconds: 1, seconds: 1e3 };

/** What a sample weighs: values of the sample type `index`, times `scale`. */
interface Weight {
  readonly type: 'samples' | 'tracing-ms' | 'bytes';
  readonly index: number;
  readonly scale: number;
}

/** The last sample type; of CPU time the number of samples, when it is there, for that is what the viewer multiplies. */
function weightOf(sampleTypes: readonly ValueType[]): Weight {
  const index = sampleTypes.length - 1;
  const { unit } = sampleTypes[index]!;
  if (unit === 'bytes') return { type: 'bytes', index, scale: 1 };
  const ms = Object.hasOwn(MS, unit) ? MS[unit] : undefined;
  if (ms === undefined) return { type: 'samples', index, scale: 1 };
  if (index > 0 && sampleTypes[0]!.unit === 'count') return { type: 'samples', index: 0, scale: 1 };
  return { type: 'tracing-ms', index, scale: ms };
}

/** Milliseconds between two samples. */
function interval({ period, periodType }: Profile): number {
  const ms = Object.hasOwn(MS, periodType.unit) ? period * MS[periodType.unit]! : 0;
  return ms > 0 ? ms : 1;
}

/** Without times: one sample after the other, as far apart as they are heavy, within the duration of the recording. */
function inventedTimes(weights: Float64Array, scale: number): Float64Array {
  let time = 0;
  return weights.map(weight => {
    const start = time;
    time += Math.abs(weight) * scale;
    return start;
  });
}

interface Weighed extends Thread {
  readonly weights: Float64Array;
}

function weigh(profile: Profile, { index, scale }: Weight): Weighed[] {
  const value = profile.samples.values[index]!;
  const hits = hitsOf(profile);
  return threadsOf(profile).map(thread => ({
    ...thread,
    weights: Float64Array.from(thread.rows, row => (value[row]! * scale) / hits[row]!),
  }));
}

function sumOf(weights: Float64Array): number {
  return weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
}

function samplesTable(profile: Profile, stacks: FrameStacks, thread: Weighed, type: string, timeScale: number): Json {
  const { rows, times, weights } = thread;
  const leaf = (row: number) => stacks.leaf[profile.samples.stack[row]!] ?? null;
  return {
    length: rows.length,
    stack: Array.from(rows, leaf),
    time: times ?? inventedTimes(weights, timeScale),
    weight: weights,
    weightType: type,
  };
}

function threadJson(thread: Weighed, isMainThread: boolean, processName: string, samples: Json): Json {
  const { name, pid, tid } = thread;
  return {
    processType: 'default',
    processName,
    processStartupTime: 0,
    processShutdownTime: null,
    registerTime: 0,
    unregisterTime: null,
    pausedRanges: [],
    name: name || 'all',
    isMainThread,
    pid: pid || '0',
    tid: tid || '0',
    samples,
    markers: { length: 0, data: [], name: [], startTime: [], endTime: [], phase: [], category: [] },
  };
}

/** For each process its main thread: the one of the same id, else the first. */
function mainThreads(threads: readonly Weighed[]): Map<string, Weighed> {
  const main = new Map<string, Weighed>();
  for (const thread of threads) {
    const known = main.get(thread.pid);
    if (known === undefined || (thread.tid === thread.pid && known.tid !== known.pid)) main.set(thread.pid, thread);
  }
  return main;
}

function meta(profile: Profile, title: string): Json {
  const { startTimeMs, durationMs, losses, comments } = profile;
  const lost = Object.entries(losses).filter(([, count]) => count > 0);
  const texts = [...comments.map(text => ['Comment', text] as const), ...lost];
  return {
    version: GECKO_VERSION,
    preprocessedProfileVersion: VERSION,
    product: title,
    importedFrom: 'ebpf-profiler',
    interval: interval(profile),
    startTime: startTimeMs,
    profilingStartTime: 0,
    profilingEndTime: durationMs,
    processType: 0,
    stackwalk: 1,
    symbolicated: true,
    usesOnlyOneStackType: true,
    sourceCodeIsNotOnSearchfox: true,
    categories,
    markerSchema: [],
    extra: [
      {
        label: 'Recording',
        entries: texts.map(([label, value]) => ({ label, format: 'string', value: String(value) })),
      },
    ],
  };
}

function encode(profile: Profile, { title }: EncodeOptions): Iterable<string> {
  const { shared, libs, stacks } = sharedTables(profile);
  const weight = weightOf(profile.sampleTypes);
  const threads = weigh(profile, weight);
  const main = mainThreads(threads);
  const largest = threads.reduce((most, { weights }) => Math.max(most, sumOf(weights)), 0) || 1;
  const timeScale = (profile.durationMs || largest) / largest;
  return jsonText({
    meta: meta(profile, title),
    libs,
    shared,
    threads: jsonList(threads, thread => {
      const process = main.get(thread.pid)!;
      const samples = samplesTable(profile, stacks, thread, weight.type, timeScale);
      return threadJson(thread, process === thread, process.name || title, samples);
    }),
  });
}

export const firefox: Format = {
  name: 'firefox',
  description: 'Firefox Profiler JSON, with threads, and times where they are known',
  extensions: ['.firefox.json'],
  encode,
};
