/**
 * The files that processes run code of, and which of their tables are in the heap: loaded when they are needed, given
 * up least recently used first.
 */
import { Heap as Layout, sizeOf, TableState, UnwindFile } from '../capture/records.gen.ts';
import { ElfError } from '../elf/bytes.ts';
import { readUnwindRows } from '../elf/eh-frame.ts';
import type { MappedCode } from '../process/code.ts';
import type { TableCache } from './cache.ts';
import type { Heap } from './heap.ts';
import { type LoadedTable, loadTable } from './load.ts';
import { compileTable, tableBytes, type UnwindTable } from './table.ts';

/** The file index of generated code and of all that has no tables: beyond the end of the map. */
export const NO_FILE = Layout.PROFILER_MAX_FILES;

const WORDS = sizeOf.UnwindFile / 4;
/** A table that was used so lately is not given up for another one, which would only be the next to go. */
const KEEP_MS = 2000;
/** When memory that was given up can be used, and when it may be worth another try if there is none to be given up. */
const RETRY_MS = { evicted: 150, full: 10_000 };
/** Of the memory; the rest is left for the mappings of processes, without which no table is of use. */
const TABLES_SHARE = 7 / 8;
/** How often the marks of use are looked at. */
const AGE_MS = 500;

interface File {
  readonly id: number;
  readonly code: MappedCode;
  loaded: LoadedTable | undefined;
  /** Milliseconds, as performance.now(). */
  usedAt: number;
  /** Not tried again before. */
  retryAt: number;
  /** No process mapped it at the last sweep. */
  idle: boolean;
}

/** The unwind table of a file: from the cache, or compiled and put there. undefined when it has none that is usable. */
export function tableOf({ elf, bytes, cacheKey }: MappedCode, cache: TableCache): UnwindTable | undefined {
  if (!elf || !bytes) return undefined;
  const cached = cacheKey === '' ? undefined : cache.read(cacheKey);
  if (cached !== undefined) return cached === 'absent' ? undefined : cached;
  let table: UnwindTable | undefined;
  try {
    const rows = readUnwindRows(elf, bytes);
    table = rows && compileTable(rows);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    if (error.code === 'unreadable') return undefined; // now; what is damaged stays so
  }
  if (cacheKey !== '') cache.write(cacheKey, table ?? 'absent');
  return table;
}

export class UnwindFiles {
  readonly #heap: Heap;
  /** Shared with the kernel: struct profiler_unwind_file. */
  readonly #entries: Uint32Array;
  readonly #cache: TableCache;
  /** By id. */
  readonly #files = new Map<number, File>();
  readonly #byCode = new Map<MappedCode, number>();
  /** Ids of files that were forgotten. */
  readonly #free: number[] = [];
  /** Not in the heap, though they have a table as far as is known. */
  readonly #missing = new Set<File>();
  /** Of `missing`: to be loaded. */
  readonly #eager = new Set<File>();
  readonly #maxBytes: number;
  /** Of tables that are loaded. */
  #bytes = 0;
  #agedAt = 0;
  /** Tables given up for others. */
  evictions = 0;

  constructor(heap: Heap, entries: Uint32Array, cache: TableCache) {
    this.#heap = heap;
    this.#maxBytes = heap.maxBytes * TABLES_SHARE;
    this.#entries = entries;
    this.#cache = cache;
  }

  /** The index of a file; NO_FILE when it can have no table. */
  id(code: MappedCode): number {
    if (!code.elf) return NO_FILE;
    let id = this.#byCode.get(code);
    if (id === undefined) {
      id = this.#free.pop() ?? this.#files.size;
      if (id === Layout.PROFILER_MAX_FILES) return NO_FILE;
      const file = { id, code, loaded: undefined, usedAt: 0, retryAt: 0, idle: false };
      this.#files.set(id, file);
      this.#byCode.set(code, id);
      this.#missing.add(file);
      this.#state(file, TableState.PROFILER_TABLE_PENDING);
    }
    return id;
  }

  has(code: MappedCode): boolean {
    return this.#byCode.has(code);
  }

  /**
   * Forgets the files that are not among those that processes map, now and at the call before: by then no walk looks at
   * what it read of them.
   */
  sweep(mapped: ReadonlySet<number>): void {
    for (const file of this.#files.values()) {
      const isIdle = !mapped.has(file.id);
      if (isIdle && file.idle) this.#forget(file);
      else file.idle = isIdle;
    }
  }

  #forget(file: File): void {
    this.#unload(file, TableState.PROFILER_TABLE_ABSENT);
    this.#wasUsed(file);
    this.#missing.delete(file);
    this.#eager.delete(file);
    this.#files.delete(file.id);
    this.#byCode.delete(file.code);
    this.#free.push(file.id);
  }

  /** Loads the table with the next load(), without waiting until a walk needs it. */
  want(id: number): void {
    const file = this.#files.get(id);
    if (file && this.#missing.has(file)) this.#eager.add(file);
  }

  /** Loads what is needed; what is left after `budgetMs` waits for the next call. Returns whether nothing is. */
  load(budgetMs: number): boolean {
    const started = performance.now();
    if (started - this.#agedAt >= AGE_MS) this.#age(started);
    for (const file of this.#missing) if (this.#wasUsed(file)) this.#eager.add(file);
    const found: [File, UnwindTable | undefined][] = [];
    let isAll = true;
    for (const file of this.#eager) {
      isAll = performance.now() - started <= budgetMs;
      if (!isAll) break;
      if (file.retryAt <= started) found.push([file, tableOf(file.code, this.#cache)]);
    }
    if (found.length === 0) return isAll;
    // The kernel waits whenever there is to be more memory: once for all of them.
    this.#heap.reserve(found.reduce((sum, [, table]) => sum + (table ? tableBytes(table) : 0), 0));
    for (const [file, table] of found) this.#load(file, table, started);
    return isAll;
  }

  #load(file: File, table: UnwindTable | undefined, now: number): void {
    const bytes = table ? tableBytes(table) : 0;
    if (table && this.#bytes + bytes <= this.#maxBytes) file.loaded = loadTable(this.#heap, table);
    if (table && !file.loaded) {
      this.#refuse(file, bytes, now);
      return;
    }
    this.#eager.delete(file);
    this.#missing.delete(file);
    this.#bytes += file.loaded?.bytes ?? 0;
    file.usedAt = now;
    this.#state(file, file.loaded?.address ?? TableState.PROFILER_TABLE_ABSENT);
  }

  /** No room: others have to go first, and their memory is free a moment later. */
  #refuse(file: File, bytes: number, now: number): void {
    const fits = bytes <= this.#maxBytes;
    const hasEvicted = fits && this.#evict(bytes, now);
    file.retryAt = fits ? now + RETRY_MS[hasEvicted ? 'evicted' : 'full'] : Number.POSITIVE_INFINITY;
    if (!hasEvicted) this.#eager.delete(file);
    this.#state(file, TableState.PROFILER_TABLE_EVICTED);
  }

  /** Gives up tables that were not used for the longest time, up to so many bytes; false when all are in use. */
  #evict(bytes: number, now: number): boolean {
    this.#age(now);
    const idle = [...this.#files.values()].filter(({ loaded, usedAt }) => loaded && usedAt < now - KEEP_MS);
    idle.sort((a, b) => a.usedAt - b.usedAt);
    let freed = 0;
    for (const file of idle) {
      if (freed >= bytes) break;
      freed += file.loaded!.bytes;
      this.#unload(file, TableState.PROFILER_TABLE_EVICTED);
      this.#missing.add(file);
      this.evictions++;
    }
    return freed > 0;
  }

  #unload(file: File, state: number): void {
    this.#state(file, state); // before its memory goes
    this.#bytes -= file.loaded?.bytes ?? 0;
    file.loaded?.free();
    file.loaded = undefined;
  }

  /** Takes over the marks of use. */
  #age(now: number): void {
    this.#agedAt = now;
    for (const file of this.#files.values()) if (file.loaded && this.#wasUsed(file)) file.usedAt = now;
  }

  /** Whether a walk needed the table since the last call. */
  #wasUsed({ id }: File): boolean {
    const at = id * WORDS + UnwindFile.used / 4;
    const used = this.#entries[at] !== 0;
    if (used) this.#entries[at] = 0;
    return used;
  }

  #state({ id }: File, state: number): void {
    this.#entries[id * WORDS + UnwindFile.table / 4] = state;
  }
}
