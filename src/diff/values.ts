/** What the functions of one profile have themselves, and together with what they call. */
import type { Profile, StackColumns } from '../model/profile.ts';
import type { LocationFrames } from './frames.ts';

/** Columns by function, in the unit of the sample type. */
export interface FunctionValues {
  /** Of the samples whose innermost function it is. */
  readonly self: Float64Array;
  /** Of the samples in whose stack it is, however often. */
  readonly total: Float64Array;
}

/** First child and next sibling of each stack, −1 for none; `root` is the first stack without a caller. */
function children({ length, prefix }: StackColumns): { root: number; child: Int32Array; sibling: Int32Array } {
  const child = new Int32Array(length).fill(-1);
  const sibling = new Int32Array(length);
  let root = -1;
  for (let stack = length - 1; stack >= 0; stack--) {
    const caller = prefix[stack]!;
    sibling[stack] = caller < 0 ? root : child[caller]!;
    if (caller < 0) root = stack;
    else child[caller] = stack;
  }
  return { root, child, sibling };
}

/** Values of stacks: of the samples that end in it. */
function stackValues({ stacks, samples }: Profile, value: Float64Array): Float64Array {
  const values = new Float64Array(stacks.length);
  for (let i = 0; i < samples.length; i++) {
    const stack = samples.stack[i]!;
    if (stack >= 0) values[stack]! += value[i]!;
  }
  return values;
}

/** @param functions how many there are; @param value column of the profile's samples */
export function functionValues(
  profile: Profile,
  frames: LocationFrames,
  functions: number,
  value: Float64Array,
): FunctionValues {
  const { prefix, location, length } = profile.stacks;
  const { first, frame } = frames;
  const values = stackValues(profile, value);
  const self = new Float64Array(functions);
  // The innermost function of each stack; −1 where no location has one.
  const leaf = new Int32Array(length);
  for (let stack = 0; stack < length; stack++) {
    const [begin, end] = [first[location[stack]!]!, first[location[stack]! + 1]!];
    leaf[stack] = end > begin ? frame[end - 1]! : (leaf[prefix[stack]!] ?? -1);
    if (leaf[stack]! >= 0) self[leaf[stack]!]! += values[stack]!;
  }
  for (let stack = length - 1; stack >= 0; stack--) {
    if (prefix[stack]! >= 0) values[prefix[stack]!]! += values[stack]!;
  }
  return { self, total: inclusive(profile.stacks, frames, functions, values) };
}

/** Depth first, so that the functions on the way to a stack are known, and recursion counts once. */
function inclusive(
  stacks: StackColumns,
  { first, frame }: LocationFrames,
  functions: number,
  totals: Float64Array,
): Float64Array {
  const { prefix, location } = stacks;
  const { root, child, sibling } = children(stacks);
  const sums = new Float64Array(functions);
  const open = new Uint32Array(functions);
  let stack = root;
  while (stack >= 0) {
    const [begin, end] = [first[location[stack]!]!, first[location[stack]! + 1]!];
    for (let f = begin; f < end; f++) if (open[frame[f]!]!++ === 0) sums[frame[f]!]! += totals[stack]!;
    if (child[stack]! >= 0) {
      stack = child[stack]!;
      continue;
    }
    for (; stack >= 0; stack = prefix[stack]!) {
      const at = location[stack]!;
      for (let f = first[at]!; f < first[at + 1]!; f++) open[frame[f]!]!--;
      if (sibling[stack]! >= 0) break;
    }
    stack = stack < 0 ? -1 : sibling[stack]!;
  }
  return sums;
}
