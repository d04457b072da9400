/**
 * A folder of files that only we may have written. It is opened once for each use, and its files are reached through
 * that descriptor: nobody can put another folder in its place between the check and the use.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { systemCode } from '../errors.ts';
import { isOurs, openOwnFolder } from './own-folder.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** File systems give space away in blocks: an empty answer costs one too. */
const BLOCK = 4096;
const KEPT_NAME = /^[0-9a-f]{64}\.(?:table|lines)$/;
const TEMPORARY_NAME = /^\.[0-9a-f]{32}\.tmp$/;

/** Distance in time, so that a file from the future, after the clock has been put back, is an old one too. */
function ageOf({ mtimeMs }: Stats): number {
  return Math.abs(Date.now() - mtimeMs);
}

export class Folder {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Runs `use` on the folder and closes it. `make`: makes it where it is missing.
   * @throws Error when it cannot be opened, is a symbolic link, is not ours or may be written by others
   */
  static with<T>(path: string, make: boolean, use: (folder: Folder) => T): T {
    const fd = openOwnFolder(path, make);
    try {
      return use(new Folder(fd));
    } finally {
      closeSync(fd);
    }
  }

  #path(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  /**
   * The bytes of a file, and the note that it has been used: its time, written once a day.
   * @returns undefined when it is no regular file, not ours, may be written by others or is larger than `maxBytes`
   * @throws Error as the system does
   */
  read(name: string, maxBytes: number): Uint8Array | undefined {
    const opened = this.open(name, maxBytes);
    if (opened === undefined) return undefined;
    const { fd, size } = opened;
    try {
      const bytes = new Uint8Array(size);
      for (let done = 0; done < bytes.length; ) {
        const count = readSync(fd, bytes, done, bytes.length - done, done);
        if (count === 0) return undefined;
        done += count;
      }
      return bytes;
    } finally {
      closeSync(fd);
    }
  }

  /**
   * The same for who reads parts of it, and closes it: it stays what it is, whoever writes or removes files meanwhile.
   * @throws Error as the system does
   */
  open(name: string, maxBytes: number): { fd: number; size: number } | undefined {
    const fd = openSync(this.#path(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (stats.isFile() && isOurs(stats) && stats.size <= maxBytes) {
        if (ageOf(stats) > DAY) touch(fd);
        return { fd, size: stats.size };
      }
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
    return undefined;
  }

  /**
   * Writes a file under a name that nobody guesses and renames it. It is not forced to the disk: what a crash leaves
   * behind fails its checksum.
   * @throws Error as the system does; then nothing is left behind
   */
  write(name: string, parts: readonly Uint8Array[]): void {
    const temporary = this.#path(`.${randomBytes(16).toString('hex')}.tmp`);
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      try {
        for (const part of parts) for (let done = 0; done < part.length; ) done += writeSync(fd, part, done);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, this.#path(name));
    } catch (error) {
      unlinkSync(temporary);
      throw error;
    }
  }

  /**
   * Removes the files that were used longest ago, but not `keep`, until the others take no more than `maxBytes`; and
   * what writers that were killed have left.
   * @returns bytes that the files take then
   * @throws Error as the system does
   */
  trim(keep: string, maxBytes: number): number {
    const files: { name: string; bytes: number; age: number }[] = [];
    for (const name of readdirSync(this.#path(''))) {
      if (!KEPT_NAME.test(name) && !TEMPORARY_NAME.test(name)) continue;
      const stats = lstatSync(this.#path(name), { throwIfNoEntry: false });
      if (!stats?.isFile()) continue;
      const age = ageOf(stats);
      if (KEPT_NAME.test(name)) files.push({ name, bytes: diskBytes(stats.size), age });
      else if (age > HOUR) this.#remove(name);
    }
    let sum = files.reduce((total, { bytes }) => total + bytes, 0);
    for (const { name, bytes } of files.sort((a, b) => b.age - a.age)) {
      if (sum <= maxBytes) break;
      if (name !== keep && this.#remove(name)) sum -= bytes;
    }
    return sum;
  }

  /** True when it is gone, by us or by another process that does the same. */
  #remove(name: string): boolean {
    try {
      unlinkSync(this.#path(name));
      return true;
    } catch (error) {
      return systemCode(error) === 'ENOENT';
    }
  }
}

function touch(fd: number): void {
  try {
    futimesSync(fd, new Date(), new Date());
  } catch {
    // A read-only file system: it can be used all the same.
  }
}

/** Bytes that a file of so many bytes takes on the disk. */
export function diskBytes(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}
