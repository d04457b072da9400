/** Paths of cgroups by their ids, for processes that are gone: a sample tells the id. */
import { opendirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
const MAX_FOLDERS = 20_000;
/** Looking at all of them takes some milliseconds. */
const RESCAN_MS = 10_000;

/** cgroup v2 only: there the id is the inode of the folder (kernfs). Of others every path is undefined. */
export class CgroupPaths {
  #paths = new Map<number, string>();
  #scannedAt = Number.NEGATIVE_INFINITY;

  of(id: number): string | undefined {
    const known = this.#paths.get(id);
    const now = performance.now();
    if (known !== undefined || now - this.#scannedAt < RESCAN_MS) return known;
    this.#scannedAt = now;
    this.#paths = scan();
    return this.#paths.get(id);
  }
}

function scan(): Map<number, string> {
  const paths = new Map<number, string>();
  const waiting = ['/'];
  for (let path = waiting.pop(); path !== undefined && paths.size < MAX_FOLDERS; path = waiting.pop()) {
    try {
      paths.set(statSync(join(ROOT, path)).ino, path);
      const folder = opendirSync(join(ROOT, path));
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        if (entry.isDirectory()) waiting.push(join(path, entry.name));
      }
      folder.closeSync();
    } catch {
      // gone meanwhile
    }
  }
  return paths;
}
