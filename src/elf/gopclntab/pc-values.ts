/** Tables from program counters to numbers (Go's runtime/symtab.go: pcvalue, step; golang.org/s/go12symtab). */

import type { Pieces } from '../pieces.ts';

/**
 * What the steps of all look-ups may add up to, and what each look-up adds to that. Real programs take some fifty on
 * average; a table that does not end must not be walked again and again.
 */
const maxSteps = 2 ** 26;
const stepsPerLookup = 2 ** 9;
/** The longest functions of generated code have some hundred thousand. */
const maxStepsAtOnce = 2 ** 20;

/** Goes on where the last look-up ended if it can: addresses are mostly asked for in ascending order. */
export class PcValues {
  readonly #bytes: Pieces;
  readonly #quantum: number;
  #steps = maxSteps;
  /** The table at hand, 0 for none, and where its next step is. */
  #table = 0;
  #at = 0;
  /** What the last step said: a value, and from which distance to which one it holds. */
  #value = -1;
  #from = 0;
  #to = 0;

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
    if (offset !== this.#table || distance < this.#from) this.#start(offset);
    if (distance < this.#to) return this.#value;
    this.#steps = Math.min(maxSteps, this.#steps + stepsPerLookup);
    for (let left = Math.min(maxStepsAtOnce, this.#steps); left > 0; left--) {
      this.#steps--;
      if (!this.#step()) break;
      if (distance < this.#to) return this.#value;
    }
    // Behind the end, or given up: the next look-up begins anew.
    this.#table = 0;
    return -1;
  }

  #start(offset: number): void {
    this.#table = offset;
    this.#at = offset;
    this.#value = -1;
    this.#from = 0;
    this.#to = 0;
  }

  #step(): boolean {
    const delta = this.#varint();
    // A change by nothing ends the table, unless it begins it.
    if (delta === 0 && this.#to !== 0) return false;
    this.#value = (this.#value + ((delta >>> 1) ^ -(delta & 1))) | 0;
    this.#from = this.#to;
    this.#to += this.#varint() * this.#quantum;
    return true;
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
