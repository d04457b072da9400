/** Bases that others keep: the folder of a `directory` sink, and servers. */
import { type ProfileQuery, queryProfile } from '../backends/index.ts';
import { DecodeError } from '../decode/error.ts';
import { decodePprof } from '../decode/pprof.ts';
import { ProfilerError, systemCode } from '../errors.ts';
import type { Profile } from '../model/profile.ts';
import { findProfiles } from '../store/find.ts';
import { fileInput, type Input, usage } from './diff-inputs.ts';

export interface BaseFlags {
  readonly baseStore?: string;
  readonly baseService?: string;
  readonly baseLabel: Readonly<Record<string, string>>;
  /** `pyroscope+http://…`, `parca+http://…`. */
  readonly baseQuery?: string;
  readonly baseSelector?: string;
  /** Milliseconds since the epoch. */
  readonly baseFrom?: number;
  readonly baseTo?: number;
  /** Into how many runs the time of a query is cut. */
  readonly baseWindows: number;
}

const DAY = 86_400_000;
/** Of a folder: the latest ones. */
const MAX_STORED = 200;

function time(flags: BaseFlags): { from: number; to: number } {
  const { baseTo: to = Date.now() } = flags;
  const { baseFrom: from = to - DAY } = flags;
  if (from < to) return { from, to };
  throw usage('the time of the base ends before it begins.', 'Say --base-from and --base-to.');
}

/** Each profile is a run. */
function stored(dir: string, flags: BaseFlags): Input[] {
  try {
    const { profiles } = findProfiles({ dir, ...time(flags), service: flags.baseService, labels: flags.baseLabel });
    const names = new Set(profiles.map(({ name }) => name));
    if (names.size > 1) {
      const message = `the base holds profiles of different things: ${[...names].sort().join(', ')}.`;
      throw usage(message, `Choose one: --base-label __name__=${[...names].sort()[0]}.`);
    }
    return profiles.slice(-MAX_STORED).map(({ path }) => fileInput(path));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    if (systemCode(error) === '') throw error;
    throw new ProfilerError('unreadable', `cannot read the folder "${dir}": ${systemCode(error)}.`, { cause: error });
  }
}

/** @throws ProfilerError when it is no pprof */
function decodeAnswer(bytes: Uint8Array, url: string): Profile {
  try {
    return decodePprof(bytes);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new ProfilerError('bad-answer', `cannot read the answer of ${url}: ${cause.message}`, { cause });
  }
}

/** Each part of the time that has samples is a run. */
async function queried(url: string, flags: BaseFlags): Promise<Input[]> {
  const { baseSelector: selector, baseWindows: windows } = flags;
  if (selector === undefined) {
    throw usage(
      '--base-query needs --base-selector.',
      'Such as process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name="x"}',
    );
  }
  const { from, to } = time(flags);
  const inputs: Input[] = [];
  for (let i = 0; i < windows; i++) {
    const at = (part: number) => Math.round(from + ((to - from) * part) / windows);
    const query: ProfileQuery = { selector, startMs: at(i), endMs: at(i + 1) };
    const bytes = await queryProfile(url, query);
    if (bytes === undefined) continue;
    // What servers merge is no longer of one period: Pyroscope says 1 s whatever it was.
    const profile = { ...decodeAnswer(bytes, url), period: 0 };
    if (profile.samples.length === 0) continue;
    inputs.push({ name: `${url} ${new Date(query.startMs).toISOString()}`, load: async () => ({ profile }) });
  }
  return inputs;
}

/** None when no other base is asked for. @throws ProfilerError */
export async function keptBase(flags: BaseFlags): Promise<Input[]> {
  const { baseStore, baseQuery } = flags;
  const fromStore = baseStore === undefined ? [] : stored(baseStore, flags);
  return baseQuery === undefined ? fromStore : [...fromStore, ...(await queried(baseQuery, flags))];
}
