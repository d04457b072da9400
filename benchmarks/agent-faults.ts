/**
 * What is lost when backends, disks, clocks and agents fail: agents sample a busy program in windows of 1 s while
 * something goes wrong, and every window is accounted for. SIGKILL may cost the open window; all others arrive once and
 * in order, or are given up and counted.
 * `node dist/benchmarks/agent-faults.js [fault…] [--runs 20]`; as root. A fault is named by the start of its name.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Account, openTrial, type Trial, type TrialOptions, WINDOW_MS } from '../test/support/agent-trial.ts';
import { answers, flipByte, selfSigned } from '../test/support/faulty-backend.ts';
import { compile, folder, median, sleep, table } from './support.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '20' } },
});
const target = compile('test/programs/burn.c');
const other = join(folder, 'other');
copyFileSync(target, other);
const crowd = compile('test/programs/crowd.c');
const certificate = selfSigned(folder);

/** Agents at a time. */
const LANES = 3;
/** How long something goes wrong, at least and at most. */
const FAULT_MS = [1200, 2500] as const;
const CHILDREN = 10_000;

interface Fault {
  /** For the agents of one run. */
  readonly options?: () => Omit<TrialOptions, 'exe'>;
  /** Nothing else runs at the same time. */
  readonly isAlone?: boolean;
  /** Leaves an agent that delivers again. */
  readonly run: (trial: Trial) => Promise<void>;
}

const between = (least: number, most: number) => least + Math.random() * (most - least);
const aWhile = () => sleep(between(...FAULT_MS));

/** The backend answers like this for a while; `sink` is said of it in the configuration. */
function answering(fault: () => Trial['backend']['fault'], sink: object = {}): Fault {
  return {
    async run(trial) {
      await trial.start(trial.config(trial.backend.url, sink));
      await trial.delivered(1);
      trial.backend.fault = fault();
      await aWhile();
      trial.backend.fault = () => undefined;
      await trial.delivered(1);
    },
  };
}

/** Something is wrong with what waits while nothing is delivered. */
function waiting(act: (trial: Trial) => Promise<void>, options?: Fault['options']): Fault {
  return {
    ...(options && { options }),
    async run(trial) {
      await trial.start();
      trial.backend.fault = () => answers.status(500);
      await trial.spooled(1);
      await act(trial);
      trial.backend.fault = () => undefined;
      await trial.delivered(1);
    },
  };
}

const onDisk = () => ({ hasDisk: true });

async function killAfter(ms: number, trial: Trial): Promise<void> {
  await sleep(ms);
  await trial.agent().end('SIGKILL');
  await trial.start();
}

/** Another series is not taken: what was taken of the same windows is not sent again. */
async function withOther(trial: Trial): Promise<void> {
  const started = spawn(other, ['100000000'], { stdio: 'ignore' });
  try {
    trial.backend.fault = ({ service }) => (service === 'other' ? answers.status(500) : undefined);
    await trial.start({ ...trial.config(), targets: { exe: [target, other] } });
    await trial.refused(2);
    await trial.agent().end('SIGTERM');
    trial.backend.fault = () => undefined;
    await trial.start();
    await trial.delivered(2);
  } finally {
    started.kill();
  }
}

/** The largest that were seen of agents among the crowd. */
const crowded = { rss: 0, fds: 0 };

function look(pid: number): void {
  const [, kilobytes = '0'] = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  crowded.rss = Math.max(crowded.rss, Number(kilobytes) / 1024);
  crowded.fds = Math.max(crowded.fds, readdirSync(`/proc/${pid}/fd`).length);
}

async function inCrowd(trial: Trial): Promise<void> {
  await trial.start({ ...trial.config(), targets: {} });
  const { pid } = trial.agent();
  const looking = setInterval(look, 50, pid);
  const [status] = await once(spawn(crowd, [`${CHILDREN}`], { stdio: 'ignore' }), 'exit');
  if (status !== 0) throw new Error(`the crowd ended with ${status}`);
  await trial.delivered(1);
  clearInterval(looking);
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'SIGKILL, backend up': {
    async run(trial) {
      await trial.start();
      await killAfter(between(0, 2000), trial);
      await trial.delivered(1);
    },
  },
  'SIGKILL as a window ends': {
    async run(trial) {
      await trial.start();
      await trial.delivered(1);
      const nextEndMs = trial.backend.accepted.at(-1)!.endMs + WINDOW_MS;
      await killAfter(nextEndMs - Date.now() + between(-20, 150), trial);
      await trial.delivered(1);
    },
  },
  'SIGKILL, backend down': waiting(trial => killAfter(between(0, 2000), trial)),
  '500 for a while': answering(() => () => answers.status(500)),
  '429 with Retry-After': answering(() => () => answers.status(429, { 'Retry-After': 1 })),
  '422 for a while': answering(() => () => answers.status(422)),
  '422 for one profile': answering(() => {
    let poison: string | undefined;
    return ({ id }) => {
      poison ??= id;
      return id === poison ? answers.status(422) : undefined;
    };
  }),
  'hangs after headers': answering(() => () => answers.hang, { timeout: '1s' }),
  'closes half-way': answering(() => () => answers.halfClose),
  'garbage bytes': answering(() => () => answers.garbage),
  'unknown certificate': {
    options: () => ({ tls: certificate }),
    async run(trial) {
      await trial.start();
      await aWhile();
      trial.reload(trial.config(trial.backend.url, { tls: { ca_file: certificate.certFile } }));
      await trial.delivered(1);
    },
  },
  'DNS failure': {
    async run(trial) {
      await trial.start(trial.config(trial.backend.url.replace('127.0.0.1', 'backend.invalid')));
      await aWhile();
      trial.reload(trial.config());
      await trial.delivered(1);
    },
  },
  'disk full': waiting(async ({ disk, agent, until, spooled }) => {
    disk!.fill();
    await until('memory is used', () => agent().log().includes('ENOSPC'));
    await aWhile();
    disk!.free();
    await spooled(3);
  }, onDisk),
  'read-only disk': waiting(async ({ disk, agent, until, spooled }) => {
    disk!.readOnly(true);
    await until('memory is used', () => agent().log().includes('EROFS'));
    await aWhile();
    disk!.readOnly(false);
    await spooled(3);
  }, onDisk),
  'spooled file damaged': waiting(async ({ spooled }) => flipByte((await spooled(3)).at(-2)!)),
  'spooled file damaged, restart': waiting(async trial => {
    flipByte((await trial.spooled(3)).at(-2)!);
    await trial.agent().end('SIGKILL');
    await trial.start();
  }),
  'clock set back 1 h': waiting(
    async ({ clock, until, agent, spooled }) => {
      clock!.set(-3600);
      const ended = async () => (await agent().metric('profiler_last_window_end_seconds'))['']!;
      await until('the agent sees it', async () => (await ended()) < Date.now() / 1000 - 1800);
      await spooled(4);
    },
    () => ({ hasClock: true }),
  ),
  'one series is refused, restart': { run: withOther },
  '10,000 processes': { run: inCrowd, isAlone: true },
};

interface Result {
  readonly account: Account;
  readonly lost: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly isRight: boolean;
}

async function runOnce(name: string, { options, run }: Fault): Promise<Result | undefined> {
  const trial = await openTrial({ exe: target, ...options?.() });
  try {
    await run(trial);
    await trial.finish();
    const account = trial.account();
    const counted = Object.values(trial.dropped).reduce((a, b) => a + b, 0);
    const lost = Math.max(0, account.missing - counted);
    const isRight = lost + account.duplicates + account.disordered === 0;
    if (!isRight) console.log(`${name}: ${JSON.stringify(account)}\n${trial.story()}`);
    return { account, lost, dropped: trial.dropped, isRight };
  } catch (error) {
    console.log(`${name}: ${error instanceof Error ? error.message : error}`);
    return undefined;
  } finally {
    trial.close();
  }
}

function row(name: string, all: readonly (Result | undefined)[]): string[] {
  const results = all.filter(result => result !== undefined);
  const sum = (of: (result: Result) => number) => `${results.reduce((total, result) => total + of(result), 0)}`;
  const reasons = [...new Set(results.flatMap(({ dropped }) => Object.keys(dropped)))];
  const dropped = reasons.map(reason => `${sum(result => result.dropped[reason] ?? 0)} ${reason}`).join(', ');
  const counts = [
    sum(({ account }) => account.windows),
    sum(({ account }) => account.deliveredOnce),
    sum(({ account }) => account.duplicates),
    sum(({ account }) => account.disordered),
    sum(({ lost }) => lost),
  ];
  return [name, `${results.length}`, `${all.length - results.length}`, ...counts, dropped || '0'];
}

const wanted = Object.keys(FAULTS).filter(
  name => positionals.length === 0 || positionals.some(start => name.startsWith(start)),
);
const busy = spawn(target, ['100000000'], { stdio: 'ignore' });
process.on('exit', () => busy.kill());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const results = new Map(wanted.map(name => [name, [] as (Result | undefined)[]]));

/** Runs all of these, some at a time. */
async function runAll(names: readonly string[], lanes: number): Promise<void> {
  const jobs = names.flatMap(name => Array.from({ length: Number(values.runs) }, () => name));
  const lane = async () => {
    for (let name = jobs.shift(); name !== undefined; name = jobs.shift()) {
      results.get(name)!.push(await runOnce(name, FAULTS[name]!));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const isAlone = (name: string) => FAULTS[name]!.isAlone === true;
const together = wanted.filter(name => !isAlone(name));
await runAll(together, LANES);
await runAll(wanted.filter(isAlone), 1);

const heading = ['fault', 'runs', 'failed', 'windows', 'delivered', 'again', 'disordered', 'lost', 'dropped, counted'];
table([heading, ...wanted.map(name => row(name, results.get(name)!))]);
const cutOff = [...results.values()].flat().flatMap(result => result?.account.cutOff ?? []);
if (cutOff.length > 0) {
  const [middle, most] = [median(cutOff), Math.max(...cutOff)].map(ms => ms.toFixed(0));
  const more = cutOff.filter(ms => ms > WINDOW_MS).length;
  console.log(`before SIGKILL nothing came of ${middle} ms (median), ${most} ms (most)`);
  console.log(`${more} of ${cutOff.length} kills cost the window, too, that had just ended and was being exported`);
}
if (crowded.fds > 0) {
  console.log(`among ${CHILDREN} processes: ${crowded.rss.toFixed(0)} MB and ${crowded.fds} descriptors at most`);
}
process.exit([...results.values()].flat().every(result => result?.isRight) ? 0 : 1);
