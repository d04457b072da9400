/**
 * pprof: https://github.com/google/pprof/blob/main/proto/profile.proto, gzipped. Ids are indices plus one; tables
 * stand in the order of the columns.
 */
import { gzipSync } from 'node:zlib';
import { growUint32 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';
import type { Label, Profile, ValueType } from '../model/profile.ts';
import { frameStatistics, unnamedText } from '../model/statistics.ts';
import type { EncodeOptions, Format } from './format.ts';
import { ProtoWriter } from './varint.ts';

/** Field numbers of message Profile. */
const Field = {
  sampleType: 1,
  sample: 2,
  mapping: 3,
  location: 4,
  function: 5,
  stringTable: 6,
  timeNanos: 9,
  durationNanos: 10,
  periodType: 11,
  period: 12,
  comment: 13,
  defaultSampleType: 14,
} as const;

/** Written strings: the profile's own first, then those that only the encoding needs. */
class Strings {
  readonly all: string[];
  readonly #index = new Map<string, number>();

  constructor(first: readonly string[]) {
    this.all = first.length > 0 ? [...first] : [''];
    this.#index.set('', 0);
  }

  of(text: string): number {
    let index = this.#index.get(text);
    if (index === undefined) {
      index = this.all.push(text) - 1;
      this.#index.set(text, index);
    }
    return index;
  }
}

class PprofEncoder {
  readonly #out = new ProtoWriter();
  readonly #message = new ProtoWriter();
  readonly #inner = new ProtoWriter();
  #ids = new Uint32Array(256);
  readonly #profile: Profile;
  readonly #strings: Strings;

  constructor(profile: Profile) {
    this.#profile = profile;
    this.#strings = new Strings(profile.strings);
  }

  #flush(field: number): void {
    this.#out.message(field, this.#message.bytes());
    this.#message.clear();
  }

  #valueType(field: number, { type, unit }: ValueType): void {
    this.#message.field(1, this.#strings.of(type));
    this.#message.field(2, this.#strings.of(unit));
    this.#flush(field);
  }

  #mappings(): void {
    for (const [i, mapping] of this.#profile.mappings.entries()) {
      this.#message.field(1, i + 1);
      this.#message.field(2, mapping.start);
      // The kernel's range ends where 64 bits end, one below what its limit would be.
      this.#message.field(3, mapping.start < 0 && mapping.limit === 0 ? -1 : mapping.limit);
      this.#message.field(4, mapping.fileOffset);
      this.#message.field(5, this.#strings.of(mapping.filename));
      this.#message.field(6, this.#strings.of(mapping.buildId));
      this.#message.field(7, Number(mapping.hasFunctions));
      this.#message.field(8, Number(mapping.hasFilenames));
      this.#message.field(9, Number(mapping.hasLineNumbers));
      this.#message.field(10, Number(mapping.hasInlineFrames));
      this.#flush(Field.mapping);
    }
  }

  #locations(): void {
    const { locations, lines } = this.#profile;
    for (let i = 0; i < locations.length; i++) {
      this.#message.field(1, i + 1);
      this.#message.field(2, locations.mapping[i]! + 1);
      this.#message.field(3, locations.address[i]!);
      for (let line = locations.firstLine[i]!; line < locations.firstLine[i + 1]!; line++) {
        this.#inner.field(1, lines.function[line]! + 1);
        this.#inner.field(2, lines.line[line]!);
        this.#message.message(4, this.#inner.bytes());
        this.#inner.clear();
      }
      this.#flush(Field.location);
    }
  }

  #functions(): void {
    const { functions } = this.#profile;
    for (let i = 0; i < functions.length; i++) {
      this.#message.field(1, i + 1);
      this.#message.field(2, functions.name[i]!);
      this.#message.field(3, functions.systemName[i]!);
      this.#message.field(4, functions.filename[i]!);
      this.#flush(Field.function);
    }
  }

  #label({ key, value }: Label): void {
    this.#inner.field(1, this.#strings.of(key));
    if (typeof value === 'string') this.#inner.field(2, this.#strings.of(value));
    else this.#inner.field(3, value);
    this.#message.message(3, this.#inner.bytes());
    this.#inner.clear();
  }

  #sample(stack: number, labels: readonly Label[], values: readonly Float64Array[], row: number): void {
    const { prefix, location } = this.#profile.stacks;
    let frames = 0;
    for (let s = stack; s >= 0; s = prefix[s]!) {
      if (frames === this.#ids.length) this.#ids = growUint32(this.#ids);
      this.#ids[frames++] = location[s]! + 1;
    }
    this.#message.packed(1, this.#ids, frames);
    for (const column of values) this.#inner.varint(Math.round(column[row]!));
    this.#message.message(2, this.#inner.bytes());
    this.#inner.clear();
    for (const label of labels) this.#label(label);
    this.#flush(Field.sample);
  }

  /** Samples that differ only in labels that are not wanted become one. */
  #samples(keys: readonly string[]): void {
    const { samples, labelSets } = this.#profile;
    const sets = labelSets.map(set => set.filter(label => keys.includes(label.key)));
    const first = new Map<string, number>();
    const setOf = sets.map((set, i) => {
      const text = JSON.stringify(set);
      if (!first.has(text)) first.set(text, i);
      return first.get(text)!;
    });
    const rows = new IntMap(samples.length);
    const stacks = new Int32Array(samples.length);
    const labels = new Uint32Array(samples.length);
    const values = samples.values.map(() => new Float64Array(samples.length));
    for (let i = 0; i < samples.length; i++) {
      const set = setOf[samples.labels[i]!]!;
      let row = rows.get(samples.stack[i]!, set, 0);
      if (row < 0) {
        row = rows.size;
        rows.set(samples.stack[i]!, set, 0, row);
        stacks[row] = samples.stack[i]!;
        labels[row] = set;
      }
      for (let v = 0; v < values.length; v++) values[v]![row]! += samples.values[v]![i]!;
    }
    for (let row = 0; row < rows.size; row++) this.#sample(stacks[row]!, sets[labels[row]!]!, values, row);
  }

  #comments(): readonly string[] {
    const { losses, unwinding } = this.#profile;
    const counts = [...Object.entries(losses), ...Object.entries(unwinding).filter(([, count]) => count > 0)];
    const unnamed = unnamedText(frameStatistics(this.#profile));
    const lines = counts.map(([name, count]) => `${name}: ${count}`);
    return [...this.#profile.comments, ...lines, `frames without a name: ${unnamed || 'none'}`];
  }

  encode(labels: readonly string[]): Uint8Array<ArrayBuffer> {
    const profile = this.#profile;
    for (const type of profile.sampleTypes) this.#valueType(Field.sampleType, type);
    this.#samples(labels);
    this.#mappings();
    this.#locations();
    this.#functions();
    this.#valueType(Field.periodType, profile.periodType);
    this.#out.field(Field.timeNanos, Math.round(profile.startTimeMs) * 1e6);
    this.#out.field(Field.durationNanos, Math.round(profile.durationMs * 1e6));
    this.#out.field(Field.period, profile.period);
    for (const comment of this.#comments()) {
      this.#inner.varint(this.#strings.of(comment));
    }
    this.#out.message(Field.comment, this.#inner.bytes());
    this.#inner.clear();
    this.#out.field(Field.defaultSampleType, this.#strings.of(profile.sampleTypes.at(-1)?.type ?? ''));
    for (const text of this.#strings.all) this.#out.string(Field.stringTable, text);
    return this.#out.bytes();
  }
}

/** The uncompressed message. */
export function encodePprof(profile: Profile, labels: readonly string[] = []): Uint8Array<ArrayBuffer> {
  return new PprofEncoder(profile).encode(labels);
}

function* encode(profile: Profile, options: EncodeOptions): Iterable<Uint8Array> {
  yield gzipSync(encodePprof(profile, options.labels), { level: 1 });
}

export const pprof: Format = {
  name: 'pprof',
  description: 'gzipped pprof protocol buffer, for go tool pprof, Pyroscope and Parca',
  extensions: ['.pb.gz', '.pprof', '.pb'],
  encode,
};
