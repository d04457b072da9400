/** What the gate compares besides files that are named: the folder of `profiler ci run`, and bases kept elsewhere. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { SIDES, type SideName } from '../diff/difference.ts';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import { type GateRun, RUNS_FILE, type RunsFile, runsFile } from '../gate/runs.ts';
import { readRegular } from '../store/read.ts';
import { type BaseFlags, keptBase } from './base-inputs.ts';
import { checkTwice, fileInput, findPaths, type Inputs, SIDES_HINT, usage } from './diff-inputs.ts';

export interface InputFlags extends BaseFlags {
  readonly base?: readonly string[];
  readonly head?: readonly string[];
  /** Folder of `profiler ci run`. */
  readonly runs?: string;
}

export interface Found {
  readonly inputs: Inputs;
  /** The command of these did not succeed: they are not compared. */
  readonly crashed: readonly GateRun[];
  /** Why there is no base, '' when there is one. */
  readonly noBase: string;
}

const MAX_RUNS_FILE = 2 ** 24;

function badRuns(path: string, reason: string): ProfilerError {
  return new ProfilerError('unreadable', `cannot read "${path}": ${reason}.`, {
    hint: '--runs names the folder that `profiler ci run` has filled.',
    exitCode: ExitCode.failure,
  });
}

/** @throws ProfilerError when there is no description of runs, or one of another form */
function readRuns(folder: string): RunsFile {
  const path = join(folder, RUNS_FILE);
  try {
    const { data, error } = runsFile.safeParse(JSON.parse(readRegular(path, MAX_RUNS_FILE)?.toString() ?? ''));
    if (data) return data;
    const [issue] = error.issues;
    throw badRuns(path, `${issue?.path.join('.')}: ${issue?.message}`);
  } catch (error) {
    if (error instanceof SyntaxError) throw badRuns(path, 'it is no JSON, or too large');
    if (systemCode(error) === 'ENOENT') throw badRuns(path, 'it does not exist');
    throw error;
  }
}

/** The runs of both sides that succeeded, in order, and those that did not. @throws ProfilerError when it is none of ours */
export function readRunsFolder(folder: string): { readonly inputs: Inputs; readonly crashed: readonly GateRun[] } {
  const { runs } = readRuns(folder);
  const of = (side: SideName) => {
    const own = runs.filter(run => run.side === side && run.status === 0).sort((a, b) => a.index - b.index);
    return own.map(run => fileInput(join(folder, run.profile), run));
  };
  return { inputs: { base: of('base'), head: of('head') }, crashed: runs.filter(({ status }) => status !== 0) };
}

function isMissing(path: string): boolean {
  return path !== '-' && statSync(path, { throwIfNoEntry: false }) === undefined;
}

function names(paths: readonly string[]): string {
  return paths.map(path => `"${path}"`).join(', ');
}

const NO_RUNS = { inputs: { base: [], head: [] }, crashed: [] };

/**
 * What is named goes before what the folder of runs has of a side.
 * @param mayLackBase whether a missing base is a first run, not a mistake
 * @throws ProfilerError when there are no two sides
 */
export async function findInputs(files: readonly string[], flags: InputFlags, mayLackBase: boolean): Promise<Found> {
  const paths = findPaths(files, flags);
  checkTwice(paths);
  const { inputs: recorded, crashed } = flags.runs === undefined ? NO_RUNS : readRunsFolder(flags.runs);
  const isFirst = mayLackBase && paths.base.length > 0 && paths.base.every(isMissing);
  const kept = await keptBase(flags);
  const wantsBase = paths.base.length > 0 || flags.baseStore !== undefined || flags.baseQuery !== undefined;
  const inputs = {
    base: wantsBase ? [...(isFirst ? [] : paths.base.map(path => fileInput(path))), ...kept] : recorded.base,
    head: paths.head.length > 0 ? paths.head.map(path => fileInput(path)) : recorded.head,
  };
  const noBase = inputs.base.length > 0 || !mayLackBase ? '' : noBaseText(paths.base, flags);
  for (const side of SIDES) {
    const isExcused = (side === 'base' && noBase !== '') || crashed.length > 0;
    if (inputs[side].length === 0 && !isExcused) throw usage(`there is no profile for the ${side}.`, SIDES_HINT);
  }
  return { inputs, crashed, noBase };
}

/** '' when no base was meant to be there. */
function noBaseText(paths: readonly string[], { runs, baseStore, baseQuery }: InputFlags): string {
  if (paths.length > 0) return `the base does not exist (${names(paths.slice(0, 3))})`;
  if (baseStore !== undefined) return `"${baseStore}" has no profile of the base`;
  if (baseQuery !== undefined) return 'the server has no profile of the base';
  return runs === undefined ? '' : `"${runs}" has no runs of a base`;
}
