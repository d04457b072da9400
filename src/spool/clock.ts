/** Time as the spool and the uploader see it, so that a test can let hours pass. */

import { setTimeout } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds of a clock that nobody sets. */
  now(): number;
  /** Milliseconds since the epoch. */
  wall(): number;
  /** Resolves after `ms` milliseconds, or as soon as the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }).catch(() => {}),
};
