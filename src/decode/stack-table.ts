/** The distinct stacks of an input, while it is read. */
import { Chains, MAX_CHAINS } from '../model/merge-stacks.ts';
import type { StackColumns } from '../model/profile.ts';
import { DecodeError } from './error.ts';

export class StackTable {
  readonly #chains = new Chains();

  get length(): number {
    return this.#chains.length;
  }

  /** The stack of `location` called from `prefix` (−1: outermost). @throws DecodeError when there are too many */
  push(prefix: number, location: number): number {
    const stack = this.#chains.push(prefix, location);
    if (stack >= MAX_CHAINS) throw new DecodeError(`it holds more than ${MAX_CHAINS} frames of distinct stacks.`);
    return stack;
  }

  columns(): StackColumns {
    const { length, prefix, item } = this.#chains;
    return { length, prefix: prefix.subarray(0, length), location: item.subarray(0, length) };
  }
}
