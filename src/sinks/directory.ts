/** Profiles as files in a folder: what `profiler query` reads. See store/layout.ts for the names. */
import { randomBytes } from 'node:crypto';
import { access, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ZodType, z } from 'zod';
import { systemCode } from '../errors.ts';
import type { Description } from '../store/description.ts';
import { baseNameOf, DESCRIPTION_ENDING, dayOf, PROFILE_ENDING, serviceFolder } from '../store/layout.ts';
import { openRetention, type Retention, storedBytes } from '../store/retention.ts';
import { profilesFolder } from '../store/state-folder.ts';
import { byteSize } from './bytes.ts';
import { age } from './duration.ts';
import { DeliveryError, type Sink, type SinkType, type Upload } from './sink.ts';

export interface DirectoryOptions {
  readonly type: 'directory';
  readonly name: string;
  /** undefined: `profiles` below the state folder. */
  readonly dir?: string | undefined;
  /** On the disk; the oldest profiles are removed. */
  readonly max_bytes: number;
  /** Milliseconds since the end of a profile. */
  readonly max_age: number;
}

const options: ZodType<DirectoryOptions> = z.strictObject({
  type: z.literal('directory'),
  name: z.string().min(1).default('directory').describe('Name of this sink in logs and metrics.'),
  dir: z.string().min(1).optional().describe('Folder of the profiles; default: `profiles` in the state folder.'),
  max_bytes: byteSize.prefault('1GiB').describe('Space on the disk; the oldest profiles are removed beyond it.'),
  max_age: age.prefault('7d').describe('Older profiles are removed.'),
});

/** Writes under a name that nobody guesses and renames: a reader sees the whole file or none. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(16).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    try {
      await file.writeFile(bytes);
      await file.sync(); // the spool forgets the profile as soon as we have it
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The same upload has the same name at every attempt: what is there already is not written again. */
async function store(dir: string, upload: Upload, retention: Retention): Promise<void> {
  const { name, labels, sampleTypes, samples, startMs, durationMs, pprof } = upload;
  const base = baseNameOf(upload);
  if (base === undefined) throw new DeliveryError('rejected', 'its time or its id cannot be a file name');
  const folder = join(dir, dayOf(Math.round(startMs)), serviceFolder(labels.service_name ?? ''));
  const path = join(folder, base + PROFILE_ENDING);
  if (await exists(path)) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const known: Description = { name, labels, sampleTypes: [...sampleTypes], samples };
  await writeWhole(join(folder, base + DESCRIPTION_ENDING), Buffer.from(JSON.stringify(known)));
  await writeWhole(path, pprof);
  retention.add(path, { startMs: Math.round(startMs), durationMs: Math.round(durationMs) }, pprof.length);
}

function failure(dir: string, cause: unknown): DeliveryError {
  if (cause instanceof DeliveryError) return cause;
  return new DeliveryError('retry', `cannot store profiles in "${dir}": ${systemCode(cause) || String(cause)}`, {
    cause,
  });
}

async function openDirectory({ dir = profilesFolder(), max_bytes, max_age }: DirectoryOptions): Promise<Sink> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const retention = await openRetention(dir, max_bytes, max_age);
  return {
    limits: { samples: Infinity, bytes: Infinity, batch: 100, batchBytes: 2 ** 24 },
    async send(uploads, signal, accepted) {
      try {
        for (const upload of uploads) {
          signal.throwIfAborted();
          if (storedBytes(upload.pprof.length) > max_bytes) {
            throw new DeliveryError('rejected', `it is larger than max_bytes, ${max_bytes}`);
          }
          await store(dir, upload, retention);
          accepted?.(upload);
        }
        await retention.trim();
      } catch (error) {
        throw failure(dir, error);
      }
    },
    close() {},
  };
}

export const directory: SinkType<DirectoryOptions> = { type: 'directory', options, open: openDirectory };
