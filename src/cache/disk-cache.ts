/** What took time to work out, kept on disk between runs: files by key in a folder of our own, the oldest go first. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { diskBytes, Folder } from './cache-folder.ts';

const DEFAULT_MAX_BYTES = 256 << 20;
/** How long after a failure nothing is written: a full disk may have room again, a read-only one stays as it is. */
const PAUSE_MS = 10 * 60_000;
/** Other processes write too: their files are counted again after this share of the limit has been written. */
const RECOUNT_SHARE = 1 / 16;

export interface DiskCacheOptions {
  /** Default: `ebpf-profiler/KIND` in $XDG_CACHE_HOME or in ~/.cache. Made when something is written first. */
  readonly directory?: string;
  /** Of all files together, on disk. Default 256 MiB. */
  readonly maxBytes?: number;
}

/** What is kept: the name of its folder, and the extension of its files in lower case. */
export interface DiskCacheKind {
  readonly folder: string;
  readonly extension: string;
}

/**
 * The XDG Base Directory Specification: a relative path is to be ignored.
 * @throws Error when the user has no home: neither $HOME nor an entry in /etc/passwd, as in some containers
 */
function defaultDirectory(folder: string): string {
  const configured = process.env.XDG_CACHE_HOME ?? '';
  const caches = isAbsolute(configured) ? configured : join(homedir(), '.cache');
  return join(caches, 'ebpf-profiler', folder);
}

/** A help and no more: whatever goes wrong with it, the work is done again. */
export class DiskCache {
  /** undefined: nowhere. */
  readonly #directory: string | undefined;
  readonly #maxBytes: number;
  readonly #extension: string;
  /** On disk, as far as this process knows; −1: not counted yet. */
  #bytes = -1;
  #uncounted = 0;
  #pausedUntil = 0;

  constructor({ folder, extension }: DiskCacheKind, options: DiskCacheOptions = {}) {
    this.#extension = extension;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    try {
      this.#directory = resolve(options.directory ?? defaultDirectory(folder));
    } catch {
      this.#directory = undefined;
    }
  }

  /** What was written for a key, which whoever reads it has to check. undefined: nothing. Never throws. */
  read(key: string): Uint8Array | undefined {
    return this.#use(key, (folder, name) => folder.read(name, this.#maxBytes));
  }

  /** The same, open: its reader closes it. Never throws. */
  open(key: string): { fd: number; size: number } | undefined {
    return this.#use(key, (folder, name) => folder.open(name, this.#maxBytes));
  }

  #use<T>(key: string, use: (folder: Folder, name: string) => T): T | undefined {
    if (this.#directory === undefined) return undefined;
    try {
      return Folder.with(this.#directory, false, folder => use(folder, this.#nameOf(key)));
    } catch {
      return undefined;
    }
  }

  /** Keeps bytes. Never throws; after a failure nothing is written for ten minutes. Makes `parts` only if they are. */
  write(key: string, makeParts: () => readonly Uint8Array[]): void {
    if (this.#directory === undefined || performance.now() < this.#pausedUntil) return;
    const parts = makeParts();
    const bytes = diskBytes(parts.reduce((sum, part) => sum + part.length, 0));
    if (bytes > this.#maxBytes) return;
    try {
      Folder.with(this.#directory, true, folder => {
        const name = this.#nameOf(key);
        folder.write(name, parts);
        this.#count(folder, name, bytes);
      });
    } catch {
      this.#pausedUntil = performance.now() + PAUSE_MS;
    }
  }

  #nameOf(key: string): string {
    return `${createHash('sha256').update(key).digest('hex')}.${this.#extension}`;
  }

  #count(folder: Folder, name: string, bytes: number): void {
    this.#uncounted += bytes;
    const known = this.#bytes >= 0 && this.#bytes + this.#uncounted <= this.#maxBytes;
    if (known && this.#uncounted <= this.#maxBytes * RECOUNT_SHARE) return;
    this.#bytes = folder.trim(name, this.#maxBytes);
    this.#uncounted = 0;
  }
}
