/**
 * Bounded access to the bytes of a file that nobody vouches for. Parsers see a {@link ByteSource} and never a path, and
 * every way in which the bytes can be wrong ends in an {@link ElfError}.
 */

/** What is wrong with the bytes. */
export type ElfErrorCode =
  /** A range lies outside the file. */
  | 'truncated'
  /** The file cannot be read now (EIO, ESTALE). */
  | 'unreadable'
  /** The file does not start with the ELF magic number. */
  | 'not-elf'
  /** A well-formed file of a kind that is not read: big-endian, an unknown class, a relocatable object. */
  | 'unsupported'
  /** Values contradict each other. */
  | 'damaged'
  /** A table claims more than its limit. */
  | 'too-large';

/** The bytes are not what they should be. Failed I/O is `unreadable`. */
export class ElfError extends Error {
  readonly code: string;

  constructor(code: ElfErrorCode, message: string) {
    super(message);
    this.name = 'ElfError';
    this.code = code;
  }
}

/** Random access to bytes. */
export interface ByteSource {
  /** In bytes. */
  readonly size: number;
  /**
   * The bytes [offset, offset + length). The result may share memory with the source and must not be written to.
   * @throws ElfError `truncated` when the range is outside; never returns short
   */
  read(offset: number, length: number): Uint8Array;
  /**
   * Where it spares memory: as `read`, into the beginning of bytes that the caller has already.
   * @throws ElfError as `read`
   */
  readInto?(target: Uint8Array, offset: number, length: number): void;
}

/** Bytes that are in memory already; reads share them. */
export class MemoryBytes implements ByteSource {
  readonly size: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.size = bytes.length;
    this.#bytes = bytes;
  }

  read(offset: number, length: number): Uint8Array {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      throw new ElfError('truncated', `bytes ${offset} to ${offset + length} lie outside of ${this.size} bytes`);
    }
    return this.#bytes.subarray(offset, offset + length);
  }
}

/** A view for reading little-endian values. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Little-endian words: the same bytes, or a copy of them where they are not aligned. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
}

/** A 64-bit address: the high word is signed, so that kernel addresses are negative and every canonical one is exact. */
export function readAddress(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

/** A 64-bit size or offset. Not exact from 2^53 on, where every bound has rejected it. */
export function readSize(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}
