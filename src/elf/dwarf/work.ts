/** How much of a program's debug information is read, against how much there is. */

import { ElfError } from '../bytes.ts';

/** What is read once is read a few times over: functions first, then as a whole; and again after it was forgotten. */
const factor = 8;
const reserve = 16 * 2 ** 20;
const maxLeft = 2 ** 40;

/**
 * References may point anywhere: a megabyte can say ten thousand times that the same megabyte is to be read. Whoever
 * reads says how much; what exceeds the measure is not read, and the next queries allow for more.
 */
export class Work {
  #left = reserve;

  /** Bytes of debug information that have come in sight. */
  add(bytes: number): void {
    this.#left = Math.min(maxLeft, this.#left + factor * bytes);
  }

  /** Somebody asks: allows for `bytes` more. */
  allow(bytes: number): void {
    this.#left = Math.min(maxLeft, this.#left + bytes);
  }

  get isSpent(): boolean {
    return this.#left < 0;
  }

  /** @throws ElfError `too-large` when it is too much */
  spend(bytes: number): void {
    if (this.#left < 0) throw new ElfError('too-large', 'much more debug information is referred to than there is');
    this.#left -= bytes;
  }
}
