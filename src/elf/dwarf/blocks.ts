/**
 * Pieces of a file that are read here and there. They are kept in memory of their own, which is used again: thousands of
 * small buffers a second are what a garbage collector suffers from most.
 */

import type { ByteSource } from '../bytes.ts';

/** Names and entries are looked at one by one: of larger blocks most would be read for nothing. */
export const blockSize = 1 << 12;
/** What follows a block is read with it: nothing as short as this lies across two. */
export const overlap = 1 << 8;
const blocksOfSlab = 1 << 4;
/** 2 MB; then the first ones are used again. */
const maxBlocks = 1 << 9;

export class Blocks {
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #size: number;
  /** The memory of each slot. */
  readonly #memory: Uint8Array[] = [];
  /** Which block is in each slot, and in which slot each block is. */
  readonly #blockIn: number[] = [];
  readonly #slotOf = new Map<number, number>();
  #next = 0;
  #lastBlock = -1;
  #last: Uint8Array = new Uint8Array(0);

  /** `size` bytes at `offset` of the source. */
  constructor(source: ByteSource, offset: number, size: number) {
    this.#source = source;
    this.#offset = offset;
    this.#size = size;
  }

  /**
   * The bytes of a block, `blockSize + overlap` of them: what is behind the end is not said. Good until the next call.
   * @throws ElfError
   */
  get(block: number): Uint8Array {
    if (block === this.#lastBlock) return this.#last;
    const slot = this.#slotOf.get(block);
    this.#last = slot === undefined ? this.#load(block) : this.#memory[slot]!;
    this.#lastBlock = block;
    return this.#last;
  }

  #load(block: number): Uint8Array {
    const slot = this.#next;
    this.#next = (slot + 1) % maxBlocks;
    if (slot === this.#memory.length) this.#addSlab();
    const before = this.#blockIn[slot];
    if (before !== undefined) this.#slotOf.delete(before);
    const memory = this.#memory[slot]!;
    const start = block * blockSize;
    const length = Math.min(blockSize + overlap, this.#size - start);
    if (this.#source.readInto === undefined) memory.set(this.#source.read(this.#offset + start, length));
    else this.#source.readInto(memory, this.#offset + start, length);
    this.#blockIn[slot] = block;
    this.#slotOf.set(block, slot);
    return memory;
  }

  #addSlab(): void {
    const size = blockSize + overlap;
    const slab = new Uint8Array(blocksOfSlab * size);
    for (let at = 0; at < slab.length; at += size) this.#memory.push(slab.subarray(at, at + size));
  }
}
