/** Address ranges with a value, as columns of a capacity that is known before: what is not used takes no memory. */

/** Ranges that are disjoint and in order. */
export interface RangeRun {
  readonly ranges: RangeColumns;
  readonly start: number;
  readonly end: number;
}

/** So many ranges are copied faster one by one. */
const SHORT = 64;

export class RangeColumns {
  length = 0;
  readonly start: Float64Array;
  /** Bytes. */
  readonly size: Uint32Array;
  readonly value: Uint32Array;

  constructor(capacity: number) {
    this.start = new Float64Array(capacity);
    this.size = new Uint32Array(capacity);
    this.value = new Uint32Array(capacity);
  }

  endOf(index: number): number {
    return this.start[index]! + this.size[index]!;
  }

  push(start: number, size: number, value: number): void {
    const at = this.length++;
    this.start[at] = start;
    this.size[at] = size;
    this.value[at] = value;
  }

  /** The range that holds the address, −1 when none does. They have to be disjoint and in order. */
  indexOf(address: number): number {
    const at = this.#countUpTo(address, 0, this.length) - 1;
    return at >= 0 && address < this.endOf(at) ? at : -1;
  }

  /** Where the ranges end that start at the address or below, between two indices. */
  #countUpTo(address: number, from: number, end: number): number {
    const starts = this.start;
    let [low, high] = [from, end];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Adds a run and what another one leaves of it: at most the ranges of the older one and twice those of the newer one,
   * each of which may cut an older range in two.
   */
  overlay(older: RangeRun, newer: RangeRun): void {
    const [a, b] = [older.ranges, newer.ranges];
    // Mostly they overlap a little, if at all: the rest is copied as it is.
    const first = Math.max(older.start, a.#countUpTo(b.start[newer.start]!, older.start, older.end) - 1);
    const last = a.#countUpTo(b.endOf(newer.end - 1), first, older.end);
    this.#copy(a, older.start, first);
    const { start, size, value } = this;
    let at = this.length;
    let j = newer.start;
    let covered = Number.NEGATIVE_INFINITY;
    for (let i = first; i < last; i++) {
      const end = a.start[i]! + a.size[i]!;
      let from = Math.max(a.start[i]!, covered);
      for (; j < newer.end && b.start[j]! < end; j++) {
        const next = b.start[j]!;
        if (next > from) {
          start[at] = from;
          size[at] = next - from;
          value[at++] = a.value[i]!;
        }
        start[at] = next;
        size[at] = b.size[j]!;
        value[at++] = b.value[j]!;
        covered = next + b.size[j]!;
        from = Math.max(from, covered);
      }
      if (from < end) {
        start[at] = from;
        size[at] = end - from;
        value[at++] = a.value[i]!;
      }
    }
    this.length = at;
    this.#copy(b, j, newer.end);
    this.#copy(a, last, older.end);
  }

  #copy(from: RangeColumns, start: number, end: number): void {
    if (end - start > SHORT) {
      this.start.set(from.start.subarray(start, end), this.length);
      this.size.set(from.size.subarray(start, end), this.length);
      this.value.set(from.value.subarray(start, end), this.length);
      this.length += end - start;
    } else for (let i = start; i < end; i++) this.push(from.start[i]!, from.size[i]!, from.value[i]!);
  }
}
