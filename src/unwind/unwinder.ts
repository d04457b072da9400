/**
 * Keeps the maps of the stack walk true: the mappings of the processes as they are now, and the tables of the files
 * that they run code of. It lives ahead of the samples, which are looked at later, in their order.
 */
import { FrameMark, UnwindEnd } from '../capture/records.gen.ts';
import { setWalked, snapshotBytes } from '../capture/samples.ts';
import { monotonicTime } from '../capture/session.ts';
import type { ProcessEntry, UnwindMaps } from '../capture/unwind-maps.ts';
import type { CodeTable, MappedCode } from '../process/code.ts';
import type { Mappings } from '../process/maps.ts';
import { Change, type Image, type ProcessTable } from '../process/table.ts';
import { AddressSpaces } from './address-spaces.ts';
import { TableCache } from './cache.ts';
import { UnwindFiles } from './files.ts';
import { Heap } from './heap.ts';

export interface UnwinderOptions {
  readonly maps: UnwindMaps;
  readonly code: CodeTable;
  readonly processes: ProcessTable;
  /** Of kernel memory for tables, bytes. */
  readonly memory: number;
  /** Leave code that has no rules by its frame pointer. */
  readonly framePointers: boolean;
  /** Takes the time from an exec, or from a mapping of code, until its tables are there, ns. */
  readonly onReady?: ((delay: number) => void) | undefined;
}

/** What flush() spends on tables before it returns to the samples. */
const LOAD_MS = 50;
/** A process that goes on running where nothing seems to be mapped is not looked at more often. */
const REFRESH_MS = 200;
/** Stands for mappings that found no room: the walk then ends with PROFILER_END_EVICTED. */
const NO_ROOM: Mappings = [];
const NO_ROOM_ENTRY: ProcessEntry = { id: 0, mappings: 0 };

/** Why a process has to be told to the kernel again. */
type Reason = 'exec' | 'fork' | 'mappings' | 'wanted';

export class Unwinder {
  readonly #maps: UnwindMaps;
  readonly #framePointers: boolean;
  readonly #onReady: UnwinderOptions['onReady'];
  readonly #processes: ProcessTable;
  readonly #heap: Heap;
  readonly #files: UnwindFiles;
  readonly #spaces: AddressSpaces;
  /** What the kernel knows of each process. */
  readonly #told = new Map<number, Mappings>();
  readonly #changed = new Map<number, Reason>();
  /** When code was mapped whose tables may not be there yet, ns. */
  #awaited: number[] = [];
  /** When a process was looked at because it was wanted, ms. */
  readonly #refreshed = new Map<number, number>();
  #losses = 0;
  /** Processes whose mappings found no room. */
  refused = 0;

  constructor({ maps, code, processes, memory, framePointers, onReady }: UnwinderOptions) {
    this.#maps = maps;
    this.#onReady = onReady;
    this.#framePointers = framePointers;
    this.#heap = new Heap(maps, memory);
    this.#files = new UnwindFiles(this.#heap, maps.files, new TableCache());
    this.#spaces = new AddressSpaces(this.#heap, this.#files, code);
    this.#processes = processes;
  }

  /** Bytes that tables and mappings take. */
  get memory(): number {
    return this.#heap.used;
  }

  get evictions(): number {
    return this.#files.evictions;
  }

  /** Whether a process that lives maps this code. */
  uses(code: MappedCode): boolean {
    return this.#files.has(code);
  }

  /** Gives up the tables of files that no process maps any more, twice in a row. */
  sweep(): void {
    this.#files.sweep(this.#spaces.files());
  }

  /** Makes room for tables, so that the first process that comes does not wait for it. */
  prepare(): void {
    this.#heap.reserve(1);
  }

  /** Prepares a process that runs already, all of its tables before this returns. */
  follow(pid: number): void {
    this.#tell(pid, 'exec');
    this.#files.load(Number.POSITIVE_INFINITY);
  }

  /** Tells the kernel what has happened to processes. */
  flush(): void {
    const now = performance.now();
    if (this.#losses < this.#processes.losses) for (const pid of this.#told.keys()) this.#changed.set(pid, 'wanted');
    this.#losses = this.#processes.losses;
    const ended = new Set<number>();
    this.#processes.takeChanged((pid, changes, hasEnded, since) => {
      this.#change(pid, changes, hasEnded);
      if (hasEnded) ended.add(pid);
      else if (changes !== Change.fork) this.#awaited.push(since); // a fork has those of its parent
    });
    for (const pid of this.#maps.takeWanted()) if (!ended.has(pid)) this.#refresh(pid, now);
    for (const [pid, reason] of this.#changed) this.#tell(pid, reason);
    this.#changed.clear();
    if (this.#files.load(LOAD_MS)) this.#tellReady();
    this.#heap.sweep();
  }

  /**
   * Walks the stack of a sample that came before the tables of its process: its frames take the place of the snapshot.
   * `image`: the process as it was then.
   */
  walk(image: Image, words: Uint32Array, at: number): void {
    const snapshot = snapshotBytes(words, at);
    if (!snapshot) return;
    const space = image.mappings && this.#spaces.visit(image, image.mappings);
    const missing = image.mappings?.length ? UnwindEnd.PROFILER_END_EVICTED : UnwindEnd.PROFILER_END_NO_TABLE;
    let [end, frames]: [number, number] = [missing, 0];
    if (space) {
      for (const file of space.files) this.#files.want(file);
      this.#files.load(Number.POSITIVE_INFINITY);
      ({ end, frames } = this.#maps.walk(snapshot, space.entry, space.files.length, this.#framePointers));
    }
    if (frames === 0) snapshot[7] = FrameMark.PROFILER_FRAME_EXACT; // the leaf is what the snapshot begins with
    setWalked(words, at, Math.max(frames, 1), end);
  }

  #tellReady(): void {
    const now = monotonicTime();
    for (const since of this.#awaited) this.#onReady?.(now - since);
    this.#awaited = [];
  }

  #change(pid: number, changes: number, hasEnded: boolean): void {
    if ((changes & Change.exit) !== 0) this.#remove(pid); // the leader; other threads may go on, and ask for it again
    if (hasEnded) return;
    const hasExeced = (changes & Change.exec) !== 0;
    if (hasExeced) this.#forget(pid); // as the kernel has
    this.#changed.set(pid, hasExeced ? 'exec' : (changes & Change.fork) !== 0 ? 'fork' : 'mappings');
  }

  /** A sampled process was not known, or not well enough. */
  #refresh(pid: number, now: number): void {
    if (this.#changed.has(pid)) return; // that is why, and it is told in a moment
    if (now - (this.#refreshed.get(pid) ?? -REFRESH_MS) < REFRESH_MS || !this.#processes.refresh(pid, monotonicTime()))
      return;
    this.#refreshed.set(pid, now);
    this.#changed.set(pid, 'wanted');
  }

  /** Forgets what a process had. */
  #forget(pid: number): void {
    this.#changed.delete(pid);
    this.#refreshed.delete(pid);
    const mappings = this.#told.get(pid);
    this.#told.delete(pid);
    if (mappings) this.#spaces.release(mappings);
  }

  /** And what the kernel may have been told after the process had ended. */
  #remove(pid: number): void {
    if (this.#told.has(pid)) this.#maps.deleteProcess(pid);
    this.#forget(pid);
  }

  #tell(pid: number, reason: Reason): void {
    const image = this.#processes.image(pid);
    const { mappings } = image;
    const before = this.#told.get(pid);
    if (!mappings) this.#remove(pid);
    if (!mappings || mappings.length === 0 || (mappings === before && reason === 'mappings')) return;
    const space = this.#spaces.acquire(image, mappings);
    if (!space && before !== NO_ROOM) this.refused++;
    // What runs already has its tables when a walk needs them first; what is new will need them at once.
    if (space && reason !== 'wanted') for (const file of space.files) this.#files.want(file);
    // A fork has its entry from the kernel. Where there is none, it may have become another program since.
    const entry = space?.entry ?? NO_ROOM_ENTRY;
    const mayInsert = reason !== 'fork' && !(reason === 'mappings' && before);
    const isTold = (mayInsert && this.#maps.insertProcess(pid, entry)) || this.#maps.replaceProcess(pid, entry);
    if (isTold) this.#told.set(pid, space ? mappings : NO_ROOM);
    else this.#told.delete(pid);
    if (!isTold && space) this.#spaces.release(mappings);
    if (before) this.#spaces.release(before);
  }
}
