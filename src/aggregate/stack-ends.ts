/** How the user stacks of the samples were found: why each walk ended, and how many frames are guesses. */
import { UnwindEnd } from '../capture/records.gen.ts';
import { growUint8, growUint32 } from '../model/columns.ts';

/** In plain words, in the order of the comments. */
const ENDS: readonly (readonly [number, string])[] = [
  [UnwindEnd.PROFILER_END_COMPLETE, 'complete'],
  [UnwindEnd.PROFILER_END_TRUNCATED, 'truncated'],
  [UnwindEnd.PROFILER_END_NO_RULE, 'no rule'],
  [UnwindEnd.PROFILER_END_BAD_READ, 'bad read'],
  [UnwindEnd.PROFILER_END_NO_TABLE, 'no table'],
  [UnwindEnd.PROFILER_END_EVICTED, 'evicted'],
  [UnwindEnd.PROFILER_END_CORRUPT, 'corrupt'],
  [UnwindEnd.PROFILER_END_FRAME_POINTERS, 'frame pointers'],
  [UnwindEnd.PROFILER_END_FAILED, 'failed'],
];

/** A column entry for each key of the StackCounter. */
export class StackEnds {
  #end = new Uint8Array(1024);
  #frames = new Uint32Array(1024);
  #byFramePointer = new Uint32Array(1024);

  /** `end`: enum profiler_unwind_end; `frames`: user frames, `byFramePointer` of them found that way. */
  set(key: number, end: number, frames: number, byFramePointer: number): void {
    if (key >= this.#end.length) {
      this.#end = growUint8(this.#end);
      this.#frames = growUint32(this.#frames);
      this.#byFramePointer = growUint32(this.#byFramePointer);
    }
    this.#end[key] = end;
    this.#frames[key] = frames;
    this.#byFramePointer[key] = byFramePointer;
  }

  /** Profile.unwinding: of the samples that `count` has for each of the first `keys` keys. */
  totals(count: Float64Array, keys: number): Record<string, number> {
    const samples = new Float64Array(UnwindEnd.PROFILER_ENDS);
    let [frames, byFramePointer] = [0, 0];
    for (let key = 0; key < keys; key++) {
      samples[this.#end[key]!]! += count[key]!;
      frames += count[key]! * this.#frames[key]!;
      byFramePointer += count[key]! * this.#byFramePointer[key]!;
    }
    samples[UnwindEnd.PROFILER_END_NO_STACK] = 0;
    const stacks = samples.reduce((sum, number) => sum + number, 0);
    if (stacks === 0) return {};
    return {
      'user stacks': stacks,
      ...Object.fromEntries(ENDS.map(([end, text]) => [`user stacks ${text}`, samples[end]!])),
      'user frames': frames,
      'user frames by frame pointers': byFramePointer,
    };
  }
}
