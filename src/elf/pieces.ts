/** Bytes and words of a source, here and there: the tables of large programs are not read as a whole. */

import { type ByteSource, ElfError } from './bytes.ts';

const bits = 14;
const pieceSize = 1 << bits;
/** 16 MB; then they are dropped and read again. */
const maxPieces = 1024;

/** A range of a source, read 16 KiB at a time where it is touched. */
export class Pieces {
  readonly size: number;
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #pieces = new Map<number, Uint8Array>();
  #piece: Uint8Array = new Uint8Array(0);
  /** Where the piece at hand begins; the next byte that is asked for is mostly in it. */
  #start = 0;

  /** `size` bytes at `offset`, less where the source ends before. */
  constructor(source: ByteSource, offset: number, size: number) {
    this.#source = source;
    this.#offset = offset;
    this.size = Math.max(0, Math.min(size, source.size - offset));
  }

  /** @throws ElfError `truncated` outside of the range */
  byteAt(at: number): number {
    const byte = this.#piece[at - this.#start];
    return byte === undefined ? this.#turnTo(at) : byte;
  }

  /** Little-endian, aligned or not. @throws ElfError `truncated` outside of the range */
  uint32At(at: number): number {
    const word = this.byteAt(at) | (this.byteAt(at + 1) << 8) | (this.byteAt(at + 2) << 16);
    return (word | (this.byteAt(at + 3) << 24)) >>> 0;
  }

  #turnTo(at: number): number {
    if (!(at >= 0 && at < this.size)) throw new ElfError('truncated', `byte ${at} lies outside of ${this.size} bytes`);
    const index = Math.floor(at / pieceSize);
    const start = index * pieceSize;
    let piece = this.#pieces.get(index);
    if (piece === undefined) {
      piece = this.#source.read(this.#offset + start, Math.min(pieceSize, this.size - start));
      if (this.#pieces.size >= maxPieces) this.#pieces.clear();
      this.#pieces.set(index, piece);
    }
    this.#piece = piece;
    this.#start = start;
    return piece[at - start]!;
  }
}
