/** Files that exist because of us: they are removed when the recording is over. */
import { lstatSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Leftovers } from './runtime.ts';

/** Of programs that are remembered. */
const MAX_PROGRAMS = 1 << 16;
/** File systems keep times in ticks of some milliseconds. */
const SLACK_MS = 1000;

export class LeftBehind {
  readonly #since = Date.now() - SLACK_MS;
  readonly #expected: ((pid: number) => Leftovers)[] = [];
  readonly #pids = new Set<number>();
  /** Where programs were started. */
  readonly #folders = new Set([process.cwd()]);
  #made: string[] = [];

  expect(leftovers: (pid: number) => Leftovers): void {
    this.#expected.push(leftovers);
  }

  started(pid: number): void {
    if (this.#expected.length === 0 || this.#pids.size >= MAX_PROGRAMS) return;
    this.#pids.add(pid);
    try {
      this.#folders.add(readlinkSync(`/proc/${pid}/cwd`));
    } catch {
      // It has ended already.
    }
  }

  made(path: string | undefined): void {
    if (path !== undefined) this.#made.push(path);
  }

  removeMade(): void {
    for (const path of this.#made) this.#removeNew(path);
    this.#made = [];
  }

  remove(): void {
    if (this.#pids.size === 0) return;
    const listed = [...this.#folders].map(folder => ({ folder, names: namesIn(folder) }));
    for (const leftovers of this.#expected) {
      for (const pid of this.#pids) {
        const { temporary, working } = leftovers(pid);
        this.#removeNew(join('/tmp', temporary));
        for (const { folder, names } of listed) {
          for (const name of names) if (working?.test(name)) this.#removeNew(join(folder, name));
        }
      }
    }
  }

  /** Only what has come into being since. */
  #removeNew(path: string): void {
    try {
      const stats = lstatSync(path);
      if (stats.isFile() && stats.birthtimeMs >= this.#since) rmSync(path);
    } catch {
      // Never made, or removed by somebody else.
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
