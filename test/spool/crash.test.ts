import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/package.ts';
import { testFolder } from '../support/folder.ts';
import { random } from '../support/random.ts';
import { drain, filesOf, idOf, logged, numbers, open, testClock, uploadOf } from './support.ts';

const path = testFolder();
const KILLS = 24;

const CHILD = `${packageRoot}dist/test/spool/spool-child.js`;

/** Numbers of the uploads whose put() had resolved when the process was killed, `afterMs` after the first one. */
async function spoolUntilKilled(dir: string, first: number, afterMs: number): Promise<number[]> {
  const child = spawn(process.execPath, [CHILD, dir, `${first}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  await setTimeout(afterMs);
  child.kill('SIGKILL');
  const [, signal] = await closed;
  expect(signal).toBe('SIGKILL');
  return output.split('\n').slice(0, -1).map(Number);
}

const bytesOf = (number: number) => 100 + ((number * 7919) % 20_000);

test('a process that is killed loses nothing that put() had taken, and nothing is there twice', async () => {
  const dir = path('spool');
  const next = random(1);
  const resolved: number[] = [];
  let first = 0;
  for (const _ of numbers(KILLS)) {
    const run = await spoolUntilKilled(dir, first, next(60));
    expect(run.length).toBeGreaterThan(0);
    resolved.push(...run);
    first = Math.max(...resolved) + 1000; // those of the last five that are not known to be there keep their numbers
  }
  const { lines, log } = logged();
  const spool = await open(dir, { log, maxBytes: 1 << 30, clock: testClock() });
  expect(lines).toEqual([]);
  for (const sink of ['a', 'b']) {
    expect(readdirSync(join(dir, sink)).filter(name => !name.endsWith('.upload'))).toEqual([]);
    const found = await drain(spool, sink);
    for (const upload of found) expect(upload).toEqual(uploadOf(upload.samples, undefined, bytesOf(upload.samples)));
    const ids = found.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort());
    const missing = resolved.map(idOf).filter(id => !ids.includes(id));
    expect(missing).toEqual([]);
    // What was cut off in the middle of a put() may be there or not.
    expect(ids.length - resolved.length).toBeLessThanOrEqual(5 * KILLS);
    expect(spool.queueState(sink).dropped.unreadable).toBe(0);
  }
  await spool.close();
  expect(filesOf(dir)).toEqual([]);
}, 180_000);
