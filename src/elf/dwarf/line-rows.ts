/** The rows of a line table while they are collected: sequences in any order (DWARF 5, 6.2.5), ascending rows in each. */

import { growUint32 } from '../../model/columns.ts';
import { ElfError } from '../bytes.ts';
import { orderByAddress } from '../sort.ts';
import type { CodeSpace } from './code-space.ts';
import type { LineIntervals } from './unit-table.ts';

/** The largest unit seen has 3 million. */
const maxRows = 1 << 25;
const maxDistance = 2 ** 32 - 1;
/** Columns of views and statements are signed in some programs: what is no line is none. */
const maxLine = 2 ** 31;

export class LineRows {
  readonly #code: CodeSpace;
  #length = 0;
  #starts = new Uint32Array(1024);
  #file = new Uint32Array(1024);
  #line = new Uint32Array(1024);
  /** The first row of each sequence. */
  readonly #sequences: number[] = [];
  /** The first row of the current sequence; −1 between two, −2 in one that is left out. */
  #first = -1;

  constructor(code: CodeSpace) {
    this.#code = code;
  }

  /** @throws ElfError `too-large` */
  add(address: number, file: number, line: number): void {
    if (this.#first < 0 && !this.#begin(address)) return;
    const distance = address - this.#code.base;
    const last = this.#length - 1;
    if (last >= this.#first) {
      const before = this.#starts[last]!;
      // Rows at one address: the last one counts. Rows that go back contradict the standard.
      if (distance === before) {
        this.#file[last] = file;
        this.#line[last] = line;
        return;
      }
      if (distance < before || (this.#file[last] === file && this.#line[last] === line)) return;
    }
    this.#push(distance, file, line);
  }

  endSequence(address: number): void {
    if (this.#first >= 0) {
      const distance = address - this.#code.base;
      const last = this.#length - 1;
      if (distance > this.#starts[last]!) this.#push(distance, 0, 0);
      else {
        this.#file[last] = 0;
        this.#line[last] = 0;
      }
    }
    this.#first = -1;
  }

  #begin(address: number): boolean {
    if (this.#first === -2) return false;
    if (!this.#code.holds(address)) {
      this.#first = -2;
      return false;
    }
    this.#first = this.#length;
    this.#sequences.push(this.#first);
    return true;
  }

  #push(distance: number, file: number, line: number): void {
    if (this.#length >= maxRows) throw new ElfError('too-large', 'a line program makes too many rows');
    if (this.#length === this.#starts.length) {
      this.#starts = growUint32(this.#starts);
      this.#file = growUint32(this.#file);
      this.#line = growUint32(this.#line);
    }
    this.#starts[this.#length] = Math.min(distance, maxDistance);
    this.#file[this.#length] = file;
    this.#line[this.#length++] = line > 0 && line < maxLine ? line : 0;
  }

  /** All rows by address. Where sequences overlap the one that begins first has the code. */
  done(): LineIntervals {
    if (this.#first >= 0) this.endSequence(this.#starts[this.#length - 1]! + this.#code.base + 1);
    const length = this.#length;
    const sequences = this.#sequences;
    const starts = new Uint32Array(length);
    const file = new Uint32Array(length);
    const line = new Uint32Array(length);
    const order = orderByAddress(
      Float64Array.from(sequences, row => this.#starts[row]!),
      sequences.length,
    );
    let to = 0;
    for (const sequence of order) {
      const end = sequences[sequence + 1] ?? length;
      for (let row = sequences[sequence]!; row < end; row++) {
        const start = this.#starts[row]!;
        if (to > 0 && start <= starts[to - 1]!) {
          if (start < starts[to - 1]!) continue;
          to--;
        }
        starts[to] = start;
        file[to] = this.#file[row]!;
        line[to++] = this.#line[row]!;
      }
    }
    return { starts: starts.slice(0, to), file: file.slice(0, to), line: line.slice(0, to) };
  }
}
