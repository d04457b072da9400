/** The maps that the stack walk reads (bpf/user-stack.h), typed. */
import { type Addon, addonErrno, type BpfObject } from './addon.ts';
import { Heap, sizeOf, UnwindProcess } from './records.gen.ts';

/** linux/bpf.h */
const BPF_NOEXIST = 1;
const BPF_EXIST = 2;
/** What the kernel answers when a map is full. */
const NO_ROOM = ['E2BIG', 'ENOMEM'];
const WANTED_AT_ONCE = 256;

/** What the `processes` map says of a process: which piece of the heap holds its mappings, and that piece's id. */
export interface ProcessEntry {
  readonly id: number;
  /** Heap address. */
  readonly mappings: number;
}

export class UnwindMaps {
  /** An entry of two words for each file: struct profiler_unwind_file. Shared with the kernel. */
  readonly files: Uint32Array;
  readonly #addon: Addon;
  readonly #object: BpfObject;
  readonly #chunks: (Uint8Array | undefined)[] = [];
  readonly #key = new Uint32Array(1);
  readonly #value = new Uint32Array(sizeOf.UnwindProcess / 4);
  readonly #wanted = new Uint32Array(WANTED_AT_ONCE);

  constructor(addon: Addon, object: BpfObject) {
    this.#addon = addon;
    this.#object = object;
    this.files = new Uint32Array(object.memory('files', Heap.PROFILER_MAX_FILES * sizeOf.UnwindFile).buffer);
  }

  /** Makes chunks of the heap; their memory, zeroed. Throws when the kernel refuses. */
  add(indices: readonly number[]): Uint8Array[] {
    const memory = this.#object.addInner('chunks', Uint32Array.from(indices), Heap.PROFILER_CHUNK_BYTES);
    for (const [i, index] of indices.entries()) {
      while (this.#chunks.length <= index) this.#chunks.push(undefined);
      this.#chunks[index] = memory[i];
    }
    return memory;
  }

  remove(index: number): void {
    this.#chunks[index] = undefined;
    this.#key[0] = index;
    this.#object.delete('chunks', bytes(this.#key));
  }

  /** Adds a process; false when it is there already, or there is no room. */
  insertProcess(pid: number, entry: ProcessEntry): boolean {
    return this.#updateProcess(pid, entry, BPF_NOEXIST);
  }

  /** Replaces what is known of a process; false when it is not there, as after an exec. */
  replaceProcess(pid: number, entry: ProcessEntry): boolean {
    return this.#updateProcess(pid, entry, BPF_EXIST);
  }

  deleteProcess(pid: number): void {
    this.#key[0] = pid;
    this.#object.delete('processes', bytes(this.#key));
  }

  #updateProcess(pid: number, { id, mappings }: ProcessEntry, flags: number): boolean {
    this.#key[0] = pid;
    this.#value[UnwindProcess.id / 4] = id >>> 0;
    this.#value[UnwindProcess.id / 4 + 1] = Math.floor(id / 2 ** 32);
    this.#value[UnwindProcess.mappings / 4] = mappings;
    try {
      return this.#object.update('processes', bytes(this.#key), bytes(this.#value), flags);
    } catch (error) {
      if (NO_ROOM.includes(addonErrno(error))) return false;
      throw error;
    }
  }

  /**
   * Walks a snapshot of a stack as the BPF program would have done, and puts the frames into its place. `entry` names
   * `count` mappings.
   */
  walk(snapshot: Uint8Array, { mappings }: ProcessEntry, count: number, framePointers: boolean) {
    const result = this.#addon.walk(snapshot, this.#chunks, bytes(this.files), mappings, count, framePointers);
    return { end: result & 0xff, frames: result >>> 8 };
  }

  /** Processes that were sampled and had no mappings; each is named once. The array is used again. */
  takeWanted(): Uint32Array {
    return this.#wanted.subarray(0, this.#object.take('wanted', bytes(this.#wanted), 4));
  }
}

function bytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
