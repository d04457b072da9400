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

/** Rows are collected here and then copied: tables are read one after the other, and they have up to megabytes. */
let [starts, files, lines] = [new Uint32Array(4096), new Uint32Array(4096), new Uint32Array(4096)];
/** More are given back. */
const maxScratch = 1 << 20;

export class LineRows {
  readonly #code: CodeSpace;
  readonly #base: number;
  #length = 0;
  /** The first row of each sequence. */
  readonly #sequences: number[] = [];
  /** The first row of the current sequence; −1 between two, −2 in one that is left out. */
  #first = -1;

  constructor(code: CodeSpace) {
    this.#code = code;
    this.#base = code.base;
  }

  /** @throws ElfError `too-large` */
  add(address: number, file: number, line: number): void {
    if (this.#first < 0 && !this.#begin(address)) return;
    const distance = address - this.#base;
    const last = this.#length - 1;
    if (last >= this.#first) {
      const before = starts[last]!;
      // Rows at one address: the last one counts. Rows that go back contradict the standard.
      if (distance === before) {
        files[last] = file;
        lines[last] = line;
        return;
      }
      if (distance < before || (files[last] === file && lines[last] === line)) return;
    }
    this.#push(distance, file, line);
  }

  endSequence(address: number): void {
    if (this.#first >= 0) {
      const distance = address - this.#base;
      const last = this.#length - 1;
      if (distance > starts[last]!) this.#push(distance, 0, 0);
      else {
        files[last] = 0;
        lines[last] = 0;
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
    if (this.#length === starts.length) {
      starts = growUint32(starts);
      files = growUint32(files);
      lines = growUint32(lines);
    }
    starts[this.#length] = Math.min(distance, maxDistance);
    files[this.#length] = file;
    lines[this.#length++] = line > 0 && line < maxLine ? line : 0;
  }

  /** All rows by address. Where sequences overlap the one that begins first has the code. */
  done(): LineIntervals {
    if (this.#first >= 0) this.endSequence(starts[this.#length - 1]! + this.#base + 1);
    const length = this.#length;
    const result = this.#isInOrder() ? copy(length) : this.#sorted();
    if (starts.length > maxScratch) {
      [starts, files, lines] = [new Uint32Array(4096), new Uint32Array(4096), new Uint32Array(4096)];
    }
    return result;
  }

  #isInOrder(): boolean {
    for (let i = 1; i < this.#sequences.length; i++) {
      const first = this.#sequences[i]!;
      if (starts[first]! <= starts[first - 1]!) return false;
    }
    return true;
  }

  #sorted(): LineIntervals {
    const sequences = this.#sequences;
    const order = orderByAddress(
      Float64Array.from(sequences, row => starts[row]!),
      sequences.length,
    );
    const length = this.#length;
    const result = { starts: new Uint32Array(length), file: new Uint32Array(length), line: new Uint32Array(length) };
    let to = 0;
    for (const sequence of order) {
      const end = sequences[sequence + 1] ?? length;
      const covered = to === 0 ? -1 : result.starts[to - 1]!;
      for (let row = sequences[sequence]!; row < end; row++) {
        // What begins in the code of another sequence goes on behind it; there its last row is one without a line.
        const start = Math.max(starts[row]!, covered);
        if (to > 0 && start === result.starts[to - 1]) to--;
        result.starts[to] = start;
        result.file[to] = files[row]!;
        result.line[to++] = lines[row]!;
      }
    }
    // Less by one for each two that adjoin.
    if (to === length) return result;
    return {
      starts: result.starts.subarray(0, to),
      file: result.file.subarray(0, to),
      line: result.line.subarray(0, to),
    };
  }
}

function copy(length: number): LineIntervals {
  return { starts: starts.slice(0, length), file: files.slice(0, length), line: lines.slice(0, length) };
}
