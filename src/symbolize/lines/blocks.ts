/** Words of a file that is read in blocks, each of them checked when it is read. */
import { crc32 } from 'node:zlib';
import { type ByteSource, ElfError } from '../../elf/bytes.ts';

const blockBits = 16;
export const blockSize = 1 << blockBits;
/** 8 MB of blocks; then they are dropped and read again. */
const maxBlocks = 128;

/** The checksums of bytes, a block at a time. */
export function blockChecksums(bytes: Uint8Array): Uint32Array {
  const sums = new Uint32Array(Math.ceil(bytes.length / blockSize));
  for (let i = 0; i < sums.length; i++) sums[i] = crc32(bytes.subarray(i * blockSize, (i + 1) * blockSize));
  return sums;
}

/** The first `size` bytes of a file. Reads throw ElfError `damaged` where they are not what was written. */
export class Blocks implements ByteSource {
  readonly size: number;
  readonly #source: ByteSource;
  readonly #sums: Uint32Array;
  readonly #blocks: (Uint32Array | undefined)[] = [];
  #kept = 0;

  constructor(source: ByteSource, size: number, sums: Uint32Array) {
    this.#source = source;
    this.size = size;
    this.#sums = sums;
  }

  /** The word at an offset that is a multiple of 4. */
  word(offset: number): number {
    const words = this.#blocks[offset >>> blockBits] ?? this.#read(offset >>> blockBits);
    return words[(offset & (blockSize - 1)) >>> 2]!;
  }

  /** Bytes that may reach from one block into others. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = offset + done;
      const block = this.#blocks[at >>> blockBits] ?? this.#read(at >>> blockBits);
      const from = at & (blockSize - 1);
      const count = Math.min(blockSize - from, length - done);
      bytes.set(new Uint8Array(block.buffer, block.byteOffset + from, count), done);
      done += count;
    }
    return bytes;
  }

  #read(index: number): Uint32Array {
    const start = index * blockSize;
    if (!(start < this.size)) throw new ElfError('damaged', 'an index refers to what it does not have');
    const bytes = this.#source.read(start, Math.min(blockSize, this.size - start));
    if (crc32(bytes) !== this.#sums[index]) throw new ElfError('damaged', 'an index has a wrong checksum');
    if (this.#kept++ >= maxBlocks) {
      this.#blocks.length = 0;
      this.#kept = 1;
    }
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    this.#blocks[index] = words;
    return words;
  }
}
