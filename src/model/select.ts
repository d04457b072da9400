/** A part of a profile, as a profile of its own. */
import type { LocationColumns, Profile, StackColumns } from './profile.ts';

/** Numbers what is kept in the order of its first use. */
class Renumbering {
  readonly kept: number[] = [];
  readonly #to: Int32Array;

  constructor(length: number) {
    this.#to = new Int32Array(length).fill(-1);
  }

  has(index: number): boolean {
    return this.#to[index]! >= 0;
  }

  /** The new number; −1 stays −1. */
  of(index: number): number {
    if (index < 0) return -1;
    if (this.#to[index] === -1) this.#to[index] = this.kept.push(index) - 1;
    return this.#to[index]!;
  }
}

/** The stacks of some samples, callers before callees, and the locations in them. */
function selectStacks({ prefix, location }: StackColumns, stacks: Renumbering, locations: Renumbering): StackColumns {
  const kept = stacks.kept;
  return {
    length: kept.length,
    prefix: Int32Array.from(kept, stack => stacks.of(prefix[stack]!)),
    location: Uint32Array.from(kept, stack => locations.of(location[stack]!)),
  };
}

/** Adds a stack after its callers. */
function keepStack(prefix: Int32Array, stack: number, stacks: Renumbering, path: number[]): void {
  for (let at = stack; at >= 0 && !stacks.has(at); at = prefix[at]!) path.push(at);
  while (path.length > 0) stacks.of(path.pop()!);
}

function selectLocations(profile: Profile, { kept }: Renumbering, mappings: Renumbering): LocationColumns {
  const { mapping, address, kind, miss, firstLine } = profile.locations;
  const first = new Uint32Array(kept.length + 1);
  kept.forEach((location, i) => {
    first[i + 1] = first[i]! + firstLine[location + 1]! - firstLine[location]!;
  });
  return {
    length: kept.length,
    mapping: Int32Array.from(kept, location => mappings.of(mapping[location]!)),
    address: Float64Array.from(kept, location => address[location]!),
    kind: Uint8Array.from(kept, location => kind[location]!),
    miss: Uint8Array.from(kept, location => miss[location]!),
    firstLine: first,
  };
}

/** The samples `rows`, in this order and without labels and times, with nothing that they do not need. */
export function selectSamples(profile: Profile, rows: ArrayLike<number>): Profile {
  const { stacks: allStacks, samples, lines, functions } = profile;
  const stacks = new Renumbering(allStacks.length);
  const path: number[] = [];
  for (let i = 0; i < rows.length; i++) keepStack(allStacks.prefix, samples.stack[rows[i]!]!, stacks, path);
  const locations = new Renumbering(profile.locations.length);
  const selectedStacks = selectStacks(allStacks, stacks, locations);
  const mappings = new Renumbering(profile.mappings.length);
  const selectedLocations = selectLocations(profile, locations, mappings);
  const { firstLine } = profile.locations;
  const keptLines = locations.kept.flatMap(location =>
    Array.from({ length: firstLine[location + 1]! - firstLine[location]! }, (_, i) => firstLine[location]! + i),
  );
  const keptFunctions = new Renumbering(functions.length);
  const lineFunction = Uint32Array.from(keptLines, line => keptFunctions.of(lines.function[line]!));
  const strings = new Renumbering(profile.strings.length);
  strings.of(0);
  const columnOfStrings = (column: Uint32Array) =>
    Uint32Array.from(keptFunctions.kept, index => strings.of(column[index]!));
  const [name, systemName, filename] = [functions.name, functions.systemName, functions.filename].map(columnOfStrings);
  return {
    ...profile,
    strings: strings.kept.map(index => profile.strings[index]!),
    mappings: mappings.kept.map(index => profile.mappings[index]!),
    functions: { length: keptFunctions.kept.length, name: name!, systemName: systemName!, filename: filename! },
    locations: selectedLocations,
    lines: {
      length: keptLines.length,
      function: lineFunction,
      line: Uint32Array.from(keptLines, line => lines.line[line]!),
    },
    stacks: selectedStacks,
    samples: {
      length: rows.length,
      stack: Int32Array.from(rows, row => stacks.of(samples.stack[row]!)),
      labels: new Uint32Array(rows.length),
      values: samples.values.map(column => Float64Array.from(rows, row => column[row]!)),
    },
    timeline: undefined,
    labelSets: [[]],
  };
}
