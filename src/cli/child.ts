/** The command that `record -- CMD` runs: it exists before sampling starts and executes nothing until told to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, statSync } from 'node:fs';
import { constants as os } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ExitCode, ProfilerError } from '../errors.ts';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isCommand(name: string, cwd: string): boolean {
  if (name.includes('/')) return isExecutable(resolve(cwd, name));
  return (process.env.PATH ?? '').split(delimiter).some(directory => isExecutable(join(directory || '.', name)));
}

export type OutputName = 'stdout' | 'stderr';

export interface ChildOptions {
  readonly cwd?: string | undefined;
  /** Added to ours. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Is told what the command writes, which is passed on; without it, the command writes to our own outputs. */
  readonly onOutput?: ((name: OutputName, chunk: Uint8Array) => void) | undefined;
  /** The command has our standard input; it is empty when not. */
  readonly input?: boolean;
}

/** How long outputs that were piped are waited for when a command has ended: its children may keep them open. */
const OUTPUT_MS = 1000;

export class Child {
  readonly pid: number;
  /** Its exit status as a shell gives it: 128 + n after signal n. */
  readonly exited: Promise<number>;
  /** The same, when what it wrote has been passed on. */
  readonly ended: Promise<number>;
  readonly #process: ChildProcess;

  /** Starts a process that waits for run(). Standard input, output and error are ours, if the options say no other. */
  constructor(command: readonly string[], { cwd, environment = {}, onOutput, input = true }: ChildOptions = {}) {
    const [name = ''] = command;
    if (!isCommand(name, cwd ?? '.')) {
      const exitCode = ExitCode.commandNotFound;
      throw new ProfilerError('command-not-found', `no such command: "${name}".`, { exitCode });
    }
    // The shell becomes the command: same process id, and the wait ends with a byte on descriptor 3.
    const script = 'read -r _ <&3 && exec 3<&- && exec "$@"';
    this.#process = spawn('/bin/sh', ['-c', script, 'sh', ...command], {
      cwd,
      env: { ...process.env, ...environment },
      stdio: [input ? 'inherit' : 'ignore', onOutput ? 'pipe' : 'inherit', onOutput ? 'pipe' : 'inherit', 'pipe'],
    });
    const outputs = onOutput ? this.#passOn(onOutput) : undefined;
    const exited = new Promise<number>((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? os.signals[signal] : 0)));
    });
    this.exited = exited;
    this.ended = exited.then(async status => {
      if (outputs) await Promise.race([outputs, setTimeout(OUTPUT_MS, undefined, { ref: false })]);
      return status;
    });
    this.ended.catch(() => {}); // `exited` tells
    if (this.#process.pid === undefined) throw new ProfilerError('spawn', 'cannot start /bin/sh.');
    this.pid = this.#process.pid;
    this.#gate.on('error', () => {}); // it was killed before run(): `exited` tells
  }

  #passOn(onOutput: (name: OutputName, chunk: Uint8Array) => void): Promise<unknown> {
    const passed = (['stdout', 'stderr'] as const).map(name => {
      const stream = this.#process[name]!;
      stream.on('data', (chunk: Uint8Array) => onOutput(name, chunk));
      stream.pipe(process[name], { end: false });
      return once(stream, 'close').catch(() => {});
    });
    return Promise.all(passed);
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
