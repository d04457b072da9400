/**
 * Keeps the maps of the stack walk true: the mappings of the processes as they are now, and the tables of the files
 * that they run code of. It lives ahead of the samples, which are looked at later, in their order.
 */
import { UnwindEnd } from '../capture/records.gen.ts';
import { setWalked, snapshotBytes } from '../capture/samples.ts';
import type { SidebandEvent } from '../capture/sideband.ts';
import type { ProcessEntry, UnwindMaps } from '../capture/unwind-maps.ts';
import { type CodeTable, isGenerated } from '../process/code.ts';
import type { Mapping, Mappings } from '../process/maps.ts';
import { type Image, ProcessTable } from '../process/table.ts';
import { addressSpaceBytes, biasOf, mergeRanges, type UnwindRange, writeAddressSpace } from './address-space.ts';
import { TableCache } from './cache.ts';
import { NO_FILE, UnwindFiles } from './files.ts';
import { Heap, type Piece } from './heap.ts';

export interface UnwinderOptions {
  readonly maps: UnwindMaps;
  readonly code: CodeTable;
  /** Prepare every process that execs, not only those told by follow() and their children. */
  readonly followAll: boolean;
  /** Of kernel memory for tables, bytes. */
  readonly memory: number;
  /** Leave code that has no rules by its frame pointer. */
  readonly framePointers: boolean;
}

/** What flush() spends on tables before it returns to the samples. */
const LOAD_MS = 50;
/** A process that goes on running where nothing seems to be mapped is not looked at more often. */
const REFRESH_MS = 200;

/** The mappings of one or more processes in the heap. */
interface AddressSpace {
  readonly entry: ProcessEntry;
  readonly piece: Piece;
  readonly files: readonly number[];
  users: number;
}

/** Why a process has to be told to the kernel again. */
type Change = 'exec' | 'fork' | 'mappings' | 'wanted';

export class Unwinder {
  readonly #maps: UnwindMaps;
  readonly #code: CodeTable;
  readonly #framePointers: boolean;
  readonly #processes: ProcessTable;
  readonly #heap: Heap;
  readonly #files: UnwindFiles;
  readonly #spaces = new Map<Mappings, AddressSpace>();
  readonly #told = new Map<number, Mappings>();
  readonly #changed = new Map<number, Change>();
  readonly #refreshed = new Map<number, number>();
  #incoming: SidebandEvent[] = [];
  #nextId = 1;
  /** Processes whose mappings found no room. */
  refused = 0;

  constructor({ maps, code, followAll, memory, framePointers }: UnwinderOptions) {
    this.#maps = maps;
    this.#code = code;
    this.#framePointers = framePointers;
    this.#heap = new Heap(maps, memory);
    this.#files = new UnwindFiles(this.#heap, maps.files, new TableCache());
    this.#processes = new ProcessTable({ followAll });
  }

  /** Bytes of kernel memory that hold tables. */
  get memory(): number {
    return this.#heap.reserved;
  }

  get evictions(): number {
    return this.#files.evictions;
  }

  /** Prepares a process that runs already, all of its tables before this returns. */
  follow(pid: number): void {
    this.#processes.image(pid);
    this.#changed.set(pid, 'exec');
    this.#tell(pid, 'exec');
    this.#changed.delete(pid);
    this.#files.load(Number.POSITIVE_INFINITY);
  }

  /** An event that is not yet applied. */
  announce(event: SidebandEvent): void {
    this.#incoming.push(event);
  }

  /**
   * Applies the events up to the time `until` (ns; what happened before it has been announced) and tells the kernel.
   * Events of two CPUs come in the wrong order otherwise: a process that execs before it was forked.
   */
  flush(until: number): void {
    const now = performance.now();
    if (this.#incoming.length > 0) {
      this.#incoming.sort((a, b) => a.time - b.time);
      let count = this.#incoming.findIndex(event => event.time > until);
      if (count < 0) count = this.#incoming.length;
      for (const event of this.#incoming.splice(0, count)) this.#apply(event);
    }
    for (const pid of this.#maps.takeWanted()) this.#refresh(pid, now);
    for (const [pid, change] of this.#changed) this.#tell(pid, change);
    this.#changed.clear();
    this.#files.load(LOAD_MS);
  }

  /**
   * Walks the stack of a sample that came before the tables of its process: its frames take the place of the snapshot.
   * `image`: the process as it was then.
   */
  walk(image: Image, words: Uint32Array, at: number): void {
    const snapshot = snapshotBytes(words, at);
    if (!snapshot) return;
    const { mappings } = image;
    const space = mappings && this.#spaceOf(image, mappings, 'exec');
    if (!space) {
      setWalked(words, at, 1, UnwindEnd.PROFILER_END_NO_TABLE);
      return;
    }
    for (const file of space.files) this.#files.want(file);
    this.#files.load(Number.POSITIVE_INFINITY);
    const { frames, end } = this.#maps.walk(snapshot, space.entry, space.files.length, this.#framePointers);
    setWalked(words, at, Math.max(frames, 1), end); // the leaf is what the snapshot begins with
    if (space.users === 0) this.#drop(mappings, space);
  }

  #apply(event: SidebandEvent): void {
    this.#processes.apply(event);
    switch (event.kind) {
      case 'fork':
        if (event.pid !== event.parentPid && this.#processes.has(event.pid)) this.#changed.set(event.pid, 'fork');
        break;
      case 'comm':
        if (!event.exec) break;
        this.#forget(event.pid); // as the kernel has
        if (this.#processes.has(event.pid)) this.#changed.set(event.pid, 'exec');
        break;
      case 'mmap':
        if (!this.#changed.has(event.pid) && this.#processes.has(event.pid)) this.#changed.set(event.pid, 'mappings');
        break;
      case 'exit':
        if (event.pid === event.tid) this.#forget(event.pid);
        break;
      case 'lost':
        for (const pid of this.#told.keys()) this.#changed.set(pid, 'wanted');
        break;
    }
  }

  /** A sampled process was not known, or not well enough. */
  #refresh(pid: number, now: number): void {
    if (now - (this.#refreshed.get(pid) ?? -REFRESH_MS) < REFRESH_MS) return;
    this.#refreshed.set(pid, now);
    this.#processes.refresh(pid);
    if (!this.#changed.has(pid)) this.#changed.set(pid, 'wanted');
  }

  /** The process is another one, or its leader has ended; other threads may go on, and ask for it again. */
  #forget(pid: number): void {
    this.#changed.delete(pid);
    this.#refreshed.delete(pid);
    const mappings = this.#told.get(pid);
    if (!mappings) return;
    this.#told.delete(pid);
    this.#release(mappings);
  }

  #tell(pid: number, change: Change): void {
    const image = this.#processes.image(pid);
    const { mappings } = image;
    const before = this.#told.get(pid);
    if (!mappings || mappings.length === 0 || (mappings === before && change === 'mappings')) return;
    const space = this.#spaceOf(image, mappings, change);
    if (!space) return;
    // A fork has its entry from the kernel. Where there is none, it may have become another program since.
    if (change === 'fork' || before) this.#maps.replaceProcess(pid, space.entry);
    else if (!this.#maps.insertProcess(pid, space.entry)) this.#maps.replaceProcess(pid, space.entry);
    space.users++;
    this.#told.set(pid, mappings);
    if (before) this.#release(before);
  }

  #spaceOf(image: Image, mappings: Mappings, change: Change): AddressSpace | undefined {
    const known = this.#spaces.get(mappings);
    if (known) return known;
    const ranges = mergeRanges(
      mappings.filter(({ start }) => start >= 0).map(mapping => this.#range(image, mapping)), // not [vsyscall]
      NO_FILE,
    );
    // What runs already has its tables when a walk needs them first; what is new will need them at once.
    const files = ranges.map(({ file }) => file);
    if (change !== 'wanted') for (const file of files) this.#files.want(file);
    const piece = this.#heap.allocate(addressSpaceBytes(ranges));
    if (!piece) {
      this.refused++;
      return undefined;
    }
    const entry = { id: this.#nextId++, mappings: piece.address };
    const space = { entry, piece, files, users: 0 };
    writeAddressSpace(piece.words, entry.id, ranges);
    this.#spaces.set(mappings, space);
    return space;
  }

  #range(image: Image, mapping: Mapping): UnwindRange {
    const none = { mapping, file: NO_FILE, bias: 0 };
    if (isGenerated(mapping.path) && mapping.path !== '[vdso]') return none;
    const code = this.#code.mappings[this.#code.of(image, mapping)]!;
    const bias = code.elf && biasOf(code.elf, mapping);
    return bias === undefined ? none : { mapping, file: this.#files.id(code), bias };
  }

  #release(mappings: Mappings): void {
    const space = this.#spaces.get(mappings);
    if (space && --space.users === 0) this.#drop(mappings, space);
  }

  #drop(mappings: Mappings, space: AddressSpace): void {
    this.#spaces.delete(mappings);
    space.piece.words[0] = 0; // no id is 0: whoever still points here finds nothing
    this.#heap.free(space.piece);
  }
}
