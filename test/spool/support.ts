/** Uploads with known content, a clock that the test sets, and what a spool's folder holds. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Upload } from '../../src/sinks/sink.ts';
import type { Clock } from '../../src/spool/clock.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../src/spool/spool.ts';
import { random } from '../support/random.ts';

export const MiB = 1 << 20;
export const HOUR = 3_600_000;

export function idOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** The upload of a number; its pprof is of that number too, and is no profile: nothing here looks into it. */
export function uploadOf(number: number, startMs = 1_700_000_000_000 + 15_000 * number, bytes = 1000): Upload {
  const next = random(number);
  return {
    id: idOf(number),
    name: 'process_cpu',
    labels: { service_name: `service-${number} "é\n`, comm: 'node' },
    startMs,
    durationMs: 15_000,
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 1e9 / 49,
    samples: number,
    rawBytes: 3 * bytes,
    pprof: Uint8Array.from({ length: bytes }, () => next(256)),
  };
}

export function numbers(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

export interface Logged {
  readonly lines: string[];
  readonly log: (message: string) => void;
}

export function logged(): Logged {
  const lines: string[] = [];
  return { lines, log: message => lines.push(message) };
}

/** A spool with room enough for two sinks, unless said otherwise. */
export function open(dir: string, options: Partial<SpoolOptions> = {}): Promise<Spool> {
  return openSpool({ dir, maxBytes: 64 * MiB, maxAgeMs: 24 * HOUR, sinks: ['a', 'b'], clock: testClock(), ...options });
}

/** A clock that stands still until the test sets it; all sleepers whose time has come wake then. */
export interface TestClock extends Clock {
  /** Ends of the sleeps under way, on the monotonic clock. */
  readonly sleeping: number[];
  /** Lets both clocks go on. */
  pass(ms: number): void;
  /** Sets the wall clock alone, relative to what it shows. */
  setWall(byMs: number): void;
}

export function testClock(wall = 1_700_000_000_000): TestClock {
  let now = 5000;
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  return {
    now: () => now,
    wall: () => wall,
    sleep: (ms, signal) =>
      new Promise(resolve => {
        const sleeper = { at: now + ms, wake: resolve };
        const end = () => {
          sleepers.delete(sleeper);
          resolve();
        };
        if (signal.aborted) return end();
        signal.addEventListener('abort', end, { once: true });
        sleepers.add(sleeper);
      }),
    get sleeping() {
      return [...sleepers].map(({ at }) => at).sort((a, b) => a - b);
    },
    pass(ms) {
      now += ms;
      wall += ms;
      for (const sleeper of sleepers) {
        if (sleeper.at > now) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
    setWall(byMs) {
      wall += byMs;
    },
  };
}

/** Everything that waits for a sink, in the order in which it is given out; all of it is removed. */
export async function drain(spool: Spool, sink: string): Promise<Upload[]> {
  const uploads: Upload[] = [];
  for (;;) {
    const taken = await spool.take(sink, { batch: 10, batchBytes: MiB });
    if (taken.length === 0) return uploads;
    for (const { entry, upload } of taken) {
      uploads.push(plain(upload));
      spool.remove(sink, entry);
    }
    spool.release(sink, taken);
  }
}

/** With a pprof that compares equal to another one: a Buffer is not a Uint8Array to expect(). */
export function plain(upload: Upload): Upload {
  return { ...upload, pprof: new Uint8Array(upload.pprof) };
}

/** Paths below the spool's folder, but for its lock. */
export function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory() && entry.name !== '.lock')
    .map(entry => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();
}
