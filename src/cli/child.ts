/** The command that `record -- CMD` runs: it exists before sampling starts and executes nothing until told to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { constants as os } from 'node:os';
import { delimiter, join } from 'node:path';
import { ExitCode, ProfilerError } from '../errors.ts';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isCommand(name: string): boolean {
  if (name.includes('/')) return isExecutable(name);
  return (process.env.PATH ?? '').split(delimiter).some(directory => isExecutable(join(directory || '.', name)));
}

export class Child {
  readonly pid: number;
  /** Its exit status as a shell gives it: 128 + n after signal n. */
  readonly exited: Promise<number>;
  readonly #process: ChildProcess;

  /** Starts a process that waits for run(). Standard input, output and error are ours; `environment` is added to ours. */
  constructor(command: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const [name = ''] = command;
    if (!isCommand(name)) {
      const exitCode = ExitCode.commandNotFound;
      throw new ProfilerError('command-not-found', `no such command: "${name}".`, { exitCode });
    }
    // The shell becomes the command: same process id, and the wait ends with a byte on descriptor 3.
    const script = 'read -r _ <&3 && exec 3<&- && exec "$@"';
    this.#process = spawn('/bin/sh', ['-c', script, 'sh', ...command], {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.exited = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? os.signals[signal] : 0)));
    });
    if (this.#process.pid === undefined) throw new ProfilerError('spawn', 'cannot start /bin/sh.');
    this.pid = this.#process.pid;
    this.#gate.on('error', () => {}); // it was killed before run(): `exited` tells
  }

  get #gate() {
    return this.#process.stdio[3] as NodeJS.WritableStream;
  }

  /** Lets the command begin. */
  run(): void {
    this.#gate.end('\n');
  }

  /** Gives up before run(): nothing was executed. */
  abandon(): void {
    this.#gate.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}
