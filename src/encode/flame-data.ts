/** A profile as frames that have names: thread names as roots, inlined calls as frames of their own. */
import { type FlameData, FlameKind, type FlameStacks } from '../../flamegraph/index.ts';
import { growInt32, growUint8, growUint32 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';
import { baseName, FrameKind, Miss, type Profile, unknownName } from '../model/profile.ts';
import { goPackage } from './go-package.ts';

export interface FlameDataOptions {
  /** Put the thread's name under every stack. */
  readonly root: boolean;
  /** Index into the profile's sample types. */
  readonly value: number;
}

class FrameBuilder {
  readonly names: string[] = [''];
  readonly #nameIndex = new Map<string, number>([['', 0]]);
  readonly #frameIndex = new IntMap();
  readonly #placeIndex = new IntMap();
  #places = 0;
  name = new Uint32Array(1024);
  kind = new Uint8Array(1024);
  detail = new Uint32Array(1024);
  module = new Uint32Array(1024);
  length = 0;

  #intern(text: string): number {
    let index = this.#nameIndex.get(text);
    if (index === undefined) {
      index = this.names.push(text) - 1;
      this.#nameIndex.set(text, index);
    }
    return index;
  }

  /** @param source `file:line`, '' where it is not known */
  add(text: string, kind: FlameKind, moduleText: string, source = ''): number {
    const [name, module] = [this.#intern(text), this.#intern(moduleText)];
    const detail = source === '' ? module : this.#intern(source);
    const place = this.#place(module, detail);
    const known = this.#frameIndex.get(name, kind, place);
    if (known >= 0) return known;
    if (this.length === this.name.length) {
      this.name = growUint32(this.name);
      this.detail = growUint32(this.detail);
      this.module = growUint32(this.module);
      this.kind = growUint8(this.kind);
    }
    const frame = this.length++;
    this.name[frame] = name;
    this.kind[frame] = kind;
    this.detail[frame] = detail;
    this.module[frame] = module;
    this.#frameIndex.set(name, kind, place, frame);
    return frame;
  }

  #place(module: number, detail: number): number {
    const known = this.#placeIndex.get(module, detail, 0);
    if (known >= 0) return known;
    this.#placeIndex.set(module, detail, 0, this.#places);
    return this.#places++;
  }
}

/** `folder/file:line`: as much of a path as tells one index.js from the next. */
function sourceText(path: string, line: number): string {
  const folder = path.lastIndexOf('/', path.lastIndexOf('/') - 1);
  const file = path.slice(folder + 1);
  return file === '' || line === 0 ? file : `${file}:${line}`;
}

/** The frames of every location, outermost first. */
function locationFrames(profile: Profile, frames: FrameBuilder): readonly Uint32Array[] {
  const { locations, lines, functions, strings, mappings } = profile;
  return Array.from({ length: locations.length }, (_, location) => {
    const module = baseName(mappings[locations.mapping[location]!]?.filename ?? '');
    if (locations.miss[location] !== Miss.none) {
      const kind = locations.miss[location] === Miss.jit ? FlameKind.jit : FlameKind.unknown;
      return Uint32Array.of(frames.add(unknownName(profile, location), kind, module));
    }
    const [first, end] = [locations.firstLine[location]!, locations.firstLine[location + 1]!];
    return Uint32Array.from({ length: end - first }, (_, i) => {
      const line = end - 1 - i;
      const of = lines.function[line]!;
      const kind = i > 0 ? FrameKind.inlined : (locations.kind[location] as FlameKind);
      const filename = strings[functions.filename[of]!] ?? '';
      const name = strings[functions.name[of]!] ?? '';
      const source = sourceText(filename, lines.line[line]!);
      return frames.add(name, kind, goPackage(name, filename) ?? module, source);
    });
  });
}

/** The stacks of the picture, as they come: layout() finds which of them are equal. */
class StackBuilder {
  length = 0;
  prefix: Int32Array;
  frame: Uint32Array;

  constructor(capacity: number) {
    this.prefix = new Int32Array(capacity);
    this.frame = new Uint32Array(capacity);
  }

  push(prefix: number, frame: number): number {
    if (this.length === this.prefix.length) {
      this.prefix = growInt32(this.prefix);
      this.frame = growUint32(this.frame);
    }
    this.prefix[this.length] = prefix;
    this.frame[this.length] = frame;
    return this.length++;
  }
}

/** For each label set the stack that its samples stand on: the thread's name, or −1 for nothing. */
function rootStacks(profile: Profile, frames: FrameBuilder, built: StackBuilder): number[] {
  const roots = new Map<string, number>();
  return profile.labelSets.map(set => {
    const comm = set.find(label => label.key === 'comm')?.value;
    if (comm === undefined) return -1;
    const name = String(comm);
    if (!roots.has(name)) roots.set(name, built.push(-1, frames.add(name, FlameKind.process, '')));
    return roots.get(name)!;
  });
}

/** The samples in an order in which those of a root stand together. */
function byRoot(samples: number, rootOf: (sample: number) => number): Uint32Array {
  const next = new Map<number, number>();
  for (let i = 0; i < samples; i++) next.set(rootOf(i), (next.get(rootOf(i)) ?? 0) + 1);
  let first = 0;
  for (const [root, count] of next) {
    next.set(root, first);
    first += count;
  }
  const order = new Uint32Array(samples);
  for (let i = 0; i < samples; i++) {
    const at = next.get(rootOf(i))!;
    order[at] = i;
    next.set(rootOf(i), at + 1);
  }
  return order;
}

/** The stack of each sample, with its root below it and inlined calls as frames. */
function sampleStacks(
  profile: Profile,
  ofLocation: readonly Uint32Array[],
  roots: readonly number[],
  built: StackBuilder,
) {
  const { stacks, samples } = profile;
  // What a stack of the profile became, and for which root. Root by root, so that one column is enough.
  const node = new Int32Array(stacks.length);
  const nodeRoot = new Int32Array(stacks.length).fill(-2);
  const rootOf = (sample: number) => roots[samples.labels[sample]!] ?? -1;
  const order = byRoot(samples.length, rootOf);
  const result = new Int32Array(samples.length);
  const path: number[] = [];
  for (const sample of order) {
    const root = rootOf(sample);
    let s = samples.stack[sample]!;
    path.length = 0;
    for (; s >= 0 && nodeRoot[s] !== root; s = stacks.prefix[s]!) path.push(s);
    let current = s >= 0 ? node[s]! : root;
    for (let i = path.length - 1; i >= 0; i--) {
      for (const frame of ofLocation[stacks.location[path[i]!]!]!) current = built.push(current, frame);
      node[path[i]!] = current;
      nodeRoot[path[i]!] = root;
    }
    result[sample] = current;
  }
  return result;
}

/** Where every location is one frame and nothing stands below the stacks, they are what they are. */
function plainStacks({ stacks }: Profile, ofLocation: readonly Uint32Array[]): FlameStacks {
  const ofOne = Uint32Array.from(ofLocation, frames => frames[0]!);
  const frame = new Uint32Array(stacks.length);
  for (let i = 0; i < stacks.length; i++) frame[i] = ofOne[stacks.location[i]!]!;
  return { length: stacks.length, prefix: stacks.prefix, frame };
}

/** Values below zero, as a difference of pprof's own has, are drawn as those of the base. */
export function signedValues(values: Float64Array): { value: Float64Array; base: Float64Array | undefined } {
  if (!values.some(value => value < 0)) return { value: values, base: undefined };
  return { value: values.map(value => Math.max(value, 0)), base: values.map(value => Math.max(-value, 0)) };
}

export function flameData(profile: Profile, options: FlameDataOptions): FlameData {
  const frames = new FrameBuilder();
  const built = new StackBuilder(profile.stacks.length + 1024);
  const roots = options.root ? rootStacks(profile, frames, built) : [];
  const ofLocation = locationFrames(profile, frames);
  const isPlain = built.length === 0 && ofLocation.every(({ length }) => length === 1);
  const stacks = isPlain ? plainStacks(profile, ofLocation) : built;
  const stack = isPlain ? profile.samples.stack : sampleStacks(profile, ofLocation, roots, built);
  return {
    names: frames.names,
    frames: {
      length: frames.length,
      name: frames.name,
      kind: frames.kind,
      detail: frames.detail,
      module: frames.module,
    },
    stacks: { length: stacks.length, prefix: stacks.prefix, frame: stacks.frame },
    samples: { length: profile.samples.length, stack, ...signedValues(profile.samples.values[options.value]!) },
  };
}
