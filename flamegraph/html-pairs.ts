/** Numbers by pairs of numbers below 2^32, in open addressing. */
export class PairTable {
  #slots = new Int32Array(1 << 12).fill(-1);
  #first = new Int32Array(1 << 11);
  #second = new Int32Array(1 << 11);
  #value = new Int32Array(1 << 11);
  size = 0;

  #slot(first: number, second: number): number {
    const mask = this.#slots.length - 1;
    let slot = Math.imul(Math.imul(first, 0x9e3779b1) ^ second, 0x85ebca6b);
    slot = (slot ^ (slot >>> 15)) & mask;
    for (let entry = this.#slots[slot]!; entry >= 0; entry = this.#slots[slot]!) {
      if (this.#first[entry] === first && this.#second[entry] === second) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const larger = (from: Int32Array) => {
      const to = new Int32Array(from.length * 2);
      to.set(from);
      return to;
    };
    [this.#first, this.#second, this.#value] = [larger(this.#first), larger(this.#second), larger(this.#value)];
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1);
    for (let entry = 0; entry < this.size; entry++) {
      this.#slots[this.#slot(this.#first[entry]!, this.#second[entry]!)] = entry;
    }
  }

  /** The value of the pair; a pair that is new gets `value`, and the answer is −1. */
  findOrSet(first: number, second: number, value: number): number {
    let slot = this.#slot(first, second);
    if (this.#slots[slot]! >= 0) return this.#value[this.#slots[slot]!]!;
    if (this.size === this.#value.length) {
      this.#grow();
      slot = this.#slot(first, second);
    }
    this.#slots[slot] = this.size;
    this.#first[this.size] = first;
    this.#second[this.size] = second;
    this.#value[this.size++] = value;
    return -1;
  }
}
