/** Compiled tables on disk, so that a file's unwind information is parsed once and not by every recording. */
import { DiskCache, type DiskCacheOptions } from '../cache/disk-cache.ts';
import { decodeCached, encodeCached } from './cache-format.ts';
import type { UnwindTable } from './table.ts';

/** A help and no more: whatever goes wrong with it, tables are made from the files themselves. */
export class TableCache {
  readonly #disk: DiskCache;

  constructor(options: DiskCacheOptions = {}) {
    this.#disk = new DiskCache({ folder: 'unwind', extension: 'table' }, options);
  }

  /**
   * The table written for `key`: a build id or another identity of a file. `absent`: it is known to have nothing that
   * can be used; undefined: not cached, or not to be believed. Never throws.
   */
  read(key: string): UnwindTable | 'absent' | undefined {
    const bytes = this.#disk.read(key);
    return bytes && decodeCached(key, bytes);
  }

  /** Keeps a table, or that there is none. Never throws; after a failure nothing is written for ten minutes. */
  write(key: string, table: UnwindTable | 'absent'): void {
    this.#disk.write(key, () => encodeCached(key, table));
  }
}
