/** The names of threads, which samples of perf_event_open do not have: from /proc, and from the sideband after that. */
import { readFileSync } from 'node:fs';
import { Limit } from './records.gen.ts';
import type { SidebandEvent } from './sideband.ts';

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

  /** Of a thread as it is at this point of the recording; empty when nobody knows any more. */
  of(pid: number, tid: number): Uint32Array {
    const known = this.#names.get(tid);
    if (known) return known;
    const name = readName(pid, tid);
    if (name) this.#names.set(tid, name);
    return name ?? UNKNOWN;
  }

  apply(event: SidebandEvent): void {
    switch (event.kind) {
      case 'comm':
        this.#names.set(event.tid, nameWords(event.comm));
        break;
      case 'exit':
        this.#names.delete(event.tid);
        break;
      case 'fork':
        // A process has the name of its parent until it execs. Which thread began this one is not told.
        if (event.pid === event.parentPid) this.#names.delete(event.tid);
        else this.#names.set(event.tid, this.of(event.parentPid, event.parentPid));
        break;
      case 'lost':
        this.#names.clear();
        break;
    }
  }
}
