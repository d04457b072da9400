/**
 * How much slower a program runs while it is recorded: calls a second with a recorder attached against calls a second
 * just before and after, in turns with other tools.
 * `FLAMEGRAPH_DIR=… node dist/benchmarks/overhead.js [rounds [rate…]]`
 * OVERHEAD_FLAGS are more flags for the compiler of the target, OVERHEAD_THREADS its number of threads (1: recorders have
 * CPUs of their own), OVERHEAD_TOOLS the only tools to take, with commas.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peers } from './peers.ts';
import { compile, folder, median, sleep, table } from './support.ts';

const RATES = process.argv.length > 3 ? process.argv.slice(3).map(Number) : [99, 999, 4999];
/** A recorder needs this long until it samples; bpftrace is the slowest. */
const SETTLE_MS = 1500;
const WINDOW_MS = 3000;

const rounds = Number(process.argv[2] ?? 7);
const only = process.env.OVERHEAD_TOOLS?.split(',');
const threads = process.env.OVERHEAD_THREADS ?? '1';
const flags = process.env.OVERHEAD_FLAGS?.split(' ') ?? [];
const available = peers.filter(peer => peer.available && (only === undefined || only.includes(peer.name)));
const counter = join(folder, 'calls');
const target = spawn(compile('test/programs/deep.cc', ...flags), ['36000', threads, '2048', counter], {
  stdio: 'ignore',
});
process.on('exit', () => target.kill());

/** Calls per millisecond in a window. */
async function speed(): Promise<number> {
  const read = () => [Number(readFileSync(counter).readBigUInt64LE()), performance.now()] as const;
  const [calls, start] = read();
  await sleep(WINDOW_MS);
  const [after, end] = read();
  return (after - calls) / (end - start);
}

async function speedUnder(command: readonly string[]): Promise<number> {
  const recorder = spawn(command[0]!, command.slice(1), { stdio: 'ignore' });
  const ended = new Promise(resolve => recorder.once('exit', resolve));
  await sleep(SETTLE_MS);
  const result = await speed();
  await ended;
  return result;
}

await sleep(1000);
const rows = [['tool', ...RATES.map(hz => `${hz} Hz`)]];
const cells = available.map(peer => [peer.name]);
for (const hz of RATES) {
  const slowdown = available.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    let before = await speed();
    for (const [i, peer] of available.entries()) {
      const seconds = Math.ceil((SETTLE_MS + WINDOW_MS) / 1000) + 1;
      const during = await speedUnder(peer.record({ pid: target.pid!, hz, seconds }));
      const after = await speed();
      slowdown[i]!.push(100 * (1 - during / ((before + after) / 2)));
      before = after;
    }
  }
  for (const [i, values] of slowdown.entries()) cells[i]!.push(`${median(values).toFixed(2)} %`);
}
console.log(`slowdown of the target, medians of ${rounds} windows of ${WINDOW_MS / 1000} s`);
table([...rows, ...cells]);
target.kill();
