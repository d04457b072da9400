/** Which files `profiler diff` compares, and reading them. */
import { createReadStream, statSync } from 'node:fs';
import { readProfile } from '../decode/index.ts';
import type { SideName } from '../diff/difference.ts';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import type { Profile } from '../model/profile.ts';

export type Inputs = Readonly<Record<SideName, readonly string[]>>;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is no directory',
};

function usage(message: string, hint: string): ProfilerError {
  return new ProfilerError('usage', message, { hint, exitCode: ExitCode.usage });
}

/** What a file is, whatever it is called; pipes are as they are named. */
function identity(path: string): string {
  if (path === '-') return path;
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? `${stats.dev}:${stats.ino}` : path;
}

function checkTwice({ base, head }: Inputs): void {
  const known = new Map<string, string>();
  for (const path of [...base, ...head]) {
    const id = identity(path);
    const before = known.get(id);
    if (before === '-') throw usage('standard input can be read once only.', 'Put one of the profiles into a file.');
    if (before !== undefined) {
      const same = before === path ? `"${path}" is named twice` : `"${before}" and "${path}" are the same file`;
      throw usage(`${same}.`, 'Name each profile once: the ones from before, and the ones from after.');
    }
    known.set(id, path);
  }
}

/**
 * @param files without an option: a base and a head
 * @throws ProfilerError when they are not two sides of different files
 */
export function findInputs(
  files: readonly string[],
  flags: { readonly base?: readonly string[]; readonly head?: readonly string[] },
): Inputs {
  const { base = [], head = [] } = flags;
  const hint = 'Say `profiler diff BASE HEAD`, or --base FILE… --head FILE… for several of a side.';
  if (files.length > 0 && base.length + head.length > 0) {
    throw usage(`of which side "${files[0]}" is cannot be told.`, hint);
  }
  if (files.length > 0 && files.length !== 2) {
    throw usage(`two profiles are compared, not ${files.length}.`, hint);
  }
  const inputs = files.length === 2 ? { base: [files[0]!], head: [files[1]!] } : { base, head };
  for (const side of ['base', 'head'] as const) {
    if (inputs[side].length === 0) throw usage(`there is no profile for the ${side}.`, hint);
  }
  checkTwice(inputs);
  return inputs;
}

/** @throws ProfilerError when it cannot be read, or is no profile */
export async function readInput(path: string): Promise<Profile> {
  const name = path === '-' ? inputName(path) : `"${path}"`;
  const chunks = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 2 ** 18 });
  try {
    return await readProfile(chunks, name);
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof ProfilerError || code === '') throw error;
    throw new ProfilerError('unreadable', `cannot read ${name}: ${REASONS[code] ?? code}.`, { cause: error });
  }
}

/** What an input is called. */
export function inputName(path: string): string {
  return path === '-' ? 'standard input' : path;
}
