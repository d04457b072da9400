/** The tables of several profiles as one: what is equal is there once. */
import { growFloat64, growUint32 } from './columns.ts';
import { IntMap } from './int-map.ts';
import { Chains, SEED } from './merge-stacks.ts';
import { MISSES, type Profile, type ProfileMapping } from './profile.ts';

/** Values with an index each, the same for equal keys. */
export class Interner<T> {
  readonly values: T[] = [];
  readonly #index = new Map<string, number>();

  of(key: string, value: T): number {
    let index = this.#index.get(key);
    if (index === undefined) {
      index = this.values.push(value) - 1;
      this.#index.set(key, index);
    }
    return index;
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const FLAGS = ['hasFunctions', 'hasFilenames', 'hasLineNumbers', 'hasInlineFrames'] as const;

/** Pairs or triples of integers with an index each, as columns. */
class Rows {
  length = 0;
  a = new Uint32Array(256);
  b = new Uint32Array(256);
  c = new Uint32Array(256);
  readonly #index = new IntMap(256);

  of(a: number, b: number, c: number): number {
    const known = this.#index.get(a ^ SEED, b ^ SEED, c);
    if (known >= 0) return known;
    if (this.length === this.a.length) {
      this.a = growUint32(this.a);
      this.b = growUint32(this.b);
      this.c = growUint32(this.c);
    }
    this.a[this.length] = a;
    this.b[this.length] = b;
    this.c[this.length] = c;
    this.#index.set(a ^ SEED, b ^ SEED, c, this.length);
    return this.length++;
  }
}

export class MergedTables {
  readonly strings = new Interner<string>();
  readonly #mappings = new Interner<Mutable<ProfileMapping>>();
  /** Name, linker's name, file. */
  readonly #functions = new Rows();
  /** Function, line number. */
  readonly #lines = new Rows();
  /** Lines of a location, innermost first. */
  readonly #lineLists = new Chains();
  /** Mapping + 1, and the address in two halves. */
  readonly #places = new Rows();
  /** Place, list of lines + 1, kind and miss. */
  readonly #locations = new Rows();
  #address = new Float64Array(256);

  constructor() {
    this.strings.of('', '');
  }

  /** The index here of each location of the profile. */
  locationsOf(profile: Profile): Uint32Array {
    const mappings = profile.mappings.map(mapping => this.#mapping(mapping));
    const lines = this.#linesOf(profile);
    const { mapping, address, kind, miss, firstLine, length } = profile.locations;
    const indices = new Uint32Array(length);
    for (let i = 0; i < length; i++) {
      let list = -1;
      for (let line = firstLine[i]!; line < firstLine[i + 1]!; line++) list = this.#lineLists.push(list, lines[line]!);
      const place = this.#place(mappings[mapping[i]!] ?? -1, address[i]!);
      indices[i] = this.#locations.of(place, list + 1, kind[i]! * MISSES + miss[i]!);
    }
    return indices;
  }

  #mapping(mapping: ProfileMapping): number {
    const { buildId, filename, start, limit, fileOffset } = mapping;
    const index = this.#mappings.of(JSON.stringify([buildId, filename, start, limit, fileOffset]), { ...mapping });
    const merged = this.#mappings.values[index]!;
    for (const flag of FLAGS) merged[flag] ||= mapping[flag];
    return index;
  }

  /** The index here of each line of the profile. */
  #linesOf({ strings, functions, lines }: Profile): Uint32Array {
    const string = (index: number) => this.strings.of(strings[index]!, strings[index]!);
    const indices = new Uint32Array(functions.length);
    for (let i = 0; i < functions.length; i++) {
      const [name, systemName] = [string(functions.name[i]!), string(functions.systemName[i]!)];
      indices[i] = this.#functions.of(name, systemName, string(functions.filename[i]!));
    }
    return Uint32Array.from({ length: lines.length }, (_, i) => {
      return this.#lines.of(indices[lines.function[i]!]!, lines.line[i]!, 0);
    });
  }

  #place(mapping: number, address: number): number {
    const place = this.#places.of(mapping + 1, (address % 2 ** 32) | 0, Math.floor(address / 2 ** 32) | 0);
    while (place >= this.#address.length) this.#address = growFloat64(this.#address);
    this.#address[place] = address;
    return place;
  }

  done(): Pick<Profile, 'strings' | 'mappings' | 'functions' | 'locations' | 'lines'> {
    const { length, a: name, b: systemName, c: filename } = this.#functions;
    return {
      strings: this.strings.values,
      mappings: this.#mappings.values,
      functions: {
        length,
        name: name.slice(0, length),
        systemName: systemName.slice(0, length),
        filename: filename.slice(0, length),
      },
      ...this.#locationColumns(),
    };
  }

  #locationColumns(): Pick<Profile, 'locations' | 'lines'> {
    const { length, a: place, b: list, c: kinds } = this.#locations;
    const { prefix, item } = this.#lineLists;
    const firstLine = new Uint32Array(length + 1);
    for (let i = 0; i < length; i++) {
      let count = 0;
      for (let l = list[i]! - 1; l >= 0; l = prefix[l]!) count++;
      firstLine[i + 1] = firstLine[i]! + count;
    }
    const count = firstLine[length]!;
    const lines = { length: count, function: new Uint32Array(count), line: new Uint32Array(count) };
    for (let i = 0; i < length; i++) {
      let at = firstLine[i + 1]!;
      for (let l = list[i]! - 1; l >= 0; l = prefix[l]!) {
        lines.function[--at] = this.#lines.a[item[l]!]!;
        lines.line[at] = this.#lines.b[item[l]!]!;
      }
    }
    const each = { length };
    return {
      locations: {
        length,
        mapping: Int32Array.from(each, (_, i) => this.#places.a[place[i]!]! - 1),
        address: Float64Array.from(each, (_, i) => this.#address[place[i]!]!),
        kind: Uint8Array.from(each, (_, i) => Math.floor(kinds[i]! / MISSES)),
        miss: Uint8Array.from(each, (_, i) => kinds[i]! % MISSES),
        firstLine,
      },
      lines,
    };
  }
}
