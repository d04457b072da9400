/** Chains that share their beginnings, each once: stacks (see StackColumns) from their outermost location on. */
import { growInt32, growUint32 } from './columns.ts';
import { hash3 } from './int-map.ts';

/** In the keys of tables, so that no file can be made whose rows all fall on the same slots. */
export const SEED = Math.floor(Math.random() * 2 ** 32) | 0;

/** Callers stop here: the columns and the slots of so many take 0.5 GB. */
export const MAX_CHAINS = 2 ** 25;

/** As an IntMap over the columns themselves: 4 bytes a slot in place of 16, for the millions of a large profile. */
export class Chains {
  length = 0;
  prefix = new Int32Array(1024);
  item = new Uint32Array(1024);
  /** Chain + 1 in open addressing, at most half full. */
  #slots = new Int32Array(4096);

  /** The chain of `item` after the chain `prefix` (−1: the first). One that was `length` before the call is new. */
  push(prefix: number, item: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash3(prefix ^ SEED, item, SEED) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const chain = this.#slots[slot]! - 1;
      if (chain < 0) break;
      if (this.prefix[chain] === prefix && this.item[chain] === item) return chain;
    }
    if (this.length === this.prefix.length) {
      this.prefix = growInt32(this.prefix);
      this.item = growUint32(this.item);
    }
    const chain = this.length++;
    this.prefix[chain] = prefix;
    this.item[chain] = item;
    this.#slots[slot] = this.length;
    if (this.length * 2 > mask) this.#grow();
    return chain;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let chain = 0; chain < this.length; chain++) {
      let slot = hash3(this.prefix[chain]! ^ SEED, this.item[chain]!, SEED) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = chain + 1;
    }
    this.#slots = slots;
  }
}
