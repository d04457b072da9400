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

/** Of each key of the StackCounter: why its walk ended (enum profiler_unwind_end), and its user frames. */
export interface EndColumns {
  readonly end: Uint8Array;
  readonly frames: Uint32Array;
  /** Of the frames: those found by frame pointers. */
  readonly byFramePointer: Uint32Array;
}

export class StackEnds implements EndColumns {
  end = new Uint8Array(1024);
  frames = new Uint32Array(1024);
  byFramePointer = new Uint32Array(1024);

  set(key: number, end: number, frames: number, byFramePointer: number): void {
    if (key >= this.end.length) {
      this.end = growUint8(this.end);
      this.frames = growUint32(this.frames);
      this.byFramePointer = growUint32(this.byFramePointer);
    }
    this.end[key] = end;
    this.frames[key] = frames;
    this.byFramePointer[key] = byFramePointer;
  }

  /** The columns without what they have in reserve. */
  columns(keys: number): EndColumns {
    const { end, frames, byFramePointer } = this;
    return {
      end: end.subarray(0, keys),
      frames: frames.subarray(0, keys),
      byFramePointer: byFramePointer.subarray(0, keys),
    };
  }
}

/** Profile.unwinding of some keys, of which `count` says how many samples each has. */
export function endTotals(ends: EndColumns, count: Float64Array, keys: Iterable<number>): Record<string, number> {
  const samples = new Float64Array(UnwindEnd.PROFILER_ENDS);
  let [frames, byFramePointer] = [0, 0];
  for (const key of keys) {
    samples[ends.end[key]!]! += count[key]!;
    frames += count[key]! * ends.frames[key]!;
    byFramePointer += count[key]! * ends.byFramePointer[key]!;
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
