/** Processes that have ended and were not waited for. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

export interface Zombie {
  readonly pid: number;
  readonly parent: number;
  /** Ends the parent, and with it the zombie. */
  end(): void;
}

/** Waits for the state of a process that proc(5) has this letter for. */
export async function untilState(pid: number, letter: string): Promise<void> {
  while (!readFileSync(`/proc/${pid}/status`, 'utf8').includes(`\nState:\t${letter}`)) {
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

export async function zombie(): Promise<Zombie> {
  // The child outlives the shell's becoming another program, which does not know of it.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line);
  await untilState(pid, 'Z');
  return { pid, parent: parent.pid!, end: () => parent.kill() };
}
