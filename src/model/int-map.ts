/** A hash of three 32-bit integers. */
export function hash3(a: number, b: number, c: number): number {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ b, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ c, 0x27d4eb2f);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Three 32-bit integers → a non-negative integer: open addressing over one typed array, no object per entry.
 * Entries are never removed. 16 bytes an entry, at most half full.
 */
export class IntMap {
  #size = 0;
  #mask: number;
  /** a, b, c, value + 1 */
  #slots: Int32Array;

  constructor(capacity = 1024) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(16, capacity * 2)));
    this.#mask = slots - 1;
    this.#slots = new Int32Array(slots * 4);
  }

  get size(): number {
    return this.#size;
  }

  /** The value, or −1. */
  get(a: number, b: number, c: number): number {
    return this.#slots[this.#find(a, b, c) + 3]! - 1;
  }

  set(a: number, b: number, c: number, value: number): void {
    const slot = this.#find(a, b, c);
    const added = this.#slots[slot + 3] === 0;
    this.#slots[slot] = a;
    this.#slots[slot + 1] = b;
    this.#slots[slot + 2] = c;
    this.#slots[slot + 3] = value + 1;
    if (added && ++this.#size * 2 > this.#mask) this.#grow();
  }

  #find(a: number, b: number, c: number): number {
    const slots = this.#slots;
    // Int32Array keeps the bits of an unsigned key: compare as signed.
    const x = a | 0;
    const y = b | 0;
    const z = c | 0;
    for (let index = hash3(a, b, c) & this.#mask; ; index = (index + 1) & this.#mask) {
      const slot = index * 4;
      if (slots[slot + 3] === 0) return slot;
      if (slots[slot] === x && slots[slot + 1] === y && slots[slot + 2] === z) return slot;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#mask = this.#mask * 2 + 1;
    this.#slots = new Int32Array((this.#mask + 1) * 4);
    for (let slot = 0; slot < old.length; slot += 4) {
      if (old[slot + 3] === 0) continue;
      const to = this.#find(old[slot]!, old[slot + 1]!, old[slot + 2]!);
      for (let i = 0; i < 4; i++) this.#slots[to + i] = old[slot + i]!;
    }
  }
}
