/** What the benchmarks share: programs to measure, whole-process figures, medians. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/package.ts';

/** Everything that a benchmark writes; gone at its end. */
export const folder = mkdtempSync(join(tmpdir(), 'bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Where it is set, Node.js reads all certificates whenever it starts, 30 ms of CPU: no part of what is measured. */
delete process.env.NODE_EXTRA_CA_CERTS;

export const profiler = [process.execPath, `${packageRoot}dist/cli/main.js`];

export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

/** Compiles a program below the package's root, with frame pointers. */
export function compile(source: string, ...options: readonly string[]): string {
  const output = join(folder, source.replace(/^.*\/|\.\w+$/g, ''));
  if (existsSync(output)) return output;
  const compiler = source.endsWith('.cc') ? 'g++' : 'gcc';
  const path = packageRoot + source;
  execFileSync(compiler, ['-O2', '-fno-omit-frame-pointer', ...options, '-o', output, path, '-lpthread']);
  return output;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Usage {
  /** User and system time of the command and its children, seconds. */
  readonly cpu: number;
  /** Peak resident memory of its largest process, MB. */
  readonly rss: number;
  /** Seconds. */
  readonly wall: number;
  /** What it said on standard error. */
  readonly errors: string;
}

/** Runs a command to its end. */
export async function measure(command: readonly string[]): Promise<Usage> {
  const report = join(folder, 'usage');
  const child = spawn(compile('benchmarks/measure.c'), [report, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', chunk => {
    errors += chunk;
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`${command.join(' ')} exited with ${status}: ${errors.slice(-500)}`);
  const [cpu = 0, kilobytes = 0, wall = 0] = readFileSync(report, 'utf8').split(' ').map(Number);
  return { cpu, rss: kilobytes / 1024, wall, errors };
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Prints rows below a heading, columns as wide as their longest cell. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    );
}
