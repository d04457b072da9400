/**
 * Fields of protocol buffers (https://protobuf.dev/programming-guides/encoding/), read in place: a number is two 32-bit
 * halves, a nested message is a range of the same bytes, and nothing is allocated.
 */
import { DecodeError } from './error.ts';

export const Wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The largest double below 2^63: an integer that rounds to 2^63 would come back as a negative one. */
const MAX_INT64 = 2 ** 63 - 1024;

/** Two halves as a number: exact up to 2^53, beyond that the nearest double below 2^63. */
export function int64(low: number, high: number): number {
  return Math.min(high * 2 ** 32 + (low >>> 0), MAX_INT64);
}

export class WireReader {
  readonly bytes: Uint8Array;
  /** Position, and the end of the message that is being read. */
  at: number;
  end: number;
  /** Of the field that {@link next} found. */
  field = 0;
  wire = 0;
  /** The halves of the last varint, as 32-bit integers. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
  }

  /** Moves to the next field of the message; false at its end. The value has to be read or skipped. */
  next(): boolean {
    if (this.at === this.end) return false;
    this.varint();
    this.field = this.low >>> 3;
    this.wire = this.low & 7;
    if (this.high !== 0 || this.field === 0) throw new DecodeError('it holds a field without a number.');
    return true;
  }

  varint(): void {
    const { bytes, end } = this;
    let at = this.at;
    let [low, high, shift] = [0, 0, 0];
    for (; ; shift += 7) {
      if (at >= end) throw new DecodeError('it ends within a number.');
      if (shift > 63) throw new DecodeError('it holds a number of more than 64 bits.');
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) high = bits >>> 4;
      else if (shift > 28) high |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    this.at = at;
    this.low = low;
    this.high = high;
  }

  /** The last varint as {@link int64}. */
  signed(): number {
    return int64(this.low, this.high);
  }

  /** The value of a field that is one number, as {@link int64}. */
  number(): number {
    this.expect(Wire.varint);
    this.varint();
    return this.signed();
  }

  expect(wire: number): void {
    if (this.wire !== wire) throw new DecodeError(`its field ${this.field} is of another type than pprof's.`);
  }

  /** Goes into a field with a length; returns what {@link leave} wants. */
  enter(): number {
    this.expect(Wire.bytes);
    const length = this.#length();
    const outer = this.end;
    this.end = this.at + length;
    return outer;
  }

  leave(outer: number): void {
    this.at = this.end;
    this.end = outer;
  }

  skip(): void {
    switch (this.wire) {
      case Wire.varint:
        this.varint();
        break;
      case Wire.fixed64:
        this.#advance(8);
        break;
      case Wire.bytes:
        this.#advance(this.#length());
        break;
      case Wire.fixed32:
        this.#advance(4);
        break;
      default: // groups, which pprof never had
        throw new DecodeError(`its field ${this.field} is of an unknown type.`);
    }
  }

  #length(): number {
    this.varint();
    const length = this.low >>> 0;
    if (this.high !== 0 || length > this.end - this.at) throw new DecodeError('it is cut off.');
    return length;
  }

  #advance(count: number): void {
    if (count > this.end - this.at) throw new DecodeError('it is cut off.');
    this.at += count;
  }
}
