/**
 * Names from a perf map of 5 million lines, with overlaps, memory that is used again and lines that say nothing, beside
 * perf, which reads the same map for a recording of a Node.js process: whole processes, CPU of user and system, peak memory,
 * in turns, medians. `node dist/benchmarks/perf-map.js [rounds]`
 */

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Miss } from '../src/model/profile.ts';
import { JitView, NO_LIMITS } from '../src/process/jit-bytes.ts';
import { symbolize } from '../src/symbolize/symbolizer.ts';
import { folder, has, measure, median, sleep, table } from './support.ts';

const LINES = 5_000_000;
const LOOKUPS = 2000;
const FIRST = 0x7f00_0000_0000;
const self = fileURLToPath(import.meta.url);

/** Nine of ten lines go up the addresses, one of ten uses memory again, one of a hundred says nothing. */
function writeMap(path: string, before: string): void {
  const fd = openSync(path, 'w');
  writeSync(fd, before);
  let at = FIRST;
  for (let line = 0; line < LINES; ) {
    let text = '';
    for (let i = 0; i < 10_000; i++, line++) {
      const name = `${line} file:///srv/app.js:${line}:7`;
      if (line % 100 === 99) text += `invalid line ${line}\n`;
      else if (line % 10 === 5) text += `${(at - 64 * (line % 5000)).toString(16)} 60 JS:^again${name}\n`;
      else {
        at += 64;
        text += `${at.toString(16)} 40 JS:*function${name}\n`;
      }
    }
    writeSync(fd, text);
  }
  closeSync(fd);
}

/** What a child does: names for addresses all over the map. */
function child(path: string): void {
  const jit = new JitView({ descriptors: { perfMap: openSync(path, 'r'), jitdump: undefined } }, NO_LIMITS);
  const mapping = { kind: 'jit', filename: '[anon]', elf: undefined, bytes: undefined, miss: Miss.jit, jit } as const;
  const address = Float64Array.from({ length: LOOKUPS }, (_, i) => FIRST + 64 + i * 64 * 2000);
  const columns = { length: LOOKUPS, mapping: new Int32Array(LOOKUPS), address, miss: new Uint8Array(LOOKUPS) };
  const { miss } = symbolize(columns, [mapping]);
  process.stderr.write(`${miss.filter(why => why === Miss.none).length}`);
}

/** A recording of a Node.js process by perf, and the path of the process's map. */
async function recordByPerf(): Promise<{ data: string; map: string }> {
  const script =
    'const end = Date.now() + 3000; function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2); } while (Date.now() < end) f(20)';
  const node = spawn(process.execPath, ['--perf-basic-prof-only-functions', '-e', script]);
  await sleep(500);
  const data = join(folder, 'perf.data');
  spawnSync('perf', ['record', '-q', '-F', '99', '-g', '-p', `${node.pid}`, '-o', data, '--', 'sleep', '2']);
  return { data, map: `/tmp/perf-${node.pid}.map` };
}

async function main(rounds: number): Promise<void> {
  const peer = has('perf') ? await recordByPerf() : undefined;
  const path = peer?.map ?? join(folder, 'perf-1.map');
  try {
    writeMap(path, peer ? readFileSync(path, 'utf8') : '');
    const commands: Record<string, readonly string[]> = {
      profiler: [process.execPath, self, '--child', path],
      'node -e 0': [process.execPath, '-e', '0'],
      ...(peer ? { 'perf report': ['perf', 'report', '-i', peer.data, '--stdio', '--no-inline'] } : {}),
    };
    const names = Object.keys(commands);
    const runs = names.map(() => [] as Awaited<ReturnType<typeof measure>>[]);
    for (let round = 0; round < rounds; round++) {
      for (const [i, name] of names.entries()) runs[i]!.push(await measure(commands[name]!));
    }
    const cpu = runs.map(of => median(of.map(run => run.cpu)));
    console.log(`${LINES} lines, ${LOOKUPS} addresses (${runs[0]![0]!.errors} named), ${rounds} rounds, medians`);
    table([
      ['', 'CPU s', 'ratio', 'peak RSS MB'],
      ...names.map((name, i) => [
        name,
        cpu[i]!.toFixed(2),
        (cpu[i]! / cpu[0]!).toFixed(2),
        median(runs[i]!.map(run => run.rss)).toFixed(0),
      ]),
    ]);
  } finally {
    rmSync(path, { force: true });
  }
}

if (process.argv[2] === '--child') child(process.argv[3]!);
else await main(Number(process.argv[2] ?? 5));
