/** What the samples put on the rows of a stack table, checked: everything behind it may trust the indices. */

import { type FlameData, KINDS, kindOf } from './data.ts';

/** Values by row of the stack table. */
export interface RowValues {
  /** Of the samples that end in the row. */
  readonly self: Float64Array;
  /** Of the samples that end in the row or in one that extends it. */
  readonly total: Float64Array;
  readonly withoutFrames: number;
  readonly sum: number;
}

/**
 * @param column of the samples
 * @throws RangeError for a value that is negative or not finite, for an index that points nowhere, for too large a sum
 */
export function rowValues(data: FlameData, column: Float64Array): RowValues {
  const { samples, stacks } = data;
  const self = new Float64Array(stacks.length);
  let [withoutFrames, sum] = [0, 0];
  for (let i = 0; i < samples.length; i++) {
    const value = column[i]!;
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`sample ${i} has the value ${value}: values must be finite and not negative`);
    }
    const stack = samples.stack[i]!;
    if (stack === -1) withoutFrames += value;
    else if (stack >= 0 && stack < stacks.length) self[stack]! += value;
    else throw new RangeError(`sample ${i} points to stack ${stack} of ${stacks.length}`);
    sum += value;
  }
  if (sum === Infinity) throw new RangeError('the values of the samples add up to more than a number can hold');
  const total = self.slice();
  for (let i = stacks.length - 1; i >= 0; i--) {
    const prefix = stacks.prefix[i]!;
    if (prefix >= 0) total[prefix]! += total[i]!;
  }
  return { self, total, withoutFrames, sum };
}

/** @throws RangeError for a stack table that points nowhere or in circles */
export function checkStacks({ stacks, frames }: FlameData): void {
  for (let i = 0; i < stacks.length; i++) {
    const prefix = stacks.prefix[i]!;
    if (prefix >= i || prefix < -1) {
      throw new RangeError(`stack ${i} has the prefix ${prefix}: callers precede callees`);
    }
    const leaf = stacks.frame[i]!;
    if (leaf >= frames.length) throw new RangeError(`stack ${i} points to frame ${leaf} of ${frames.length}`);
  }
}

/**
 * By index of a name a number that is equal where texts are, and smaller for texts that come first by code unit.
 * Sorting finds equal texts as well as their order. A Map would not do: engines hash very long strings by their length
 * alone, so that names chosen for it make every lookup a linear search.
 * @param wanted of each name whether it gets a number
 */
export function textRanks(names: readonly string[], wanted: Uint8Array): Uint32Array {
  const order: number[] = [];
  for (let i = 0; i < names.length; i++) if (wanted[i] === 1) order.push(i);
  order.sort((a, b) => (names[a]! < names[b]! ? -1 : names[a] === names[b] ? 0 : 1));
  const rank = new Uint32Array(names.length);
  let ranks = 0;
  for (let i = 0; i < order.length; i++) {
    if (i > 0 && names[order[i]!] !== names[order[i - 1]!]) ranks++;
    rank[order[i]!] = ranks;
  }
  return rank;
}

/** By frame a number that is equal where name and kind are, and smaller for frames that stand further left. */
export function frameKeys(data: FlameData): Uint32Array {
  const { names, frames } = data;
  const used = new Uint8Array(names.length);
  for (let i = 0; i < frames.length; i++) {
    const name = frames.name[i]!;
    if (Math.max(name, frames.detail[i]!, frames.module?.[i] ?? 0) >= names.length) {
      throw new RangeError(`frame ${i} points to a name beyond the ${names.length} there are`);
    }
    used[name] = 1;
  }
  const rank = textRanks(names, used);
  const key = new Uint32Array(frames.length);
  for (let i = 0; i < frames.length; i++) key[i] = rank[frames.name[i]!]! * KINDS + kindOf(data, i);
  return key;
}
