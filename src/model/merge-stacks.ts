/** Chains that share their beginnings, each once: stacks (see StackColumns) from their outermost location on. */
import { growInt32, growUint32 } from './columns.ts';
import { hash3 } from './int-map.ts';

/** In the keys of tables, so that no file can be made whose rows all fall on the same slots. */
export const SEED = Math.floor(Math.random() * 2 ** 32) | 0;

/** Callers stop here: the columns and the slots of so many take 0.5 GB. */
export const MAX_CHAINS = 2 ** 25;

/**
 * A table that is mostly written chain by chain, so that nearly every chain follows its beginning at once. Only the others
 * need a slot: a new chain of 40 items costs one in place of 40, and most of the next are found without hashing.
 */
export class Chains {
  length = 0;
  prefix = new Int32Array(1024);
  item = new Uint32Array(1024);
  /** Chain + 1 in open addressing, at most half full. */
  #slots = new Int32Array(4096);
  #slotted = 0;

  /** The chain of `item` after the chain `prefix` (−1: the first). One that was `length` before the call is new. */
  push(prefix: number, item: number): number {
    const next = prefix + 1;
    if (next === this.length) return this.#add(prefix, item);
    if (this.prefix[next] === prefix && this.item[next] === item) return next;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash3(prefix ^ SEED, item, SEED) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const chain = slots[slot]! - 1;
      if (chain < 0) break;
      if (this.prefix[chain] === prefix && this.item[chain] === item) return chain;
    }
    const chain = this.#add(prefix, item);
    slots[slot] = this.length;
    if (++this.#slotted * 2 > mask) this.#grow();
    return chain;
  }

  #add(prefix: number, item: number): number {
    if (this.length === this.prefix.length) {
      this.prefix = growInt32(this.prefix);
      this.item = growUint32(this.item);
    }
    this.prefix[this.length] = prefix;
    this.item[this.length] = item;
    return this.length++;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 4);
    const mask = this.#slots.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      let slot = hash3(this.prefix[entry - 1]! ^ SEED, this.item[entry - 1]!, SEED) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry;
    }
  }
}
