/**
 * Agents that live one after the other on one state, the backend that they deliver to, and the account of what arrived.
 * Knows nothing of the test runner: benchmarks use it, too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/package.ts';
import { type Arrival, mountDisk, openBackend, shiftedClock } from './faulty-backend.ts';

/** One agent process. Times in milliseconds since the epoch, by our clock. */
interface Life {
  readonly spawnedMs: number;
  /** It samples since then at the latest. */
  readonly readyMs: number;
  /** When it got the signal that ended it. */
  endMs: number;
  wasKilled: boolean;
}

/** What became of the windows of a busy target; a window is one profile. */
export interface Account {
  readonly windows: number;
  readonly deliveredOnce: number;
  /** Arrivals of an id after the first. */
  readonly duplicates: number;
  /** Windows that never came, whatever the reason. */
  readonly missing: number;
  /** Arrivals that are older than what came before. */
  readonly disordered: number;
  /** For each agent that was killed: milliseconds before that of which nothing came. */
  readonly cutOff: readonly number[];
}

export const WINDOW_MS = 1000;
/**
 * More than this between two windows is at least one window that is missing. On a machine with too much to do an agent
 * may stand still for some 200 ms between the end of one window and the start of the next.
 */
const GAP_MS = 400;

const windowsIn = (ms: number) => (ms > GAP_MS ? Math.max(1, Math.round(ms / WINDOW_MS)) : 0);

/** By the clock that was not set, if the window began after it was. */
function withoutShift(arrival: Arrival, { spawnedMs }: Life, shiftMs = 0): Arrival {
  if (arrival.startMs > spawnedMs + shiftMs / 2) return arrival;
  return { ...arrival, startMs: arrival.startMs - shiftMs, endMs: arrival.endMs - shiftMs };
}

/** `arrivals` of one series are in the order in which they came. */
function account(arrivals: readonly Arrival[], lives: readonly Life[]): Account {
  const first = arrivals.filter(({ id }, i) => arrivals.findIndex(other => other.id === id) === i);
  const inTime = first.toSorted((a, b) => a.startMs - b.startMs);
  let missing = 0;
  const cutOff: number[] = [];
  for (const [i, { readyMs, endMs, wasKilled }] of lives.entries()) {
    const [since, until] = [i === 0 ? 0 : lives[i]!.spawnedMs, lives[i + 1]?.spawnedMs ?? Number.POSITIVE_INFINITY];
    let at = readyMs;
    for (const window of inTime.filter(({ startMs }) => startMs >= since && startMs < until)) {
      missing += windowsIn(window.startMs - at);
      at = window.endMs;
    }
    const rest = Math.max(0, endMs - at);
    if (wasKilled) cutOff.push(rest);
    missing += wasKilled ? Math.floor(rest / WINDOW_MS) : windowsIn(rest);
  }
  return {
    windows: first.length + missing,
    deliveredOnce: first.length,
    duplicates: arrivals.length - first.length,
    missing,
    disordered: first.filter(({ startMs }, i) => i > 0 && startMs < first[i - 1]!.startMs).length,
    cutOff,
  };
}

interface Agent {
  readonly pid: number;
  readonly life: Life;
  log(): string;
  /** The values of a metric by their labels. */
  metric(name: string): Promise<Readonly<Record<string, number>>>;
  /** Sends the signal and waits for the end. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Writes another configuration and has it read. */
  reload(config: object): void;
  /** Kills it if it still runs. */
  abandon(): void;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts an agent on the state in `home` and waits until it samples. */
async function startAgent(home: string, config: object, env: NodeJS.ProcessEnv = {}): Promise<Agent> {
  const path = join(home, 'agent.json');
  writeFileSync(path, JSON.stringify(config));
  const spawnedMs = Date.now();
  const child = spawn(process.execPath, [`${packageRoot}dist/cli/main.js`, 'agent', '-c', path], {
    env: { ...process.env, STATE_DIRECTORY: join(home, 'state'), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  const ended = once(child, 'exit').finally(() => running.delete(child));
  let text = '';
  child.stderr.on('data', chunk => {
    text += chunk;
  });
  let url: string | undefined;
  while (url === undefined) {
    if (child.exitCode !== null) throw new Error(`the agent has ended: ${text}`);
    await sleep(10);
    url = /Serving (\S+)/.exec(text)?.[1];
  }
  const life = { spawnedMs, readyMs: Date.now(), endMs: Number.POSITIVE_INFINITY, wasKilled: false };
  return {
    pid: child.pid!,
    life,
    log: () => text,
    async metric(name) {
      const page = await (await fetch(`${url}/metrics`)).text();
      const rows = page.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'));
      return Object.fromEntries(Array.from(rows, ([, labels = '', value]) => [labels, Number(value)]));
    },
    async end(signal) {
      Object.assign(life, { endMs: Date.now(), wasKilled: signal === 'SIGKILL' });
      child.kill(signal);
      await ended;
    },
    reload(changed) {
      writeFileSync(path, JSON.stringify(changed));
      child.kill('SIGHUP');
    },
    abandon: () => void child.kill('SIGKILL'),
  };
}

/** More than the longest back-off that a short fault leads to. */
const PATIENCE_MS = 30_000;

export interface TrialOptions {
  /** Path of the busy target. */
  readonly exe: string;
  readonly tls?: Parameters<typeof openBackend>[0];
  /** The spool has a file system of 1 MiB for itself. */
  readonly hasDisk?: boolean;
  /** The agents have a wall clock of their own. */
  readonly hasClock?: boolean;
}

export type Trial = Awaited<ReturnType<typeof openTrial>>;

/** Agents are started by start(); what is left of everything goes with close(). */
export async function openTrial({ tls, hasDisk = false, hasClock = false, exe }: TrialOptions) {
  const home = mkdtempSync(join(tmpdir(), 'profiler-'));
  const spool = join(home, 'state/spool');
  const disk = hasDisk ? mountDisk(spool) : undefined;
  const clock = hasClock ? shiftedClock(home) : undefined;
  const backend = await openBackend(tls);
  const agents: Agent[] = [];
  const dropped: Record<string, number> = {};

  const agent = () => agents.at(-1)!;
  const until = async (what: string, holds: () => boolean | Promise<boolean>) => {
    const end = performance.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`in vain: ${what}; the agent said:\n${agent().log()}`);
      await sleep(20);
    }
  };
  /** With one sink at this URL; `more` is said of the sink. */
  const config = (url = backend.url, more: object = {}) => ({
    window: `${WINDOW_MS}ms`,
    frequency: 199,
    jitter: 0,
    targets: { exe: [exe] },
    sinks: [{ type: 'http', url, timeout: '10s', ...more }],
    http: { address: '127.0.0.1:0' },
  });
  let current: object = config();
  const start = async (using = current) => {
    current = using;
    agents.push(await startAgent(home, using, clock?.env));
  };
  const countDropped = async () => {
    for (const [labels, count] of Object.entries(await agent().metric('profiler_sink_dropped_total'))) {
      const [, reason = ''] = /reason="(\w+)"/.exec(labels) ?? [];
      if (count > 0) dropped[reason] = (dropped[reason] ?? 0) + count;
    }
  };
  const finish = async (): Promise<void> => {
    const queued = async () => (await agent().metric('profiler_sink_queued'))['sink="http"'];
    await until('nothing waits', async () => (await queued()) === 0);
    await countDropped();
    await agent().end('SIGTERM');
    if (!agent().log().includes('profiles wait in the spool')) return;
    await start();
    await finish();
  };

  const close = () => {
    process.off('exit', close);
    for (const { abandon } of agents) abandon();
    backend.close();
    disk?.unmount();
    rmSync(home, { recursive: true, force: true });
  };
  process.on('exit', close);

  return {
    backend,
    disk,
    clock,
    /** Folder of the spool. */
    spool,
    config,
    start,
    /** Gives the last agent another configuration. */
    reload(using: object) {
      current = using;
      agent().reload(using);
    },
    agent,
    until,
    /** Waits until so many profiles more were accepted. */
    async delivered(more: number) {
      const wanted = backend.accepted.length + more;
      await until(`${more} profiles are delivered`, () => backend.accepted.length >= wanted);
    },
    /** Waits until so many profiles more were refused. */
    async refused(more: number) {
      const wanted = backend.refused.length + more;
      await until(`${more} profiles are refused`, () => backend.refused.length >= wanted);
    },
    /** Waits until so many profiles are on the disk; the paths of all that are, the oldest first. */
    async spooled(least: number) {
      const folder = join(spool, 'http');
      const names = () => readdirSync(folder).filter(name => name.endsWith('.upload'));
      await until(`${least} profiles are spooled`, () => names().length >= least);
      return names()
        .sort()
        .map(name => join(folder, name));
    },
    /** Waits until nothing waits, and ends the agent; starts others as long as something is left then. */
    finish,
    /** Profiles that agents gave up, by reason, as they say it; after finish(). */
    dropped: dropped as Readonly<Record<string, number>>,
    account(): Account {
      const arrivals = backend.accepted.filter(({ service }) => service === basename(exe));
      const lives = agents.map(({ life }) => life);
      return account(
        arrivals.map(arrival => withoutShift(arrival, lives[0]!, clock?.shiftMs)),
        lives,
      );
    },
    /** What everybody said, for those who look for a fault. */
    story: () =>
      [
        ...agents.map(({ life, log }) => `${JSON.stringify(life)}\n${log()}`),
        ...backend.accepted.map(arrival => `accepted ${JSON.stringify(arrival)}`),
        ...backend.refused.map(arrival => `refused ${JSON.stringify(arrival)}`),
      ].join('\n'),
    close,
  };
}
