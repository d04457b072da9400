import { growUint32 } from '../model/columns.ts';

/** From offsets to offsets of a file, below 2^32: two columns, since a Map takes 40 bytes for an entry. */
export class SparseOffsets {
  #length = 0;
  #from: Uint32Array = new Uint32Array(64);
  #to: Uint32Array = new Uint32Array(64);

  /** `from` has to be above the ones before. */
  add(from: number, to: number): void {
    if (this.#length === this.#from.length) {
      this.#from = growUint32(this.#from);
      this.#to = growUint32(this.#to);
    }
    this.#from[this.#length] = from;
    this.#to[this.#length++] = to;
  }

  get(from: number): number | undefined {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#from[middle]! < from) low = middle + 1;
      else high = middle;
    }
    return low < this.#length && this.#from[low] === from ? this.#to[low] : undefined;
  }
}
