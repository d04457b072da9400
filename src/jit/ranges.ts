/**
 * Address ranges of generated code, told one after the other: where ranges overlap, the last one told is right, since
 * runtimes use the memory of dead functions again.
 */

import { RangeColumns } from './range-columns.ts';

/** Ranges are put in order in batches of so many: below it the columns stay in the cache. */
const BATCH = 1 << 15;

/** Each range and what it stands for, a number below 2^32. */
export class JitRanges {
  /** Disjoint ranges by address; where two segments overlap, the later one is right. Each is at most half of the one before. */
  readonly #segments: RangeColumns[] = [];
  #batch = new RangeColumns(BATCH);
  /** Where the runs of the batch begin: within a run, ranges are disjoint and in order. */
  #runs: number[] = [];
  readonly #limit: number;

  /** `limit`: of ranges that are kept; what is told beyond it is dropped. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many ranges are kept. */
  get length(): number {
    return this.#segments.reduce((sum, { length }) => sum + length, this.#batch.length);
  }

  /** `size` in bytes, from 1 and below 2^32. */
  add(start: number, size: number, value: number): void {
    const batch = this.#batch;
    const last = batch.length - 1;
    if (last < 0 || start < batch.endOf(last)) this.#runs.push(batch.length);
    batch.push(start, size, value);
    if (batch.length === BATCH) this.flush();
  }

  /** What covers the address, −1 when nothing does. Only of ranges that were flushed. */
  find(address: number): number {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i]!;
      const at = segment.indexOf(address);
      if (at >= 0) return segment.value[at]!;
    }
    return -1;
  }

  flush(): void {
    if (this.#batch.length === 0) return;
    let added = this.length > this.#limit ? new RangeColumns(0) : mergeRuns(this.#batch, this.#runs);
    this.#batch = new RangeColumns(BATCH);
    this.#runs = [];
    for (
      let before = this.#segments.at(-1);
      before && added.length * 2 > before.length;
      before = this.#segments.at(-1)
    ) {
      added = overlaid(before, added);
      this.#segments.pop();
    }
    if (added.length > 0) this.#segments.push(added);
  }
}

/** Neighbouring runs, the later over the earlier one, until one is left. */
function mergeRuns(batch: RangeColumns, begins: readonly number[]): RangeColumns {
  let from = batch;
  let runs = [...begins, batch.length];
  while (runs.length > 2) {
    const into = new RangeColumns(2 * from.length);
    const merged = [0];
    for (let i = 0; i + 1 < runs.length; i += 2) {
      const [start, middle] = [runs[i]!, runs[i + 1]!];
      into.overlay({ ranges: from, start, end: middle }, { ranges: from, start: middle, end: runs[i + 2] ?? middle });
      merged.push(into.length);
    }
    from = into;
    runs = merged;
  }
  return from;
}

function overlaid(older: RangeColumns, newer: RangeColumns): RangeColumns {
  const into = new RangeColumns(older.length + 2 * newer.length);
  into.overlay({ ranges: older, start: 0, end: older.length }, { ranges: newer, start: 0, end: newer.length });
  return into;
}
