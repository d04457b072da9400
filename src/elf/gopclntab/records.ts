/** What is known of one function (Go's runtime/runtime2.go: _func). */

import type { Pieces } from '../pieces.ts';
import type { PclnHeader, PclnVersion } from './header.ts';

/** Distances from the end of `entry`. */
const name = 0;
const pcFile = 16;
const pcLine = 20;
const pcdataCount = 24;
const unit = 28;
/** Where the four bytes are that end with the count of funcdata: cuOffset came with 1.16, startLine with 1.20. */
const flags: Readonly<Record<PclnVersion, number>> = { '1.2': 28, '1.16': 32, '1.18': 32, '1.20': 36 };
/** Real functions have five of pcdata and eight of funcdata. */
const maxData = 64;

/** Reads fields of the record that begins at `at`. All throw an ElfError `truncated` outside of the table. */
export class FunctionRecords {
  readonly #bytes: Pieces;
  readonly #entrySize: number;
  readonly #flags: number;
  /** Offsets from gofunc of 32 bits from 1.18 on, pointers before. */
  readonly #pointerSize: 0 | 4 | 8;

  constructor(bytes: Pieces, { version, wordSize }: PclnHeader) {
    const isOffset = version === '1.18' || version === '1.20';
    this.#bytes = bytes;
    this.#entrySize = isOffset ? 4 : wordSize;
    this.#flags = flags[version];
    this.#pointerSize = isOffset ? 0 : wordSize;
  }

  /** The low 32 bits of the entry. */
  entry(at: number): number {
    return this.#bytes.uint32At(at);
  }

  /** Offset into the names. */
  name(at: number): number {
    return this.#field(at, name);
  }

  /** Offset of the table of files. */
  pcFile(at: number): number {
    return this.#field(at, pcFile);
  }

  /** Offset of the table of lines. */
  pcLine(at: number): number {
    return this.#field(at, pcLine);
  }

  /** Where the function's compile unit begins in the units. From 1.16 on. */
  unit(at: number): number {
    return this.#field(at, unit);
  }

  /** Offset of a further table, 0 when there is none. */
  pcdata(at: number, index: number): number {
    return index < this.#field(at, pcdataCount) ? this.#bytes.uint32At(this.#data(at) + 4 * index) : 0;
  }

  /** Offset from gofunc, before 1.18 the address, of further data; −1 when there is none. From 1.12 on. */
  funcdata(at: number, index: number): number {
    const count = this.#bytes.byteAt(at + this.#entrySize + this.#flags + 3);
    const pcdata = this.#field(at, pcdataCount);
    if (index >= count || pcdata > maxData) return -1;
    const start = this.#data(at) + 4 * pcdata;
    if (this.#pointerSize === 0) {
      const offset = this.#bytes.uint32At(start + 4 * index);
      return offset === 0xffffffff ? -1 : offset;
    }
    const slot = at + (Math.ceil((start - at) / this.#pointerSize) + index) * this.#pointerSize;
    const high = this.#pointerSize === 8 ? this.#bytes.uint32At(slot + 4) : 0;
    return high * 2 ** 32 + this.#bytes.uint32At(slot) || -1;
  }

  #data(at: number): number {
    return at + this.#entrySize + this.#flags + 4;
  }

  #field(at: number, distance: number): number {
    return this.#bytes.uint32At(at + this.#entrySize + distance);
  }
}
