/**
 * Keeps a folder of stored profiles within its bounds by removing the oldest. The folder is listed once at the start;
 * after that the files of one day at a time, when those that were listed before are used up.
 */
import { readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { DESCRIPTION_ENDING, isDay, PROFILE_ENDING, parseName } from './layout.ts';

const HOUR_MS = 3_600_000;
/** File systems give space away in blocks. */
const BLOCK = 4096;
const TEMPORARY = /^\.[0-9a-f]{32}\.tmp$/;

interface Entry {
  /** Of the profile, without its ending. */
  readonly path: string;
  readonly startMs: number;
  readonly endMs: number;
  /** On the disk, with the description. */
  readonly bytes: number;
}

export interface Retention {
  /** Notes a file that was written: `path` of the profile, `size` in bytes. */
  add(path: string, name: { startMs: number; durationMs: number }, size: number): void;
  /** Removes the oldest until the bounds hold. */
  trim(): Promise<void>;
  /** What is stored now, on the disk. */
  bytes(): number;
}

/** What a profile of so many bytes takes; its description nearly always fits a block. */
export function storedBytes(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK + BLOCK;
}

/** A result, or undefined for what is gone or not ours to touch. */
async function ifThere<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(systemCode(error))) return undefined;
    throw error;
  }
}

/** What writers that were killed have left: temporaries, and descriptions without a profile. */
async function removeLeftovers(folder: string, names: ReadonlySet<string>): Promise<void> {
  for (const name of names) {
    const base = name.endsWith(DESCRIPTION_ENDING) ? name.slice(0, -DESCRIPTION_ENDING.length) : undefined;
    const isOurs = base !== undefined && parseName(base + PROFILE_ENDING) !== undefined;
    if (!TEMPORARY.test(name) && !(isOurs && !names.has(base + PROFILE_ENDING))) continue;
    const stats = await ifThere(stat(join(folder, name)));
    // Younger ones may be another writer's, who is not done.
    if (stats && Math.abs(Date.now() - stats.mtimeMs) > HOUR_MS) await ifThere(unlink(join(folder, name)));
  }
}

/** The profiles of one day, oldest first. */
async function listDay(path: string): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const service of (await ifThere(readdir(path))) ?? []) {
    const folder = join(path, service);
    const names = new Set((await ifThere(readdir(folder))) ?? []);
    await removeLeftovers(folder, names);
    for (const name of names) {
      const stored = parseName(name);
      const stats = stored && (await ifThere(stat(join(folder, name))));
      if (stats?.isFile()) found.push(entryOf(join(folder, name), stored!, stats.size));
    }
  }
  return found.sort((a, b) => a.startMs - b.startMs);
}

function entryOf(path: string, { startMs, durationMs }: { startMs: number; durationMs: number }, size: number): Entry {
  const base = path.slice(0, -PROFILE_ENDING.length);
  return { path: base, startMs, endMs: startMs + durationMs, bytes: storedBytes(size) };
}

async function days(dir: string): Promise<string[]> {
  return ((await ifThere(readdir(dir))) ?? []).filter(isDay).sort();
}

/** Removes a day's folders that hold nothing. */
async function removeEmpty(path: string): Promise<void> {
  for (const service of (await ifThere(readdir(path))) ?? []) await ifThere(rmdir(join(path, service)));
  await ifThere(rmdir(path));
}

/** The profile first: a description alone is known for what it is. */
async function removeEntry({ path }: Entry): Promise<void> {
  await ifThere(unlink(path + PROFILE_ENDING));
  await ifThere(unlink(path + DESCRIPTION_ENDING));
}

/** @throws Error as the system does */
export async function openRetention(dir: string, maxBytes: number, maxAgeMs: number): Promise<Retention> {
  let total = 0;
  for (const day of await days(dir)) for (const { bytes } of await listDay(join(dir, day))) total += bytes;
  /** The oldest profiles, latest first: whatever is not in it starts no earlier than its first. */
  let oldest: Entry[] = [];

  async function peek(): Promise<Entry | undefined> {
    if (oldest.length > 0) return oldest.at(-1);
    for (const day of await days(dir)) {
      oldest = (await listDay(join(dir, day))).reverse();
      if (oldest.length > 0) return oldest.at(-1);
      await removeEmpty(join(dir, day));
    }
    return undefined;
  }

  return {
    bytes: () => total,

    add(path, name, size) {
      const entry = entryOf(path, name, size);
      total += entry.bytes;
      const at = oldest.findIndex(other => other.startMs <= entry.startMs);
      if (at !== 0 && oldest.length > 0) oldest.splice(at < 0 ? oldest.length : at, 0, entry);
    },

    async trim() {
      for (let entry = await peek(); entry; entry = await peek()) {
        if (total <= maxBytes && Date.now() - entry.endMs <= maxAgeMs) return;
        await removeEntry(entry);
        oldest.pop();
        total -= entry.bytes;
      }
      total = 0; // whatever others have removed
    },
  };
}
