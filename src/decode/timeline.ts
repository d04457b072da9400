/** When samples were taken, as they come in. */
import { growFloat64, growUint32 } from '../model/columns.ts';
import type { TimelineColumns } from '../model/profile.ts';

/** 12 bytes each; what has more samples goes without times. */
const MAX_TIMES = 2 ** 25;

export class TimelineBuilder {
  #length = 0;
  #sample = new Uint32Array(256);
  #time = new Float64Array(256);
  #isComplete = true;
  #isSorted = true;

  /** @param sample row of the samples @param timeMs of any clock; one that is no number has no place */
  add(sample: number, timeMs: number): void {
    if (!this.#isComplete || !Number.isFinite(timeMs)) return;
    if (this.#length === MAX_TIMES) {
      this.#isComplete = false;
      return;
    }
    if (this.#length === this.#sample.length) {
      this.#sample = growUint32(this.#sample);
      this.#time = growFloat64(this.#time);
    }
    if (this.#length > 0 && timeMs < this.#time[this.#length - 1]!) this.#isSorted = false;
    this.#sample[this.#length] = sample;
    this.#time[this.#length++] = timeMs;
  }

  /** Times since `originMs` or the first, whichever is earlier; no timeline when times are not known. */
  build(originMs: number): { timeline: TimelineColumns | undefined; startMs: number; durationMs: number } {
    const length = this.#length;
    if (length === 0 || !this.#isComplete) return { timeline: undefined, startMs: originMs, durationMs: 0 };
    let [sample, time] = [this.#sample.subarray(0, length), this.#time.subarray(0, length)];
    if (!this.#isSorted) {
      const order = Uint32Array.from({ length }, (_, i) => i).sort((a, b) => time[a]! - time[b]! || a - b);
      [sample, time] = [order.map(i => sample[i]!), Float64Array.from(order, i => time[i]!)];
    }
    const startMs = Math.min(originMs, time[0]!);
    time = time.map(t => t - startMs);
    return { timeline: { length, sample, time }, startMs, durationMs: time[length - 1]! };
  }
}
