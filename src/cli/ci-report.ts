/** What `profiler ci run` makes of its runs for people: pictures of the head, and a report of what changed. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { boundedProfile } from '../ci/bounded.ts';
import type { Side } from '../ci/plan.ts';
import { formatByName } from '../encode/index.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import type { GateRun } from '../gate/runs.ts';
import { mergeProfiles } from '../model/merge.ts';
import type { Profile } from '../model/profile.ts';
import { diff } from './diff.ts';
import { fileInput } from './diff-inputs.ts';
import { writeOutputs } from './outputs.ts';
import { bold, red, say, yellow } from './terminal.ts';

export interface ReportOptions {
  readonly folder: string;
  readonly runs: readonly GateRun[];
  readonly title: string;
  /** Of a file, bytes. */
  readonly maxSize: number;
  readonly quiet: boolean;
}

/** What changed, and how sure that is, without rules that could fail. */
const SHOWN = {
  failOn: [],
  floor: '0.5pp',
  allow: [],
  strict: false,
  absolute: false,
  side: 'both',
  minPercent: 0,
  linkBase: '',
  force: false,
  baseLabel: {},
  baseWindows: 1,
} as const;

/** The profiles of the runs that succeeded. */
function profilesOf({ folder, runs }: ReportOptions, side: Side): string[] {
  return runs.filter(run => run.side === side && run.status === 0).map(({ profile }) => join(folder, profile));
}

/** All runs of the head as one flame graph. */
async function drawHead(options: ReportOptions, paths: readonly string[]): Promise<boolean> {
  const { folder, title, maxSize, quiet } = options;
  const profiles: Profile[] = [];
  for (const path of paths) {
    const loaded = await fileInput(path).load();
    if ('profile' in loaded) profiles.push(loaded.profile);
  }
  const { profile } = boundedProfile(mergeProfiles(profiles), maxSize);
  const outputs = (['svg', 'html'] as const).map(name => ({
    path: join(folder, `flame.${name}`),
    format: formatByName(name),
  }));
  const { written, failures } = await writeOutputs(outputs, profile, { annotate: false, labels: [], title });
  if (!quiet) for (const { path } of written) say(`wrote ${bold(path)}`);
  for (const failure of failures) say(`${red('error:')} ${failure.message}`);
  return failures.length === 0;
}

/** Artefacts that nobody can open help nobody. */
function dropLarge(paths: readonly string[], maxSize: number): void {
  for (const path of paths) {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= maxSize) continue;
    rmSync(path);
    say(yellow(`${path} was removed: its ${(size / 2 ** 20).toFixed(0)} MiB are more than --max-size.`));
  }
}

/** A side without samples is nothing to compare, and no failure of the runs. */
function tellEmpty(error: unknown): number {
  if (!(error instanceof ProfilerError) || error.code !== 'empty-side') throw error;
  say(yellow(`No comparison: ${error.message}`));
  return ExitCode.ok;
}

/** Writes them beside the profiles. Returns the exit code. */
export async function writeReport(options: ReportOptions): Promise<number> {
  const { folder, title, maxSize } = options;
  const [base, head] = [profilesOf(options, 'base'), profilesOf(options, 'head')];
  if (head.length === 0) return ExitCode.ok;
  const isDrawn = await drawHead(options, head);
  const output = ['report.md', 'diff.html', 'diff.svg'].map(name => join(folder, name));
  const code =
    base.length > 0 ? await diff([], { ...SHOWN, runs: folder, output, title }).catch(tellEmpty) : ExitCode.ok;
  dropLarge([...output, join(folder, 'flame.html'), join(folder, 'flame.svg')], maxSize);
  return isDrawn ? code : ExitCode.output;
}
