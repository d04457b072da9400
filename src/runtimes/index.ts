/** Language runtimes that are helped to name the code that they generate. */
import type { JitFiles } from '../process/jit-files.ts';
import { jvm } from './jvm.ts';
import { LeftBehind } from './left-behind.ts';
import { node } from './node.ts';
import type { Runtime } from './runtime.ts';

/** A new runtime is one new file and one line here. */
const RUNTIMES: readonly Runtime[] = [node, jvm];

/** What is done for the runtimes of one recording. */
export class RuntimeHelp {
  readonly #runtimes: readonly Runtime[];
  readonly #left = new LeftBehind();
  #environment: NodeJS.ProcessEnv = {};

  /** `names`: of those that are to be helped. */
  constructor(names: readonly string[]) {
    this.#runtimes = RUNTIMES.filter(({ name }) => names.includes(name));
  }

  /** Variables for a command that is to be recorded; of what they lead to, remove() is told by started(). */
  environment(command: readonly string[], inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    for (const runtime of this.#runtimes) {
      const added = runtime.environment?.(command, { ...inherited, ...this.#environment });
      if (!added) continue;
      this.#environment = { ...this.#environment, ...added };
      if (runtime.leftovers) this.#left.expect(runtime.leftovers);
    }
    return this.#environment;
  }

  /** A program of the command was started. */
  started(pid: number): void {
    this.#left.started(pid);
  }

  /** Asks running processes for names that they have not written; returns why there are none, and what can be done. */
  async ask(processes: Iterable<JitFiles>): Promise<string[]> {
    const sentences = new Set<string>();
    for (const files of processes) {
      if (files.descriptors.perfMap !== undefined || files.descriptors.jitdump !== undefined) continue;
      const answers = await Promise.all(this.#runtimes.map(runtime => runtime.ask?.(files)));
      for (const answer of answers) if (typeof answer === 'string') sentences.add(answer);
      if (answers.includes(true)) {
        files.look();
        this.#left.made(files.pathOf(files.perfMapName));
      } else if (!answers.some(Boolean)) {
        for (const runtime of RUNTIMES) sentences.add(runtime.advice?.(files) ?? '');
      }
    }
    return [...sentences].filter(Boolean);
  }

  /** Removes the files that are there because of the variables. */
  removeLeftovers(): void {
    this.#left.remove();
  }

  /** Removes the perf maps that were asked for; while the processes' files are open. */
  removeAsked(): void {
    this.#left.removeMade();
  }
}
