import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryProfile } from '../../src/backends/index.ts';
import { decodePprof } from '../../src/decode/pprof.ts';
import { encodePprof } from '../../src/encode/pprof.ts';
import { openSink, sinkOptions } from '../../src/sinks/index.ts';
import { startParca } from '../servers/parca.ts';
import { startPyroscope } from '../servers/pyroscope.ts';
import { uploadOf } from '../store/support.ts';
import { testFolder } from '../support/folder.ts';
import { profile } from '../support/profile.ts';
import { profiler } from '../support/profiler.ts';
import { eventually, hasServer, needsServer, stopServers } from '../support/servers.ts';

const path = testFolder();
const WINDOW = 10_000;
const RUNS = 5;
/** Windows of the last minutes: servers refuse older ones. */
const end = Math.floor(Date.now() / 1000) * 1000 - WINDOW;
const begin = end - RUNS * WINDOW;

const ofRun = (run: number, parse: number) => {
  return profile(`app;main;parse ${parse + (run % 3)}\napp;main;sort ${1000 - parse + ((2 * run) % 3)}`);
};
const heads = (name: string, parse: number) => {
  return Array.from({ length: RUNS }, (_, run) => {
    const file = path(`${name}-${run}.pb`);
    writeFileSync(file, encodePprof(ofRun(run, parse)));
    return file;
  });
};
const [same, slower] = [heads('same', 300), heads('slower', 400)];

async function send(type: string, options: object): Promise<void> {
  const sink = await openSink(sinkOptions.parse({ type, ...options }));
  const uploads = Array.from({ length: RUNS }, (_, run) => {
    return uploadOf({
      profile: ofRun(run, 300),
      service: 'checkout',
      startMs: begin + run * WINDOW,
      durationMs: WINDOW,
    });
  });
  for (const upload of uploads) await sink.send([upload], AbortSignal.timeout(20_000));
  sink.close();
}

/** The gate of these heads against a base that is kept elsewhere. */
function gate(head: readonly string[], ...base: string[]) {
  const output = path('gate.json');
  const time = ['--base-from', String(begin), '--base-to', String(end)];
  const flags = ['--head', ...head, ...base, ...time, '--sample-type', 'cpu', '--fail-on', 'any>10%', '-o', output];
  const { status, stderr } = profiler(['diff', ...flags]);
  return { status, stderr, runs: () => JSON.parse(readFileSync(output, 'utf8')).gate.runs };
}

function compares(...base: string[]): void {
  const ok = gate(same, ...base);
  expect([ok.stderr, ok.status]).toEqual([expect.stringContaining('gate ok'), 0]);
  expect(ok.runs()).toEqual({ base: RUNS, head: RUNS });
  const regressed = gate(slower, ...base);
  expect(regressed.stderr).toContain('REGRESSED: parse');
  expect(regressed.status).toBe(3);
}

afterAll(stopServers);

describe('the folder of a directory sink', () => {
  const store = ['--base-store', path('store')];
  beforeAll(() => send('directory', { dir: path('store') }));

  test('each stored profile is a run', () => compares(...store, '--base-service', 'checkout'));

  test('of another service, or none at all: a first run', () => {
    for (const base of [
      [...store, '--base-service', 'other'],
      ['--base-store', path('nowhere')],
    ]) {
      const { status, stderr } = gate(slower, ...base);
      expect([status, stderr]).toEqual([0, expect.stringContaining('has no profile of the base')]);
    }
  });
});

const SELECTOR = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';
const SERVERS = [
  ['pyroscope', 'pyroscope-push', startPyroscope, `${SELECTOR}{service_name="checkout"}`],
  ['parca', 'parca', startParca, `${SELECTOR}:delta{service_name="checkout"}`],
] as const;

describe.each(SERVERS)('%s', (name, sink, startServer, selector) => {
  describe.skipIf(!hasServer(name))(needsServer(name, 'asked back'), () => {
    let server = '';
    const of = (...more: string[]) => ['--base-query', server, '--base-selector', selector, ...more];
    beforeAll(async () => {
      const { url } = await startServer();
      server = `${name}+${url}`;
      await send(sink, { url });
      const query = { selector, startMs: begin, endMs: end + WINDOW };
      const total = async () => {
        const bytes = await queryProfile(server, query);
        const values = bytes && decodePprof(bytes).samples.values[0]!;
        return values?.reduce((sum, value) => sum + value, 0) ?? 0;
      };
      const all = Array.from({ length: RUNS }, (_, run) => 1000 + (run % 3) + ((2 * run) % 3)).reduce((a, b) => a + b);
      await eventually(total, found => found >= all * 10_000_000);
    });

    test('each part of the time is a run', () => compares(...of()));

    test('nothing of that name: a first run', () => {
      const { status, stderr } = gate(
        slower,
        '--base-query',
        server,
        '--base-selector',
        selector.replace('checkout', 'x'),
      );
      expect([status, stderr]).toEqual([0, expect.stringContaining('the server has no profile of the base')]);
    });
  });
});

test('a server that is not there, and one that cannot be', () => {
  const asked = gate(same, '--base-query', 'parca+http://127.0.0.1:1', '--base-selector', 'x');
  expect([asked.status, asked.stderr]).toEqual([1, expect.stringContaining('cannot ask http://127.0.0.1:1: ')]);
  const odd = gate(same, '--base-query', 'http://127.0.0.1:1', '--base-selector', 'x');
  expect([odd.status, odd.stderr]).toEqual([2, expect.stringContaining('is no server that can be asked.')]);
  const unselected = gate(same, '--base-query', 'parca+http://127.0.0.1:1');
  expect([unselected.status, unselected.stderr]).toEqual([2, expect.stringContaining('needs --base-selector')]);
});
