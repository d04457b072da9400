/** What the benchmarks of the agent share: a running agent, a backend in a process of its own, a load, what a process uses. */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { packageRoot } from '../src/package.ts';
import { decodePprof } from '../test/support/pprof.ts';
import { stopServers } from '../test/support/servers.ts';
import { endsOf } from '../test/support/unwind.ts';
import { folder, profiler, sleep } from './support.ts';

const self = fileURLToPath(import.meta.url);

/** Killed when the benchmark ends, whatever ends it. */
const running = new Set<ChildProcess>();

function keep<T extends ChildProcess>(child: T): T {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A shell is the first of a group: what its loop has started ends with it. */
function kill(child: ChildProcess): void {
  const { pid, spawnargs } = child;
  if (pid !== undefined && running.delete(child)) process.kill(spawnargs[0] === 'sh' ? -pid : pid, 'SIGKILL');
}

// Before the folder goes, which they write to.
process.prependListener('exit', () => {
  for (const child of running) kill(child);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stopServers().finally(() => process.exit(1)));
}

/** Starts a program; returns what ends it. */
export function start(command: readonly string[]): () => void {
  const [program = '', ...args] = command;
  const child = keep(spawn(program, args, { stdio: 'ignore', cwd: folder, detached: program === 'sh' }));
  return () => kill(child);
}

/** One profile that the backend took. */
export interface Accepted {
  /** End of its window and when all of it was there, milliseconds since the epoch by one clock. */
  readonly endMs: number;
  readonly acceptedMs: number;
  /** Distinct stacks, and the samples on them. */
  readonly stacks: number;
  readonly samples: number;
  /** User stacks by what the profile says of them. */
  readonly userStacks: number;
  readonly completeStacks: number;
}

export interface Backend {
  /** For a sink of the type `http`. */
  readonly url: string;
  /** What came since the last call; a repetition is left out. */
  accepted(): Promise<readonly Accepted[]>;
  close(): void;
}

/** A server that takes everything, apart from this process and from the agent. */
export async function startBackend(): Promise<Backend> {
  const child = fork(self, ['backend']); // ends with this process, or when it is told to
  const [port] = await once(child, 'message');
  return {
    url: `http://127.0.0.1:${port}/{end}/{id}`,
    async accepted() {
      const answer = once(child, 'message');
      child.send('accepted');
      return (await answer)[0];
    },
    close: () => child.disconnect(),
  };
}

/** Read by another implementation than the one that wrote it. */
function describe(body: Buffer): Omit<Accepted, 'endMs' | 'acceptedMs'> {
  const pprof = decodePprof(gunzipSync(body));
  const ends = endsOf(pprof);
  return {
    stacks: pprof.samples.length,
    samples: pprof.samples.reduce((sum, { values }) => sum + values[0]!, 0),
    userStacks: ends.get('all') ?? 0,
    completeStacks: ends.get('complete') ?? 0,
  };
}

/** The backend's process. */
function serve(): void {
  const known = new Set<string>();
  let fresh: Accepted[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const acceptedMs = Date.now();
      response.end();
      const [, end = '', id = ''] = request.url!.split('/');
      if (known.has(id)) return;
      known.add(id);
      fresh.push({ endMs: Number(end), acceptedMs, ...describe(Buffer.concat(chunks)) });
    });
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
  process.on('message', () => {
    process.send!(fresh);
    fresh = [];
  });
  process.on('disconnect', () => process.exit());
}

/** Of a process with all its threads. */
export interface ProcessUsage {
  /** User and system time since its start, seconds. */
  readonly cpu: number;
  /** Resident memory, MB: all of it, what is its own, what is mapped from files. */
  readonly rss: number;
  readonly anon: number;
  readonly file: number;
  readonly descriptors: number;
}

/** proc(5): fields 14 and 15 of stat are hundredths of a second; status has kB. */
export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return {
    cpu: (Number(stat[11]) + Number(stat[12])) / 100,
    rss: megabytes('VmRSS'),
    anon: megabytes('RssAnon'),
    file: megabytes('RssFile'),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** The sum of the rows of a metric, of those whose labels match if there is an expression. */
export type Metrics = (name: string, labels?: RegExp) => number;

export interface RunningAgent {
  readonly pid: number;
  /** Its state folder. */
  readonly state: string;
  metrics(): Promise<Metrics>;
  /** Sends SIGTERM and waits; its exit status. */
  stop(): Promise<number | null>;
}

async function readMetrics(url: string): Promise<Metrics> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const rows = Array.from(text.matchAll(/^(\w+)(\{.*\})? (\S+)$/gm), ([, name, labels = '', value]) => {
    return { name, labels, value: Number(value) };
  });
  return (name, labels = /(?:)/) =>
    rows.reduce((sum, row) => sum + (row.name === name && labels.test(row.labels) ? row.value : 0), 0);
}

/** Starts an agent and waits until it samples. `options` are of Node.js. */
export async function startAgent(config: object, options: readonly string[] = []): Promise<RunningAgent> {
  const state = mkdtempSync(join(folder, 'agent-'));
  const path = join(state, 'agent.json'); // JSON is YAML, too
  writeFileSync(path, JSON.stringify({ jitter: 0, http: { address: '127.0.0.1:0' }, ...config }));
  const [node = '', ...main] = profiler;
  const child = spawn(node, [...options, ...main, 'agent', '-c', path], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, STATE_DIRECTORY: state },
  });
  keep(child);
  const ended = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    let log = '';
    child.stderr.on('data', chunk => {
      log = (log + chunk).slice(-10_000);
      const [, found] = /Serving (\S+)/.exec(log) ?? [];
      if (found !== undefined) resolve(found);
      if (/^\S*\s*(warn|error):/m.test(String(chunk))) process.stderr.write(chunk);
    });
    child.once('exit', () => reject(new Error(`the agent has ended: ${log}`)));
  });
  return {
    pid: child.pid!,
    state,
    metrics: () => readMetrics(url),
    async stop() {
      child.kill('SIGTERM');
      return (await ended)[0];
    },
  };
}

/** Starts fifty programs a second that end at once, for far less than a loop of a shell would take. */
const SPAWNER = `
#define _GNU_SOURCE
#include <signal.h>
#include <spawn.h>
#include <time.h>

extern char **environ;

int main(void)
{
	char *command[] = {"true", 0};
	struct timespec next;
	pid_t pid;

	signal(SIGCHLD, SIG_IGN); /* the kernel reaps them */
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		posix_spawn(&pid, "/bin/true", 0, 0, command, environ);
		next.tv_nsec += 1000000000 / 50;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, 0);
	}
}
`;

/** Two compilers at once and fifty programs a second; returns what ends it. */
export function startLoad(): () => void {
  const spawner = join(folder, 'spawner');
  execFileSync('gcc', ['-O2', '-x', 'c', '-o', spawner, '-'], { input: SPAWNER });
  const source = join(packageRoot, 'test/programs/unwind/compile.cc');
  const loops = [0, 1].map(n => `while :; do gcc -O2 -c -DUNITS=1 -o load-${n}.o ${source}; done`);
  const ends = [...loops.map(loop => start(['sh', '-c', loop])), start([spawner])];
  return () => {
    for (const end of ends) end();
  };
}

/** Waits until something holds, at most so many milliseconds; whether it does. */
export async function until(holds: () => Promise<boolean>, ms: number): Promise<boolean> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) return false;
    await sleep(200);
  }
  return true;
}

if (process.argv[1] === self) serve();
