/** From the ids of a file's rows, any 64 bits but 0, to indices. */
import { IntMap } from '../model/int-map.ts';
import { SEED } from '../model/merge-stacks.ts';
import { DecodeError } from './error.ts';

export class Ids {
  readonly #what: string;
  /** Index + 1 by id, for ids that are hardly larger than there are rows, as nearly all writers number them. */
  readonly #dense: Int32Array;
  readonly #sparse = new IntMap(16);

  constructor(what: string, rows: number) {
    this.#what = what;
    this.#dense = new Int32Array(2 * rows + 16);
  }

  /** @throws DecodeError for 0 and for an id that is there already */
  add(low: number, high: number, index: number): void {
    if (low === 0 && high === 0) throw new DecodeError(`it holds a ${this.#what} without an id.`);
    if (this.find(low, high) >= 0) throw new DecodeError(`it holds two ${this.#what}s with the same id.`);
    const id = low >>> 0;
    if (high === 0 && id < this.#dense.length) this.#dense[id] = index + 1;
    else this.#sparse.set(low ^ SEED, high ^ SEED, 0, index);
  }

  /** −1 for an id that is not there. */
  find(low: number, high: number): number {
    const id = low >>> 0;
    if (high === 0 && id < this.#dense.length) return this.#dense[id]! - 1;
    return this.#sparse.get(low ^ SEED, high ^ SEED, 0);
  }

  /** @throws DecodeError for an id that is not there */
  index(low: number, high: number): number {
    const index = this.find(low, high);
    if (index < 0) throw new DecodeError(`it refers to a ${this.#what} that it does not hold.`);
    return index;
  }
}
