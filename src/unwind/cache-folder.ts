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
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from '../errors.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** File systems give space away in blocks: an empty answer costs one too. */
const BLOCK = 4096;
const TABLE_NAME = /^[0-9a-f]{64}\.table$/;
const TEMPORARY_NAME = /^\.[0-9a-f]{32}\.tmp$/;

function isOurs({ uid, mode }: Stats): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}

/** Distance in time, so that a file from the future, after the clock has been put back, is an old one too. */
function ageOf({ mtimeMs }: Stats): number {
  return Math.abs(Date.now() - mtimeMs);
}

/**
 * With mode 0700, like the folders above it that are missing. Not below a folder of another user: with his HOME, as
 * `sudo -E` leaves it, root would make folders that he cannot use. (The `recursive` of mkdirSync does not end below
 * /proc: there mkdir says ENOENT although the folder above exists.)
 */
function makeFolder(path: string): void {
  const parent = dirname(path);
  const stats = statSync(parent, { throwIfNoEntry: false });
  if (stats === undefined) makeFolder(parent);
  else if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) throw new Error(`${parent} belongs to another user`);
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error; // made by another process at the same time
  }
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
    const fd = openFolder(path, make);
    try {
      if (!isOurs(fstatSync(fd))) throw new Error(`${path} can be written by others`);
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
    const fd = openSync(this.#path(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile() || !isOurs(stats) || stats.size > maxBytes) return undefined;
      const bytes = new Uint8Array(stats.size);
      for (let done = 0; done < bytes.length; ) {
        const count = readSync(fd, bytes, done, bytes.length - done, done);
        if (count === 0) return undefined;
        done += count;
      }
      if (ageOf(stats) > DAY) touch(fd);
      return bytes;
    } finally {
      closeSync(fd);
    }
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
      if (!TABLE_NAME.test(name) && !TEMPORARY_NAME.test(name)) continue;
      const stats = lstatSync(this.#path(name), { throwIfNoEntry: false });
      if (!stats?.isFile()) continue;
      const age = ageOf(stats);
      if (TABLE_NAME.test(name)) files.push({ name, bytes: diskBytes(stats.size), age });
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

function openFolder(path: string, make: boolean): number {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  try {
    return openSync(path, flags);
  } catch (error) {
    if (!make || systemCode(error) !== 'ENOENT') throw error;
  }
  makeFolder(path);
  return openSync(path, flags);
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
