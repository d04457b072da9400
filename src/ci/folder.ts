/** The folder that `profiler ci run` fills: a profile for each run, and runs.json, which says what they are. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import { type GateRun, RUNS_FILE, type RunsFile } from '../gate/runs.ts';
import { writeOutput } from '../sinks/file.ts';

/** What a run before this one may have left. */
const OURS = /^(?:(?:base|head)-\d+\.pb\.gz|runs\.json|(?:flame|diff)\.(?:svg|html)|report\.md)$/;

export class RunsFolder {
  readonly #path: string;
  readonly #how: Pick<RunsFile, 'event' | 'hz'>;
  readonly #runs: GateRun[] = [];

  /** Makes the folder where it is missing, and removes what an earlier recording left in it. Throws a ProfilerError. */
  constructor(path: string, how: Pick<RunsFile, 'event' | 'hz'>) {
    this.#path = path;
    this.#how = how;
    try {
      mkdirSync(path, { recursive: true });
      for (const name of readdirSync(path)) if (OURS.test(name)) rmSync(join(path, name));
    } catch (cause) {
      const message = `cannot make the folder "${path}": ${systemCode(cause)}.`;
      throw new ProfilerError('output', message, { exitCode: ExitCode.output, cause });
    }
  }

  get runs(): readonly GateRun[] {
    return this.#runs;
  }

  /** Writes the profile and tells of it at once, so that whatever ends the recording, what was there is left. */
  async add(run: Omit<GateRun, 'profile'>, bytes: Uint8Array): Promise<void> {
    const profile = `${run.side}-${run.index}.pb.gz`;
    await writeOutput(join(this.#path, profile), [bytes]);
    this.#runs.push({ ...run, profile });
    const file: RunsFile = { version: 1, ...this.#how, runs: this.#runs };
    await writeOutput(join(this.#path, RUNS_FILE), [`${JSON.stringify(file, null, 2)}\n`]);
  }
}
