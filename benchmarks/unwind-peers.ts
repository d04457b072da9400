/** Recorders whose stacks are compared: ours, ours with frame pointers alone, perf's dwarf mode. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parsePerfScript, readStacks, type UserStack } from '../test/support/unwind.ts';
import { folder, has, profiler } from './support.ts';

export interface Recording {
  readonly stacks: readonly UserStack[];
  /** How many walks ended in which way, as far as the recorder says it. */
  readonly ends: ReadonlyMap<string, number>;
}

export interface Recorder {
  readonly name: string;
  readonly available: boolean;
  record(pid: number, seconds: number): Promise<Recording>;
}

const [nodePath = '', ...main] = profiler;

/** Whether the built profiler can be told how to walk; until it can, frame pointers are all it has. */
const canChoose = execFileSync(nodePath, [...main, 'record', '--help'], { encoding: 'utf8' }).includes('--unwind ');

/** Our `record`, with more arguments. Rejects when it fails. */
export async function runOurs(...args: readonly string[]): Promise<string> {
  const child = spawn(nodePath, [...main, 'record', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', chunk => {
    errors += chunk;
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`record ${args.join(' ')} exited with ${status}: ${errors}`);
  return errors;
}

function ours(...mode: readonly string[]): Recorder['record'] {
  return async (pid, seconds) => {
    const output = join(folder, 'stacks.pb.gz');
    const what = ['-q', '-p', `${pid}`, '-F', '999', '-d', `${seconds}`, '--labels', 'pid,comm'];
    await runOurs(...what, ...mode, '-o', output);
    return readStacks(output);
  };
}

/** A tenth of our rate: it copies 8 KB of stack for each sample, and takes long to walk them. */
async function perfDwarf(pid: number, seconds: number): Promise<Recording> {
  const data = join(folder, 'perf.data');
  const options = ['-q', '--call-graph', 'dwarf', '-e', 'cpu-clock', '-F', '99', '-o', data];
  const child = spawn('perf', ['record', ...options, '-p', `${pid}`, '--', 'sleep', `${seconds}`], { stdio: 'ignore' });
  await once(child, 'close');
  return { stacks: perfStacks(data), ends: new Map() };
}

/** What perf makes of its recording. */
export function perfStacks(data: string): UserStack[] {
  const options = ['script', '--no-inline', '-i', data, '-F', 'comm,pid,tid,ip,sym,dso'];
  const text = execFileSync('perf', options, {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return parsePerfScript(text);
}

export const recorders: readonly Recorder[] = [
  { name: 'profiler', available: canChoose, record: ours('--unwind', 'auto') },
  { name: 'frame pointers', available: true, record: canChoose ? ours('--unwind', 'fp') : ours() },
  { name: 'perf dwarf', available: has('perf'), record: perfDwarf },
];
