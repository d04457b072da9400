/** ELF string tables (gABI, String Table), read in pieces when a name is asked for. */

import { type ByteSource, ElfError } from './bytes.ts';

/** A name is cut here, in bytes. The longest names of C++ template libraries have some 10 kB. */
export const maxNameLength = 16 * 1024;

const chunkBits = 16;
const chunkSize = 1 << chunkBits;
/** 32 MB of chunks; then they are dropped and read again. */
const maxChunks = 512;
/** So many names were asked for one by one that reading pieces is cheaper: each read costs 2 µs, a piece 20. */
const maxSingle = 1024;
/** Most names are shorter. */
const shortName = 512;
const noBytes = Buffer.alloc(0);

/**
 * Names by offset. A recording touches some hundred of a file's names, and the tables of large programs have hundreds
 * of megabytes: only the pieces that hold the names are read.
 */
export class StringTable {
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #size: number;
  readonly #chunks = new Map<number, Buffer>();
  /** How many names may be read by themselves, as they are asked for here and there; 0: by pieces. */
  #single = 0;

  /** A table of `size` bytes at `offset` of the source; what lies outside of the source reads as ''. */
  constructor(source: ByteSource, offset: number, size: number) {
    this.#source = source;
    this.#offset = offset;
    this.#size = Math.max(0, Math.min(size, source.size - offset));
  }

  /** The name at an offset, at most {@link maxNameLength} bytes of it; '' when it lies outside. */
  nameAt(offset: number): string {
    if (offset >= this.#size) return '';
    if (this.#single > 0) {
      this.#single--;
      return this.#readName(offset);
    }
    const chunk = this.#chunk(offset >>> chunkBits);
    const start = offset & (chunkSize - 1);
    const limit = Math.min(chunk.length, start + maxNameLength);
    const end = endOfName(chunk, start, limit);
    // Reaching the limit without the closing NUL: the name is too long, or goes on in the next chunk.
    if (end < limit || limit - start === maxNameLength) return decode(chunk, start, end);
    return this.#readName(offset, maxNameLength);
  }

  #readName(offset: number, limit = shortName): string {
    const bytes = this.#read(offset, Math.min(limit, this.#size - offset));
    const end = endOfName(bytes, 0, bytes.length);
    const isCut = end === shortName && limit === shortName;
    return isCut ? this.#readName(offset, maxNameLength) : decode(bytes, 0, end);
  }

  /** The first byte of a name, 0 when there is none. */
  firstByteAt(offset: number): number {
    return offset < this.#size ? (this.#chunk(offset >>> chunkBits)[offset & (chunkSize - 1)] ?? 0) : 0;
  }

  /** Gives back what was read: after all names were looked at, of which few will be asked for again as a rule. */
  forget(): void {
    this.#chunks.clear();
    this.#single = maxSingle;
  }

  #chunk(index: number): Buffer {
    let chunk = this.#chunks.get(index);
    if (chunk === undefined) {
      const start = index * chunkSize;
      chunk = this.#read(start, Math.min(chunkSize, this.#size - start));
      if (this.#chunks.size >= maxChunks) this.#chunks.clear();
      this.#chunks.set(index, chunk);
    }
    return chunk;
  }

  /** A file that shrinks after its headers were read loses its names, not the recording. */
  #read(offset: number, length: number): Buffer {
    try {
      const bytes = this.#source.read(this.#offset + offset, length);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (error) {
      if (error instanceof ElfError) return noBytes;
      throw error;
    }
  }
}

function endOfName(bytes: Uint8Array, start: number, limit: number): number {
  let end = start;
  while (end < limit && bytes[end] !== 0) end++;
  return end;
}

/** Text of bytes; what is no UTF-8 becomes U+FFFD. */
export function decode(bytes: Buffer, start: number, end: number): string {
  let high = 0;
  for (let i = start; i < end; i++) high |= bytes[i]!;
  // Names without a byte above 0x7f are nearly all of them, and latin1 copies them without looking.
  return bytes.toString(high < 0x80 ? 'latin1' : 'utf8', start, end);
}
