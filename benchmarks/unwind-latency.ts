/** How long a program runs before its stacks can be walked: from its exec until all its tables are there. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Metrics, startAgent, startLoad } from './agent-support.ts';
import { folder, sleep, table } from './support.ts';

const run = promisify(execFile);
const NAME = 'profiler_unwind_tables_seconds';
/** Upper bounds, seconds: those of the metric. */
const BOUNDS = ['0.01', '0.025', '0.05', '0.1', '0.25', '+Inf'];
const FRESH_AGENTS = 10;
const BUSY_MS = 30_000;

/** How many were at most so late, by bound. */
type Delays = readonly number[];

async function during(load: () => Promise<void>): Promise<Delays> {
  const agent = await startAgent({ frequency: 99, sinks: [{ type: 'directory', dir: join(folder, 'profiles') }] });
  await load();
  const metrics: Metrics = await agent.metrics();
  await agent.stop();
  return BOUNDS.map(bound => metrics(`${NAME}_bucket`, new RegExp(`le="${bound.replace(/[.+]/g, '\\$&')}"`)));
}

/** A compiler of the largest libraries that there are, and Node.js: each the first of its kind that the agent sees. */
async function large(): Promise<void> {
  const source = join(folder, 'empty.c');
  writeFileSync(source, 'int nothing;\n');
  await sleep(1000);
  await run('clang', ['-c', source, '-o', `${source}.o`]);
  await sleep(200);
  await run('node', ['-e', '0']);
  await sleep(200);
}

function row(name: string, delays: Delays): string[] {
  return [name, `${delays.at(-1)!}`, ...delays.slice(0, -1).map(count => ((100 * count) / delays.at(-1)!).toFixed(1))];
}

export async function latency(): Promise<void> {
  process.env.XDG_CACHE_HOME = join(folder, 'cache');
  const cold = await during(large);
  const runs: Delays[] = [];
  for (let i = 0; i < FRESH_AGENTS; i++) runs.push(await during(large));
  const warm = BOUNDS.map((_, i) => runs.reduce((sum, delays) => sum + delays[i]!, 0));
  const endLoad = startLoad();
  await during(() => sleep(5000)); // there is a cache now
  const under = await during(() => sleep(BUSY_MS));
  endLoad();
  console.log('From an exec, or a mapping of code, until there are tables for it: % within so many ms');
  table([
    ['', 'number', ...BOUNDS.slice(0, -1).map(bound => `${1000 * Number(bound)}`)],
    row('clang, then node; no cache yet', cold),
    row(`the same, ${FRESH_AGENTS} new agents`, warm),
    row('two compilers and fifty programs a second, 30 s', under),
  ]);
}
