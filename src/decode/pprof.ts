/**
 * pprof: https://github.com/google/pprof/blob/main/proto/profile.proto, gzipped or not, of any producer, from the wire
 * into columns. What a file claims is checked before it is believed, and memory is bounded by what it really holds.
 */
import { growUint32 } from '../model/columns.ts';
import type {
  FunctionColumns,
  LineColumns,
  LocationColumns,
  Profile,
  ProfileMapping,
  ValueType,
} from '../model/profile.ts';
import { Miss } from '../model/profile.ts';
import { splitComments } from './comments.ts';
import { DecodeError } from './error.ts';
import { guessKind, guessMiss } from './guess.ts';
import { Ids } from './ids.ts';
import { inflate } from './inflate.ts';
import { SampleDecoder } from './samples.ts';
import { findSections, type Sections, type Spans } from './sections.ts';
import { WireReader } from './wire.ts';

/** Mappings are objects, and a process has some hundreds. */
const MAX_MAPPINGS = 2 ** 18;
const MAX_LINES = 2 ** 25;
/** A profile has a handful. */
const MAX_TYPES = 64;
/** Values of all samples, of all types; 1 GiB. */
const MAX_VALUES = 2 ** 27;
const MAX_LINE_NUMBER = 2 ** 32 - 1;

class PprofDecoder {
  readonly #reader: WireReader;
  readonly #sections: Sections;
  readonly #strings: readonly string[];
  readonly #mappingIds: Ids;
  readonly #functionIds: Ids;
  readonly #locationIds: Ids;
  /** Lines of all locations so far. */
  #lines = 0;
  #lineFunction = new Uint32Array(256);
  #lineNumber = new Uint32Array(256);

  constructor(bytes: Uint8Array) {
    this.#reader = new WireReader(bytes);
    this.#sections = findSections(this.#reader);
    const { mappings, functions, locations } = this.#sections;
    this.#strings = this.#readStrings(bytes);
    this.#mappingIds = new Ids('mapping', mappings.length);
    this.#functionIds = new Ids('function', functions.length);
    this.#locationIds = new Ids('location', locations.length);
  }

  decode(): Profile {
    const { sampleTypes, samples, periodTypes, comments, period, timeNanos, durationNanos } = this.#sections;
    if (sampleTypes.length === 0) throw new DecodeError('it holds no sample types.');
    if (sampleTypes.length > MAX_TYPES) throw new DecodeError(`it holds more than ${MAX_TYPES} sample types.`);
    if (samples.length * sampleTypes.length > MAX_VALUES)
      throw new DecodeError(`it holds more than ${MAX_VALUES} values.`);
    const mappings = this.#mappings();
    const functions = this.#functions();
    const locations = this.#locations(mappings, functions);
    const reader = new SampleDecoder(this.#reader, this.#locationIds, this.#strings, sampleTypes.length);
    return {
      strings: this.#strings,
      mappings,
      functions,
      locations,
      lines: this.#lineColumns(),
      ...reader.decode(samples),
      sampleTypes: Array.from({ length: sampleTypes.length }, (_, i) => this.#valueType(sampleTypes, i)),
      periodType: this.#valueType(periodTypes, periodTypes.length - 1),
      period,
      // A double of so many nanoseconds is 128 of them off: to the microsecond, so that whole milliseconds stay whole.
      startTimeMs: Math.round(timeNanos / 1e3) / 1e3,
      durationMs: durationNanos / 1e6,
      ...splitComments(comments.map(index => this.#strings[this.#checked(index)]!)),
    };
  }

  #readStrings(bytes: Uint8Array): readonly string[] {
    const { strings } = this.#sections;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const all = Array.from({ length: strings.length }, (_, i) => {
      strings.open(this.#reader, i);
      return buffer.toString('utf8', this.#reader.at, this.#reader.end);
    });
    if (all.length > 0 && all[0] !== '') throw new DecodeError('its first string is not the empty one.');
    return all;
  }

  #checked(index: number): number {
    if (!(index >= 0 && index < this.#strings.length)) throw new DecodeError('it refers to a string beyond its table.');
    return index;
  }

  /** A field that refers to a string: its index. */
  #string(): number {
    return this.#checked(this.#reader.number());
  }

  /** Of a message that is not there, nothing. */
  #valueType(spans: Spans, row: number): ValueType {
    const reader = this.#reader;
    let [type, unit] = [0, 0];
    if (row >= 0) spans.open(reader, row);
    while (row >= 0 && reader.next()) {
      if (reader.field === 1) type = this.#string();
      else if (reader.field === 2) unit = this.#string();
      else reader.skip();
    }
    return { type: this.#strings[this.#checked(type)]!, unit: this.#strings[this.#checked(unit)]! };
  }

  #mappings(): ProfileMapping[] {
    const { mappings } = this.#sections;
    if (mappings.length > MAX_MAPPINGS) throw new DecodeError(`it holds more than ${MAX_MAPPINGS} mappings.`);
    return Array.from({ length: mappings.length }, (_, i) => {
      mappings.open(this.#reader, i);
      return this.#mapping(i);
    });
  }

  #mapping(index: number): ProfileMapping {
    const reader = this.#reader;
    const fields = new Float64Array(11);
    let [low, high] = [0, 0];
    while (reader.next()) {
      if (reader.field > 10) reader.skip();
      else {
        fields[reader.field] = reader.field === 5 || reader.field === 6 ? this.#string() : reader.number();
        if (reader.field === 1) ({ low, high } = reader);
      }
    }
    this.#mappingIds.add(low, high, index);
    const [start, limit] = [fields[2]!, fields[3]!];
    return {
      start,
      // Where 64 bits end, one below what the limit would be.
      limit: start < 0 && limit === -1 ? 0 : limit,
      fileOffset: fields[4]!,
      filename: this.#strings[fields[5]!] ?? '',
      buildId: this.#strings[fields[6]!] ?? '',
      hasFunctions: fields[7] !== 0,
      hasFilenames: fields[8] !== 0,
      hasLineNumbers: fields[9] !== 0,
      hasInlineFrames: fields[10] !== 0,
    };
  }

  /** start_line (5) has no place in a profile. */
  #functions(): FunctionColumns {
    const reader = this.#reader;
    const { functions } = this.#sections;
    const { length } = functions;
    const columns = {
      name: new Uint32Array(length),
      systemName: new Uint32Array(length),
      filename: new Uint32Array(length),
    };
    for (let i = 0; i < length; i++) {
      functions.open(reader, i);
      let [low, high] = [0, 0];
      while (reader.next()) {
        if (reader.field === 1) {
          reader.number();
          ({ low, high } = reader);
        } else if (reader.field === 2) columns.name[i] = this.#string();
        else if (reader.field === 3) columns.systemName[i] = this.#string();
        else if (reader.field === 4) columns.filename[i] = this.#string();
        else reader.skip();
      }
      this.#functionIds.add(low, high, i);
    }
    return { length, ...columns };
  }

  #locations(mappings: readonly ProfileMapping[], functions: FunctionColumns): LocationColumns {
    const { locations } = this.#sections;
    const { length } = locations;
    const mapping = new Int32Array(length).fill(-1);
    const address = new Float64Array(length);
    const kind = new Uint8Array(length);
    const miss = new Uint8Array(length);
    const firstLine = new Uint32Array(length + 1);
    for (let i = 0; i < length; i++) {
      locations.open(this.#reader, i);
      this.#location(i, mapping, address);
      firstLine[i + 1] = this.#lines;
      const code = mappings[mapping[i]!];
      const isNamed = this.#lines > firstLine[i]!;
      const outermost = isNamed ? this.#lineFunction[this.#lines - 1]! : -1;
      kind[i] = guessKind(code, this.#nameOf(functions, outermost));
      miss[i] = isNamed ? Miss.none : guessMiss(code, address[i]!);
    }
    return { length, mapping, address, kind, miss, firstLine };
  }

  #nameOf({ name, systemName }: FunctionColumns, index: number): string {
    return this.#strings[systemName[index] || (name[index] ?? 0)] ?? '';
  }

  /** is_folded (5) says nothing about a stack. */
  #location(index: number, mapping: Int32Array, address: Float64Array): void {
    const reader = this.#reader;
    let [low, high] = [0, 0];
    while (reader.next()) {
      if (reader.field === 1) {
        reader.number();
        ({ low, high } = reader);
      } else if (reader.field === 2) {
        const none = reader.number() === 0;
        mapping[index] = none ? -1 : this.#mappingIds.index(reader.low, reader.high);
      } else if (reader.field === 3) address[index] = reader.number();
      else if (reader.field === 4) this.#line();
      else reader.skip();
    }
    this.#locationIds.add(low, high, index);
  }

  /** A line without a function names nothing, and is left out. */
  #line(): void {
    const reader = this.#reader;
    const outer = reader.enter();
    let [found, line] = [-1, 0];
    while (reader.next()) {
      if (reader.field === 1) found = reader.number() === 0 ? -1 : this.#functionIds.index(reader.low, reader.high);
      else if (reader.field === 2) line = reader.number();
      else reader.skip();
    }
    reader.leave(outer);
    if (found < 0) return;
    if (this.#lines === this.#lineFunction.length) {
      if (this.#lines >= MAX_LINES) throw new DecodeError(`it holds more than ${MAX_LINES} lines.`);
      this.#lineFunction = growUint32(this.#lineFunction);
      this.#lineNumber = growUint32(this.#lineNumber);
    }
    this.#lineFunction[this.#lines] = found;
    this.#lineNumber[this.#lines++] = line >= 0 && line <= MAX_LINE_NUMBER ? line : 0;
  }

  #lineColumns(): LineColumns {
    const length = this.#lines;
    return { length, function: this.#lineFunction.subarray(0, length), line: this.#lineNumber.subarray(0, length) };
  }
}

/**
 * A pprof file as a profile. Integers are exact up to 2^53 and the nearest double beyond that; addresses are signed
 * (see LocationColumns). Not kept, because a profile has no place for it: default_sample_type, drop_frames, keep_frames,
 * units of labels, start lines of functions, columns of lines, doc_url.
 * @param maxBytes of the uncompressed message
 * @throws DecodeError when it is not a pprof file, is damaged, or is beyond a limit
 */
export function decodePprof(bytes: Uint8Array, maxBytes = 2 ** 30): Profile {
  return new PprofDecoder(inflate(bytes, maxBytes)).decode();
}
