/** What is done for a language runtime so that the code which it generates has names. */
import type { JitFiles } from '../process/jit-files.ts';

export interface Runtime {
  readonly name: string;
  /**
   * Variables with which a command, and what it starts, writes names. `inherited`: what it would have without them.
   * undefined where it will write them anyway.
   */
  environment?(command: readonly string[], inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv | undefined;
  /** What the user can do for the names of a process that has no file for them; undefined for one of another runtime. */
  advice?(files: JitFiles): string | undefined;
  /** The files that a process leaves behind because of these variables. */
  leftovers?(pid: number): Leftovers;
  /**
   * Makes a running process write its perf map. Resolves to false for a process of another runtime, and to a sentence
   * when it could not be done.
   */
  ask?(files: JitFiles): Promise<boolean | string>;
}

export interface Leftovers {
  /** A name in /tmp. */
  readonly temporary: string;
  /** Names in the folder where the process was started. */
  readonly working?: RegExp;
}
