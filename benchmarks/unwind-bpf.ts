/** What a sample costs in the kernel, as the kernel counts it (kernel.bpf_stats_enabled, which is put back). */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStacks, sum } from '../test/support/unwind.ts';
import { deep, nofp, type Target } from '../test/support/unwind-targets.ts';
import { folder, profiler, sleep, table } from './support.ts';
import { recorders } from './unwind-peers.ts';

const STATS = '/proc/sys/kernel/bpf_stats_enabled';
const SECONDS = 8;
/** bpf.h: BPF_PROG_TYPE_PERF_EVENT, the programs that run for each sample. */
const PERF_EVENT = 7;

type Fields = ReadonlyMap<string, number>;

/** What the kernel says of the BPF programs that a process holds; proc(5), /proc/PID/fdinfo. */
function bpfPrograms(pid: number): Fields[] {
  const directory = `/proc/${pid}/fdinfo`;
  return readdirSync(directory)
    .map(fd => {
      const lines = readFileSync(join(directory, fd), 'utf8').split('\n');
      return new Map(lines.map(line => [line.split(':')[0]!, Number(line.split(':')[1])]));
    })
    .filter(fields => fields.has('prog_id'));
}

async function withStatistics(body: () => Promise<void>): Promise<void> {
  const before = readFileSync(STATS, 'utf8');
  writeFileSync(STATS, '1');
  try {
    await body();
  } finally {
    writeFileSync(STATS, before);
  }
}

/** ns and runs of the programs that were run for samples, one descriptor of each. */
function sampling(pid: number): { ns: number; runs: number } {
  const programs = bpfPrograms(pid).filter(fields => fields.get('prog_type') === PERF_EVENT);
  const once = [...new Map(programs.map(fields => [fields.get('prog_id'), fields])).values()];
  const total = (name: string) => once.reduce((a, fields) => a + (fields.get(name) ?? 0), 0);
  return { ns: total('run_time_ns'), runs: total('run_cnt') };
}

async function measureTarget(target: Target, mode: readonly string[]): Promise<string[]> {
  const [program = '', ...args] = target.make(folder)(60);
  const burner = spawn(program, args, { stdio: 'ignore' });
  await sleep(500);
  const output = join(folder, 'bpf.pb.gz');
  const [node = '', ...main] = profiler;
  const what = ['record', '-q', '-p', `${burner.pid}`, '-F', '999', '-d', `${SECONDS}`, '-o', output];
  const recorder = spawn(node, [...main, ...what, ...mode], { stdio: 'ignore' });
  const ended = new Promise(resolve => recorder.once('exit', resolve));
  // The first second is for tables that come while it samples already.
  await sleep(2500);
  const before = sampling(recorder.pid!);
  await sleep(1000 * (SECONDS - 4));
  const after = sampling(recorder.pid!);
  await ended;
  burner.kill('SIGKILL');
  const { stacks } = readStacks(output);
  const depth = sum(stacks, stack => stack.frames.length) / sum(stacks);
  const runs = after.runs - before.runs;
  const ns = (after.ns - before.ns) / runs;
  return [target.name, mode.at(-1) ?? 'fp', `${runs}`, ns.toFixed(0), depth.toFixed(1), (ns / depth).toFixed(0)];
}

export async function bpfCost(): Promise<void> {
  const modes = recorders[0]!.available
    ? [
        ['--unwind', 'auto'],
        ['--unwind', 'fp'],
      ]
    : [[]];
  await withStatistics(async () => {
    const rows: string[][] = [];
    for (const target of [deep, nofp]) {
      for (const mode of modes) rows.push(await measureTarget(target, mode));
    }
    console.log('\nthe BPF program at 999 Hz: the whole sample, and divided by the number of user frames');
    table([['target', 'walk', 'runs', 'ns a sample', 'frames', 'ns a frame'], ...rows]);
  });
}
