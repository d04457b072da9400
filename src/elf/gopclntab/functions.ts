/** Functions by address (Go's runtime/symtab.go: functab), and their records. */

import { type ByteSource, ElfError, readAddress, viewOf } from '../bytes.ts';
import type { PclnTab } from './locate.ts';

const entriesAtOnce = 8192;

/** The functions of a table in the order of their addresses, as distances from the first. */
export class FunctionTable {
  readonly length: number;
  /** Of the first entry: an address before 1.18, the distance from runtime.text since. */
  readonly first: number;
  /** Bytes from the first function's entry to the last one's end. */
  readonly size: number;
  /** One more than there are functions. */
  readonly #starts: Uint32Array;
  /** Offsets of records. */
  readonly #records: Uint32Array;

  /** @throws ElfError `truncated` when the file is shorter, `damaged` when the functions are too far apart */
  constructor(source: ByteSource, { header, offset }: PclnTab) {
    const { functions, functab, functabWord: word } = header;
    this.length = functions;
    this.#starts = new Uint32Array(functions + 1);
    this.#records = new Uint32Array(functions);
    let first = 0;
    let last = 0;
    for (let index = 0; index <= functions; index += entriesAtOnce) {
      const entries = Math.min(entriesAtOnce, functions + 1 - index);
      // The end of the last function has no record behind it.
      const words = Math.min(2 * entries, 2 * (functions - index) + 1);
      const view = viewOf(source.read(offset + functab + 2 * index * word, words * word));
      if (index === 0) first = wordAt(view, 0, word);
      for (let i = 0; i < entries; i++) {
        last = wordAt(view, 2 * i * word, word) - first;
        this.#starts[index + i] = last;
        if (index + i < functions) this.#records[index + i] = view.getUint32((2 * i + 1) * word, true);
      }
    }
    if (!(last > 0 && last < 2 ** 32)) throw new ElfError('damaged', `${functions} Go functions in ${last} bytes`);
    this.first = first;
    this.size = last;
  }

  /** The function at a distance from the first one's entry, −1 when there is none. */
  find(distance: number): number {
    if (!(distance >= 0 && distance < this.size)) return -1;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= distance) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Bytes from the first function's entry. */
  startOf(index: number): number {
    return this.#starts[index]!;
  }

  sizeOf(index: number): number {
    return this.#starts[index + 1]! - this.#starts[index]!;
  }

  recordOf(index: number): number {
    return this.#records[index]!;
  }
}

function wordAt(view: DataView, at: number, size: 4 | 8): number {
  return size === 8 ? readAddress(view, at) : view.getUint32(at, true);
}
