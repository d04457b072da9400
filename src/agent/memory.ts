/** Keeps the agent below its memory limit by giving up details, one step at a time. */

/** Steps, mildest first. */
export const SHED = { nothing: 0, caches: 1, half: 2, quarter: 3, eighth: 4 } as const;
export type Shed = (typeof SHED)[keyof typeof SHED];

/** Shares of the limit: a step more above the first one, a step less after a while below the second one. */
const HIGH = 0.9;
const LOW = 0.7;
/** A step needs this long until it shows. */
const SETTLE_MS = 5000;
const RECOVER_MS = 120_000;

/** The part of the frequency that is sampled at a step. */
export function sampledShare(step: Shed): number {
  return step <= SHED.caches ? 1 : 2 ** -(step - SHED.caches);
}

/** Decides on a step from the resident memory of the process. Times are in milliseconds, never going back. */
export class MemoryGuard {
  step: Shed = SHED.nothing;
  readonly #limit: number;
  #changedAt = Number.NEGATIVE_INFINITY;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns whether the step has changed. */
  check(bytes: number, now: number): boolean {
    const since = now - this.#changedAt;
    if (bytes > HIGH * this.#limit && since >= SETTLE_MS && this.step < SHED.eighth) return this.#to(1, now);
    if (bytes < LOW * this.#limit && since >= RECOVER_MS && this.step > SHED.nothing) return this.#to(-1, now);
    return false;
  }

  #to(direction: 1 | -1, now: number): true {
    this.step = (this.step + direction) as Shed;
    this.#changedAt = now;
    return true;
  }
}
