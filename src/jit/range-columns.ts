/** Address ranges with a value, as columns of a capacity that is known before. */

/** Ranges that are disjoint and in order. */
export interface RangeRun {
  readonly ranges: RangeColumns;
  readonly start: number;
  readonly end: number;
}

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
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.start[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address < this.endOf(low - 1) ? low - 1 : -1;
  }

  /**
   * Adds a run and what another one leaves of it: at most the ranges of the older one and twice those of the newer one,
   * each of which may cut an older range in two.
   */
  overlay(older: RangeRun, newer: RangeRun): void {
    const [a, b] = [older.ranges, newer.ranges];
    let j = newer.start;
    let covered = Number.NEGATIVE_INFINITY;
    for (let i = older.start; i < older.end; i++) {
      const end = a.endOf(i);
      let from = Math.max(a.start[i]!, covered);
      for (; j < newer.end && b.start[j]! < end; j++) {
        if (b.start[j]! > from) this.push(from, b.start[j]! - from, a.value[i]!);
        this.push(b.start[j]!, b.size[j]!, b.value[j]!);
        covered = b.endOf(j);
        from = Math.max(from, covered);
      }
      if (from < end) this.push(from, end - from, a.value[i]!);
    }
    for (; j < newer.end; j++) this.push(b.start[j]!, b.size[j]!, b.value[j]!);
  }

  /** Without the capacity that was not used, where that is much of it. */
  trimmed(): RangeColumns {
    if (this.length * 4 > this.start.length * 3) return this;
    const copy = new RangeColumns(this.length);
    copy.start.set(this.start.subarray(0, this.length));
    copy.size.set(this.size.subarray(0, this.length));
    copy.value.set(this.value.subarray(0, this.length));
    copy.length = this.length;
    return copy;
  }
}
