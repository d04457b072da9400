/** Folders for what we keep between runs, which nobody else may have a hand in. */
import { closeSync, constants, fstatSync, mkdirSync, openSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from '../errors.ts';

/** Whether only we may write it. */
export function isOurs({ uid, mode }: Stats): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
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

/**
 * A descriptor of a folder; `make`: makes it where it is missing.
 * @throws Error when it cannot be opened, is a symbolic link, is not ours or may be written by others
 */
export function openOwnFolder(path: string, make: boolean): number {
  const fd = openFolder(path, make);
  if (isOurs(fstatSync(fd))) return fd;
  closeSync(fd);
  throw new Error(`${path} can be written by others`);
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
