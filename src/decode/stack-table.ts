/** The distinct stacks of an input, while it is read. */
import { growInt32, growUint32 } from '../model/columns.ts';
import { hash3 } from '../model/int-map.ts';
import { MAX_CHAINS, SEED } from '../model/merge-stacks.ts';
import type { StackColumns } from '../model/profile.ts';
import { DecodeError } from './error.ts';

/**
 * A prefix table that is written stack by stack, so that nearly every stack follows its caller's at once. Only the
 * others need a slot: a new stack of 40 frames costs one in place of 40, and most callees are found without hashing.
 */
export class StackTable {
  #length = 0;
  #prefix = new Int32Array(1024);
  #location = new Uint32Array(1024);
  /** Stack + 1 in open addressing, at most half full. */
  #slots = new Int32Array(1024);
  #slotted = 0;

  get length(): number {
    return this.#length;
  }

  /** The stack of `location` called from `prefix` (−1: outermost). @throws DecodeError when there are too many */
  push(prefix: number, location: number): number {
    const next = prefix + 1;
    if (next === this.#length) return this.#add(prefix, location);
    if (this.#prefix[next] === prefix && this.#location[next] === location) return next;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash3(prefix ^ SEED, location, SEED) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const found = slots[slot]! - 1;
      if (found < 0) break;
      if (this.#prefix[found] === prefix && this.#location[found] === location) return found;
    }
    const added = this.#add(prefix, location);
    slots[slot] = this.#length;
    if (++this.#slotted * 2 > mask) this.#grow();
    return added;
  }

  #add(prefix: number, location: number): number {
    if (this.#length === this.#prefix.length) {
      if (this.#length >= MAX_CHAINS) {
        throw new DecodeError(`it holds more than ${MAX_CHAINS} frames of distinct stacks.`);
      }
      this.#prefix = growInt32(this.#prefix);
      this.#location = growUint32(this.#location);
    }
    this.#prefix[this.#length] = prefix;
    this.#location[this.#length] = location;
    return this.#length++;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    const mask = this.#slots.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      let slot = hash3(this.#prefix[entry - 1]! ^ SEED, this.#location[entry - 1]!, SEED) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry;
    }
  }

  columns(): StackColumns {
    const length = this.#length;
    return { length, prefix: this.#prefix.subarray(0, length), location: this.#location.subarray(0, length) };
  }
}
