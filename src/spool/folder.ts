/**
 * A folder that only we may write to. It stays open and its files are reached through that descriptor: nobody can put
 * another folder in its place after the check.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ProfilerError, systemCode } from '../errors.ts';

const OPEN = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

function unsafe(path: string, why: string, cause?: unknown): ProfilerError {
  return new ProfilerError('unsafe-folder', `${path} ${why}.`, {
    hint: 'Name a folder that belongs to the user of the agent and that nobody else can write to (chmod go-w).',
    cause,
  });
}

/** Forces names in a folder to the disk. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, OPEN & ~constants.O_NOFOLLOW);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** With mode 0700, like the folders above it that are missing; not below a folder of another user but root. */
async function makeFolder(path: string, shown: string): Promise<void> {
  const parent = dirname(path);
  try {
    const { uid } = await stat(parent);
    if (uid !== 0 && uid !== process.geteuid?.()) throw unsafe(dirname(shown), 'belongs to another user');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    await makeFolder(parent, dirname(shown));
  }
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error; // made by another process at the same time
  }
  await syncFolder(parent);
}

async function openHandle(path: string, shown: string, make: boolean): Promise<FileHandle> {
  try {
    return await open(path, OPEN);
  } catch (error) {
    if (['ELOOP', 'ENOTDIR'].includes(systemCode(error))) throw unsafe(shown, 'is not a folder, or is a link', error);
    if (!make || systemCode(error) !== 'ENOENT') throw error;
  }
  await makeFolder(path, shown);
  return await open(path, OPEN);
}

export class Folder {
  /** As the user knows it. */
  readonly shown: string;
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle, shown: string) {
    this.#handle = handle;
    this.shown = shown;
  }

  /**
   * `make`: makes it where it is missing.
   * @throws ProfilerError when it is a symbolic link, is not ours or others may write to it; else as the system does
   */
  static async open(path: string, make: boolean, shown = path): Promise<Folder> {
    const handle = await openHandle(resolve(path), shown, make);
    try {
      const { uid, mode } = await handle.stat();
      if (uid !== process.geteuid?.()) throw unsafe(shown, 'belongs to another user');
      if ((mode & 0o022) !== 0) throw unsafe(shown, 'can be written to by others');
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new Folder(handle, shown);
  }

  /** The path of a file in it; '' for the folder itself. */
  at(name: string): string {
    return `/proc/self/fd/${this.#handle.fd}/${name}`;
  }

  /** The folder in it. As {@link open}. */
  folder(name: string, make: boolean): Promise<Folder> {
    return Folder.open(this.at(name), make, `${this.shown}/${name}`);
  }

  /** Forces the names in it to the disk. */
  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
