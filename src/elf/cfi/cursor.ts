/** Reading values one after the other out of bytes that nobody vouches for, without an exception for each that is bad. */

/** 64 bits in groups of seven. What goes on after that is no LEB128 but noise. */
const maxLebUnit = 2 ** 70;

/**
 * The same integer below 2^31, as V8 likes it best. What comes out of a column of doubles stays a double, and one such
 * place makes V8 keep the places of all cursors as doubles from then on.
 */
export function smallInteger(value: number): number {
  return value | 0;
}

/**
 * A place in bytes, and the end that it must not read over. Reading over it gives 0, leaves the cursor beyond the end
 * for good, and is asked for once, at the end: `overrun`.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  /** The bytes [at, end), which must lie inside. */
  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  moveTo(at: number, end: number): void {
    this.at = at;
    this.end = end;
  }

  /** Whether something was read over the end. */
  get overrun(): boolean {
    return this.at > this.end;
  }

  skip(length: number): void {
    // Also when the length is NaN.
    if (this.at + length <= this.end) this.at += length;
    else this.fail();
  }

  /** As if read over the end. */
  fail(): number {
    this.at = this.end + 1;
    return 0;
  }

  u8(): number {
    return this.at < this.end ? this.bytes[this.at++]! : this.fail();
  }

  u16(): number {
    if (this.at + 2 > this.end) return this.fail();
    const { bytes, at } = this;
    this.at = at + 2;
    return bytes[at]! | (bytes[at + 1]! << 8);
  }

  i32(): number {
    if (this.at + 4 > this.end) return this.fail();
    const { bytes, at } = this;
    this.at = at + 4;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  /** As an address: the high word is signed, see {@link readAddress}. */
  i64(): number {
    const low = this.u32();
    return this.i32() * 2 ** 32 + low;
  }

  u64(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }

  /** Unsigned LEB128 (DWARF 5, 7.6), not exact from 2^53 on. */
  uleb(): number {
    if (this.at >= this.end) return this.fail();
    const first = this.bytes[this.at++]!;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let unit = 128; this.at < this.end && unit < maxLebUnit; unit *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
    return this.fail();
  }

  /** Signed LEB128, not exact from 2^53 on. */
  sleb(): number {
    if (this.at >= this.end) return this.fail();
    const first = this.bytes[this.at++]!;
    if (first < 0x80) return (first << 25) >> 25;
    let value = first & 0x7f;
    // What a negative value has above its digits would not be exact: its complement is small.
    let complement = ~first & 0x7f;
    for (let unit = 128; this.at < this.end && unit < maxLebUnit; unit *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * unit;
      complement += (~byte & 0x7f) * unit;
      if (byte < 0x80) return byte < 0x40 ? value : -complement - 1;
    }
    return this.fail();
  }
}
