/**
 * Debug files, of which few are open at a time. One whose descriptor was closed is opened again when it is read, and
 * believed only when it is the same file still: names of a large recording come from thousands of files.
 */

import { type ByteSource, ElfError } from '../elf/bytes.ts';
import type { Elf } from '../elf/format.ts';
import { FileBytes, identityOf, isRootsOwn, openRegular } from '../process/files.ts';

/** Descriptors. A split program has a file for each of its source files. */
const MAX_OPEN = 128;

/** Reads throw ElfError `unreadable` once the file is gone or another one is in its place. */
export class PooledFile implements ByteSource {
  readonly path: string;
  readonly size: number;
  /** The same for the same bytes, however they were reached. */
  readonly identity: string;
  readonly #pool: FilePool;
  readonly #isTrusted: boolean;

  /** `isTrusted`: root alone can change it, ours and not a container's. */
  constructor(pool: FilePool, path: string, size: number, identity: string, isTrusted: boolean) {
    this.#pool = pool;
    this.path = path;
    this.size = size;
    this.identity = identity;
    this.#isTrusted = isTrusted;
  }

  /** The name under which may be kept what is worked out from the bytes: see OpenedFile.cacheKey. */
  keyOf({ buildId }: Elf): string {
    return this.#isTrusted && buildId !== '' ? `build-id:${buildId}` : `file:${this.identity}`;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#pool.bytesOf(this).read(offset, length);
  }
}

export class FilePool {
  /** The one that was read last comes last. */
  readonly #open = new Map<PooledFile, FileBytes>();
  readonly #maxOpen: number;

  constructor(maxOpen = MAX_OPEN) {
    this.#maxOpen = maxOpen;
  }

  /** A regular file; undefined for anything else and for what cannot be opened. */
  open(path: string): PooledFile | undefined {
    const opened = openRegular(path);
    if (opened === undefined) return undefined;
    const { fd, stats } = opened;
    const isTrusted = isRootsOwn(stats) && !path.startsWith('/proc/');
    const file = new PooledFile(this, path, stats.size, identityOf(stats), isTrusted);
    this.#keep(file, new FileBytes(fd, stats.size));
    return file;
  }

  /** @throws ElfError `unreadable` */
  bytesOf(file: PooledFile): FileBytes {
    const bytes = this.#open.get(file) ?? this.#reopen(file);
    this.#keep(file, bytes);
    return bytes;
  }

  #reopen({ path, identity }: PooledFile): FileBytes {
    const opened = openRegular(path);
    if (opened === undefined) throw new ElfError('unreadable', `${path} is gone`);
    const { fd, stats } = opened;
    const bytes = new FileBytes(fd, stats.size);
    if (identityOf(stats) === identity) return bytes;
    bytes.close();
    throw new ElfError('unreadable', `${path} has changed`);
  }

  #keep(file: PooledFile, bytes: FileBytes): void {
    this.#open.delete(file);
    this.#open.set(file, bytes);
    for (const longest of this.#open.keys()) {
      if (this.#open.size <= this.#maxOpen) return;
      this.close(longest);
    }
  }

  /** Gives its descriptor back. */
  close(file: PooledFile): void {
    this.#open.get(file)?.close();
    this.#open.delete(file);
  }

  /** Gives all descriptors back. */
  closeAll(): void {
    for (const file of this.#open.keys()) this.close(file);
  }
}
