/** What complete stacks cost a recorder and its target: one process, churn, the whole machine. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/package.ts';
import { completeShare, Roots, readStacks, sharesOf } from '../test/support/unwind.ts';
import { deep } from '../test/support/unwind-targets.ts';
import { type Peer, peers } from './peers.ts';
import { folder, has, measure, median, profiler, sleep, table, type Usage } from './support.ts';
import { mapBytes } from './unwind-bpf.ts';
import { perfStacks, runOurs } from './unwind-peers.ts';

const ROUNDS = 3;
const scripts = process.env.FLAMEGRAPH_DIR ?? '';
const compared = peers.filter(peer => peer.available && ['profiler', 'perf dwarf + scripts'].includes(peer.name));
const perfData = join(folder, 'perf.data');

/** MB that perf wrote on its way; we write the picture only. */
function onDisk(): string {
  return existsSync(perfData) ? (statSync(perfData).size / 2 ** 20).toFixed(0) : '0';
}

function rowOf(name: string, used: readonly Usage[], disk: string, more: readonly string[] = []): string[] {
  const cpu = median(used.map(usage => usage.cpu)).toFixed(2);
  return [name, cpu, median(used.map(usage => usage.rss)).toFixed(0), disk, ...more];
}

async function pictureOf(peer: Peer): Promise<Usage & { readonly samples: number; readonly disk: string }> {
  rmSync(perfData, { force: true });
  const [program = '', ...args] = deep.make(folder)(60);
  const target = spawn(program, args, { stdio: 'ignore' });
  await sleep(500);
  const task = { pid: target.pid!, hz: 999, seconds: 10 };
  const used = await measure(peer.picture(task));
  target.kill('SIGKILL');
  return { ...used, samples: peer.samples(task, used.errors), disk: onDisk() };
}

/** Recording the 40-deep target and drawing it. */
export async function cost(): Promise<void> {
  const used = compared.map((): Awaited<ReturnType<typeof pictureOf>>[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, peer] of compared.entries()) used[i]!.push(await pictureOf(peer));
  }
  console.log(
    `\n10 s at 999 Hz of 40 frames without frame pointers, 2 threads, 16,384 stacks, to SVG (medians of ${ROUNDS})`,
  );
  const rows = compared.map((peer, i) => {
    const runs = used[i]!;
    return rowOf(peer.name, runs, runs[0]!.disk, [median(runs.map(run => run.samples)).toFixed(0)]);
  });
  table([['tool', 'CPU s', 'peak RSS MB', 'MB on disk', 'samples'], ...rows]);
}

/** Runs what keeps the machine busy for as long as something is measured. */
async function during<T>(commands: readonly string[], body: () => Promise<T>): Promise<T> {
  const busy: ChildProcess[] = commands.map(command => {
    // A group of its own each, so that what a loop has started ends with it.
    return spawn('sh', ['-c', command], { stdio: 'ignore', detached: true, cwd: folder });
  });
  await sleep(1000);
  try {
    return await body();
  } finally {
    for (const child of busy) process.kill(-child.pid!, 'SIGKILL');
  }
}

const programs = join(packageRoot, 'test/programs');
/** Two compilers at once and twenty shells a second: about a hundred processes a second, none of which lives long. */
const CHURN = [
  ...[0, 1].map(n => `while :; do for f in ${programs}/*.c; do gcc -O2 -c -DNAME=work -o churn-${n}.o $f; done; done`),
  'while :; do sh -c "ls >/dev/null"; sleep 0.05; done',
];
/** Two compilers that work for seconds each. */
const COMPILE = [0, 1].map(
  n =>
    `while :; do ${has('clang++') ? 'clang++' : 'g++'} -std=c++17 -O2 -DUNITS=8 -c -o compile-${n}.o ${programs}/unwind/compile.cc; done`,
);

const allOurs = (seconds: number, output: string) => ['-q', '-a', '-F', '99', '-d', `${seconds}`, '-o', output];
const perfAll = (seconds: number) =>
  `perf record -q -a --call-graph dwarf -e cpu-clock -F 99 -o ${perfData} -- sleep ${seconds}`;

/** The shares of a recording of everything: as we say, and as its outermost frames do. */
async function sharesOfOurs(seconds: number, roots: Roots): Promise<string[]> {
  const output = join(folder, 'all.pb.gz');
  await runOurs(...allOurs(seconds, output), '--labels', 'pid,comm');
  const { stacks, ends } = readStacks(output);
  const said = completeShare(ends);
  const text = Number.isNaN(said) ? '–' : `${(100 * said).toFixed(2)} %`;
  return [text, `${(100 * sharesOf(stacks, roots).rooted).toFixed(2)} %`];
}

function sharesOfPerf(seconds: number, roots: Roots): string[] {
  spawnSync('sh', ['-c', perfAll(seconds)]);
  return ['–', `${(100 * sharesOf(perfStacks(perfData), roots).rooted).toFixed(2)} %`];
}

async function busyMachine(title: string, load: readonly string[], seconds: number, withPerf: boolean): Promise<void> {
  const roots = new Roots(folder);
  const rows = await during(load, async () => {
    const svg = join(folder, 'all.svg');
    rmSync(perfData, { force: true });
    const used: Usage[] = [];
    for (let round = 0; round < ROUNDS; round++)
      used.push(await measure([...profiler, 'record', ...allOurs(seconds, svg)]));
    const result = [rowOf('profiler', used, '0', await sharesOfOurs(seconds, roots))];
    if (!withPerf || !has('perf') || scripts === '') return result;
    // With inlined calls, which it asks addr2line for, it takes 30 to 80 s here.
    const draw = `perf script --no-inline -i ${perfData} | ${scripts}/stackcollapse-perf.pl | ${scripts}/flamegraph.pl > ${svg}`;
    const theirs = [await measure(['sh', '-c', `${perfAll(seconds)} && ${draw}`])];
    const disk = onDisk();
    return [...result, rowOf('perf dwarf --no-inline + scripts', theirs, disk, sharesOfPerf(seconds, roots))];
  });
  console.log(`\n${title}, all of the machine at 99 Hz for ${seconds} s, to SVG`);
  table([['tool', 'CPU s', 'peak RSS MB', 'MB on disk', 'complete as it says', 'begins where stacks begin'], ...rows]);
}

export async function churn(): Promise<void> {
  await busyMachine('gcc -c twice at once and 20 shells a second', CHURN, 10, true);
}

/** Our cost on a machine that compiles: a long recording, so that the start is not all that is seen. */
export async function system(): Promise<void> {
  const seconds = 30;
  await busyMachine('two compilers at once', COMPILE, seconds, false);
  await during(COMPILE, async () => {
    const [node = '', ...main] = profiler;
    const args = [...main, 'record', ...allOurs(seconds, join(folder, 'maps.svg'))];
    const recorder = spawn(node, args, { stdio: 'ignore' });
    const ended = new Promise(resolve => recorder.once('exit', resolve));
    await sleep(1000 * (seconds - 3));
    console.log(
      `BPF maps of the recorder after ${seconds - 3} s: ${(mapBytes(recorder.pid!) / 2 ** 20).toFixed(1)} MB`,
    );
    await ended;
  });
}

/** How much slower the target runs: the benchmark `overhead`, with a target that has no frame pointers. */
export async function overhead(): Promise<void> {
  const script = join(packageRoot, 'dist/benchmarks/overhead.js');
  const env = {
    ...process.env,
    OVERHEAD_FLAGS: '-fomit-frame-pointer',
    OVERHEAD_TOOLS: 'profiler,perf dwarf + scripts',
  };
  console.log('\nthe 40-deep target without frame pointers');
  execFileSync(process.execPath, [script, '5'], { stdio: 'inherit', env });
}
