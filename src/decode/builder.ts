/** A profile while it is read from text or JSON: what is equal is there once. */
import { growFloat64, growInt32, growUint32 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';
import { SEED } from '../model/merge-stacks.ts';
import { FrameKind, type Label, Miss, type Profile, type ProfileMapping, type ValueType } from '../model/profile.ts';
import { DecodeError } from './error.ts';
import { StackTable } from './stack-table.ts';
import { TimelineBuilder } from './timeline.ts';

/** What a table of JS objects may hold: names, label sets. */
const MAX_OBJECTS = 2 ** 23;
/** Characters of all distinct names. */
const MAX_TEXT = 2 ** 29;
/** Rows of a table, as of pprof files. */
const MAX_ROWS = 2 ** 24;
const MAX_LINE_NUMBER = 2 ** 32 - 1;
const KINDS = Object.keys(FrameKind).length;

/** Each sample counts for one. */
export const SAMPLES: ValueType = { type: 'samples', unit: 'count' };

export interface NewLocation {
  readonly name: string;
  readonly kind: FrameKind;
  /** Source file and line, '' and 0 when unknown. */
  readonly filename?: string;
  readonly line?: number;
  /** File that holds the code, '' when unknown. */
  readonly module?: string;
}

/** Values with an index each, the same for equal keys. */
class Interned<T> {
  readonly values: T[] = [];
  readonly #index = new Map<string, number>();

  of(key: string, make: () => T): number {
    let index = this.#index.get(key);
    if (index === undefined) {
      if (this.values.length === MAX_OBJECTS)
        throw new DecodeError(`it holds more than ${MAX_OBJECTS} names or threads.`);
      index = this.values.push(make()) - 1;
      this.#index.set(key, index);
    }
    return index;
  }
}

/** Triples of integers with an index each, as columns. */
class Triples {
  length = 0;
  a = new Uint32Array(256);
  b = new Uint32Array(256);
  c = new Uint32Array(256);
  readonly #index = new IntMap(256);

  of(a: number, b: number, c: number): number {
    const known = this.#index.get(a ^ SEED, b, c);
    if (known >= 0) return known;
    if (this.length === MAX_ROWS) throw new DecodeError(`it holds more than ${MAX_ROWS} functions.`);
    if (this.length === this.a.length) {
      this.a = growUint32(this.a);
      this.b = growUint32(this.b);
      this.c = growUint32(this.c);
    }
    this.a[this.length] = a;
    this.b[this.length] = b;
    this.c[this.length] = c;
    this.#index.set(a ^ SEED, b, c, this.length);
    return this.length++;
  }
}

function newMapping(filename: string): ProfileMapping {
  return {
    start: 0,
    limit: 0,
    fileOffset: 0,
    filename,
    buildId: '',
    hasFunctions: true,
    hasFilenames: false,
    hasLineNumbers: false,
    hasInlineFrames: false,
  };
}

/** What the tables do not say of a profile; the rest is empty. */
export type Facts = Pick<Profile, 'sampleTypes' | 'periodType'> &
  Partial<Pick<Profile, Fact>> & {
    /** Name of the machine's clock that the times are of. */
    readonly clock?: string;
  };
type Fact = 'period' | 'startTimeMs' | 'durationMs' | 'losses' | 'comments';

export class ProfileBuilder {
  readonly stacks = new StackTable();
  readonly timeline = new TimelineBuilder();
  readonly #strings = new Interned<string>();
  #characters = 0;
  readonly #mappings = new Interned<ProfileMapping>();
  /** Name, file, nothing. */
  readonly #functions = new Triples();
  /** Function, line, and mapping + 1 with the kind. */
  readonly #locations = new Triples();
  readonly #labelSets = new Interned<readonly Label[]>();
  readonly #rows = new IntMap();
  #stack = new Int32Array(1024);
  #labels = new Uint32Array(1024);
  readonly #values: Float64Array<ArrayBuffer>[];

  /** @param types number of values that each sample has */
  constructor(types: number) {
    this.#values = Array.from({ length: types }, () => new Float64Array(1024));
    this.#string('');
  }

  #string(text: string): number {
    return this.#strings.of(text, () => {
      this.#characters += text.length;
      if (this.#characters > MAX_TEXT) throw new DecodeError(`its names have more than ${MAX_TEXT} characters.`);
      return text;
    });
  }

  /** The index of an equal location. */
  location({ name, kind, filename = '', line = 0, module = '' }: NewLocation): number {
    const mapping = module === '' ? 0 : 1 + this.#mappings.of(module, () => newMapping(module));
    const owner = this.#functions.of(this.#string(name), this.#string(filename), 0);
    const known = Number.isInteger(line) && line > 0 && line <= MAX_LINE_NUMBER;
    return this.#locations.of(owner, known ? line : 0, mapping * KINDS + kind);
  }

  /** The same location with its source. */
  withSource(location: number, filename: string, line: number): number {
    const { a: owner, c: code } = this.#locations;
    const name = this.#functions.a[owner[location]!]!;
    return this.#locations.of(this.#functions.of(name, this.#string(filename), 0), line, code[location]!);
  }

  labels(set: readonly Label[]): number {
    return this.#labelSets.of(JSON.stringify(set), () => set);
  }

  /** The row of a stack (−1: no frames) with labels, which {@link add} counts in. */
  row(stack: number, labels: number): number {
    const known = this.#rows.get(stack ^ SEED, labels, 0);
    if (known >= 0) return known;
    const row = this.#rows.size;
    if (row === MAX_ROWS) throw new DecodeError(`it holds more than ${MAX_ROWS} distinct stacks.`);
    if (row === this.#stack.length) {
      this.#stack = growInt32(this.#stack);
      this.#labels = growUint32(this.#labels);
      for (const [i, column] of this.#values.entries()) this.#values[i] = growFloat64(column);
    }
    this.#rows.set(stack ^ SEED, labels, 0, row);
    this.#stack[row] = stack;
    this.#labels[row] = labels;
    return row;
  }

  add(row: number, type: number, value: number): void {
    this.#values[type]![row]! += value;
  }

  /** @param originMs when the profile starts, by the clock of the timeline; without it, with its first sample */
  build({ clock, ...facts }: Facts, originMs = Infinity): Profile {
    const length = this.#rows.size;
    const { timeline, startMs, durationMs } = this.timeline.build(originMs);
    return {
      strings: this.#strings.values,
      mappings: this.#mappings.values,
      ...this.#code(),
      stacks: this.stacks.columns(),
      samples: {
        length,
        stack: this.#stack.subarray(0, length),
        labels: this.#labels.subarray(0, length),
        values: this.#values.slice(0, facts.sampleTypes.length).map(column => column.subarray(0, length)),
      },
      timeline,
      labelSets: this.#labelSets.values,
      period: 0,
      startTimeMs: 0,
      clock: clock !== undefined && timeline ? { name: clock, startMs } : undefined,
      durationMs,
      losses: {},
      unwinding: {},
      comments: [],
      ...facts,
    };
  }

  /** Each location has one line. */
  #code(): Pick<Profile, 'functions' | 'locations' | 'lines'> {
    const { length, a: owner, b: line, c: code } = this.#locations;
    const name = this.#functions.a.subarray(0, this.#functions.length);
    return {
      functions: {
        length: this.#functions.length,
        name,
        systemName: name,
        filename: this.#functions.b.subarray(0, this.#functions.length),
      },
      locations: {
        length,
        mapping: Int32Array.from({ length }, (_, i) => Math.floor(code[i]! / KINDS) - 1),
        address: new Float64Array(length),
        kind: Uint8Array.from({ length }, (_, i) => code[i]! % KINDS),
        miss: new Uint8Array(length).fill(Miss.none),
        firstLine: Uint32Array.from({ length: length + 1 }, (_, i) => i),
      },
      lines: { length, function: owner.subarray(0, length), line: line.subarray(0, length) },
    };
  }
}
