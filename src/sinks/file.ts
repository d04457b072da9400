/** Writes an output to a file or to standard output. */

import { once } from 'node:events';
import { closeSync, openSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
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
  const reason = REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
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

function isRegularOrAbsent(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    return systemCode(error) === 'ENOENT';
  }
}

/** Under another name first, so that a reader sees the old file or the whole new one. */
function writeRegular(path: string, chunks: Chunks): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const fd = openSync(temporary, 'wx', 0o644);
  try {
    try {
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

/** `path`: a file, a device, a FIFO, or `-`. Throws a ProfilerError that names it. */
export async function writeOutput(path: string, chunks: Chunks): Promise<void> {
  try {
    if (path === '-') {
      await writeStandardOutput(chunks);
    } else if (isRegularOrAbsent(path)) {
      writeRegular(path, chunks);
    } else {
      const fd = openSync(path, 'w');
      try {
        writeAll(fd, chunks);
      } finally {
        closeSync(fd);
      }
    }
  } catch (error) {
    throw failure(path, error);
  }
}
