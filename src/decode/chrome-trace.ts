/**
 * Traces of Chrome and of V8 (the Trace Event Format), as DevTools and Perfetto save them: the CPU profiles in them,
 * which are events `Profile`, then `ProfileChunk`s with more nodes and samples; or a whole one as `CpuProfile`.
 */
import type { Label, Profile } from '../model/profile.ts';
import { ProfileBuilder } from './builder.ts';
import { DecodeError } from './error.ts';
import type { Chunks } from './input.ts';
import { beginsJson, type JsonObject, listOf, numberOf, objectOf, parseJson, readText, textOf } from './json.ts';
import { headText, type Reader } from './reader.ts';
import { V8_CLOCK, V8_TYPES, V8Profile } from './v8-profile.ts';

interface Thread {
  readonly pid: number;
  readonly tid: number;
  readonly profile: V8Profile;
}

class ChromeTraceReader {
  readonly #builder = new ProfileBuilder(V8_TYPES.length);
  /** By process and id of the profile. */
  readonly #threads = new Map<string, Thread>();
  /** By process and thread. */
  readonly #names = new Map<string, string>();
  #startTime = Infinity;

  read(events: readonly unknown[]): Profile {
    for (const event of events) this.#event(objectOf(event));
    const threads = [...this.#threads.values()].filter(({ profile }) => profile.hasSamples);
    if (threads.length === 0) {
      throw new DecodeError(
        'it holds no samples; record the trace with the category disabled-by-default-v8.cpu_profiler.',
      );
    }
    for (const thread of threads) {
      thread.profile.count(this.#builder.labels(threads.length > 1 ? this.#labels(thread) : []));
    }
    return this.#builder.build(
      { sampleTypes: V8_TYPES, periodType: V8_TYPES.at(-1)!, clock: V8_CLOCK },
      this.#startTime / 1e3,
    );
  }

  #event(event: JsonObject): void {
    const args = objectOf(event.args);
    const data = objectOf(args.data);
    const [pid, tid] = [numberOf(event.pid), numberOf(event.tid)];
    switch (event.name) {
      case 'thread_name':
        this.#names.set(`${pid} ${tid}`, textOf(args.name));
        break;
      case 'Profile':
      case 'ProfileChunk':
        this.#add(`${pid} ${String(event.id)}`, { pid, tid }, data, objectOf(data.cpuProfile), data);
        break;
      case 'CpuProfile': {
        const whole = objectOf(data.cpuProfile);
        this.#add(`${pid} thread ${tid}`, { pid, tid }, whole, whole, whole);
      }
    }
  }

  /** @param times with startTime and endTime @param samples nodes and samples @param deltas with timeDeltas */
  #add(key: string, of: Pick<Thread, 'pid' | 'tid'>, times: JsonObject, samples: JsonObject, deltas: JsonObject): void {
    let thread = this.#threads.get(key);
    if (thread === undefined) {
      const startTime = numberOf(times.startTime);
      this.#startTime = Math.min(this.#startTime, startTime);
      thread = { ...of, profile: new V8Profile(this.#builder, startTime) };
      this.#threads.set(key, thread);
    }
    const { profile } = thread;
    profile.endTime = numberOf(times.endTime, profile.endTime);
    profile.addNodes(listOf(samples.nodes));
    profile.addSamples(listOf(samples.samples), listOf(deltas.timeDeltas));
  }

  #labels({ pid, tid }: Thread): Label[] {
    const name = this.#names.get(`${pid} ${tid}`) || `thread ${tid}`;
    return [
      { key: 'thread', value: name },
      { key: 'pid', value: pid },
      { key: 'tid', value: tid },
    ];
  }
}

function detect(head: Uint8Array): boolean {
  const text = headText(head);
  return beginsJson(text) && (/"traceEvents"\s*:/.test(text) || /"ph"\s*:\s*"/.test(text));
}

async function read(chunks: Chunks): Promise<Profile> {
  const text = await readText(chunks);
  // A list may end anywhere behind an event: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
  const isOpen = /^\s*\[/.test(text) && !/\]\s*$/.test(text.slice(-256));
  const json = parseJson(isOpen ? `${text.trimEnd().replace(/,$/, '')}]` : text);
  return new ChromeTraceReader().read(Array.isArray(json) ? json : listOf(objectOf(json).traceEvents));
}

export const chromeTrace: Reader = {
  name: 'Chrome trace',
  description: 'Chrome traces with CPU profiles',
  detect,
  read,
};
