/** The names of threads, which samples of perf_event_open do not have: from /proc, and from the sideband after that. */
import { readFileSync } from 'node:fs';
import { Limit } from './records.gen.ts';
import { Life, type Sideband } from './sideband.ts';

const NAME_WORDS = Limit.PROFILER_COMM_LEN / 4;

/** As a sample has it: 16 bytes, the last one 0. */
export function nameWords(comm: string): Uint32Array {
  const words = new Uint32Array(NAME_WORDS);
  new TextEncoder().encodeInto(comm, new Uint8Array(words.buffer, 0, Limit.PROFILER_COMM_LEN - 1));
  return words;
}

const UNKNOWN = nameWords('');

function readName(pid: number, tid: number): Uint32Array | undefined {
  try {
    return nameWords(readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').replace(/\n$/, ''));
  } catch {
    return undefined; // it has ended
  }
}

export class ThreadNames {
  readonly #names = new Map<number, Uint32Array>();
  /** What is to happen to names, and when, ns. */
  #changes: { readonly time: number; readonly apply: () => void }[] = [];

  /** Of a thread as it is at this point of the recording; empty when nobody knows any more. */
  of(pid: number, tid: number): Uint32Array {
    const known = this.#names.get(tid);
    if (known) return known;
    const name = readName(pid, tid);
    if (name) this.#names.set(tid, name);
    return name ?? UNKNOWN;
  }

  /** Takes a record, in the order of their times; it counts from its time on: see advance(). */
  take(sideband: Sideband, at: number): void {
    const apply = this.#changeOf(sideband, at);
    if (apply) this.#changes.push({ time: sideband.time(at), apply });
  }

  /** Names are those of this time from now on, ns. */
  advance(time: number): void {
    let count = 0;
    while (count < this.#changes.length && this.#changes[count]!.time <= time) this.#changes[count++]!.apply();
    if (count > 0) this.#changes = this.#changes.slice(count);
  }

  #changeOf(sideband: Sideband, at: number): (() => void) | undefined {
    const pid = sideband.pid(at);
    switch (sideband.kind(at)) {
      case Life.comm: {
        const [tid, name] = [sideband.tid(at), nameWords(sideband.comm(at))];
        return () => this.#names.set(tid, name);
      }
      case Life.exit: {
        const tid = sideband.taskTid(at);
        return () => this.#names.delete(tid);
      }
      case Life.fork: {
        const [tid, parentPid] = [sideband.taskTid(at), sideband.parentPid(at)];
        // A process has the name of its parent until it execs. Which thread began this one is not told.
        if (pid === parentPid) return () => this.#names.delete(tid);
        return () => this.#names.set(tid, this.of(parentPid, parentPid));
      }
      case Life.lost:
        return () => this.#names.clear();
      default:
        return undefined;
    }
  }
}
