/** What the stack walk reads: maps that the BPF program shares (bpf/user-stack.h), or memory of our own. */
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

export interface UnwindMaps {
  /** An entry of two words for each file: struct profiler_unwind_file. Shared with the walk. */
  readonly files: Uint32Array;
  /** Makes chunks of the heap: see ChunkProvider. */
  add(indices: readonly number[]): (() => Uint8Array)[];
  remove(index: number): void;
  /** Adds a process; false when it is there already, or there is no room. */
  insertProcess(pid: number, entry: ProcessEntry): boolean;
  /** Replaces what is known of a process; false when it is not there, as after an exec. */
  replaceProcess(pid: number, entry: ProcessEntry): boolean;
  deleteProcess(pid: number): void;
  /**
   * Walks a snapshot of a stack as the BPF program would have done, and puts the frames into its place. `entry` names
   * `count` mappings. Returns enum profiler_unwind_end and the number of frames.
   */
  walk(
    snapshot: Uint8Array,
    entry: ProcessEntry,
    count: number,
    framePointers: boolean,
  ): { readonly end: number; readonly frames: number };
  /** Processes that were sampled and had no mappings; each is named once. The array is used again. */
  takeWanted(): Uint32Array;
}

/** The chunks of the heap as the walk in userspace takes them. */
class Chunks {
  readonly memory: (Uint8Array | undefined)[] = [];

  set(index: number, chunk: Uint8Array): Uint8Array {
    while (this.memory.length <= index) this.memory.push(undefined);
    this.memory[index] = chunk;
    return chunk;
  }

  remove(index: number): void {
    if (index < this.memory.length) this.memory[index] = undefined;
  }
}

/** Those of the walk in the kernel. */
export class BpfUnwindMaps implements UnwindMaps {
  readonly files: Uint32Array;
  readonly #addon: Addon;
  readonly #object: BpfObject;
  readonly #chunks = new Chunks();
  readonly #key = new Uint32Array(1);
  readonly #value = new Uint32Array(sizeOf.UnwindProcess / 4);
  readonly #wanted = new Uint32Array(WANTED_AT_ONCE);

  constructor(addon: Addon, object: BpfObject) {
    this.#addon = addon;
    this.#object = object;
    this.files = new Uint32Array(object.memory('files', Heap.PROFILER_MAX_FILES * sizeOf.UnwindFile).buffer);
  }

  add(indices: readonly number[]): (() => Uint8Array)[] {
    const mappers = this.#object.addInner('chunks', Uint32Array.from(indices), Heap.PROFILER_CHUNK_BYTES);
    return mappers.map((map, i) => () => this.#chunks.set(indices[i]!, map()));
  }

  remove(index: number): void {
    this.#chunks.remove(index);
    this.#key[0] = index;
    this.#object.delete('chunks', bytes(this.#key));
  }

  insertProcess(pid: number, entry: ProcessEntry): boolean {
    return this.#updateProcess(pid, entry, BPF_NOEXIST);
  }

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

  walk(snapshot: Uint8Array, entry: ProcessEntry, count: number, framePointers: boolean) {
    return walk(this.#addon, this.#chunks, this.files, { snapshot, entry, count, framePointers });
  }

  takeWanted(): Uint32Array {
    return this.#wanted.subarray(0, this.#object.take('wanted', bytes(this.#wanted), 4));
  }
}

/** Those of the walk over copied stacks alone: memory of this process, and nobody to be told of processes. */
export class LocalUnwindMaps implements UnwindMaps {
  readonly files = new Uint32Array((Heap.PROFILER_MAX_FILES * sizeOf.UnwindFile) / 4);
  readonly #addon: Addon;
  readonly #chunks = new Chunks();

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  add(indices: readonly number[]): (() => Uint8Array)[] {
    return indices.map(index => () => this.#chunks.set(index, new Uint8Array(Heap.PROFILER_CHUNK_BYTES)));
  }

  remove(index: number): void {
    this.#chunks.remove(index);
  }

  insertProcess(): boolean {
    return true;
  }

  replaceProcess(): boolean {
    return true;
  }

  deleteProcess(): void {}

  walk(snapshot: Uint8Array, entry: ProcessEntry, count: number, framePointers: boolean) {
    return walk(this.#addon, this.#chunks, this.files, { snapshot, entry, count, framePointers });
  }

  takeWanted(): Uint32Array {
    return NOBODY;
  }
}

const NOBODY = new Uint32Array();

interface Snapshot {
  readonly snapshot: Uint8Array;
  readonly entry: ProcessEntry;
  readonly count: number;
  readonly framePointers: boolean;
}

function walk(addon: Addon, chunks: Chunks, files: Uint32Array, { snapshot, entry, count, framePointers }: Snapshot) {
  const result = addon.walk(snapshot, chunks.memory, bytes(files), entry.mappings, count, framePointers);
  return { end: result & 0xff, frames: result >>> 8 };
}

function bytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
