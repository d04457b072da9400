/** Where the parts of a pprof file are: they may come in any order, and refer to each other. */
import { growUint32 } from '../model/columns.ts';
import { DecodeError } from './error.ts';
import { Wire, type WireReader } from './wire.ts';

/** Rows of one table. What is kept of a row is some tens of bytes; nobody records this many. */
const MAX_ROWS = 2 ** 24;
const MAX_COMMENTS = 2 ** 16;

/** The messages of one field, as ranges of the file's bytes. */
export class Spans {
  length = 0;
  #start = new Uint32Array(64);
  #end = new Uint32Array(64);

  push(start: number, end: number): void {
    if (this.length === MAX_ROWS) throw new DecodeError(`it holds more than ${MAX_ROWS} rows of a kind.`);
    if (this.length === this.#start.length) {
      this.#start = growUint32(this.#start);
      this.#end = growUint32(this.#end);
    }
    this.#start[this.length] = start;
    this.#end[this.length++] = end;
  }

  /** Lets the reader stand at the beginning of a message. */
  open(reader: WireReader, index: number): void {
    reader.at = this.#start[index]!;
    reader.end = this.#end[index]!;
  }
}

/** Fields of message Profile; references to strings are indices that nobody has checked. */
export interface Sections {
  readonly sampleTypes: Spans;
  readonly samples: Spans;
  readonly mappings: Spans;
  readonly locations: Spans;
  readonly functions: Spans;
  readonly strings: Spans;
  readonly periodTypes: Spans;
  readonly comments: readonly number[];
  readonly timeNanos: number;
  readonly durationNanos: number;
  readonly period: number;
}

/** Finds everything; drop_frames (7), keep_frames (8) and default_sample_type (14) have no place in a profile. */
export function findSections(reader: WireReader): Sections {
  const spans = Array.from({ length: 12 }, () => new Spans());
  const numbers = new Float64Array(13);
  const comments: number[] = [];
  while (reader.next()) {
    const field = reader.field;
    switch (field) {
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 11: {
        const outer = reader.enter();
        spans[field]!.push(reader.at, reader.end);
        reader.leave(outer);
        break;
      }
      case 9:
      case 10:
      case 12:
        numbers[field] = reader.number();
        break;
      case 13:
        readNumbers(reader, value => {
          if (comments.push(value) > MAX_COMMENTS)
            throw new DecodeError(`it holds more than ${MAX_COMMENTS} comments.`);
        });
        break;
      default:
        reader.skip();
    }
  }
  return {
    sampleTypes: spans[1]!,
    samples: spans[2]!,
    mappings: spans[3]!,
    locations: spans[4]!,
    functions: spans[5]!,
    strings: spans[6]!,
    periodTypes: spans[11]!,
    comments,
    timeNanos: numbers[9]!,
    durationNanos: numbers[10]!,
    period: numbers[12]!,
  };
}

/** A repeated number, packed or not. */
function readNumbers(reader: WireReader, add: (value: number) => void): void {
  if (reader.wire !== Wire.bytes) {
    add(reader.number());
    return;
  }
  const outer = reader.enter();
  while (reader.at < reader.end) {
    reader.varint();
    add(reader.signed());
  }
  reader.leave(outer);
}
