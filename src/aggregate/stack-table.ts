/** Stacks as a prefix table that grows: see StackColumns in the model. */
import { growInt32, growUint32 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';

export class StackTable {
  length = 0;
  prefix = new Int32Array(1024);
  location = new Uint32Array(1024);
  readonly #index = new IntMap();

  /** The stack of `location` called from the stack `prefix` (−1: from nowhere). */
  push(prefix: number, location: number): number {
    const known = this.#index.get(prefix, location, 0);
    if (known >= 0) return known;
    if (this.length === this.prefix.length) {
      this.prefix = growInt32(this.prefix);
      this.location = growUint32(this.location);
    }
    const stack = this.length++;
    this.prefix[stack] = prefix;
    this.location[stack] = location;
    this.#index.set(prefix, location, 0, stack);
    return stack;
  }
}
