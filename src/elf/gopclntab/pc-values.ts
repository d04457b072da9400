/** Tables from program counters to numbers (Go's runtime/symtab.go: pcvalue, step; golang.org/s/go12symtab). */

import type { Pieces } from '../pieces.ts';

/**
 * What the steps of all look-ups may add up to, and what each look-up adds to that. Real programs take some fifty on
 * average; a table that does not end must not be walked again and again.
 */
const maxSteps = 2 ** 27;
const stepsPerLookup = 2 ** 9;
/** The longest functions of generated code have some hundred thousand. */
const maxStepsAtOnce = 2 ** 20;

export class PcValues {
  readonly #bytes: Pieces;
  readonly #quantum: number;
  #steps = maxSteps;
  /** Behind the number that was read last. */
  #at = 0;

  constructor(bytes: Pieces, quantum: number) {
    this.#bytes = bytes;
    this.#quantum = quantum;
  }

  /**
   * The value at `distance` bytes from a function's entry by the table at `offset` (0 means that there is none); −1
   * when the table does not tell.
   * @throws ElfError `truncated` when the table reaches out of its part
   */
  valueAt(offset: number, distance: number): number {
    if (offset === 0) return -1;
    this.#steps = Math.min(maxSteps, this.#steps + stepsPerLookup);
    const limit = Math.min(maxStepsAtOnce, this.#steps);
    this.#at = offset;
    let pc = 0;
    let value = -1;
    let left = limit;
    for (; left > 0; left--) {
      const delta = this.#varint();
      // A change by nothing ends the table, unless it begins it.
      if (delta === 0 && pc !== 0) break;
      value = (value + ((delta >>> 1) ^ -(delta & 1))) | 0;
      pc += this.#varint() * this.#quantum;
      if (distance < pc) {
        this.#steps -= limit - left;
        return value;
      }
    }
    this.#steps -= limit - left;
    return -1;
  }

  /** LEB128 of 32 bits. */
  #varint(): number {
    let byte = this.#bytes.byteAt(this.#at++);
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35 && byte >= 0x80; shift += 7) {
      byte = this.#bytes.byteAt(this.#at++);
      value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  }
}
