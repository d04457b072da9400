/** From ranges that overlap to disjoint intervals. */

import { orderByAddress } from '../sort.ts';

const maxReused = 1 << 18;

/** Ranges of owners, in the order of their rank: where several cover an address, the last one that was added has it. */
export class Ranges {
  length = 0;
  starts = new Uint32Array(256);
  /** One after the last byte. */
  ends = new Uint32Array(256);
  owners = new Int32Array(256);

  /** Makes room for others, in the same memory unless that is much. */
  clear(): void {
    this.length = 0;
    if (this.starts.length <= maxReused) return;
    this.starts = new Uint32Array(256);
    this.ends = new Uint32Array(256);
    this.owners = new Int32Array(256);
  }

  add(start: number, end: number, owner: number): void {
    if (this.length === this.starts.length) this.#grow();
    this.starts[this.length] = start;
    this.ends[this.length] = end;
    this.owners[this.length++] = owner;
  }

  #grow(): void {
    const capacity = this.length * 2;
    const { starts, ends, owners } = this;
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
    this.owners = new Int32Array(capacity);
    this.starts.set(starts);
    this.ends.set(ends);
    this.owners.set(owners);
  }
}

/** Interval i is [starts[i], starts[i + 1]); the last one belongs to nobody. */
export interface Painted {
  readonly starts: Uint32Array;
  /** −1 for nobody. */
  readonly owners: Int32Array;
}

/**
 * Paints the ranges over one another. What covers an address waits in a heap with the last added on top, so that any
 * overlap takes n log n; ranges that are nested, as they should be, make it a stack.
 */
export function paint(ranges: Ranges): Painted {
  const { length, starts, ends, owners } = ranges;
  const order = orderOf(ranges);
  painter.clear(2 * length + 1);
  for (let i = 0; i < length; ) {
    const start = starts[order[i]!]!;
    closeBefore(start, ends, owners);
    for (; i < length && starts[order[i]!]! === start; i++) open.push(order[i]!);
    painter.paint(start, owners[open.top]!);
  }
  closeBefore(2 ** 32, ends, owners);
  return painter.done();
}

/** Ends what ends at `limit` or before; under it comes to light what goes on. */
function closeBefore(limit: number, ends: Uint32Array, owners: Int32Array): void {
  while (open.size > 0 && ends[open.top]! <= limit) {
    const end = ends[open.top]!;
    while (open.size > 0 && ends[open.top]! <= end) open.pop();
    painter.paint(end, open.size > 0 ? owners[open.top]! : -1);
  }
}

function orderOf({ length, starts }: Ranges): Uint32Array {
  let isSorted = true;
  for (let i = 1; i < length && isSorted; i++) isSorted = starts[i - 1]! <= starts[i]!;
  if (!isSorted) return orderByAddress(Float64Array.from(starts.subarray(0, length)), length);
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  return order;
}

class Painter {
  #length = 0;
  #starts = new Uint32Array(256);
  #owners = new Int32Array(256);

  clear(capacity: number): void {
    this.#length = 0;
    if (this.#starts.length >= capacity && this.#starts.length <= maxReused) return;
    this.#starts = new Uint32Array(Math.max(256, capacity));
    this.#owners = new Int32Array(Math.max(256, capacity));
  }

  paint(start: number, owner: number): void {
    const last = this.#length - 1;
    if (last >= 0 && this.#starts[last] === start) {
      this.#owners[last] = owner;
      return;
    }
    if (last >= 0 && this.#owners[last] === owner) return;
    this.#starts[this.#length] = start;
    this.#owners[this.#length++] = owner;
  }

  done(): Painted {
    return { starts: this.#starts.slice(0, this.#length), owners: this.#owners.slice(0, this.#length) };
  }
}

/** The largest number on top. */
class Heap {
  size = 0;
  #items = new Int32Array(64);

  get top(): number {
    return this.#items[0]!;
  }

  push(item: number): void {
    if (this.size === this.#items.length) {
      const larger = new Int32Array(this.size * 2);
      larger.set(this.#items);
      this.#items = larger;
    }
    const items = this.#items;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]! >= item) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): void {
    const items = this.#items;
    const item = items[--this.size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && items[child + 1]! > items[child]!) child++;
      if (items[child]! <= item) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}

/** Functions are painted by the thousand, one after the other: always in the same memory. */
const painter = new Painter();
const open = new Heap();
