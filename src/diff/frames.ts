/** The functions and threads of all profiles of a comparison, each once: what its stacks are made of. */
import { FlameKind } from '../../flamegraph/index.ts';
import { growUint8, growUint32 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';
import { SEED } from '../model/merge-stacks.ts';
import { Interner } from '../model/merge-tables.ts';
import { FrameKind, Miss, type Profile, unknownName } from '../model/profile.ts';
import { canonicalFunction, isPlaceholder } from './canonical.ts';

/** The sides of a comparison, as bits. */
export const Side = { base: 1, head: 2 } as const;
export type Side = (typeof Side)[keyof typeof Side];
export const BOTH = Side.base | Side.head;

/** Frames of each location, outermost first: those of location i are frame[first[i]] … frame[first[i+1]−1]. */
export interface LocationFrames {
  readonly first: Uint32Array;
  readonly frame: Uint32Array;
}

export class FrameTable {
  readonly #texts = new Interner<string>();
  readonly #index = new IntMap();
  length = 0;
  /** Index into texts. */
  name = new Uint32Array(1024);
  /** Index into texts: source file or module, 0 when unknown. */
  file = new Uint32Array(1024);
  /** FlameKind: the head's where it is on both sides. */
  kind = new Uint8Array(1024);
  /** Bits of {@link Side}: where it occurs. */
  sides = new Uint8Array(1024);

  constructor() {
    this.#texts.of('', '');
  }

  /** `texts[0]` is ''. */
  get texts(): readonly string[] {
    return this.#texts.values;
  }

  /** A thread or process that stacks stand on. */
  thread(name: string, side: Side): number {
    return this.#add(name, '', FlameKind.process, side);
  }

  /** A function under its canonical name. */
  function(name: string, file: string, side: Side): number {
    return this.#add(name, file, FlameKind.native, side);
  }

  #add(nameText: string, fileText: string, kind: FlameKind, side: Side): number {
    const [name, file] = [this.#texts.of(nameText, nameText), this.#texts.of(fileText, fileText)];
    const isThread = Number(kind === FlameKind.process);
    let frame = this.#index.get(name ^ SEED, file ^ SEED, isThread);
    if (frame < 0) {
      frame = this.length++;
      if (frame === this.name.length) this.#grow();
      this.#index.set(name ^ SEED, file ^ SEED, isThread, frame);
      this.name[frame] = name;
      this.file[frame] = file;
    }
    // The base comes first.
    if ((this.sides[frame]! & side) === 0) this.kind[frame] = kind;
    this.sides[frame]! |= side;
    return frame;
  }

  #grow(): void {
    this.name = growUint32(this.name);
    this.file = growUint32(this.file);
    this.kind = growUint8(this.kind);
    this.sides = growUint8(this.sides);
  }

  /** The frames of a profile's locations: the functions of its lines, or one that stands for what has no name. */
  ofLocations(profile: Profile, side: Side): LocationFrames {
    const { locations, lines, mappings } = profile;
    const first = new Uint32Array(locations.length + 1);
    const frame = new Uint32Array(lines.length + locations.length);
    const known = new IntMap();
    let length = 0;
    for (let location = 0; location < locations.length; location++) {
      const [begin, end] = [locations.firstLine[location]!, locations.firstLine[location + 1]!];
      if (locations.miss[location] !== Miss.none) {
        const kind = locations.miss[location] === Miss.jit ? FlameKind.jit : FlameKind.unknown;
        const module = mappings[locations.mapping[location]!]?.filename ?? '';
        frame[length++] = this.#canonical(unknownName(profile, location), module, kind, side);
      } else {
        for (let line = end - 1; line >= begin; line--) {
          const kind = line < end - 1 ? FrameKind.inlined : (locations.kind[location] as FlameKind);
          frame[length++] = this.#ofFunction(profile, lines.function[line]!, location, kind, side, known);
        }
      }
      first[location + 1] = length;
    }
    return { first, frame: frame.subarray(0, length) };
  }

  /** `known`: frames by function and mapping, for a function has many locations. */
  #ofFunction(profile: Profile, index: number, location: number, kind: FlameKind, side: Side, known: IntMap): number {
    const { strings, functions, mappings, locations } = profile;
    const mapping = locations.mapping[location]!;
    let frame = known.get(index ^ SEED, mapping, 0);
    if (frame < 0) {
      const name = strings[functions.name[index]!] || (strings[functions.systemName[index]!] ?? '');
      const file = strings[functions.filename[index]!] || (mappings[mapping]?.filename ?? '');
      frame = this.#canonical(name, file, kind, side);
      known.set(index ^ SEED, mapping, 0, frame);
    }
    return frame;
  }

  #canonical(text: string, path: string, kind: FlameKind, side: Side): number {
    const { name, file } = canonicalFunction(text, path);
    return this.#add(name, file, kind, side);
  }

  /**
   * For each frame the one that it is compared as: itself, or where a function moved to another file, the one in the new
   * file. It moved when its name is in one file of each side, and these differ.
   */
  moved(): Uint32Array {
    const target = Uint32Array.from({ length: this.length }, (_, frame) => frame);
    /** By name: how many functions have it, and the first of them. */
    const count = new Uint32Array(this.texts.length);
    const first = new Uint32Array(this.texts.length);
    for (let frame = 0; frame < this.length; frame++) {
      if (this.kind[frame] !== FlameKind.process && count[this.name[frame]!]!++ === 0) first[this.name[frame]!] = frame;
    }
    for (let frame = 0; frame < this.length; frame++) {
      const name = this.name[frame]!;
      const old = first[name]!;
      if (count[name] !== 2 || old === frame || this.kind[frame] === FlameKind.process) continue;
      const apart = this.sides[old]! + this.sides[frame]! === BOTH;
      if (!apart || isPlaceholder(this.texts[name]!)) continue;
      target[old] = frame;
      this.kind[old] = this.kind[frame]!;
    }
    return target;
  }
}
