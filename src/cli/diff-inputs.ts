/** Which profiles `profiler diff` compares, and reading them. */
import { createReadStream, statSync } from 'node:fs';
import { readProfile } from '../decode/index.ts';
import type { SideName } from '../diff/difference.ts';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import { type Baseline, isBaseline, parseBaseline } from '../gate/baseline.ts';
import type { GateRun } from '../gate/runs.ts';
import type { Profile } from '../model/profile.ts';
import { readRegular } from '../store/read.ts';

/** One profile, or a file of what some had. */
export type Loaded = { readonly profile: Profile } | { readonly baseline: Baseline };

export interface Input {
  readonly name: string;
  /** What is known of the run that it was recorded in. */
  readonly run?: GateRun;
  /** @throws ProfilerError when it cannot be read, or is no profile */
  load(): Promise<Loaded>;
}

export type Inputs = Readonly<Record<SideName, readonly Input[]>>;
type Paths = Readonly<Record<SideName, readonly string[]>>;

const MAX_BASELINE = 2 ** 28;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is no directory',
};

export function usage(message: string, hint: string): ProfilerError {
  return new ProfilerError('usage', message, { hint, exitCode: ExitCode.usage });
}

/** What a file is, whatever it is called; pipes are as they are named. */
function identity(path: string): string {
  if (path === '-') return path;
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? `${stats.dev}:${stats.ino}` : path;
}

/** @throws ProfilerError when a file is named twice */
export function checkTwice({ base, head }: Paths): void {
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

export const SIDES_HINT = 'Say `profiler diff BASE HEAD`, or --base FILE… --head FILE… for several of a side.';

/**
 * @param files without an option: a base and a head
 * @throws ProfilerError when it cannot be told which side a file is of
 */
export function findPaths(
  files: readonly string[],
  flags: { readonly base?: readonly string[]; readonly head?: readonly string[] },
): Paths {
  const { base = [], head = [] } = flags;
  if (files.length > 0 && base.length + head.length > 0) {
    throw usage(`of which side "${files[0]}" is cannot be told.`, SIDES_HINT);
  }
  if (files.length > 0 && files.length !== 2) {
    throw usage(`two profiles are compared, not ${files.length}.`, SIDES_HINT);
  }
  return files.length === 2 ? { base: [files[0]!], head: [files[1]!] } : { base, head };
}

function unreadable(name: string, cause: unknown): unknown {
  const code = systemCode(cause);
  if (cause instanceof ProfilerError || code === '') return cause;
  return new ProfilerError('unreadable', `cannot read ${name}: ${REASONS[code] ?? code}.`, { cause });
}

/** undefined for JSON of another kind. */
function readBaseline(path: string): Baseline | undefined {
  const text = readRegular(path, MAX_BASELINE)?.toString() ?? '';
  if (!isBaseline(text)) return undefined;
  const baseline = parseBaseline(text);
  if (typeof baseline !== 'string') return baseline;
  throw new ProfilerError('unreadable-profile', `cannot read "${path}" as a baseline: ${baseline}.`, {
    hint: 'Make it anew with `profiler baseline`.',
  });
}

async function load(path: string): Promise<Loaded> {
  const name = path === '-' ? inputName(path) : `"${path}"`;
  try {
    const baseline = path.endsWith('.json') ? readBaseline(path) : undefined;
    if (baseline) return { baseline };
    const chunks = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 2 ** 18 });
    return { profile: await readProfile(chunks, name) };
  } catch (error) {
    throw unreadable(name, error);
  }
}

export function fileInput(path: string, run?: GateRun): Input {
  return { name: inputName(path), load: () => load(path), ...(run && { run }) };
}

/** What an input is called. */
function inputName(path: string): string {
  return path === '-' ? 'standard input' : path;
}
