/**
 * The allocator of the heap that the BPF side reads (`bpf/records.h`, "Unwind tables"): chunks that are made when they
 * are needed, and in them runs of slots, first fit. The chunks belong to whoever makes them.
 */
import { Heap as Layout } from '../capture/records.gen.ts';

/** What is given away is rounded up to this many bytes. */
const SLOT_BYTES = 1024;
const CHUNK_SLOTS = Layout.PROFILER_CHUNK_BYTES / SLOT_BYTES;
/** Heap addresses count 8 bytes. */
const SLOT_UNITS = SLOT_BYTES / 8;
const CHUNK_UNITS = 1 << Layout.PROFILER_CHUNK_SHIFT;

/** Bytes that a piece of so many bytes takes in the heap. */
export function slotted(bytes: number): number {
  return Math.ceil(bytes / SLOT_BYTES) * SLOT_BYTES;
}

/** Where chunks come from. */
export interface ChunkProvider {
  /**
   * Makes these chunks. Each has a function for its memory: zeroed, aligned to words. Both throw when the kernel refuses,
   * the function at its first call, which is the last one.
   */
  add(indices: readonly number[]): (() => Uint8Array)[];
  /** Nothing refers to chunk `index` any more. */
  remove(index: number): void;
}

/** A piece of the heap. Its content is undefined. */
export interface Piece {
  /** Heap address in units of 8 bytes, never 0. */
  readonly address: number;
  /** As many as were asked for, rounded up to a multiple of 8. */
  readonly bytes: Uint8Array;
  /** The same memory. */
  readonly words: Uint32Array;
}

export interface HeapOptions {
  /** How long a walk on another CPU may go on reading what has been given back. Default 100. */
  readonly quarantineMs?: number;
  /**
   * Chunks made at once, at least; one less may be empty. The kernel waits until no program runs any more (some 15 ms)
   * whenever chunks are made or removed, be it one or many. Default 64, 16 MiB: a compiler with all its libraries has
   * 10, and is to be walked within 50 ms of its start.
   */
  readonly chunksAtOnce?: number;
  /** How long there are more empty chunks than that before they are removed: processes come and go. Default 2000. */
  readonly keepMs?: number;
  /** Milliseconds, never going back. */
  readonly now?: () => number;
}

class Chunk {
  readonly #map: () => Uint8Array;
  #memory: Uint8Array | undefined;
  readonly #taken = new Uint8Array(CHUNK_SLOTS);
  readonly #capacity: number;
  #free: number;
  /**
   * No run of free slots is longer. Without it, each allocation looks at all slots before its own: 35,000 pieces of up
   * to 200 KB in 1 GiB took 25 s, and take 0.2 s.
   */
  #longest: number;
  /** No slot below is free. */
  #lowest = 0;

  constructor(index: number, map: () => Uint8Array) {
    this.#map = map;
    this.#capacity = capacityOf(index);
    this.#taken.fill(1, 0, CHUNK_SLOTS - this.#capacity);
    this.#free = this.#capacity;
    this.#longest = this.#capacity;
  }

  /** There is none before anything was taken. */
  get memory(): Uint8Array | undefined {
    return this.#memory;
  }

  get isEmpty(): boolean {
    return this.#free === this.#capacity;
  }

  /** Free slots. */
  get free(): number {
    return this.#free;
  }

  /** The first slot of the first run that is long enough, now taken; −1 when there is none. */
  take(slots: number): number {
    if (slots > this.#longest || !this.#isMapped()) return -1;
    while (this.#lowest < CHUNK_SLOTS && this.#taken[this.#lowest] !== 0) this.#lowest++;
    let longest = 0;
    for (let slot = this.#lowest, run = 0; slot < CHUNK_SLOTS; slot++) {
      run = this.#taken[slot] === 0 ? run + 1 : 0;
      if (run > longest) longest = run;
      if (run < slots) continue;
      this.#taken.fill(1, slot + 1 - slots, slot + 1);
      this.#free -= slots;
      return slot + 1 - slots;
    }
    this.#longest = longest;
    return -1;
  }

  /** A chunk whose memory the kernel refuses has no room. */
  #isMapped(): boolean {
    try {
      this.#memory ??= this.#map();
    } catch {
      this.#longest = 0;
    }
    return this.#memory !== undefined;
  }

  give(first: number, slots: number): void {
    this.#taken.fill(0, first, first + slots);
    this.#free += slots;
    this.#longest = this.#free;
    this.#lowest = Math.min(this.#lowest, first);
  }
}

/** The first slot of the first chunk is never given away: address 0 means that there is nothing. */
function capacityOf(index: number): number {
  return index === 0 ? CHUNK_SLOTS - 1 : CHUNK_SLOTS;
}

interface Freed {
  readonly piece: Piece;
  readonly at: number;
}

/** Pieces of chunks under a hard cap. */
export class Heap {
  readonly #provider: ChunkProvider;
  readonly #maxChunks: number;
  readonly #quarantineMs: number;
  readonly #chunksAtOnce: number;
  readonly #keepMs: number;
  readonly #now: () => number;
  readonly #chunks: (Chunk | undefined)[] = [];
  readonly #live = new Set<Piece>();
  /** In the order of their release. */
  readonly #freed: Freed[] = [];
  #count = 0;
  #used = 0;
  /** Since when there are chunks to be removed. */
  #surplusSince = Number.POSITIVE_INFINITY;

  /** `maxBytes`: of all chunks together; one that is smaller than a chunk leaves room for nothing. */
  constructor(provider: ChunkProvider, maxBytes: number, options: HeapOptions = {}) {
    this.#provider = provider;
    this.#maxChunks = Math.min(Math.floor(maxBytes / Layout.PROFILER_CHUNK_BYTES), Layout.PROFILER_MAX_CHUNKS);
    this.#quarantineMs = options.quarantineMs ?? 100;
    this.#chunksAtOnce = options.chunksAtOnce ?? 64;
    this.#keepMs = options.keepMs ?? 2000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Bytes in chunks, at most. */
  get maxBytes(): number {
    return this.#maxChunks * Layout.PROFILER_CHUNK_BYTES;
  }

  /** Bytes in chunks that exist. */
  get reserved(): number {
    return this.#count * Layout.PROFILER_CHUNK_BYTES;
  }

  /** Bytes allocated, in whole slots. */
  get used(): number {
    return this.#used;
  }

  /**
   * A piece of 1 to PROFILER_CHUNK_BYTES bytes, all of it in one chunk; undefined when the cap leaves no room or the
   * provider refuses a chunk.
   * @throws RangeError for any other size
   */
  allocate(bytes: number): Piece | undefined {
    if (!(bytes > 0 && bytes <= Layout.PROFILER_CHUNK_BYTES)) throw new RangeError(`a piece of ${bytes} bytes`);
    const slots = slotted(bytes) / SLOT_BYTES;
    const released = this.#release();
    let address = this.#takeFromChunks(slots);
    // Only now, so that what has just become empty is used again rather than removed and made anew.
    if (released) this.#removeEmpty();
    if (address === 0 && this.#addChunks(1, slots)) address = this.#takeFromChunks(slots);
    if (address === 0) return undefined;
    this.#used += slots * SLOT_BYTES;
    return this.#piece(address, bytes);
  }

  /** Makes the chunks for `bytes` bytes at once, as far as the cap allows and they are not there. */
  reserve(bytes: number): void {
    const free = this.#chunks.reduce((sum, chunk) => sum + (chunk?.free ?? 0), 0);
    const missing = Math.ceil(bytes / SLOT_BYTES) - free;
    if (missing > 0) this.#addChunks(Math.ceil(missing / CHUNK_SLOTS), 1);
  }

  /**
   * Gives a piece back. Its memory goes to others only after the quarantine, at a later `allocate` or `sweep`.
   * @throws Error when it is not allocated
   */
  free(piece: Piece): void {
    this.#bury(piece);
    this.#freed.push({ piece, at: this.#now() });
  }

  /**
   * Gives back a piece whose address nobody has been told: without a quarantine.
   * @throws Error when it is not allocated
   */
  discard(piece: Piece): void {
    this.#bury(piece);
    this.#give(piece);
    this.#removeEmpty();
  }

  /** Ends quarantines that are over and removes empty chunks, as `allocate` does; for when nothing is allocated. */
  sweep(): void {
    if (this.#release() || this.#surplusSince < Number.POSITIVE_INFINITY) this.#removeEmpty();
  }

  #takeFromChunks(slots: number): number {
    for (let index = 0; index < this.#chunks.length; index++) {
      const slot = this.#chunks[index]?.take(slots) ?? -1;
      if (slot >= 0) return index * CHUNK_UNITS + slot * SLOT_UNITS;
    }
    return 0;
  }

  #piece(address: number, bytes: number): Piece {
    const memory = this.#chunks[Math.floor(address / CHUNK_UNITS)]!.memory!;
    const at = memory.byteOffset + (address % CHUNK_UNITS) * 8;
    const length = Math.ceil(bytes / 8) * 8;
    const piece = {
      address,
      bytes: new Uint8Array(memory.buffer, at, length),
      words: new Uint32Array(memory.buffer, at, length / 4),
    };
    this.#live.add(piece);
    return piece;
  }

  #bury(piece: Piece): void {
    if (!this.#live.delete(piece)) throw new Error(`the piece at ${piece.address} is not allocated`);
    this.#used -= slotted(piece.bytes.length);
  }

  #give({ address, bytes }: Piece): void {
    const slot = (address % CHUNK_UNITS) / SLOT_UNITS;
    this.#chunks[Math.floor(address / CHUNK_UNITS)]!.give(slot, slotted(bytes.length) / SLOT_BYTES);
  }

  /** Makes up to `wanted` chunks with room for so many slots. False when there may be no more. */
  #addChunks(wanted: number, slots: number): boolean {
    const most = Math.min(Math.max(wanted, this.#chunksAtOnce), this.#maxChunks - this.#count);
    const indices: number[] = [];
    for (let index = 0; indices.length < most && index < Layout.PROFILER_MAX_CHUNKS; index++) {
      if (!this.#chunks[index] && capacityOf(index) >= slots) indices.push(index);
    }
    if (indices.length === 0) return false;
    try {
      const mappers = this.#provider.add(indices);
      for (const [i, index] of indices.entries()) this.#chunks[index] = new Chunk(index, mappers[i]!);
    } catch {
      return false; // no memory for the kernel to give: as good as a cap
    }
    this.#count += indices.length;
    return true;
  }

  /** True when a quarantine has ended. */
  #release(): boolean {
    if (this.#freed.length === 0) return false;
    const until = this.#now() - this.#quarantineMs;
    let count = 0;
    for (; count < this.#freed.length && this.#freed[count]!.at <= until; count++) {
      this.#give(this.#freed[count]!.piece);
    }
    this.#freed.splice(0, count);
    return count > 0;
  }

  #removeEmpty(): void {
    const surplus: number[] = [];
    let kept = 0;
    for (let index = 0; index < this.#chunks.length; index++) {
      if (this.#chunks[index]?.isEmpty && ++kept >= this.#chunksAtOnce) surplus.push(index);
    }
    const now = this.#now();
    this.#surplusSince = surplus.length > 0 ? Math.min(this.#surplusSince, now) : Number.POSITIVE_INFINITY;
    if (now - this.#surplusSince < this.#keepMs) return;
    this.#surplusSince = Number.POSITIVE_INFINITY;
    for (const index of surplus) {
      this.#chunks[index] = undefined;
      this.#count--;
      this.#provider.remove(index);
    }
  }
}
