/** The samples of a pprof file: stacks, values and labels, without an object for a sample. */
import { growUint32 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';
import { Chains, SEED } from '../model/merge-stacks.ts';
import type { Label, SampleColumns, StackColumns } from '../model/profile.ts';
import { DecodeError } from './error.ts';
import type { Ids } from './ids.ts';
import { SamplePath } from './sample-path.ts';
import type { Spans } from './sections.ts';
import { StackTable } from './stack-table.ts';
import { int64, Wire, type WireReader } from './wire.ts';

/** Of all distinct sets together. */
const MAX_LABELS = 2 ** 22;
/** In the place of a number's label: the string by index. */
const STRING = -1;

/** Label sets, each once, as chains of labels. */
class LabelSets {
  readonly sets: (readonly Label[])[] = [];
  readonly #strings: readonly string[];
  readonly #labels: Label[] = [];
  readonly #stringIndex = new IntMap(16);
  readonly #numberIndex = new IntMap(16);
  readonly #chains = new Chains();
  /** Set + 1 of each chain, 0 where none ends. */
  #setOf = new Uint32Array(64);
  #empty = -1;
  #total = 0;

  constructor(strings: readonly string[]) {
    this.#strings = strings;
  }

  /** The chain with one more label, a string (`str` > 0) or the number in two halves. */
  add(chain: number, key: number, str: number, low: number, high: number): number {
    const index = str > 0 ? this.#stringIndex : this.#numberIndex;
    const [a, b] = str > 0 ? [str, STRING] : [low ^ SEED, high ^ SEED];
    let label = index.get(a, b, key);
    if (label < 0) {
      const value = str > 0 ? this.#strings[str]! : int64(low, high);
      label = this.#labels.push({ key: this.#strings[key]!, value }) - 1;
      index.set(a, b, key, label);
    }
    const next = this.#chains.push(chain, label);
    if (next >= MAX_LABELS) throw new DecodeError(`it holds more than ${MAX_LABELS} labels.`);
    return next;
  }

  /** The set of a chain, −1 for no labels. */
  of(chain: number): number {
    if (chain < 0) {
      if (this.#empty < 0) this.#empty = this.sets.push([]) - 1;
      return this.#empty;
    }
    while (chain >= this.#setOf.length) this.#setOf = growUint32(this.#setOf);
    if (this.#setOf[chain] === 0) this.#setOf[chain] = this.sets.push(this.#collect(chain));
    return this.#setOf[chain]! - 1;
  }

  #collect(chain: number): readonly Label[] {
    const set: Label[] = [];
    for (let c = chain; c >= 0; c = this.#chains.prefix[c]!) {
      set.push(this.#labels[this.#chains.item[c]!]!);
      if (++this.#total > MAX_LABELS) throw new DecodeError(`it holds more than ${MAX_LABELS} labels.`);
    }
    return set.reverse();
  }
}

export interface DecodedSamples {
  readonly stacks: StackColumns;
  readonly samples: SampleColumns;
  readonly labelSets: readonly (readonly Label[])[];
}

export class SampleDecoder {
  readonly #reader: WireReader;
  readonly #strings: readonly string[];
  readonly #types: number;
  readonly #stacks = new StackTable();
  readonly #labels: LabelSets;
  readonly #path: SamplePath;
  /** Values of the sample that is being read. */
  readonly #row: Float64Array;
  #values = 0;

  constructor(reader: WireReader, locations: Ids, strings: readonly string[], types: number) {
    this.#reader = reader;
    this.#path = new SamplePath(reader, locations);
    this.#strings = strings;
    this.#types = types;
    this.#labels = new LabelSets(strings);
    this.#row = new Float64Array(types);
  }

  decode(spans: Spans): DecodedSamples {
    const { length } = spans;
    const stack = new Int32Array(length);
    const labels = new Uint32Array(length);
    const values = Array.from({ length: this.#types }, () => new Float64Array(length));
    for (let i = 0; i < length; i++) {
      spans.open(this.#reader, i);
      labels[i] = this.#labels.of(this.#read());
      stack[i] = this.#path.stack(this.#stacks);
      for (let v = 0; v < values.length; v++) values[v]![i] = this.#row[v]!;
    }
    return {
      stacks: this.#stacks.columns(),
      samples: { length, stack, labels, values },
      labelSets: this.#labels.sets,
    };
  }

  /** Reads the message; returns the chain of its labels. */
  #read(): number {
    const reader = this.#reader;
    this.#path.clear();
    this.#values = 0;
    let chain = -1;
    while (reader.next()) {
      if (reader.field === 1) this.#path.read();
      else if (reader.field === 2) this.#valueList();
      else if (reader.field === 3) chain = this.#label(chain);
      else reader.skip();
    }
    if (this.#values !== this.#types) {
      throw new DecodeError(`it holds a sample of ${this.#values} values for ${this.#types} sample types.`);
    }
    return chain;
  }

  /** A number, or a packed list of them. */
  #valueList(): void {
    const reader = this.#reader;
    if (reader.wire !== Wire.bytes) {
      reader.expect(Wire.varint);
      this.#value();
      return;
    }
    const outer = reader.enter();
    while (reader.at < reader.end) this.#value();
    reader.leave(outer);
  }

  #value(): void {
    this.#reader.varint();
    // More than there are types are counted, and refused with the sample.
    if (this.#values < this.#types) this.#row[this.#values] = this.#reader.signed();
    this.#values++;
  }

  /** num_unit (4) has no place in a profile. */
  #label(chain: number): number {
    const reader = this.#reader;
    const outer = reader.enter();
    let [key, str, low, high] = [0, 0, 0, 0];
    while (reader.next()) {
      if (reader.field === 1) key = this.#string();
      else if (reader.field === 2) str = this.#string();
      else if (reader.field === 3) {
        reader.number();
        ({ low, high } = reader);
      } else reader.skip();
    }
    reader.leave(outer);
    return this.#labels.add(chain, key, str, low, high);
  }

  #string(): number {
    const index = this.#reader.number();
    if (!(index >= 0 && index < this.#strings.length)) throw new DecodeError('it refers to a string beyond its table.');
    return index;
  }
}
