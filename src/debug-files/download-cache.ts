/** What came from servers, on disk: by build id, bounded, the least recently used go first; and what they do not have. */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  type Stats,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isOurs, openOwnFolder } from '../cache/own-folder.ts';

const HOUR = 3_600_000;
/** A package whose files no server has today may have been published by then. */
const MISSING_MS = HOUR;
const NAME = /^[0-9a-f]{4,128}\.(?:debug|missing)$/;
const TEMPORARY = /^\.[0-9a-f]{32}\.tmp$/;

/** A file that is being written. */
export interface Download {
  readonly path: string;
  readonly fd: number;
}

export class DownloadCache {
  readonly #folder: string;
  readonly #maxBytes: number;

  /** `maxBytes`: of all files together. The folder is made when something is written first. */
  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** The path of a file; `missing` when no server had it not long ago; undefined when nothing is known. */
  find(buildId: string): string | 'missing' | undefined {
    const path = this.#path(buildId, 'debug');
    const isTrusted = this.#stats(path) !== undefined && this.#checkFolder();
    if (isTrusted) {
      touch(path);
      return path;
    }
    const missing = this.#stats(this.#path(buildId, 'missing'));
    return missing && Math.abs(Date.now() - missing.mtimeMs) < MISSING_MS ? 'missing' : undefined;
  }

  /** @throws Error as the system does */
  begin(): Download {
    closeSync(openOwnFolder(this.#folder, true));
    const path = join(this.#folder, `.${randomBytes(16).toString('hex')}.tmp`);
    return { path, fd: openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600) };
  }

  /** Whole and checked: from now on it is there under its build id. Returns its path. @throws Error as the system does */
  keep({ path, fd }: Download, buildId: string): string {
    const kept = this.#path(buildId, 'debug');
    renameSync(path, kept);
    closeSync(fd);
    remove(this.#path(buildId, 'missing'));
    this.#trim(kept);
    return kept;
  }

  discard({ path, fd }: Download): void {
    closeSync(fd);
    remove(path);
  }

  /** Never throws: without a note the servers are asked again. */
  noteMissing(buildId: string): void {
    try {
      closeSync(openOwnFolder(this.#folder, true));
      closeSync(openSync(this.#path(buildId, 'missing'), 'w', 0o600));
      touch(this.#path(buildId, 'missing'));
    } catch {
      // A full or read-only disk.
    }
  }

  #path(buildId: string, kind: 'debug' | 'missing'): string {
    return join(this.#folder, `${buildId}.${kind}`);
  }

  #stats(path: string): Stats | undefined {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats?.isFile() && isOurs(stats) ? stats : undefined;
  }

  #checkFolder(): boolean {
    try {
      closeSync(openOwnFolder(this.#folder, false));
      return true;
    } catch {
      return false;
    }
  }

  /** Removes what is too much, what is out of date and what writers that were killed have left. */
  #trim(keep: string): void {
    const files: { path: string; size: number; age: number }[] = [];
    for (const name of readdirSync(this.#folder)) {
      const path = join(this.#folder, name);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (!stats?.isFile()) continue;
      const age = Math.abs(Date.now() - stats.mtimeMs);
      if (NAME.test(name) && !name.endsWith('.missing')) files.push({ path, size: stats.size, age });
      else if ((NAME.test(name) || TEMPORARY.test(name)) && age > HOUR) remove(path);
    }
    let sum = files.reduce((total, { size }) => total + size, 0);
    for (const { path, size } of files.sort((a, b) => b.age - a.age)) {
      if (sum <= this.#maxBytes) return;
      if (path === keep) continue;
      remove(path);
      sum -= size;
    }
  }
}

/** All of the bytes. @throws Error as the system does */
export function writeAll({ fd }: Download, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // A read-only file system: it can be used all the same.
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // By another process that does the same.
  }
}
