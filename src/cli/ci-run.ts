/** `profiler ci run`: runs of one or two versions in turns, and a folder with what they were. */
import { statSync } from 'node:fs';
import { allowedRate, defaultEvent } from '../capture/default-event.ts';
import { findEvent } from '../capture/events/index.ts';
import { RUNG_TEXT } from '../capture/ladder.ts';
import type { Rung, UnwindMode } from '../capture/options.ts';
import { boundedProfile } from '../ci/bounded.ts';
import { RunsFolder } from '../ci/folder.ts';
import { type PlannedRun, planRuns, type Side } from '../ci/plan.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { lostSamples } from '../model/statistics.ts';
import type { Child } from './child.ts';
import { type RecordedRun, type Run, type RunRecipe, recordRun, warmUp } from './ci-record.ts';
import { writeReport } from './ci-report.ts';
import { totalSamples } from './summary.ts';
import { bold, say, status, yellow } from './terminal.ts';

/** The command line as commander hands it over. */
export interface CiRunFlags {
  readonly runs: number;
  readonly warmup: number;
  readonly baseCmd?: string;
  readonly baseDir?: string;
  readonly metric: 'cpu' | 'wall';
  readonly metricRegex?: RegExp;
  readonly metricName?: string;
  readonly metricMoreIsBetter: boolean;
  readonly frequency: number;
  readonly event?: string;
  readonly capture: Rung | 'auto';
  readonly unwind: UnwindMode;
  readonly unwindMemory: number;
  readonly output: string;
  /** Bytes. */
  readonly maxSize: number;
  readonly quiet: boolean;
}

const MAX_TITLE = 100;

function usage(message: string, hint: string): ProfilerError {
  return new ProfilerError('usage', message, { hint, exitCode: ExitCode.usage });
}

function checkFlags({ baseDir, metricRegex, metricName, metricMoreIsBetter }: CiRunFlags): void {
  if (baseDir !== undefined && !statSync(baseDir, { throwIfNoEntry: false })?.isDirectory()) {
    throw usage(`there is no folder "${baseDir}" to run the base in.`, 'Make it: git worktree add FOLDER COMMIT.');
  }
  if (metricRegex === undefined && (metricName !== undefined || metricMoreIsBetter)) {
    throw usage('--metric-name and --metric-more-is-better are about what --metric-regex finds.', 'Say all of them.');
  }
}

/** How the runs of each side are made. The event and the rate are the same for all. */
function recipes(command: readonly string[], flags: CiRunFlags): Readonly<Partial<Record<Side, RunRecipe>>> {
  const { baseCmd, baseDir, unwind, unwindMemory } = flags;
  const event = flags.event === undefined ? defaultEvent() : findEvent(flags.event);
  const common = { event, hz: allowedRate(flags.frequency), rung: flags.capture, unwind, unwindMemory };
  const head = { ...common, command, cwd: undefined, printed: flags.metricRegex };
  if (baseCmd === undefined && baseDir === undefined) return { head };
  return {
    base: { ...head, command: baseCmd === undefined ? command : ['/bin/sh', '-c', baseCmd], cwd: baseDir },
    head,
  };
}

/** What the run cost, less is better; null when it did not print it. */
function metricOf(run: Run, { metric, metricRegex, metricMoreIsBetter }: CiRunFlags): number | null {
  if (metricRegex === undefined) return metric === 'cpu' ? run.cpuMs : run.wallMs;
  if (run.printed === undefined) return null;
  if (!metricMoreIsBetter) return run.printed;
  return run.printed > 0 ? 1 / run.printed : null;
}

function metricName({ metric, metricRegex, metricName = 'printed', metricMoreIsBetter }: CiRunFlags): string {
  if (metricRegex === undefined) return `${metric} ms`;
  return metricMoreIsBetter ? `1 / (${metricName})` : metricName;
}

/** A signal ends the command that runs, and no other is begun. */
class Interruption {
  #status = 0;
  #child: Child | undefined;

  constructor() {
    for (const [signal, number] of [
      ['SIGINT', 2],
      ['SIGTERM', 15],
      ['SIGHUP', 1],
    ] as const) {
      process.on(signal, () => {
        this.#status = 128 + number;
        // A terminal sends Ctrl-C to the command as well.
        if (signal !== 'SIGINT' || !process.stderr.isTTY) this.#child?.kill(signal);
      });
    }
  }

  readonly onStart = (child: Child): void => {
    this.#child = child;
  };

  /** 0 as long as nobody interrupted. */
  get status(): number {
    return this.#status;
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;

function describe({ wallMs, cpuMs, printed, profile, status }: RecordedRun, { metricName = '' }: CiRunFlags): string {
  const parts = [
    `${seconds(wallMs)}, ${seconds(cpuMs)} of CPU`,
    `${totalSamples(profile)} samples, ${lostSamples(profile.losses)} lost`,
    ...(printed === undefined ? [] : [`${printed} ${metricName}`.trim()]),
    ...(status === 0 ? [] : [yellow(`status ${status}`)]),
  ];
  return parts.join('; ');
}

class CiRun {
  readonly #flags: CiRunFlags;
  readonly #recipes: Readonly<Partial<Record<Side, RunRecipe>>>;
  readonly #folder: RunsFolder;
  readonly #interruption = new Interruption();
  #hasToldRung = false;

  constructor(command: readonly string[], flags: CiRunFlags) {
    checkFlags(flags);
    this.#flags = flags;
    this.#recipes = recipes(command, flags);
    const { event, hz } = this.#recipes.head!;
    this.#folder = new RunsFolder(flags.output, { event: event.name, hz });
  }

  /** Until all is done, a command fails or somebody interrupts. Returns the exit code. */
  async all(): Promise<number> {
    const { runs, warmup, output, maxSize, quiet } = this.#flags;
    const sides = (['base', 'head'] as const).filter(side => this.#recipes[side]);
    for (const planned of planRuns(sides, runs, warmup)) {
      const status = await this.#one(planned);
      if (this.#interruption.status !== 0) return this.#interruption.status;
      if (status === 0) continue;
      say(
        `The command of the ${planned.side} failed with status ${status}; what was recorded until then is in ${output}.`,
      );
      return status;
    }
    this.#say(`wrote ${bold(output)}: ${this.#folder.runs.length} profiles and runs.json`);
    const { runs: recorded } = this.#folder;
    const title = this.#recipes.head!.command.join(' ').slice(0, MAX_TITLE);
    return await writeReport({ folder: output, runs: recorded, title, maxSize, quiet });
  }

  #say(text: string): void {
    if (!this.#flags.quiet) say(text);
  }

  async #one({ side, index }: PlannedRun): Promise<number> {
    const recipe = this.#recipes[side]!;
    const { runs, quiet } = this.#flags;
    if (!quiet) status(() => `${side} ${index === 0 ? 'warm-up' : `${index} of ${runs}`} …`);
    if (index === 0) {
      const run = await warmUp(recipe, this.#interruption.onStart);
      this.#say(`${side} warm-up: ${seconds(run.wallMs)}, ${seconds(run.cpuMs)} of CPU`);
      return run.status;
    }
    const run = await recordRun(recipe, this.#interruption.onStart);
    this.#tellRung(run);
    await this.#keep({ side, index }, run);
    return run.status;
  }

  async #keep({ side, index }: PlannedRun, run: RecordedRun): Promise<void> {
    const { maxSize, runs } = this.#flags;
    const { bytes, cut } = boundedProfile(run.profile, maxSize);
    const { status, wallMs, cpuMs, rung } = run;
    const metric = metricOf(run, this.#flags);
    const figures = { side, index, status, wallMs, cpuMs, metric, metricName: metricName(this.#flags), rung };
    await this.#folder.add(figures, bytes);
    this.#say(`${bold(`${side} ${index} of ${runs}`)}: ${describe(run, this.#flags)}`);
    if (cut > 0) this.#say(yellow(`frames under ${cut} % were left out to keep the profile within --max-size.`));
    if (metric === null) this.#say(yellow('it printed nothing that --metric-regex matches.'));
  }

  #tellRung({ rung, rungRefusal }: RecordedRun): void {
    if (this.#hasToldRung || rungRefusal === '') return;
    this.#hasToldRung = true;
    this.#say(`Captured by ${RUNG_TEXT[rung]}: ${rungRefusal}`);
  }
}

/** Returns the exit code. @throws ProfilerError when nothing can be run or recorded */
export async function ciRun(command: readonly string[], flags: CiRunFlags): Promise<number> {
  return await new CiRun(command, flags).all();
}
