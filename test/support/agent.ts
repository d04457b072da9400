/** A running agent, and a backend of its own that tests can look into. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll } from 'vitest';
import { decodePprof, type Pprof } from './pprof.ts';
import { main, sleep } from './profiler.ts';

/** What came in one request. */
export interface Received {
  readonly service: string;
  /** As the sink says it, milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly id: string;
  readonly profile: Pprof;
}

/** Takes profiles of sinks of the type `http`. */
export class Backend {
  readonly received: Received[] = [];
  /** How requests are answered; undefined: accepted. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  #url = '';
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      if (this.answer) return this.answer(request, response);
      const [, service = '', startMs, endMs, id = ''] = decodeURIComponent(request.url ?? '').split('/');
      const profile = decodePprof(gunzipSync(Buffer.concat(chunks)));
      this.received.push({ service, startMs: Number(startMs), endMs: Number(endMs), id, profile });
      response.end();
    });
  });

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as AddressInfo;
    this.#url = `http://127.0.0.1:${port}/{service}/{start}/{end}/{id}`;
    afterAll(() => {
      this.#server.close();
      this.#server.closeAllConnections();
    });
    return this;
  }

  /** `url` of the sink. */
  get url(): string {
    return this.#url;
  }

  of(service: string): Received[] {
    return this.received.filter(upload => upload.service === service);
  }

  /** Samples of a service. */
  samples(service: string): number {
    const all = this.of(service).flatMap(({ profile }) => profile.samples);
    return all.reduce((sum, { values }) => sum + values[0]!, 0);
  }
}

export interface RunningAgent {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Of its HTTP server. */
  readonly url: string;
  log(): string;
  /** Waits until its log has this. */
  says(text: RegExp): Promise<RegExpExecArray>;
  /** Sends SIGTERM; its status. */
  stop(): Promise<number | null>;
}

/** Writes the configuration, which is JSON and so YAML, and starts an agent that ends with the test file at the latest. */
export async function startAgent(folder: string, config: object, ...args: string[]): Promise<RunningAgent> {
  const path = join(folder, 'agent.json');
  writeConfig(folder, config);
  const env = { ...process.env, STATE_DIRECTORY: join(folder, 'state') };
  const child = spawn(process.execPath, [main, 'agent', '-c', path, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', chunk => {
    text += chunk;
  });
  const ended = once(child, 'exit');
  afterAll(() => child.kill('SIGKILL'));
  const says = async (wanted: RegExp) => {
    for (;;) {
      const found = wanted.exec(text);
      if (found) return found;
      if (child.exitCode !== null) throw new Error(`the agent has ended: ${text}`);
      await sleep(10);
    }
  };
  const [, url = ''] = await says(/Serving (\S+)/);
  const stop = async () => {
    child.kill('SIGTERM');
    const [status] = await ended;
    return status;
  };
  return { child, pid: child.pid!, url, log: () => text, says, stop };
}

export function writeConfig(folder: string, config: object): void {
  writeFileSync(join(folder, 'agent.json'), JSON.stringify(config));
}

/** The values of a metric by their labels. */
export async function metric(url: string, name: string): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const rows = text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'));
  return Object.fromEntries(Array.from(rows, ([, labels = '', value]) => [labels, Number(value)]));
}

/** Effective capabilities of a process, as bits. */
export function capabilities(pid: number): bigint {
  const [, hex = '0'] = /^CapEff:\s*([\da-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return BigInt(`0x${hex}`);
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}
