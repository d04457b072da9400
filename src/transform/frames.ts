/** Stacks as frames: inlined calls stand on their own, and what has one name in one module is one symbol. */
import { FlameKind } from '../../flamegraph/index.ts';
import { ProfilerError } from '../errors.ts';
import { growUint32 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';
import { MAX_CHAINS, SEED } from '../model/merge-stacks.ts';
import { baseName, FrameKind, Miss, type Profile, unknownName } from '../model/profile.ts';

/** The frames of location i are first[i] … first[i+1]−1, outermost first; there is at least one. */
export interface Frames {
  readonly length: number;
  /** One more than there are locations. */
  readonly first: Uint32Array;
  /** Index into locations. */
  readonly location: Uint32Array;
  /** Index into lines; −1 for a location without a name. */
  readonly line: Int32Array;
}

/** Stacks of frames. Callers precede callees. */
export interface FrameStacks {
  readonly length: number;
  /** −1 at the outermost frame. */
  readonly prefix: Int32Array;
  /** Index into frames. */
  readonly frame: Uint32Array;
  /** For each stack of the profile the one here that ends with its innermost frame. */
  readonly leaf: Int32Array;
}

/** Names of frames, each once in a module and file. */
export interface Symbols {
  readonly length: number;
  /** For each frame its symbol. */
  readonly of: Uint32Array;
  /** For each symbol the first of its frames. */
  readonly frame: Uint32Array;
}

/** Misses whose text says neither a place nor an address. */
const PLACELESS: readonly number[] = [Miss.kernelHidden, Miss.jit, Miss.processGone, Miss.unmapped];
/** A name of a file is no longer (PATH_MAX); the hash of a much longer one would be its length. */
const MAX_MODULE = 4096;

export function framesOf({ locations }: Profile): Frames {
  const { firstLine, miss } = locations;
  const first = new Uint32Array(locations.length + 1);
  const count = (i: number) => (miss[i] === Miss.none ? firstLine[i + 1]! - firstLine[i]! : 0);
  for (let i = 0; i < locations.length; i++) first[i + 1] = first[i]! + Math.max(1, count(i));
  const length = first[locations.length]!;
  const location = new Uint32Array(length);
  const line = new Int32Array(length).fill(-1);
  for (let i = 0; i < locations.length; i++) {
    location.fill(i, first[i], first[i + 1]);
    const end = firstLine[i + 1]! - 1;
    for (let at = 0; at < count(i); at++) line[first[i]! + at] = end - at;
  }
  return { length, first, location, line };
}

/** The name of a frame, as it is shown. */
export function frameName(profile: Profile, frames: Frames, frame: number): string {
  const line = frames.line[frame]!;
  if (line < 0) return unknownName(profile, frames.location[frame]!);
  return profile.strings[profile.functions.name[profile.lines.function[line]!]!]!;
}

/** Source file of a frame, '' when it is not known. */
export function frameFile(profile: Profile, frames: Frames, frame: number): string {
  const line = frames.line[frame]!;
  return line < 0 ? '' : profile.strings[profile.functions.filename[profile.lines.function[line]!]!]!;
}

/** Path of the file that the code of a frame lies in, '' when it is not known. */
export function frameModule({ mappings, locations }: Profile, frames: Frames, frame: number): string {
  return mappings[locations.mapping[frames.location[frame]!]!]?.filename ?? '';
}

export function frameKind({ locations }: Profile, frames: Frames, frame: number): FlameKind {
  const location = frames.location[frame]!;
  if (frames.line[frame]! < 0) return locations.miss[location] === Miss.jit ? FlameKind.jit : FlameKind.unknown;
  return frame > frames.first[location]! ? FlameKind.inlined : (locations.kind[location] as FlameKind);
}

/** @throws ProfilerError when inlined calls make them too many */
export function frameStacks({ stacks }: Profile, { first }: Frames): FrameStacks {
  const { prefix: callers, location } = stacks;
  let length = 0;
  for (let s = 0; s < stacks.length; s++) length += first[location[s]! + 1]! - first[location[s]!]!;
  checkLength(length);
  const prefix = new Int32Array(length);
  const frame = new Uint32Array(length);
  const leaf = new Int32Array(stacks.length);
  let next = 0;
  for (let s = 0; s < stacks.length; s++) {
    let caller = callers[s]! < 0 ? -1 : leaf[callers[s]!]!;
    for (let at = first[location[s]!]!; at < first[location[s]! + 1]!; at++) {
      prefix[next] = caller;
      frame[next] = at;
      caller = next++;
    }
    leaf[s] = caller;
  }
  return { length, prefix, frame, leaf };
}

/** @throws ProfilerError */
export function checkLength(stacks: number): void {
  if (stacks <= MAX_CHAINS) return;
  throw new ProfilerError('too-large', `the profile has more than ${MAX_CHAINS} distinct stacks.`, {
    hint: 'Keep less of it with --focus or --ignore.',
  });
}

/** The index of each mapping's module: mappings of files with one name are one. */
function moduleOf({ mappings }: Profile): number[] {
  const known = new Map<string, number>();
  return mappings.map(({ filename }) => {
    const name = baseName(filename).slice(0, MAX_MODULE);
    const index = known.get(name) ?? known.size;
    known.set(name, index);
    return index;
  });
}

export function symbolsOf(profile: Profile, frames: Frames): Symbols {
  const { locations, functions, lines } = profile;
  const modules = moduleOf(profile);
  const known = new IntMap();
  const of = new Uint32Array(frames.length);
  let first = new Uint32Array(256);
  let length = 0;
  for (let frame = 0; frame < frames.length; frame++) {
    const location = frames.location[frame]!;
    const line = frames.line[frame]!;
    let [name, file, module] = [-1, locations.miss[location]!, -1];
    if (line >= 0) {
      name = functions.name[lines.function[line]!]!;
      file = functions.filename[lines.function[line]!]!;
      module = modules[locations.mapping[location]!] ?? -1;
    } else if (!PLACELESS.includes(file)) module = location;
    let symbol = known.get(name ^ SEED, file ^ SEED, module);
    if (symbol < 0) {
      if (length === first.length) first = growUint32(first);
      symbol = length++;
      first[symbol] = frame;
      known.set(name ^ SEED, file ^ SEED, module, symbol);
    }
    of[frame] = symbol;
  }
  return { length, of, frame: first.slice(0, length) };
}

/** Locations of one frame each, for stacks in which frames do not stand as they were called. */
export function oneFrameEach({ locations, lines }: Profile, frames: Frames): Pick<Profile, 'locations' | 'lines'> {
  const { length } = frames;
  const firstLine = new Uint32Array(length + 1);
  const mapping = new Int32Array(length);
  const address = new Float64Array(length);
  const kind = new Uint8Array(length);
  const miss = new Uint8Array(length);
  const [lineFunction, lineNumber] = [new Uint32Array(length), new Uint32Array(length)];
  let named = 0;
  for (let frame = 0; frame < length; frame++) {
    const location = frames.location[frame]!;
    const line = frames.line[frame]!;
    mapping[frame] = locations.mapping[location]!;
    address[frame] = locations.address[location]!;
    miss[frame] = locations.miss[location]!;
    kind[frame] = frame > frames.first[location]! ? FrameKind.inlined : locations.kind[location]!;
    if (line >= 0) {
      lineFunction[named] = lines.function[line]!;
      lineNumber[named++] = lines.line[line]!;
    }
    firstLine[frame + 1] = named;
  }
  return {
    locations: { length, mapping, address, kind, miss, firstLine },
    lines: { length: named, function: lineFunction.slice(0, named), line: lineNumber.slice(0, named) },
  };
}
