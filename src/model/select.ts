/** A part of a profile, as a profile of its own. */
import type { FunctionColumns, LineColumns, LocationColumns, Profile, StackColumns } from './profile.ts';

/** Numbers what is kept in the order of its first use. */
class Renumbering {
  /** What is kept, by its new number; longer than `length`. */
  readonly kept: Int32Array;
  length = 0;
  /** New number + 1; 0 for what is not kept. */
  readonly #to: Int32Array;

  constructor(length: number) {
    this.kept = new Int32Array(length);
    this.#to = new Int32Array(length);
  }

  has(index: number): boolean {
    return this.#to[index] !== 0;
  }

  /** The new number; −1 stays −1. */
  of(index: number): number {
    if (index < 0) return -1;
    if (this.#to[index] === 0) {
      this.kept[this.length++] = index;
      this.#to[index] = this.length;
    }
    return this.#to[index]! - 1;
  }
}

/** Keeps the stacks of some samples, callers before callees. */
function keepStacks({ stacks: { prefix }, samples }: Profile, rows: ArrayLike<number>): Renumbering {
  const stacks = new Renumbering(prefix.length);
  const path: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    for (let at = samples.stack[rows[i]!]!; at >= 0 && !stacks.has(at); at = prefix[at]!) path.push(at);
    while (path.length > 0) stacks.of(path.pop()!);
  }
  return stacks;
}

function selectStacks({ prefix, location }: StackColumns, stacks: Renumbering, locations: Renumbering): StackColumns {
  const { length, kept } = stacks;
  const selected = { length, prefix: new Int32Array(length), location: new Uint32Array(length) };
  for (let i = 0; i < length; i++) {
    selected.prefix[i] = stacks.of(prefix[kept[i]!]!);
    selected.location[i] = locations.of(location[kept[i]!]!);
  }
  return selected;
}

function selectLocations(all: LocationColumns, { length, kept }: Renumbering, mappings: Renumbering): LocationColumns {
  const selected = {
    length,
    mapping: new Int32Array(length),
    address: new Float64Array(length),
    kind: new Uint8Array(length),
    miss: new Uint8Array(length),
    firstLine: new Uint32Array(length + 1),
  };
  for (let i = 0; i < length; i++) {
    const location = kept[i]!;
    selected.mapping[i] = mappings.of(all.mapping[location]!);
    selected.address[i] = all.address[location]!;
    selected.kind[i] = all.kind[location]!;
    selected.miss[i] = all.miss[location]!;
    selected.firstLine[i + 1] = selected.firstLine[i]! + all.firstLine[location + 1]! - all.firstLine[location]!;
  }
  return selected;
}

function selectLines(
  { lines, locations }: Profile,
  { length, kept }: Renumbering,
  count: number,
  functions: Renumbering,
): LineColumns {
  const selected = { length: count, function: new Uint32Array(count), line: new Uint32Array(count) };
  let at = 0;
  for (let i = 0; i < length; i++) {
    const end = locations.firstLine[kept[i]! + 1]!;
    for (let line = locations.firstLine[kept[i]!]!; line < end; line++) {
      selected.function[at] = functions.of(lines.function[line]!);
      selected.line[at++] = lines.line[line]!;
    }
  }
  return selected;
}

function selectFunctions(all: FunctionColumns, { length, kept }: Renumbering, strings: Renumbering): FunctionColumns {
  const column = (from: Uint32Array) => {
    const selected = new Uint32Array(length);
    for (let i = 0; i < length; i++) selected[i] = strings.of(from[kept[i]!]!);
    return selected;
  };
  return { length, name: column(all.name), systemName: column(all.systemName), filename: column(all.filename) };
}

function selectValues(from: Float64Array, rows: ArrayLike<number>): Float64Array {
  const selected = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) selected[i] = from[rows[i]!]!;
  return selected;
}

/** The samples `rows`, in this order and without labels and times, with nothing that they do not need. */
export function selectSamples(profile: Profile, rows: ArrayLike<number>): Profile {
  const keptStacks = keepStacks(profile, rows);
  const keptLocations = new Renumbering(profile.locations.length);
  const keptMappings = new Renumbering(profile.mappings.length);
  const keptFunctions = new Renumbering(profile.functions.length);
  const keptStrings = new Renumbering(profile.strings.length);
  keptStrings.of(0);
  const stacks = selectStacks(profile.stacks, keptStacks, keptLocations);
  const locations = selectLocations(profile.locations, keptLocations, keptMappings);
  const lines = selectLines(profile, keptLocations, locations.firstLine[locations.length]!, keptFunctions);
  const functions = selectFunctions(profile.functions, keptFunctions, keptStrings);
  const stack = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) stack[i] = keptStacks.of(profile.samples.stack[rows[i]!]!);
  const these = <T>({ length, kept }: Renumbering, all: readonly T[]) =>
    Array.from(kept.subarray(0, length), index => all[index]!);
  return {
    ...profile,
    strings: these(keptStrings, profile.strings),
    mappings: these(keptMappings, profile.mappings),
    functions,
    locations,
    lines,
    stacks,
    samples: {
      length: rows.length,
      stack,
      labels: new Uint32Array(rows.length),
      values: profile.samples.values.map(column => selectValues(column, rows)),
    },
    timeline: undefined,
    labelSets: [[]],
  };
}
