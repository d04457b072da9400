/**
 * How true a recording is: known shares, CPU time, losses under load, short-lived processes.
 * `node dist/benchmarks/truth.js`
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, folder, profiler, sleep } from './support.ts';

const [node = '', ...main] = profiler;
const output = (name: string) => join(folder, name);

/** Samples of a collapsed text whose line satisfies the pattern. */
function samples(name: string, pattern: RegExp): number {
  const lines = readFileSync(output(name), 'utf8').split('\n');
  return lines
    .filter(line => pattern.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** User and system time of a process in seconds; proc(5), fields 14 and 15 of /proc/PID/stat. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function record(...args: readonly string[]): string {
  return spawnSync(node, [...main, 'record', ...args], { encoding: 'utf8' }).stderr;
}

async function shares(): Promise<void> {
  const target = spawn(compile('test/programs/shares.c', '-falign-functions=64', '-falign-loops=64'), ['60'], {
    stdio: 'ignore',
  });
  const pid = target.pid!;
  await sleep(200);
  const recorder = spawn(node, [...main, 'record', '-p', `${pid}`, '-F', '999', '-o', output('shares.collapsed')]);
  await sleep(600);
  // The window of the CPU time lies inside of the recording: compare rates, not sums.
  const [before, start] = [cpuSeconds(pid), performance.now()];
  await sleep(10_000);
  const utilisation = (cpuSeconds(pid) - before) / ((performance.now() - start) / 1000);
  recorder.kill('SIGINT');
  let errors = '';
  recorder.stderr.on('data', chunk => {
    errors += chunk;
  });
  await once(recorder, 'close');
  target.kill();
  const total = samples('shares.collapsed', /./);
  for (const percent of [10, 20, 30, 40]) {
    const share = (100 * samples('shares.collapsed', new RegExp(`;burn_${percent}[; ]`))) / total;
    console.log(`burn_${percent}: ${share.toFixed(2)} % (${(share - percent).toFixed(2)} points off)`);
  }
  const seconds = Number(/ in ([\d.]+) s/.exec(errors)?.[1]);
  const ratio = total / 999 / (seconds * utilisation);
  console.log(`samples × period / CPU time: ${ratio.toFixed(3)} (the duration is known to 0.05 s)`);
}

async function losses(): Promise<void> {
  const busy = spawn(compile('test/programs/deep.cc'), ['60', '2', '65536'], { stdio: 'ignore' });
  const args = (name: string) => ['record', '-a', '-F', '4999', '-d', '10', '-o', output(name)];
  const second = spawn(node, [...main, ...args('second.collapsed')], { stdio: 'ignore' });
  const errors = record(...args('first.collapsed').slice(1));
  if (second.exitCode === null) await once(second, 'close');
  busy.kill();
  console.log(`4,999 Hz, all CPUs busy, a second recorder: ${errors.split('\n')[0]}`);
}

async function shortLived(): Promise<void> {
  const program = compile('test/programs/short.c', '-static', '-nostartfiles');
  const recorder = spawn(node, [...main, 'record', '-a', '-F', '999', '-o', output('short.collapsed')], {
    stdio: 'ignore',
  });
  await sleep(1000);
  for (let i = 0; i < 200; i++) spawnSync('sh', ['-c', `exec ${program}`]);
  recorder.kill('SIGINT');
  await once(recorder, 'close');
  const total = samples('short.collapsed', /^short;/);
  const named = samples('short.collapsed', /^short;(.*;)?burn_briefly[; ]/);
  console.log(`200 processes of 50 ms: ${total} samples, ${((100 * named) / total).toFixed(2)} % name the function`);
}

await shares();
await losses();
await shortLived();
