/** A column of words that grows. */
export class Words {
  length = 0;
  #values = new Uint32Array(256);

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  at(index: number): number {
    return this.#values[index]!;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  /** All of them, in the column's own memory. */
  get values(): Uint32Array {
    return this.#values.subarray(0, this.length);
  }
}
