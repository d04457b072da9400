/** Compiled tables on disk, so that a file's unwind information is parsed once and not by every recording. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { diskBytes, Folder } from './cache-folder.ts';
import { decodeCached, encodeCached } from './cache-format.ts';
import type { UnwindTable } from './table.ts';

const DEFAULT_MAX_BYTES = 256 << 20;
/** How long after a failure nothing is written: a full disk may have room again, a read-only one stays as it is. */
const PAUSE_MS = 10 * 60_000;
/** Other processes write too: their files are counted again after this share of the limit has been written. */
const RECOUNT_SHARE = 1 / 16;

export interface TableCacheOptions {
  /** Default: `ebpf-profiler/unwind` in $XDG_CACHE_HOME or in ~/.cache. Made when something is written first. */
  readonly directory?: string;
  /** Of all files together, on disk. Default 256 MiB. */
  readonly maxBytes?: number;
}

/**
 * The XDG Base Directory Specification: a relative path is to be ignored.
 * @throws Error when the user has no home: neither $HOME nor an entry in /etc/passwd, as in some containers
 */
function defaultDirectory(): string {
  const configured = process.env.XDG_CACHE_HOME ?? '';
  const caches = isAbsolute(configured) ? configured : join(homedir(), '.cache');
  return join(caches, 'ebpf-profiler', 'unwind');
}

function fileName(key: string): string {
  return `${createHash('sha256').update(key).digest('hex')}.table`;
}

/** A help and no more: whatever goes wrong with it, tables are made from the files themselves. */
export class TableCache {
  /** undefined: nowhere. */
  readonly #directory: string | undefined;
  readonly #maxBytes: number;
  /** On disk, as far as this process knows; −1: not counted yet. */
  #bytes = -1;
  #uncounted = 0;
  #pausedUntil = 0;

  constructor(options: TableCacheOptions = {}) {
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    try {
      this.#directory = resolve(options.directory ?? defaultDirectory());
    } catch {
      this.#directory = undefined;
    }
  }

  /**
   * The table written for `key`: a build id or another identity of a file. `absent`: it is known to have nothing that
   * can be used; undefined: not cached, or not to be believed. Never throws.
   */
  read(key: string): UnwindTable | 'absent' | undefined {
    if (this.#directory === undefined) return undefined;
    try {
      const bytes = Folder.with(this.#directory, false, folder => folder.read(fileName(key), this.#maxBytes));
      return bytes && decodeCached(key, bytes);
    } catch {
      return undefined;
    }
  }

  /** Keeps a table, or that there is none. Never throws; after a failure nothing is written for ten minutes. */
  write(key: string, table: UnwindTable | 'absent'): void {
    if (this.#directory === undefined || performance.now() < this.#pausedUntil) return;
    const parts = encodeCached(key, table);
    const bytes = diskBytes(parts.reduce((sum, part) => sum + part.length, 0));
    if (bytes > this.#maxBytes) return;
    try {
      Folder.with(this.#directory, true, folder => {
        const name = fileName(key);
        folder.write(name, parts);
        this.#count(folder, name, bytes);
      });
    } catch {
      this.#pausedUntil = performance.now() + PAUSE_MS;
    }
  }

  #count(folder: Folder, name: string, bytes: number): void {
    this.#uncounted += bytes;
    const known = this.#bytes >= 0 && this.#bytes + this.#uncounted <= this.#maxBytes;
    if (known && this.#uncounted <= this.#maxBytes * RECOUNT_SHARE) return;
    this.#bytes = folder.trim(name, this.#maxBytes);
    this.#uncounted = 0;
  }
}
