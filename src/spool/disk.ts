/**
 * The files of a spool: `<dir>/<sink>/<sequence>-<id>.upload`. One that several sinks wait for is written once, under
 * several names (link(2)). A name appears when everything behind it is on the disk. Nothing here decides what stays.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { systemCode } from '../errors.ts';
import type { Upload } from '../sinks/sink.ts';
import { decodeEntry, MAX_ENTRY_BYTES, SpoolError } from './entry.ts';
import { Folder } from './folder.ts';
import { lock, lockToken, unlock } from './lock.ts';

/** The first digit is kept free: whatever number is found, the next ones fit. */
const NAME = /^(0[0-9]{15})-[A-Za-z0-9-]{1,64}\.upload$/;
const TEMPORARY_NAME = /^\.[0-9a-f]{32}\.tmp$/;
/** File systems that know no links or allow no more, and a name that a failed attempt has left. */
const LINK_REFUSED = ['EPERM', 'EACCES', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EEXIST'];
/** What will not be read the next time either. */
const UNREADABLE = ['ENOENT', 'ELOOP', 'ENXIO', 'EIO', 'EISDIR'];

/** The name of an entry: as text they sort like the numbers. */
export function entryName(sequence: number, id: string): string {
  return `${String(sequence).padStart(16, '0')}-${id}.upload`;
}

/** A name in a sink's folder. */
export interface FoundEntry {
  readonly name: string;
  readonly sequence: number;
  /** Bytes. */
  readonly size: number;
  /** The same for the names of one file. */
  readonly file: string;
}

async function ignoring(codes: readonly string[], action: Promise<void>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!codes.includes(systemCode(error))) throw error;
  }
}

/** Reads a regular file whole. @throws SpoolError when it is none or too large */
async function readAll(handle: FileHandle): Promise<Uint8Array> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw new SpoolError('unreadable', 'it is no regular file');
  if (stats.size > MAX_ENTRY_BYTES) throw new SpoolError('too-large', `${stats.size} bytes are no entry`);
  const bytes = Buffer.alloc(stats.size);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, done);
    if (bytesRead === 0) throw new SpoolError('truncated', 'it became shorter while it was read');
    done += bytesRead;
  }
  return bytes;
}

async function writeNew(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    for (const part of parts) await handle.writeFile(part);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** True when the file has the second name too, false when it has to be copied. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (LINK_REFUSED.includes(systemCode(error))) return false;
    throw error;
  }
}

export class SpoolDisk {
  readonly #dir: string;
  readonly #sinks: readonly string[];
  #token = '';
  #root: Folder | undefined;
  #folders = new Map<string, Folder>();
  #isReady = false;

  constructor(dir: string, sinks: readonly string[]) {
    this.#dir = dir;
    this.#sinks = sinks;
  }

  /**
   * Opens, makes and locks what is not yet, also again after a failure. When it fails what is there can be read all the
   * same, as on a file system that is full or read-only.
   * @throws ProfilerError when a folder is not safe or another agent has locked it; else as the system does
   */
  async prepare(): Promise<void> {
    if (this.#isReady) return;
    if (this.#token === '') this.#token = await lockToken();
    const root = await Folder.open(this.#dir, true);
    const folders = new Map<string, Folder>();
    const before = [...this.#folders.values()];
    try {
      await this.#openFolders(root, folders);
      this.#isReady = true;
    } finally {
      if (this.#root) before.push(this.#root);
      this.#root = root;
      this.#folders = folders;
      await Promise.all(before.map(folder => folder.close()));
    }
  }

  async #openFolders(root: Folder, folders: Map<string, Folder>): Promise<void> {
    const others = (await readdir(root.at(''), { withFileTypes: true }))
      .filter(entry => entry.isDirectory() && !entry.name.startsWith('.') && !this.#sinks.includes(entry.name))
      .map(({ name }) => name);
    const steps = [
      () => lock(root, this.#token),
      ...this.#sinks.map(sink => async () => void folders.set(sink, await root.folder(sink, true))),
    ];
    const failures: unknown[] = [];
    for (const step of steps) await step().catch(error => failures.push(error));
    // Not ours to complain about: nothing is written there.
    for (const sink of others)
      await root.folder(sink, false).then(
        folder => folders.set(sink, folder),
        () => {},
      );
    if (failures.length > 0) throw failures[0];
  }

  /** Something went wrong: {@link prepare} looks again at what it knows. */
  distrust(): void {
    this.#isReady = false;
  }

  /** Names of the folders that are open: those of sinks, and what looks like one. */
  get folders(): readonly string[] {
    return [...this.#folders.keys()];
  }

  #at(sink: string, name: string): string {
    const folder = this.#folders.get(sink);
    if (!folder) throw new Error(`the folder of ${sink} is not open`);
    return folder.at(name);
  }

  /**
   * Entries in a sink's folder, in order of their names, and what killed writers left is removed.
   * @throws Error as the system does
   */
  async scan(sink: string): Promise<FoundEntry[]> {
    const found: FoundEntry[] = [];
    for (const name of (await readdir(this.#at(sink, ''))).sort()) {
      if (TEMPORARY_NAME.test(name)) await this.remove(sink, name).catch(() => {});
      const sequence = NAME.exec(name)?.[1];
      if (sequence === undefined) continue;
      const { dev, ino, size } = await lstat(this.#at(sink, name));
      found.push({ name, sequence: Number(sequence), size, file: `${dev}:${ino}` });
    }
    return found;
  }

  /**
   * Writes an entry for some sinks, all or none. Its names are safe from a crash of the machine after {@link sync}.
   * @returns how many times it takes its space: once where files can be linked
   * @throws Error as the system does
   */
  async place(name: string, parts: readonly Uint8Array[], sinks: readonly string[]): Promise<number> {
    const placed: string[] = [];
    let copies = 0;
    try {
      for (let missing = sinks; missing.length > 0; copies++) {
        const done = await this.#placeOnce(name, parts, missing, placed);
        missing = missing.filter(sink => !done.has(sink));
      }
    } catch (error) {
      for (const sink of placed) await this.remove(sink, name).catch(() => {});
      throw error;
    }
    return copies;
  }

  /** Writes one file for the first sink and for those whose folders take a link to it. `placed`: names so far. */
  async #placeOnce(name: string, parts: readonly Uint8Array[], sinks: readonly string[], placed: string[]) {
    const [home = '', ...others] = sinks;
    const temporary = this.#at(home, `.${randomBytes(16).toString('hex')}.tmp`);
    const done = new Set([home]);
    try {
      await writeNew(temporary, parts);
      for (const sink of others) {
        if (!(await tryLink(temporary, this.#at(sink, name)))) continue;
        done.add(sink);
        placed.push(sink);
      }
      await rename(temporary, this.#at(home, name));
      placed.push(home);
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
    return done;
  }

  /** Forces the names in the folders to the disk. @throws Error as the system does */
  async sync(sinks: Iterable<string>): Promise<void> {
    for (const sink of sinks) await this.#folders.get(sink)?.sync();
  }

  /**
   * @throws SpoolError when nothing can be made of the file, now or later
   * @throws Error as the system does when it is worth another attempt
   */
  async read(sink: string, name: string): Promise<Upload> {
    try {
      // A FIFO in its place would have open() wait for a writer.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const handle = await open(this.#at(sink, name), flags);
      try {
        return decodeEntry(await readAll(handle));
      } finally {
        await handle.close();
      }
    } catch (cause) {
      if (!UNREADABLE.includes(systemCode(cause))) throw cause;
      throw new SpoolError('unreadable', `it cannot be read (${systemCode(cause)})`, { cause });
    }
  }

  /** Removes a name, if it is there. A folder in its place only when it is empty. @throws Error as the system does */
  async remove(sink: string, name: string): Promise<void> {
    const path = this.#at(sink, name);
    try {
      await unlink(path);
    } catch (error) {
      if (systemCode(error) === 'EISDIR') await ignoring(['ENOTEMPTY'], rmdir(path));
      else if (systemCode(error) !== 'ENOENT') throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#root) await unlock(this.#root, this.#token).catch(() => {});
    for (const folder of [this.#root, ...this.#folders.values()]) await folder?.close();
    this.#root = undefined;
    this.#folders = new Map();
    this.#isReady = false;
  }
}
