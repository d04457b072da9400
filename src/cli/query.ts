/** `profiler query`: from stored profiles to a list of them, or to one profile of them all. */

import { DecodeError } from '../decode/error.ts';
import { decodePprof } from '../decode/pprof.ts';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import { mergeProfiles } from '../model/merge.ts';
import type { Profile } from '../model/profile.ts';
import { type Found, findProfiles, type StoredProfile } from '../store/find.ts';
import { readRegular } from '../store/read.ts';
import { findOutputs, type Output, writeOutputs } from './outputs.ts';
import { totalSamples } from './summary.ts';
import { bold, say, sayFailure, yellow } from './terminal.ts';

/** The command line as commander hands it over; times in milliseconds since the epoch. */
export interface QueryFlags {
  readonly dir: string;
  readonly from?: number;
  readonly to?: number;
  readonly service?: string;
  readonly label: Readonly<Record<string, string>>;
  readonly output: readonly string[];
  readonly format?: string;
  readonly title?: string;
}

const HOUR = 3_600_000;
const MAX_FILE = 2 ** 28;
const MAX_NAMED = 10;
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is no folder',
  EACCES: 'permission denied',
};

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function find(flags: QueryFlags, from: number, to: number): Found {
  if (!(from < to)) {
    throw new ProfilerError('usage', `the time ends (${time(to)}) before it begins (${time(from)}).`, {
      hint: 'Say --from and --to; see `profiler query --help`.',
      exitCode: ExitCode.usage,
    });
  }
  try {
    return findProfiles({ dir: flags.dir, from, to, service: flags.service, labels: flags.label });
  } catch (error) {
    const code = systemCode(error);
    if (code === '') throw error;
    throw new ProfilerError('unreadable', `cannot read the folder "${flags.dir}": ${REASONS[code] ?? code}.`, {
      hint: code === 'EACCES' ? 'Try it with sudo.' : 'Name the folder of a `directory` sink with --dir.',
      cause: error,
    });
  }
}

/** Names each file that cannot be used, as long as there are few. */
class Skipped {
  #count = 0;

  add(path: string, reason: string): void {
    if (++this.#count <= MAX_NAMED) say(yellow(`skipped "${path}": ${reason}`));
  }

  done(): void {
    if (this.#count > MAX_NAMED) say(yellow(`skipped ${this.#count - MAX_NAMED} more`));
  }
}

/** The profiles that can be decoded, one after the other. */
function* decodeAll(profiles: readonly StoredProfile[], skipped: Skipped): Generator<Profile> {
  for (const { path } of profiles) {
    try {
      const bytes = readRegular(path, MAX_FILE);
      if (bytes) yield decodePprof(bytes);
      else skipped.add(path, 'it is no file, or too large.');
    } catch (error) {
      const code = systemCode(error);
      if (error instanceof DecodeError) skipped.add(path, error.message);
      else if (code === '') throw error;
      else if (code !== 'ENOENT') skipped.add(path, `${REASONS[code] ?? code}.`); // else trimmed meanwhile
    }
  }
}

/** Rows of the list: a series of a service each. */
function listRows(profiles: readonly StoredProfile[]): string[][] {
  const groups = new Map<string, StoredProfile[]>();
  for (const profile of profiles) {
    const key = JSON.stringify([profile.labels.service_name ?? '', profile.name]);
    const group = groups.get(key);
    if (group) group.push(profile);
    else groups.set(key, [profile]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => {
      const [service, name] = JSON.parse(key) as [string, string];
      const samples = group.reduce((sum, profile) => sum + profile.samples, 0);
      const end = group.reduce((last, { startMs, durationMs }) => Math.max(last, startMs + durationMs), 0);
      return [service, name, String(group.length), String(samples), time(group[0]!.startMs), time(end)];
    });
}

/** Controls of a terminal are not for labels to give. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '\ufffd');
}

function list(profiles: readonly StoredProfile[]): void {
  const rows = [['SERVICE', 'PROFILE', 'WINDOWS', 'SAMPLES', 'FROM', 'TO'], ...listRows(profiles)];
  const cells = rows.map(row => row.map(printable));
  const widths = cells[0]!.map((_, i) => cells.reduce((widest, row) => Math.max(widest, row[i]!.length), 0));
  for (const row of cells) {
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
}

function checkOneSeries(profiles: readonly StoredProfile[]): void {
  const names = [...new Set(profiles.map(({ name }) => name))].sort();
  if (names.length < 2) return;
  throw new ProfilerError('different-types', `these are profiles of different things: ${names.join(', ')}.`, {
    hint: `Choose one: --label __name__=${names[0]}.`,
    exitCode: ExitCode.usage,
  });
}

async function write(outputs: readonly Output[], profile: Profile, title: string, windows: number): Promise<number> {
  const labels = [...new Set(profile.labelSets.flatMap(set => set.map(({ key }) => key)))];
  const { written, failures } = await writeOutputs(outputs, profile, { annotate: false, labels, title });
  const seconds = (profile.durationMs / 1000).toFixed(1);
  say(`${bold(`${totalSamples(profile)} samples`)} of ${seconds} s in ${windows} profiles`);
  for (const [cause, count] of Object.entries(profile.losses)) if (count > 0) say(yellow(`${cause}: ${count}`));
  for (const { path } of written) if (path !== '-') say(`wrote ${bold(path)}`);
  for (const failure of failures) sayFailure(failure);
  return failures.length > 0 ? ExitCode.output : ExitCode.ok;
}

function none(flags: QueryFlags, from: number, to: number): ProfilerError {
  const labels = Object.entries(flags.label).map(([name, value]) => ` with ${name}=${value}`);
  const which = `${flags.service === undefined ? '' : ` of service "${flags.service}"`}${labels.join('')}`;
  return new ProfilerError('no-profiles', `"${flags.dir}" has no profile${which} from ${time(from)} to ${time(to)}.`, {
    hint: 'Without --service, --label and -o, `profiler query` lists what there is; --from reaches further back.',
  });
}

function mergeAll(profiles: readonly StoredProfile[], skipped: Skipped): { merged: Profile; count: number } {
  let count = 0;
  const counted = function* () {
    for (const profile of decodeAll(profiles, skipped)) {
      count++;
      yield profile;
    }
  };
  const merged = mergeProfiles(counted());
  return { merged, count };
}

export async function query(flags: QueryFlags): Promise<number> {
  const { to = Date.now() } = flags;
  const { from = to - HOUR } = flags;
  const outputs = flags.output.length > 0 ? findOutputs(flags.output, flags.format) : [];
  const { profiles, damaged } = find(flags, from, to);
  const skipped = new Skipped();
  try {
    for (const path of damaged) skipped.add(path, 'its description is missing or damaged.');
    if (profiles.length === 0) throw none(flags, from, to);
    if (outputs.length === 0) {
      list(profiles);
      return ExitCode.ok;
    }
    checkOneSeries(profiles);
    const { merged, count } = mergeAll(profiles, skipped);
    const title = flags.title ?? `${flags.service ?? 'all services'}, ${time(from)} to ${time(to)}`;
    return await write(outputs, merged, title, count);
  } finally {
    skipped.done();
  }
}
