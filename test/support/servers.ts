/** Runs the real servers that test/servers/build.sh builds, on loopback, with their data in a folder of their own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

export type ServerName = 'pyroscope' | 'parca' | 'otlp-receiver' | 'otel-ebpf-profiler';

const binaries = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ebpf-profiler-servers');
const READY_MS = 90_000;
const LOG_TAIL = 4_000_000;

export function hasServer(name: ServerName): boolean {
  return existsSync(join(binaries, name));
}

/** For a describe title: names the server that was not built. */
export function needsServer(name: ServerName, title: string): string {
  return hasServer(name) ? title : `${title} (needs ${name}: run test/servers/build.sh ${name})`;
}

/** Ports of 127.0.0.1 that nothing listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const listeners = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports = listeners.map(
    listener =>
      new Promise<number>((resolve, reject) => {
        listener.once('error', reject);
        listener.once('listening', () => {
          const address = listener.address();
          listener.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
        });
      }),
  );
  return Promise.all(ports);
}

export interface Server {
  readonly pid: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** The end of what it wrote to standard output and standard error. */
  log(): string;
}

export interface Start {
  readonly url: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it takes requests; a rejection means no. */
  ready(): Promise<boolean>;
}

const running = new Map<ChildProcess, string>();

/** For afterAll: kills what was started here and removes its data. */
export async function stopServers(): Promise<void> {
  for (const [child, folder] of running) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  }
  running.clear();
}

/**
 * Starts a server, which {@link stopServers} ends, and waits until it is ready. `plan` gets the server's folder, with an
 * empty one named `data` in it, and free ports.
 * @throws Error with its log when it ends before, or needs more than 90 s
 */
export async function startServer(
  name: ServerName,
  ports: number,
  plan: (folder: string, ports: readonly number[]) => Start,
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), `profiler-${name}-`));
  mkdirSync(join(folder, 'data'));
  const { url, args, env, ready } = plan(folder, await freePorts(ports));
  const child = spawn(join(binaries, name), args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  const keep = (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-LOG_TAIL);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  running.set(child, folder);
  const until = Date.now() + READY_MS;
  while (!(await ready().catch(() => false))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended:\n${log}`);
    if (Date.now() > until) throw new Error(`${name} is not ready:\n${log}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  return { pid: child.pid!, url, log: () => log };
}

/** Whether a GET is answered with a status of success. */
export async function answers(url: string): Promise<boolean> {
  const { ok, body } = await fetch(url);
  await body?.cancel();
  return ok;
}

/** The JSON answer to a request; of an error nothing but its status and text. */
export async function getJson<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/**
 * What `look` finds, once `found` holds: servers show what they took a little later.
 * @throws Error that shows what was found last, after 20 s
 */
export async function eventually<T>(look: () => Promise<T>, found: (value: T) => boolean): Promise<T> {
  const until = Date.now() + 20_000;
  for (;;) {
    const value = await look();
    if (found(value)) return value;
    if (Date.now() > until) throw new Error(`not found within 20 s; last: ${JSON.stringify(value)}`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}
