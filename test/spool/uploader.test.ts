import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DeliveryError, type Upload } from '../../src/sinks/sink.ts';
import type { Spool, SpoolOptions } from '../../src/spool/spool.ts';
import { Uploader } from '../../src/spool/uploader.ts';
import { testFolder } from '../support/folder.ts';
import { random } from '../support/random.ts';
import { accept, type Backend, fail, openBackend } from './backend.ts';
import { drain, filesOf, idOf, logged, numbers, open, type TestClock, testClock, uploadOf } from './support.ts';

const path = testFolder();
// They force files to the disk, many times: how long that takes is the disk's affair.
vi.setConfig({ testTimeout: 60_000 });
const WINDOW = 15_000;
const MINUTE = 60_000;
let count = 0;
const running: { readonly uploader: Uploader; readonly spool: Spool }[] = [];

afterEach(async () => {
  for (const { uploader, spool } of running.splice(0)) {
    await uploader.stop();
    await spool.close();
  }
});

interface Agent {
  readonly spool: Spool;
  readonly uploader: Uploader;
  readonly backend: Backend;
  readonly clock: TestClock;
  readonly lines: string[];
  readonly dir: string;
  /** Resolves when nothing happens any more until time passes. */
  settled(): Promise<void>;
  /** Lets so much time pass, and everything happen that happens meanwhile. */
  pass(ms: number): Promise<void>;
}

interface Setup extends Partial<SpoolOptions> {
  readonly backend?: Backend;
  readonly random?: () => number;
  readonly name?: string;
}

/** A spool with one uploader that runs. Back-offs are as long as they can be, unless `random` says otherwise. */
async function start({ backend, random, name = 'a', ...options }: Setup = {}): Promise<Agent> {
  const clock = testClock();
  const { lines, log } = logged();
  const dir = options.dir ?? path(`spool-${count++}`);
  const spool = await open(dir, { clock, log, sinks: [name], ...options });
  const to = backend ?? (await openBackend());
  const uploader = new Uploader({ spool, name, sink: to.sink, clock, random: random ?? (() => 0.999999), log });
  running.push({ uploader, spool });
  void uploader.run();
  const settled = async () => {
    while (clock.sleeping.length === 0 && uploader.state.entries > 0) await setImmediate();
  };
  const pass = async (ms: number) => {
    const end = clock.now() + ms;
    for (;;) {
      await settled();
      const [next] = clock.sleeping;
      if (next === undefined || next > end) break;
      clock.pass(next - clock.now());
    }
    clock.pass(end - clock.now());
  };
  return { spool, uploader, backend: to, clock, lines, dir, settled, pass };
}

/** The uploads of one window have the same start. */
const startOf = (first: number) => 1_700_000_000_000 + first;

async function putWindow(spool: Spool, from: number, uploads: number): Promise<void> {
  await Promise.all(numbers(uploads, from).map(number => spool.put(uploadOf(number, startOf(from)))));
}

describe('what is put in is delivered', () => {
  test('at once, window by window, within the limits of a request', async () => {
    const { spool, uploader, backend, settled, clock, dir } = await start({ backend: await openBackend({ batch: 4 }) });
    await putWindow(spool, 0, 6);
    await settled();
    clock.pass(WINDOW);
    await putWindow(spool, 6, 3);
    await settled();
    expect(backend.requests.flat()).toEqual(numbers(9));
    expect(Math.max(...backend.requests.map(({ length }) => length))).toBeLessThanOrEqual(4);
    expect(uploader.state).toMatchObject({
      entries: 0,
      sentEntries: 9,
      sentBytes: 9000,
      attempts: backend.requests.length,
      retries: 0,
      rejected: 0,
      circuit: 'closed',
      lastError: undefined,
      lastSuccessMs: clock.wall(),
    });
    await uploader.stop();
    await spool.close();
    expect(filesOf(dir)).toEqual([]);
  });

  test('also what an earlier run has left, in requests of one window', async () => {
    const dir = path(`spool-${count++}`);
    const before = await open(dir, { sinks: ['a'] });
    for (const window of [0, 5, 10]) await putWindow(before, window, 5);
    await before.close();
    const { backend, settled } = await start({ dir });
    await settled();
    expect(backend.requests).toEqual([numbers(5), numbers(5, 5), numbers(5, 10)]);
  });

  test('to one backend while another one fails', async () => {
    const dir = path(`spool-${count++}`);
    const first = await start({ dir, sinks: ['a', 'b'] });
    const other = await openBackend();
    other.answer(fail);
    const { clock, spool } = first;
    const second = new Uploader({ spool, name: 'b', sink: other.sink, clock, log: () => {} });
    void second.run();
    await putWindow(spool, 0, 3);
    while (first.uploader.state.entries > 0 || second.state.retries === 0) await setImmediate();
    expect(first.backend.accepted).toEqual([0, 1, 2]);
    expect(second.state).toMatchObject({ entries: 3, sentEntries: 0, retries: 1 });
    await second.stop();
    expect((await drain(spool, 'b')).map(({ samples }) => samples)).toEqual([0, 1, 2]);
  });

  test('past what cannot be read', async () => {
    const dir = path(`spool-${count++}`);
    const before = await open(dir, { sinks: ['a'] });
    await putWindow(before, 0, 5);
    await before.close();
    const backend = await openBackend({ batch: 1 });
    const clock = testClock();
    const spool = await open(dir, { sinks: ['a'], clock });
    for (const name of filesOf(dir).slice(1, 4)) truncateSync(join(dir, name), 100);
    const uploader = new Uploader({ spool, name: 'a', sink: backend.sink, clock, log: () => {} });
    running.push({ uploader, spool });
    void uploader.run();
    while (uploader.state.entries > 0) await setImmediate();
    expect(backend.accepted).toEqual([0, 4]);
    expect(uploader.state.dropped.unreadable).toBe(3);
  });
});

describe('a backend that is down', () => {
  test('for 20 minutes: every window arrives once and in order', async () => {
    const next = random(7);
    const { spool, uploader, backend, pass, lines, dir } = await start({ random: () => next(1000) / 1000 });
    const windows = numbers(120);
    const during: string[] = [];
    for (const window of windows) {
      backend.answer(window >= 10 && window < 90 ? fail : accept);
      await putWindow(spool, 3 * window, 3);
      await pass(WINDOW);
      during.push(uploader.state.circuit);
    }
    await pass(5 * MINUTE);
    expect(backend.accepted).toEqual(numbers(360));
    expect([during[9], during[89], during[119]]).toEqual(['closed', 'open', 'closed']);
    expect(uploader.state).toMatchObject({ entries: 0, sentEntries: 360, rejected: 0, lastError: 'HTTP 503' });
    // 20 min of back-off of 2.5 min on average, after some that are shorter.
    expect(uploader.state.retries).toBeGreaterThan(8);
    expect(uploader.state.retries).toBeLessThan(40);
    expect(lines.map(line => line.split(' ').slice(0, 4).join(' '))).toEqual([
      'Sink a does not',
      'Sink a failed 5',
      'Sink a takes profiles',
    ]);
    await spool.close();
    expect(filesOf(dir)).toEqual([]);
  });

  test('for longer than profiles are kept: the oldest are dropped and counted', async () => {
    const { spool, uploader, backend, pass } = await start({ maxAgeMs: 10 * MINUTE });
    backend.answer(fail);
    for (const window of numbers(80)) {
      await putWindow(spool, window, 1);
      await pass(WINDOW);
    }
    backend.answer(accept);
    await pass(5 * MINUTE);
    const { dropped, sentEntries, entries } = uploader.state;
    expect(entries).toBe(0);
    expect(dropped.age).toBeGreaterThan(30);
    expect(dropped.age + sentEntries).toBe(80);
    expect(backend.accepted).toEqual(numbers(sentEntries, 80 - sentEntries));
  });

  test('is asked less and less often, and with a single upload after five failures', async () => {
    const { spool, uploader, backend, clock, settled } = await start();
    backend.answer(fail);
    await putWindow(spool, 0, 4);
    const delays: number[] = [];
    const states: string[] = [];
    for (const _ of numbers(7)) {
      await settled();
      delays.push(Math.round(clock.sleeping[0]! - clock.now()));
      states.push(uploader.state.circuit);
      clock.pass(clock.sleeping[0]! - clock.now());
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000]);
    expect(states).toEqual(['closed', 'closed', 'closed', 'closed', 'open', 'open', 'open']);
    await settled();
    expect(backend.requests.slice(1).map(({ length }) => length)).toEqual([4, 4, 4, 4, 1, 1, 1]);
    backend.answer(accept);
    clock.pass(clock.sleeping[0]! - clock.now());
    await settled();
    expect(backend.requests.slice(8)).toEqual([[0], [1, 2, 3]]);
    expect(uploader.state).toMatchObject({ circuit: 'closed', retries: 8, attempts: 10, sentEntries: 4 });
  });

  test('is not asked sooner because something comes', async () => {
    const { spool, backend, settled } = await start();
    backend.answer(fail);
    await putWindow(spool, 0, 1);
    await settled();
    await putWindow(spool, 1, 5);
    for (const _ of numbers(20)) await setImmediate();
    expect(backend.requests).toEqual([[0]]);
  });

  test('says when it wants to be asked again', async () => {
    const { spool, backend, clock, settled } = await start();
    backend.answer(() => ({ status: 429, retryAfter: 90 }));
    await putWindow(spool, 0, 1);
    await settled();
    expect(clock.sleeping[0]).toBe(clock.now() + 90_000);
    backend.answer(() => ({ status: 429, retryAfter: 1e9 }));
    clock.pass(90_000);
    await settled();
    expect(clock.sleeping[0]).toBe(clock.now() + 60 * MINUTE);
  });
});

describe('a sink that fails in an unexpected way', () => {
  test('is tried again, and why is logged', async () => {
    const { spool, uploader, backend, settled, pass, lines } = await start();
    backend.answer(() => ({ status: 500 }));
    await putWindow(spool, 0, 2);
    await settled();
    expect(lines).toEqual([expect.stringMatching(/TypeError: a bug in the sink[\s\S]*backend\.ts/)]);
    expect(uploader.state).toMatchObject({ retries: 1, rejected: 0, entries: 2, lastError: 'a bug in the sink' });
    backend.answer(accept);
    await pass(MINUTE);
    expect(backend.accepted).toEqual([0, 1]);
  });
});

test('what was accepted of a batch that failed is gone from the spool at once', async () => {
  const backend = await openBackend();
  const sent: string[][] = [];
  const sink = {
    ...backend.sink,
    async send(uploads: readonly Upload[], _signal: AbortSignal, accepted?: (upload: Upload) => void) {
      sent.push(uploads.map(({ id }) => id));
      accepted?.(uploads[0]!);
      if (uploads.length > 1) throw new DeliveryError('retry', 'later');
    },
  };
  const { spool, uploader, settled, pass, dir } = await start({ backend: { ...backend, sink } });
  await Promise.all(numbers(3, 0).map(number => spool.put(uploadOf(number, startOf(0)))));
  await settled();
  await pass(10 * MINUTE);
  expect(sent.flat().filter(id => id === idOf(0))).toHaveLength(1);
  expect(uploader.state).toMatchObject({ sentEntries: 3, entries: 0 });
  expect(filesOf(dir)).toEqual([]);
});

describe('an upload that is refused', () => {
  const refusing = (poison: number) => (uploads: readonly number[]) => ({
    status: uploads.includes(poison) ? 400 : 200,
  });

  test('is found in its batch and dropped; the others arrive, in order', async () => {
    const { spool, uploader, backend, settled, lines, dir } = await start();
    backend.answer(fail);
    await putWindow(spool, 0, 1);
    await settled(); // in a back-off, so that the window is sent as a batch
    await Promise.all(numbers(4, 1).map(number => spool.put(uploadOf(number, startOf(0)))));
    backend.answer(refusing(2));
    void uploader.flush(0);
    await settled();
    while (uploader.state.entries > 0) await setImmediate();
    expect(backend.requests.slice(1)).toEqual([[0, 1, 2, 3, 4], [0], [1], [2], [3], [4]]);
    expect(backend.accepted).toEqual([0, 1, 3, 4]);
    expect(uploader.state).toMatchObject({ rejected: 1, retries: 1, sentEntries: 4, circuit: 'closed' });
    expect(uploader.state.dropped.rejected).toBe(1);
    expect(lines.filter(line => line.includes(idOf(2)))).toEqual([expect.stringContaining('HTTP 400')]);
    await uploader.stop();
    await spool.close();
    expect(filesOf(dir)).toEqual([]);
  });

  test('keeps nobody waiting when the backend fails while it is looked for', async () => {
    const { spool, uploader, backend, pass } = await start();
    backend.answer(uploads => ({ status: uploads.length > 1 ? 400 : uploads[0] === 1 ? 503 : 200 }));
    await putWindow(spool, 0, 4);
    await pass(100);
    expect(uploader.state).toMatchObject({ entries: 3, rejected: 0, retries: 1 });
    backend.answer(refusing(3));
    await pass(MINUTE);
    expect(backend.accepted).toEqual([0, 1, 2]);
    expect(uploader.state).toMatchObject({ entries: 0, rejected: 1, sentEntries: 3 });
  });

  test('does not close the circuit, and the next one waits for its back-off', async () => {
    const { spool, uploader, backend, clock, settled, pass } = await start();
    backend.answer(fail);
    await putWindow(spool, 0, 3);
    await pass(8000);
    expect(uploader.state.circuit).toBe('open');
    backend.answer(refusing(0));
    clock.pass(clock.sleeping[0]! - clock.now());
    await settled();
    expect(uploader.state).toMatchObject({ circuit: 'open', rejected: 1, entries: 2 });
    await pass(16_000);
    await settled();
    expect(backend.accepted).toEqual([1, 2]);
    expect(uploader.state.circuit).toBe('closed');
  });
});

describe('flush', () => {
  test('of an empty queue has nothing to do', async () => {
    const { uploader } = await start();
    expect(await uploader.flush(5000)).toBe(0);
  });

  test('does not wait for a back-off', async () => {
    const { spool, uploader, backend, settled } = await start();
    backend.answer(fail);
    await putWindow(spool, 0, 15);
    await settled();
    backend.answer(accept);
    expect(await uploader.flush(5000)).toBe(0);
    expect(backend.accepted).toEqual(numbers(15));
  });

  test('leaves out the back-off of the request that is under way', async () => {
    const { spool, uploader, backend } = await start();
    const left = new Promise<number>(resolve =>
      backend.answer(() => {
        resolve(uploader.flush(5000));
        backend.answer(accept);
        return { status: 503 };
      }),
    );
    await putWindow(spool, 0, 3);
    expect(await left).toBe(0);
    expect(backend.requests).toEqual([numbers(3), numbers(3)]);
  });

  test('goes through an open circuit', async () => {
    const { spool, uploader, backend, pass } = await start();
    backend.answer(fail);
    await putWindow(spool, 0, 15);
    await pass(10 * MINUTE);
    expect(uploader.state.circuit).toBe('open');
    backend.answer(accept);
    expect(await uploader.flush(5000)).toBe(0);
    expect(backend.accepted).toEqual(numbers(15));
  });

  test('leaves out one back-off, then gives up when the next attempt would be too late', async () => {
    const { spool, uploader, backend, pass } = await start();
    backend.answer(fail);
    await putWindow(spool, 0, 3);
    await pass(10 * MINUTE);
    const { attempts } = uploader.state;
    expect(await uploader.flush(5000)).toBe(3);
    expect(uploader.state.attempts).toBe(attempts + 1);
  });

  test('ends with its time while a request is under way; what was left arrives after a restart', async () => {
    const { spool, uploader, backend, clock, dir } = await start();
    backend.answer(() => undefined);
    await putWindow(spool, 0, 3);
    while (backend.requests.length === 0) await setImmediate();
    const left = uploader.flush(5000);
    clock.pass(5000);
    expect(await left).toBe(3);
    await uploader.stop();
    await spool.close();
    expect(uploader.state).toMatchObject({ retries: 0, lastError: undefined });
    const after = await start({ dir });
    await after.settled();
    expect(after.backend.accepted).toEqual([0, 1, 2]);
  });
});

describe('stop', () => {
  test('ends an uploader that waits for work or for a back-off', async () => {
    const idle = await start();
    await setImmediate();
    await idle.uploader.stop();
    const { spool, uploader, backend, settled } = await start();
    backend.answer(fail);
    await putWindow(spool, 0, 1);
    await settled();
    await uploader.stop();
    expect(uploader.state).toMatchObject({ entries: 1, attempts: 1 });
    await putWindow(spool, 1, 1);
    for (const _ of numbers(10)) await setImmediate();
    expect(backend.requests).toHaveLength(1);
  });
});

test('the clock of the system', async () => {
  const backend = await openBackend();
  backend.answer(fail);
  const spool = await open(path(`spool-${count++}`), { sinks: ['a'] });
  const uploader = new Uploader({ spool, name: 'a', sink: backend.sink, random: () => 0.01, log: () => {} });
  running.push({ uploader, spool });
  void uploader.run();
  await putWindow(spool, 0, 1);
  while (uploader.state.retries < 3) await setImmediate();
  backend.answer(accept);
  while (uploader.state.entries > 0) await setImmediate();
  expect(backend.accepted).toEqual([0]);
  expect(uploader.state.lastSuccessMs).toBeGreaterThan(1_700_000_000_000);
});
