/** The stacks of both sides as one table, with the values of each: what the pictures are drawn from. */
import { type FlameData, FlameKind } from '../../flamegraph/index.ts';
import { ProfilerError } from '../errors.ts';
import { growFloat64 } from '../model/columns.ts';
import { Chains, MAX_CHAINS } from '../model/merge-stacks.ts';
import type { Profile, SampleColumns } from '../model/profile.ts';
import { BOTH, type FrameTable, type LocationFrames, Side } from './frames.ts';

/** Of the stacks of one profile, each with all its inlined calls: the time that walking them takes. */
const MAX_FRAMES = 4 * MAX_CHAINS;

/** The thread that the samples of each label set stand on, −1 for none. */
function threads(profile: Profile, frames: FrameTable, side: Side): number[] {
  return profile.labelSets.map(set => {
    const comm = set.find(label => label.key === 'comm')?.value;
    return comm === undefined ? -1 : frames.thread(String(comm), side);
  });
}

/** Rows of the samples, thread by thread: sorted by counting. */
function byThread({ labels, length }: SampleColumns, roots: readonly number[], frames: number): Uint32Array {
  const next = new Uint32Array(frames + 2);
  for (let i = 0; i < length; i++) next[roots[labels[i]!]! + 2]!++;
  for (let root = 1; root < next.length; root++) next[root]! += next[root - 1]!;
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[next[roots[labels[i]!]! + 1]!++] = i;
  return order;
}

/** Values of stacks, on one side. */
class Column {
  #values = new Float64Array(1024);
  /** Of samples without a stack. */
  #bare = 0;

  /** `stack`: −1 for none. */
  add(stack: number, value: number): void {
    if (stack < 0) {
      this.#bare += value;
      return;
    }
    while (stack >= this.#values.length) this.#values = growFloat64(this.#values);
    this.#values[stack]! += value;
  }

  of(stack: number): number {
    if (stack < 0) return this.#bare;
    return stack < this.#values.length ? this.#values[stack]! : 0;
  }

  /** The values of the first `length` of these stacks. */
  gather(stacks: Int32Array, length: number): Float64Array {
    const values = new Float64Array(length);
    for (let i = 0; i < length; i++) values[i] = this.of(stacks[i]!);
    return values;
  }
}

/** A location may stand for millions of inlined calls, and be in millions of stacks. */
function checkFrames({ stacks }: Profile, first: Uint32Array): void {
  let frames = 0;
  for (let stack = 0; stack < stacks.length; stack++) {
    const location = stacks.location[stack]!;
    frames += first[location + 1]! - first[location]!;
  }
  if (frames > MAX_FRAMES) throw tooLarge();
}

function tooLarge(): ProfilerError {
  return new ProfilerError('too-large', 'the profiles hold too many distinct stacks to be compared.', {
    hint: 'Compare fewer of them.',
  });
}

export class StackTable {
  readonly #chains = new Chains();
  readonly #frames: FrameTable;
  readonly #columns = { [Side.base]: new Column(), [Side.head]: new Column() };

  constructor(frames: FrameTable) {
    this.#frames = frames;
  }

  /** @param value column of the profile's samples @throws ProfilerError when it is too much */
  add(side: Side, profile: Profile, { first, frame }: LocationFrames, value: Float64Array): void {
    const { samples } = profile;
    const { prefix, location, length } = profile.stacks;
    const chains = this.#chains;
    checkFrames(profile, first);
    const roots = threads(profile, this.#frames, side);
    // What a stack of the profile became, and on which thread. Thread by thread, so that one column is enough.
    const chain = new Int32Array(length);
    const on = new Int32Array(length).fill(-2);
    const path = new Int32Array(length);
    for (const sample of byThread(samples, roots, this.#frames.length)) {
      if (value[sample] === 0) continue;
      const root = roots[samples.labels[sample]!]!;
      let stack = samples.stack[sample]!;
      let depth = 0;
      for (; stack >= 0 && on[stack] !== root; stack = prefix[stack]!) path[depth++] = stack;
      let current = stack >= 0 ? chain[stack]! : root < 0 ? -1 : chains.push(-1, root);
      while (depth > 0) {
        const added = path[--depth]!;
        const end = first[location[added]! + 1]!;
        for (let f = first[location[added]!]!; f < end; f++) current = chains.push(current, frame[f]!);
        chain[added] = current;
        on[added] = root;
        if (chains.length > MAX_CHAINS) throw tooLarge();
      }
      this.#columns[side].add(current, value[sample]!);
    }
  }

  /** Threads are left out where the sides have none in common: then they would keep all stacks apart. */
  done(): FlameData {
    const { length, name, kind, file, sides, texts } = this.#frames;
    const { length: stacks, item } = this.#chains;
    const isShared = sides.subarray(0, length).some((on, frame) => on === BOTH && kind[frame] === FlameKind.process);
    const thread = (stack: number) => !isShared && stack >= 0 && kind[item[stack]!] === FlameKind.process;
    const prefix = this.#chains.prefix.subarray(0, stacks);
    if (!isShared) for (let stack = 0; stack < stacks; stack++) if (thread(prefix[stack]!)) prefix[stack] = -1;
    return {
      names: texts,
      frames: { length, name, kind, detail: file },
      stacks: { length: stacks, prefix, frame: item.subarray(0, stacks) },
      samples: this.#samples(thread),
    };
  }

  /** A sample for each stack that has a value on a side. */
  #samples(isLeftOut: (stack: number) => boolean): FlameData['samples'] {
    const { [Side.base]: base, [Side.head]: head } = this.#columns;
    const stack = new Int32Array(this.#chains.length + 1);
    let length = 0;
    if (base.of(-1) > 0 || head.of(-1) > 0) stack[length++] = -1;
    for (let s = 0; s < this.#chains.length; s++) if (base.of(s) > 0 || head.of(s) > 0) stack[length++] = s;
    const samples = {
      length,
      stack: stack.slice(0, length),
      value: head.gather(stack, length),
      base: base.gather(stack, length),
    };
    for (let i = 0; i < length; i++) if (isLeftOut(samples.stack[i]!)) samples.stack[i] = -1;
    return samples;
  }
}
