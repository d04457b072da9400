/**
 * What recording a process and drawing its flame graph costs, from the start of the command to its end: own CPU time
 * (user and system, all processes) and peak resident memory, beside other tools, in turns.
 * `FLAMEGRAPH_DIR=… node dist/benchmarks/record.js [rounds]`
 */
import { spawn } from 'node:child_process';
import { peers } from './peers.ts';
import { compile, measure, median, sleep, table, type Usage } from './support.ts';

const SECONDS = 10;
/** Sampling rate, threads of the target, distinct stacks that it has. */
const TASKS = [
  { hz: 99, threads: 1, stacks: 2048 },
  { hz: 999, threads: 2, stacks: 2 ** 20 },
];

const rounds = Number(process.argv[2] ?? 3);
const available = peers.filter(peer => peer.available);

for (const { hz, threads, stacks } of TASKS) {
  const usage = available.map((): Usage[] => []);
  const samples = available.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, peer] of available.entries()) {
      const target = spawn(compile('test/programs/deep.cc'), ['60', `${threads}`, `${stacks}`], { stdio: 'ignore' });
      await sleep(300);
      const task = { pid: target.pid!, hz, seconds: SECONDS };
      const used = await measure(peer.picture(task));
      usage[i]!.push(used);
      samples[i]!.push(peer.samples(task, used.errors));
      target.kill();
    }
  }
  console.log(
    `\n${SECONDS} s at ${hz} Hz, 40 frames deep, ${threads} threads on ${stacks} stacks, to SVG (medians of ${rounds})`,
  );
  const base = median(usage[0]!.map(u => u.cpu));
  table([
    ['tool', 'CPU s', 'ratio', 'peak RSS MB', 'samples in the picture'],
    ...available.map((peer, i) => {
      const cpu = median(usage[i]!.map(u => u.cpu));
      const rss = median(usage[i]!.map(u => u.rss));
      const share = (100 * median(samples[i]!)) / (SECONDS * hz * threads);
      return [peer.name, cpu.toFixed(2), (cpu / base).toFixed(1), rss.toFixed(0), `${share.toFixed(0)} %`];
    }),
  ]);
}
const missing = peers.filter(peer => !peer.available).map(peer => peer.name);
if (missing.length > 0) console.log(`\nnot here: ${missing.join(', ')}`);
