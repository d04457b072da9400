/**
 * A buffer that protocol buffers are written into (https://protobuf.dev/programming-guides/encoding/), straight from
 * columns, without an object per message. The benchmark `pprof` has the figures beside other encoders.
 */
import { growUint8 } from '../model/columns.ts';

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
/** A varint of 64 bits. */
const MAX_VARINT = 10;
const encoder = new TextEncoder();

function lengthOfVarint32(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** Writes 32 bits at `at`; returns where the next byte goes. */
function writeVarint32(bytes: Uint8Array, at: number, value: number): number {
  while (value > 0x7f) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}

export class ProtoWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  #reserve(count: number): void {
    while (this.#length + count > this.#bytes.length) this.#bytes = growUint8(this.#bytes);
  }

  /** What is written so far. Valid until the next write. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** An integer of up to 53 bits; negative ones as 64-bit two's complement. */
  varint(value: number): void {
    this.#reserve(MAX_VARINT);
    let low = value >>> 0;
    if (low !== value) {
      let high = Math.floor(value / 2 ** 32) >>> 0;
      while (high > 0) {
        this.#bytes[this.#length++] = (low & 0x7f) | 0x80;
        low = ((low >>> 7) | (high << 25)) >>> 0;
        high >>>= 7;
      }
    }
    this.#length = writeVarint32(this.#bytes, this.#length, low);
  }

  /** A packed list of the first `count` values. */
  packed(number: number, values: Uint32Array, count: number): void {
    let length = 0;
    for (let i = 0; i < count; i++) length += lengthOfVarint32(values[i]!);
    this.varint((number << 3) | WIRE_BYTES);
    this.varint(length);
    this.#reserve(length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < count; i++) at = writeVarint32(bytes, at, values[i]!);
    this.#length = at;
  }

  /** A scalar field; the default, 0, is left out. */
  field(number: number, value: number): void {
    if (value === 0) return;
    this.varint((number << 3) | WIRE_VARINT);
    this.varint(value);
  }

  /** A length-delimited field: a message, a packed list, a string. */
  message(number: number, bytes: Uint8Array): void {
    this.varint((number << 3) | WIRE_BYTES);
    this.varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  string(number: number, text: string): void {
    this.message(number, encoder.encode(text));
  }
}
