/** A buffer of unsigned LEB128 integers and raw bytes, and its reader, which never leaves its bytes. */

export const DAMAGED = 'the embedded profile is damaged';

/** Times stand in steps of 10 µs. */
export const TICKS_PER_MS = 100;

/** Bits in each of as few bytes as an integer takes. */
function planeWidth(bits: number): number {
  return Math.ceil(bits / Math.ceil(bits / 8));
}

export class ByteWriter {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  /** An integer of 0 … 2^53−1. */
  varint(value: number): void {
    this.#reserve(8);
    while (value > 0x7fffffff) {
      this.#bytes[this.#length++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    while (value > 127) {
      this.#bytes[this.#length++] = (value & 127) | 128;
      value >>>= 7;
    }
    this.#bytes[this.#length++] = value;
  }

  /**
   * 32-bit integers: the lowest bits of all, then the next ones of all, in bytes: gzip likes them apart. All bytes have
   * about as many bits, as few values in one plane and all 256 in the other cost 5 % more.
   */
  planes(values: Uint32Array): void {
    let used = 0;
    for (const value of values) used |= value;
    const bits = 32 - Math.clz32(used);
    this.varint(bits);
    const width = planeWidth(bits);
    for (let shift = 0; shift < bits; shift += width) {
      this.raw(Uint8Array.from(values, value => (value >>> shift) & (2 ** width - 1)));
    }
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws RangeError past the end */
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (this.#at >= this.#bytes.length || factor > 2 ** 49) throw new RangeError(DAMAGED);
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  /** A count of things that take a byte each at least: never more than there are bytes. */
  count(): number {
    const count = this.varint();
    if (count > this.#bytes.length - this.#at) throw new RangeError(DAMAGED);
    return count;
  }

  /** An index below `limit`. */
  index(limit: number): number {
    const value = this.varint();
    if (value >= limit) throw new RangeError(DAMAGED);
    return value;
  }

  /** What `planes` wrote of `length` integers. */
  planes(length: number): Uint32Array {
    const values = new Uint32Array(length);
    const bits = this.index(33);
    const width = planeWidth(bits);
    for (let shift = 0; shift < bits; shift += width) {
      const bytes = this.raw(length);
      for (let i = 0; i < length; i++) values[i]! |= bytes[i]! << shift;
    }
    return values;
  }

  raw(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new RangeError(DAMAGED);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
