/** What complete stacks cost a recorder and its target: one process, churn, the whole machine. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/package.ts';
import { completeShare, Roots, readStacks, sharesOf } from '../test/support/unwind.ts';
import { deep } from '../test/support/unwind-targets.ts';
import { type Peer, peers } from './peers.ts';
import { folder, has, measure, median, profiler, sleep, table, type Usage } from './support.ts';
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
const SHELLS = 'while :; do sh -c "ls >/dev/null"; sleep 0.05; done';
/** Two compilers at once and twenty shells a second; with small files about 250 programs a second start. */
const CHURN: Readonly<Record<string, readonly string[]>> = {
  'files of 0.03 s': [
    ...[0, 1].map(
      n => `while :; do for f in ${programs}/*.c; do gcc -O2 -c -DNAME=work -o churn-${n}.o $f; done; done`,
    ),
    SHELLS,
  ],
  'a file of 2 s': [
    ...[0, 1].map(n => `while :; do gcc -O2 -c -DUNITS=1 -o churn-${n}.o ${programs}/unwind/compile.cc; done`),
    SHELLS,
  ],
};
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

/** With inlined calls, which it asks addr2line for, perf script takes 30 to 80 s here: the best case is compared. */
const perfPicture = (seconds: number, svg: string) =>
  `${perfAll(seconds)} && perf script --no-inline -i ${perfData} | ${scripts}/stackcollapse-perf.pl | ${scripts}/flamegraph.pl > ${svg}`;

export async function churn(): Promise<void> {
  for (const [files, load] of Object.entries(CHURN)) await churnOf(files, load);
}

async function churnOf(files: string, load: readonly string[]): Promise<void> {
  const roots = new Roots(folder);
  const seconds = 10;
  const svg = join(folder, 'all.svg');
  const withPerf = has('perf') && scripts !== '';
  rmSync(perfData, { force: true });
  const rows = await during(load, async () => {
    const [ours, theirs]: [Usage[], Usage[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await measure([...profiler, 'record', ...allOurs(seconds, svg)]));
      if (withPerf) theirs.push(await measure(['sh', '-c', perfPicture(seconds, svg)]));
    }
    const disk = onDisk();
    const first = rowOf('profiler', ours, '0', await sharesOfOurs(seconds, roots));
    if (!withPerf) return [first];
    return [first, rowOf('perf dwarf --no-inline + scripts', theirs, disk, sharesOfPerf(seconds, roots))];
  });
  console.log(`\ngcc -c (${files}) twice at once and 20 shells a second, everything at 99 Hz for ${seconds} s, to SVG`);
  table([['tool', 'CPU s', 'peak RSS MB', 'MB on disk', 'complete as it says', 'begins where stacks begin'], ...rows]);
}

/** MB of kernel memory by which a recording of everything grows in some seconds: maps, and with them the tables. */
async function kernelMemoryAfter(seconds: number): Promise<number> {
  const used = () => Number(/VmallocUsed:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024;
  const [node = '', ...main] = profiler;
  const before = used();
  const args = [...main, 'record', ...allOurs(seconds + 3, join(folder, 'maps.svg'))];
  const recorder = spawn(node, args, { stdio: 'ignore' });
  const ended = new Promise(resolve => recorder.once('exit', resolve));
  await sleep(1000 * seconds);
  const after = used();
  await ended;
  return after - before;
}

/** Our cost on a machine that compiles. What a longer recording costs more is what it costs while it runs. */
export async function system(): Promise<void> {
  const [short, long] = [10, 40];
  const svg = join(folder, 'all.svg');
  await during(COMPILE, async () => {
    const [once, longer]: [Usage[], Usage[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      once.push(await measure([...profiler, 'record', ...allOurs(short, svg)]));
      longer.push(await measure([...profiler, 'record', ...allOurs(long, svg)]));
    }
    const cpu = (used: readonly Usage[]) => median(used.map(usage => usage.cpu));
    const share = (100 * (cpu(longer) - cpu(once))) / (long - short);
    const shares = await sharesOfOurs(long, new Roots(folder));
    console.log('\ntwo compilers at once, all of the machine at 99 Hz, to SVG');
    console.log(
      `CPU: ${cpu(once).toFixed(2)} s for ${short} s, ${cpu(longer).toFixed(2)} s for ${long} s: ${share.toFixed(1)} % of one CPU while it runs`,
    );
    console.log(
      `peak memory ${median(longer.map(usage => usage.rss)).toFixed(0)} MB, kernel memory ${(await kernelMemoryAfter(27)).toFixed(0)} MB`,
    );
    console.log(`complete: ${shares[0]} as it says, ${shares[1]} begin where stacks begin`);
  });
}

/**
 * How much slower the target runs: the benchmark `overhead`, with a target that has no frame pointers. Once as there, with
 * a CPU left for the recorder, and once with threads on all CPUs: then what a recorder does with its samples counts, too.
 */
export async function overhead(): Promise<void> {
  const script = join(packageRoot, 'dist/benchmarks/overhead.js');
  for (const threads of [1, cpus().length]) {
    const env = {
      ...process.env,
      OVERHEAD_FLAGS: '-fomit-frame-pointer',
      OVERHEAD_THREADS: `${threads}`,
      OVERHEAD_TOOLS: 'profiler,perf dwarf + scripts',
    };
    console.log(`\nthe 40-deep target without frame pointers, ${threads} threads on ${cpus().length} CPUs`);
    execFileSync(process.execPath, [script, '5'], { stdio: 'inherit', env });
  }
}
