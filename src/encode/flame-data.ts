/** A profile as frames that have names: thread names as roots, inlined calls as frames of their own. */
import { type FlameData, FlameKind } from '../../flamegraph/index.ts';
import { growUint8, growUint32 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';
import { FrameKind, Miss, type Profile, unknownName } from '../model/profile.ts';

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
  name = new Uint32Array(1024);
  kind = new Uint8Array(1024);
  detail = new Uint32Array(1024);
  length = 0;

  #intern(text: string): number {
    let index = this.#nameIndex.get(text);
    if (index === undefined) {
      index = this.names.push(text) - 1;
      this.#nameIndex.set(text, index);
    }
    return index;
  }

  add(text: string, kind: FlameKind, detailText: string): number {
    const [name, detail] = [this.#intern(text), this.#intern(detailText)];
    const known = this.#frameIndex.get(name, kind, detail);
    if (known >= 0) return known;
    if (this.length === this.name.length) {
      this.name = growUint32(this.name);
      this.detail = growUint32(this.detail);
      this.kind = growUint8(this.kind);
    }
    const frame = this.length++;
    this.name[frame] = name;
    this.kind[frame] = kind;
    this.detail[frame] = detail;
    this.#frameIndex.set(name, kind, detail, frame);
    return frame;
  }
}

/** The frames of every location, outermost first. */
function locationFrames(profile: Profile, frames: FrameBuilder): readonly Uint32Array[] {
  const { locations, lines, functions, strings, mappings } = profile;
  return Array.from({ length: locations.length }, (_, location) => {
    const module = mappings[locations.mapping[location]!]?.filename ?? '';
    if (locations.miss[location] !== Miss.none) {
      const kind = locations.miss[location] === Miss.jit ? FlameKind.jit : FlameKind.unknown;
      return Uint32Array.of(frames.add(unknownName(profile, location), kind, module));
    }
    const [first, end] = [locations.firstLine[location]!, locations.firstLine[location + 1]!];
    return Uint32Array.from({ length: end - first }, (_, i) => {
      const line = end - 1 - i;
      const name = strings[functions.name[lines.function[line]!]!] ?? '';
      const kind = i > 0 ? FrameKind.inlined : (locations.kind[location] as FlameKind);
      return frames.add(name, kind, module);
    });
  });
}

export function flameData(profile: Profile, options: FlameDataOptions): FlameData {
  const frames = new FrameBuilder();
  const ofLocation = locationFrames(profile, frames);
  const { stacks, samples } = profile;
  const prefix: number[] = [];
  const frame: number[] = [];
  const nodes = new IntMap(stacks.length);
  const push = (parent: number, child: number): number => {
    const known = nodes.get(parent, child, 0);
    if (known >= 0) return known;
    prefix.push(parent);
    const node = frame.push(child) - 1;
    nodes.set(parent, child, 0, node);
    return node;
  };

  const roots = profile.labelSets.map(set => {
    const comm = options.root ? set.find(label => label.key === 'comm')?.value : undefined;
    return comm === undefined ? -1 : push(-1, frames.add(String(comm), FlameKind.process, ''));
  });
  // (root, stack) → node. Climbing to the first known caller and down again visits each pair once.
  const converted = new IntMap(stacks.length);
  const path: number[] = [];
  const convert = (root: number, stack: number): number => {
    let node = root;
    path.length = 0;
    for (let s = stack; s >= 0; s = stacks.prefix[s]!) {
      const known = converted.get(root, s, 0);
      if (known >= 0) {
        node = known;
        break;
      }
      path.push(s);
    }
    for (let i = path.length - 1; i >= 0; i--) {
      for (const child of ofLocation[stacks.location[path[i]!]!]!) node = push(node, child);
      if (node >= 0) converted.set(root, path[i]!, 0, node);
    }
    return node;
  };

  const stack = new Int32Array(samples.length);
  for (let i = 0; i < samples.length; i++) stack[i] = convert(roots[samples.labels[i]!] ?? -1, samples.stack[i]!);
  return {
    names: frames.names,
    frames: { length: frames.length, name: frames.name, kind: frames.kind, detail: frames.detail },
    stacks: { length: frame.length, prefix: Int32Array.from(prefix), frame: Uint32Array.from(frame) },
    samples: { length: samples.length, stack, value: samples.values[options.value]! },
  };
}
