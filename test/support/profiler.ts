/** Runs the built command line on real processes. */

import { type ChildProcess, execFileSync, type SpawnSyncOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const root = join(import.meta.dirname, '../..');
export const main = join(root, 'dist/cli/main.js');

export interface Run {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function profiler(args: readonly string[], options: SpawnSyncOptions = {}): Run {
  const result = spawnSync(process.execPath, [main, ...args], { ...options, encoding: 'utf8' });
  return { status: result.status, signal: result.signal, stdout: String(result.stdout), stderr: String(result.stderr) };
}

/** What of the doctor's report stands in the way of recording; '' when nothing does. */
export const obstacle = (() => {
  const { status, stdout } = profiler(['doctor']);
  if (status === 0) return '';
  const line = stdout.split('\n').find(text => text.startsWith('no '));
  return line?.replace(/\s+/g, ' ') ?? 'no answer from the doctor';
})();

/** For a describe title: names what is missing where recording is not possible. */
export function needsBpf(title: string): string {
  return obstacle === '' ? title : `${title} (skipped: needs BPF; doctor says: ${obstacle})`;
}

/** Whether a mount namespace can be made; not for users without rights, and not in a chroot. */
export const canMount = spawnSync('unshare', ['-m', 'true']).status === 0;

/** A folder for the files of a test file; gone at its end. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'profiler-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Compiles test/programs/<source>; frame pointers are kept. */
export function compile(folder: string, source: string, ...options: string[]): string {
  const output = join(folder, source.replace(/^.*\/|\.\w+$/g, ''));
  const compiler = source.endsWith('.cc') ? 'g++' : 'gcc';
  const flags = ['-O2', '-fno-omit-frame-pointer', '-falign-functions=64', '-falign-loops=64'];
  execFileSync(compiler, [...flags, ...options, '-o', output, join(root, 'test/programs', source), '-lpthread']);
  return output;
}

const started = new Set<ChildProcess>();

/** Starts a program that is killed at the end of the test file. */
export function start(
  command: string,
  args: readonly string[] = [],
  options: object = {},
): ChildProcess & { pid: number } {
  const child = spawn(command, args, { stdio: 'ignore', ...options });
  started.add(child);
  child.once('exit', () => started.delete(child));
  if (child.pid === undefined) throw new Error(`cannot start ${command}`);
  return child as ChildProcess & { pid: number };
}

export function stopAll(): void {
  for (const child of started) child.kill('SIGKILL');
}

/** A recorder in the background; `ended` resolves with its status and what it said. */
export function startProfiler(args: readonly string[], options: object = {}) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  started.add(child);
  let stderr = '';
  child.stderr?.on('data', chunk => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([status, signal]) => ({ status, signal, stderr }));
  return { child, ended };
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** A line of collapsed text. */
export interface Stack {
  readonly frames: readonly string[];
  readonly count: number;
}

export function parseCollapsed(text: string): Stack[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map(line => {
      const space = line.lastIndexOf(' ');
      return { frames: line.slice(0, space).split(';'), count: Number(line.slice(space + 1)) };
    });
}

export function readCollapsed(path: string): Stack[] {
  return parseCollapsed(readFileSync(path, 'utf8'));
}

/** Samples of the stacks that satisfy the condition. */
export function countOf(stacks: readonly Stack[], condition: (stack: Stack) => boolean = () => true): number {
  return stacks.filter(condition).reduce((sum, stack) => sum + stack.count, 0);
}

/** User and system time of a process in seconds; proc(5), fields 14 and 15 of /proc/PID/stat. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
