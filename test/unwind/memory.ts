/** Chunks in ordinary memory, in place of the kernel's. */
import { expect } from 'vitest';
import { Heap as Layout, sizeOf } from '../../src/capture/records.gen.ts';
import type { ChunkProvider } from '../../src/unwind/heap.ts';

export const CHUNK = Layout.PROFILER_CHUNK_BYTES;

export class MemoryChunks implements ChunkProvider {
  readonly chunks = new Map<number, Uint8Array>();
  /** In the order of the calls: the index, or −1 − index for a removal. */
  readonly calls: number[] = [];
  /** Thrown by `add`. */
  refusal: Error | undefined;

  add(indices: readonly number[]): (() => Uint8Array)[] {
    if (this.refusal) throw this.refusal;
    return indices.map(index => {
      const memory = this.#add(index);
      return () => memory;
    });
  }

  #add(index: number): Uint8Array {
    expect(this.chunks.has(index)).toBe(false);
    // Inside of a larger buffer, as a mapping may be.
    const memory = new Uint8Array(new ArrayBuffer(CHUNK + 64), 64, CHUNK);
    this.chunks.set(index, memory);
    this.calls.push(index);
    return memory;
  }

  remove(index: number): void {
    expect(this.chunks.delete(index)).toBe(true);
    this.calls.push(-1 - index);
  }

  /** The 32-bit word at a byte offset from a heap address, as BPF would read it. */
  word(address: number, offset: number): number {
    const at = address * 8 + offset;
    const memory = this.chunks.get(Math.floor(at / CHUNK))!;
    return new DataView(memory.buffer, memory.byteOffset).getUint32(at % CHUNK, true);
  }

  /** The rule that the table at `address` has for an ELF virtual address, found as the walk finds it; 0: none. */
  rule(address: number, target: number): number {
    const start = (this.word(address, 4) | 0) * 2 ** 32 + this.word(address, 0);
    const page = Math.floor((target - start) / 65_536);
    if (page < 0 || page >= this.word(address, 8)) return 0;
    const entry = sizeOf.UnwindTableHeader + page * sizeOf.UnwindPage;
    const rows = this.word(address, entry);
    let rule = -1;
    for (let i = 0; i < this.word(address, entry + 4); i++) {
      const row = this.word(rows, 4 * i);
      if ((row & 0xffff) <= target - start - page * 65_536) rule = row >>> 16;
    }
    return rule;
  }
}
