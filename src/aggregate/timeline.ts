/** When samples were taken. */
import { growFloat64, growUint32 } from '../model/columns.ts';
import type { TimelineColumns } from '../model/profile.ts';

const NS_PER_MS = 1e6;

/** 12 bytes for each sample, in the order in which they come: that of their times. */
export class Timeline {
  #length = 0;
  #sample = new Uint32Array(1024);
  #time = new Float64Array(1024);
  readonly #start: number;

  /** `start`: the time that counts as 0, in ns of the samples' clock. */
  constructor(start: number) {
    this.#start = start;
  }

  /** `sample`: a row of the profile's samples; `time` in ns. */
  add(sample: number, time: number): void {
    if (this.#length === this.#sample.length) {
      this.#sample = growUint32(this.#sample);
      this.#time = growFloat64(this.#time);
    }
    this.#sample[this.#length] = sample;
    this.#time[this.#length++] = (time - this.#start) / NS_PER_MS;
  }

  columns(): TimelineColumns {
    const length = this.#length;
    return { length, sample: this.#sample.subarray(0, length), time: this.#time.subarray(0, length) };
  }
}
