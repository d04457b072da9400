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
import { compileTable, type UnwindTable } from './table.ts';

/** The file index of generated code and of all that has no tables: beyond the end of the map. */
export const NO_FILE = Layout.PROFILER_MAX_FILES;

const WORDS = sizeOf.UnwindFile / 4;
/** A table that was used so lately is not given up for another one, which would only be the next to go. */
const KEEP_MS = 2000;
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
  }
  if (cacheKey !== '') cache.write(cacheKey, table ?? 'absent');
  return table;
}

export class UnwindFiles {
  readonly #heap: Heap;
  /** Shared with the kernel: struct profiler_unwind_file. */
  readonly #entries: Uint32Array;
  readonly #cache: TableCache;
  readonly #files: File[] = [];
  readonly #byCode = new Map<MappedCode, number>();
  /** Not in the heap, though they have a table as far as is known. */
  readonly #missing = new Set<File>();
  /** Of `missing`: to be loaded. */
  readonly #eager = new Set<File>();
  #agedAt = 0;
  /** Tables given up for others. */
  evictions = 0;

  constructor(heap: Heap, entries: Uint32Array, cache: TableCache) {
    this.#heap = heap;
    this.#entries = entries;
    this.#cache = cache;
  }

  /** The index of a file; NO_FILE when it can have no table. */
  id(code: MappedCode): number {
    if (!code.elf) return NO_FILE;
    let id = this.#byCode.get(code);
    if (id === undefined) {
      id = this.#files.length;
      if (id === Layout.PROFILER_MAX_FILES) return NO_FILE;
      const file = { id, code, loaded: undefined, usedAt: 0, retryAt: 0 };
      this.#files.push(file);
      this.#byCode.set(code, id);
      this.#missing.add(file);
      this.#state(file, TableState.PROFILER_TABLE_PENDING);
    }
    return id;
  }

  /** Loads the table with the next load(), without waiting until a walk needs it. */
  want(id: number): void {
    const file = this.#files[id];
    if (file && this.#missing.has(file)) this.#eager.add(file);
  }

  /** Loads what is needed; what is left after `budgetMs` waits for the next call. */
  load(budgetMs: number): void {
    const started = performance.now();
    if (started - this.#agedAt >= AGE_MS) this.#age(started);
    for (const file of this.#missing) if (this.#wasUsed(file)) this.#eager.add(file);
    for (const file of this.#eager) {
      if (performance.now() - started > budgetMs) return;
      this.#eager.delete(file);
      if (file.retryAt <= started) this.#load(file, started);
    }
  }

  #load(file: File, now: number): void {
    const table = tableOf(file.code, this.#cache);
    if (!table) {
      this.#missing.delete(file);
      this.#state(file, TableState.PROFILER_TABLE_ABSENT);
      return;
    }
    do file.loaded = loadTable(this.#heap, table);
    while (!file.loaded && this.#evictOne(now));
    if (file.loaded) {
      this.#missing.delete(file);
      file.usedAt = now;
      this.#state(file, file.loaded.address);
      return;
    }
    file.retryAt = now + KEEP_MS;
    this.#state(file, TableState.PROFILER_TABLE_EVICTED);
  }

  /** Gives up the table that was not used for the longest time; false when all are in use. */
  #evictOne(now: number): boolean {
    this.#age(now);
    let oldest: File | undefined;
    for (const file of this.#files) {
      if (file.loaded && file.usedAt < now - KEEP_MS && !(oldest && oldest.usedAt <= file.usedAt)) oldest = file;
    }
    if (!oldest) return false;
    this.#state(oldest, TableState.PROFILER_TABLE_EVICTED);
    oldest.loaded?.free();
    oldest.loaded = undefined;
    this.#missing.add(oldest);
    this.evictions++;
    return true;
  }

  /** Takes over the marks of use. */
  #age(now: number): void {
    this.#agedAt = now;
    for (const file of this.#files) if (file.loaded && this.#wasUsed(file)) file.usedAt = now;
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
