/** Writes an output to a file or to standard output. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  lstatSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';

type Chunks = Iterable<Uint8Array | string>;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOENT: 'its directory does not exist',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'a part of its path is no directory',
  EPIPE: 'its reader went away',
  EROFS: 'the file system is read-only',
};

function failure(path: string, cause: unknown): ProfilerError {
  const code = systemCode(cause);
  const name = path === '-' ? 'standard output' : `"${path}"`;
  const reason = REASONS[code] ?? code;
  return new ProfilerError('output', `cannot write ${name}: ${reason}.`, { exitCode: ExitCode.output, cause });
}

function writeAll(fd: number, chunks: Chunks): void {
  for (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  }
}

async function writeStandardOutput(chunks: Chunks): Promise<void> {
  const failed = once(process.stdout, 'error').then(([error]) => Promise.reject(error));
  failed.catch(() => {});
  for (const chunk of chunks) {
    if (!process.stdout.write(chunk)) await Promise.race([once(process.stdout, 'drain'), failed]);
  }
  const flushed = new Promise<void>(resolve => process.stdout.write('', () => resolve()));
  await Promise.race([flushed, failed]);
}

/** Under another name first, so that a reader sees the old file or the whole new one, with the old one's rights. */
function writeRegular(path: string, chunks: Chunks, old: Stats | undefined): void {
  const temporary = join(dirname(path), `.profiler-${randomBytes(6).toString('hex')}.tmp`);
  const fd = openSync(temporary, 'wx', 0o644);
  try {
    try {
      if (old && process.getuid?.() === 0) fchownSync(fd, old.uid, old.gid);
      if (old) fchmodSync(fd, old.mode & 0o777);
      writeAll(fd, chunks);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
}

/** Devices, FIFOs and what symbolic links lead to: /dev/stdout is one, and has to stay what it is. */
function writeInPlace(path: string, chunks: Chunks): void {
  const fd = openSync(path, 'w', 0o644);
  try {
    writeAll(fd, chunks);
  } finally {
    closeSync(fd);
  }
}

/** `path`: a file, a device, a FIFO, a symbolic link to one of them, or `-`. Throws a ProfilerError that names it. */
export async function writeOutput(path: string, chunks: Chunks): Promise<void> {
  try {
    if (path === '-') {
      await writeStandardOutput(chunks);
      return;
    }
    const old = lstatSync(path, { throwIfNoEntry: false });
    if (old === undefined || old.isFile()) writeRegular(path, chunks, old);
    else writeInPlace(path, chunks);
  } catch (error) {
    // Else the encoder cannot make it, or has a bug.
    throw systemCode(error) === '' || error instanceof ProfilerError ? error : failure(path, error);
  }
}
