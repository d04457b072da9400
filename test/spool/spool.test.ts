import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ProfilerError } from '../../src/errors.ts';
import { encodeEntry } from '../../src/spool/entry.ts';
import { openBelow, testFolder } from '../support/folder.ts';
import { zombie } from '../support/zombie.ts';
import { drain, filesOf, HOUR, idOf, logged, numbers, open, testClock, uploadOf } from './support.ts';

const path = testFolder();
// They force files to the disk, many times: how long that takes is the disk's affair.
vi.setConfig({ testTimeout: 60_000 });
const isRoot = process.getuid?.() === 0;
let count = 0;
const folder = () => path(`spool-${count++}`);

afterEach(() => {
  expect(openBelow(path())).toEqual([]);
});

async function errorOf(promise: Promise<unknown>): Promise<ProfilerError> {
  const error = await promise.then(
    () => undefined,
    error => error,
  );
  expect(error).toBeInstanceOf(ProfilerError);
  return error;
}

describe('what is put in comes out', () => {
  test('in order, for each sink, and is gone then', async () => {
    const dir = folder();
    const spool = await open(dir);
    await Promise.all(numbers(25).map(number => spool.put(uploadOf(number))));
    expect(filesOf(dir)).toHaveLength(50);
    const expected = numbers(25).map(number => uploadOf(number));
    expect(await drain(spool, 'a')).toEqual(expected);
    expect(spool.queueState('a')).toMatchObject({ entries: 0, bytes: 0, oldestAgeMs: undefined });
    expect(spool.queueState('b').entries).toBe(25);
    expect(await drain(spool, 'b')).toEqual(expected);
    await spool.close();
    expect(filesOf(dir)).toEqual([]);
    expect(spool.state).toMatchObject({ bytes: 0, memoryEntries: 0, memoryBytes: 0, failure: undefined });
  });

  test('after a restart too, and what comes later comes after it, whatever the clock says', async () => {
    const dir = folder();
    for (const [run, wall] of [1_700_000_000_000, 1_700_000_000_000 - HOUR, 1_700_000_000_000 - 2 * HOUR].entries()) {
      const clock = testClock(wall);
      const spool = await open(dir, { clock });
      for (const number of numbers(3, 3 * run)) await spool.put(uploadOf(number, clock.wall()));
      await spool.close();
    }
    const spool = await open(dir);
    const ids = numbers(9).map(idOf);
    expect((await drain(spool, 'b')).map(({ id }) => id)).toEqual(ids);
    expect((await drain(spool, 'a')).map(({ id }) => id)).toEqual(ids);
    await spool.close();
  });

  test('for some of the sinks only', async () => {
    const dir = folder();
    const spool = await open(dir);
    await spool.put(uploadOf(1), ['b']);
    await spool.put(uploadOf(2), []);
    expect(filesOf(dir)).toEqual([`b/${'1'.padStart(16, '0')}-${idOf(1)}.upload`]);
    await expect(spool.put(uploadOf(3), ['c'])).rejects.toThrow(RangeError);
    await expect(spool.put({ ...uploadOf(3), id: '../x' })).rejects.toThrow(RangeError);
    expect([await drain(spool, 'a'), await drain(spool, 'b')]).toEqual([[], [uploadOf(1)]]);
    await spool.close();
  });

  test('before it is on the disk; what was delivered by then is never written', async () => {
    const dir = folder();
    const spool = await open(dir);
    let arrivals = 0;
    spool.onArrival('a', () => arrivals++);
    const put = Promise.all(numbers(3).map(number => spool.put(uploadOf(number, 0))));
    expect(arrivals).toBe(3);
    const taken = await spool.take('a', { batch: 10, batchBytes: 1e6 });
    expect(taken.map(({ upload }) => upload)).toEqual(numbers(3).map(number => uploadOf(number, 0)));
    for (const sink of ['a', 'b']) for (const { entry } of taken) spool.remove(sink, entry);
    await put;
    await spool.close();
    expect(filesOf(dir)).toEqual([]);
  });

  test('for the owner only', async () => {
    const dir = folder();
    const spool = await open(join(dir, 'new'));
    await spool.put(uploadOf(1));
    const mode = (name: string) => statSync(join(dir, name)).mode & 0o777;
    expect(['.', 'new', 'new/a', 'new/b'].map(mode)).toEqual([0o700, 0o700, 0o700, 0o700]);
    expect(filesOf(dir).map(mode)).toEqual([0o600, 0o600]);
    await spool.close();
  });
});

describe('batches', () => {
  async function filled() {
    const spool = await open(folder());
    for (const number of numbers(6)) await spool.put(uploadOf(number, number < 4 ? 1000 : 2000), ['a']);
    return spool;
  }
  const take = async (spool: Awaited<ReturnType<typeof filled>>, batch: number, batchBytes: number) => {
    const taken = await spool.take('a', { batch, batchBytes });
    spool.release('a', taken);
    return taken.map(({ upload }) => upload.samples);
  };

  test('are of one window', async () => {
    const spool = await filled();
    expect(await take(spool, 10, 1e6)).toEqual([0, 1, 2, 3]);
    await spool.close();
  });

  test('keep to the limits, but one upload goes in any case', async () => {
    const spool = await filled();
    const size = spool.queueState('a').bytes / 6;
    expect(await take(spool, 3, 1e6)).toEqual([0, 1, 2]);
    expect(await take(spool, 10, 2 * size + 10)).toEqual([0, 1]);
    expect(await take(spool, 1, 1)).toEqual([0]);
    await spool.close();
  });
});

describe('links', () => {
  test('one file for all sinks, which counts once, also after a restart', async () => {
    const dir = folder();
    const before = await open(dir);
    await before.put(uploadOf(1, undefined, 10_000));
    const [a, b] = filesOf(dir).map(name => statSync(join(dir, name)));
    expect([a?.ino, a?.nlink]).toEqual([b?.ino, 2]);
    expect(before.state.bytes).toBe(3 * 4096);
    await before.close();
    const after = await open(dir);
    expect(after.state.bytes).toBe(3 * 4096);
    await drain(after, 'a');
    expect(after.state.bytes).toBe(3 * 4096);
    await drain(after, 'b');
    expect(after.state.bytes).toBe(0);
    await after.close();
  });
});

describe('limits', () => {
  test('the oldest goes first when there is too much', async () => {
    const spool = await open(folder(), { maxBytes: 5 * 4096 });
    for (const number of numbers(8)) await spool.put(uploadOf(number), number === 7 ? ['a'] : ['a', 'b']);
    expect(spool.state.bytes).toBe(5 * 4096);
    expect([spool.queueState('a').dropped.bytes, spool.queueState('b').dropped.bytes]).toEqual([3, 3]);
    expect((await drain(spool, 'a')).map(({ samples }) => samples)).toEqual([3, 4, 5, 6, 7]);
    expect((await drain(spool, 'b')).map(({ samples }) => samples)).toEqual([3, 4, 5, 6]);
    await spool.close();
  });

  test('the files of a day take no more than that, whatever is delivered', async () => {
    const dir = folder();
    const spool = await open(dir, { maxBytes: 10 * 4096 });
    for (const number of numbers(60)) {
      await spool.put(uploadOf(number, undefined, 100 + 97 * number));
      const sizes = new Map(filesOf(dir).map(name => [statSync(join(dir, name)).ino, statSync(join(dir, name)).size]));
      const blocks = [...sizes.values()].reduce((sum, size) => sum + Math.ceil(size / 4096), 0);
      expect(blocks).toBeLessThanOrEqual(10);
      if (number % 3 !== 0) continue;
      const taken = await spool.take('a', { batch: 1, batchBytes: 1e6 });
      for (const { entry } of taken) spool.remove('a', entry);
      spool.release('a', taken);
    }
    await spool.close();
  });

  test('a lower limit holds from the next start', async () => {
    const dir = folder();
    const before = await open(dir);
    for (const number of numbers(8)) await before.put(uploadOf(number));
    await before.close();
    const after = await open(dir, { maxBytes: 3 * 4096 });
    expect(after.queueState('a')).toMatchObject({ entries: 3, dropped: { bytes: 5 } });
    await after.close();
    expect(filesOf(dir)).toHaveLength(6);
  });

  test('what alone is too much is not taken', async () => {
    const dir = folder();
    const spool = await open(dir, { maxBytes: 2 * 4096 });
    await spool.put(uploadOf(1));
    await spool.put(uploadOf(2, undefined, 9000));
    await spool.put({ ...uploadOf(3), labels: { service_name: 'x'.repeat(2 << 20) } }, ['b']);
    expect(spool.queueState('a')).toMatchObject({ entries: 1, dropped: { oversize: 1, bytes: 0 } });
    expect(spool.queueState('b')).toMatchObject({ entries: 1, dropped: { oversize: 2, bytes: 0 } });
    expect(filesOf(dir)).toHaveLength(2);
    await spool.close();
  });

  test('what is being sent is not dropped', async () => {
    const spool = await open(folder(), { maxBytes: 2 * 4096, sinks: ['a'] });
    await spool.put(uploadOf(0));
    const taken = await spool.take('a', { batch: 1, batchBytes: 1e6 });
    for (const number of numbers(3, 1)) await spool.put(uploadOf(number));
    expect(spool.queueState('a').dropped.bytes).toBe(2);
    spool.release('a', taken);
    expect((await drain(spool, 'a')).map(({ samples }) => samples)).toEqual([0, 3]);
    await spool.close();
  });
});

describe('age', () => {
  test('counts from arrival', async () => {
    const clock = testClock();
    const spool = await open(folder(), { clock, maxAgeMs: HOUR });
    await spool.put(uploadOf(0));
    clock.pass(40 * 60_000);
    await spool.put(uploadOf(1));
    expect(spool.queueState('a').oldestAgeMs).toBe(40 * 60_000);
    clock.pass(40 * 60_000);
    expect((await drain(spool, 'a')).map(({ samples }) => samples)).toEqual([1]);
    expect(spool.queueState('a').dropped.age).toBe(1);
    expect(spool.queueState('b')).toMatchObject({ entries: 1, dropped: { age: 1 } });
    await spool.close();
  });

  test('does not care where the clock is set to', async () => {
    const clock = testClock();
    const spool = await open(folder(), { clock, maxAgeMs: HOUR });
    await spool.put(uploadOf(0, clock.wall()));
    clock.setWall(1000 * HOUR);
    await spool.put(uploadOf(1, clock.wall()));
    clock.setWall(-5000 * HOUR);
    await spool.put(uploadOf(2, clock.wall()));
    expect((await drain(spool, 'a')).map(({ samples }) => samples)).toEqual([0, 1, 2]);
    await spool.close();
  });

  test('of what was left goes by the start of its window', async () => {
    const dir = folder();
    const wall = 1_700_000_000_000;
    const before = await open(dir, { clock: testClock(wall) });
    for (const number of numbers(4)) await before.put(uploadOf(number, wall + number * 1000));
    await before.close();
    const after = await open(dir, { clock: testClock(wall + HOUR + 1500), maxAgeMs: HOUR });
    expect(after.queueState('a')).toMatchObject({ entries: 2, oldestAgeMs: HOUR - 500, dropped: { age: 2 } });
    await after.close();
    expect(filesOf(dir)).toHaveLength(4);
  });

  test('what comes from the future is as old as what came after it', async () => {
    const dir = folder();
    const wall = 1_700_000_000_000;
    const before = await open(dir);
    for (const [number, startMs] of [wall + 500 * HOUR, wall, wall + HOUR].entries()) {
      await before.put(uploadOf(number, startMs));
    }
    await before.close();
    const after = await open(dir, { clock: testClock(wall + 60_000) });
    expect(after.queueState('a')).toMatchObject({ entries: 3, oldestAgeMs: 60_000 });
    await after.close();
  });
});

describe('what was left by an earlier run', () => {
  /** A folder with five entries for a, and the path of the third. */
  async function left() {
    const dir = folder();
    const spool = await open(dir, { sinks: ['a'] });
    for (const number of numbers(5)) await spool.put(uploadOf(number));
    await spool.close();
    return { dir, file: join(dir, filesOf(dir)[2]!) };
  }

  test.each<[string, (file: string) => void]>([
    ['is empty', file => truncateSync(file)],
    ['is cut off', file => truncateSync(file, 500)],
    [
      'has a flipped byte',
      file =>
        writeFileSync(
          file,
          readFileSync(file).map((byte, i) => (i === 700 ? ~byte : byte)),
        ),
    ],
    ['is another file', file => writeFileSync(file, 'hello')],
    ['has zeros at its end', file => truncateSync(file, 5000)],
    ['is a terabyte long', file => truncateSync(file, 2 ** 40)],
    ['is a FIFO', file => [unlinkSync(file), execFileSync('mkfifo', [file])]],
    ['is a link to an entry', file => [renameSync(file, path('moved')), symlinkSync(path('moved'), file)]],
    ['is a link that leads nowhere', file => [unlinkSync(file), symlinkSync('nowhere', file)]],
    ['is a directory', file => [unlinkSync(file), mkdirSync(file)]],
  ])('and %s: it is named, counted and removed', async (_, harm) => {
    const { dir, file } = await left();
    harm(file);
    const { lines, log } = logged();
    const spool = await open(dir, { log, sinks: ['a'] });
    expect(lines).toEqual([expect.stringContaining(file.slice(dir.length + 1))]);
    expect(existsSync(file)).toBe(false);
    expect(spool.queueState('a')).toMatchObject({ entries: 4, dropped: { unreadable: 1 } });
    expect((await drain(spool, 'a')).map(({ samples }) => samples)).toEqual([0, 1, 3, 4]);
    await spool.close();
  });

  test('and is a directory with something in it: it stays', async () => {
    const { dir, file } = await left();
    unlinkSync(file);
    mkdirSync(join(file, 'x'), { recursive: true });
    const spool = await open(dir, { sinks: ['a'] });
    expect(spool.queueState('a').entries).toBe(4);
    await spool.put(uploadOf(9));
    expect((await drain(spool, 'a')).map(({ samples }) => samples)).toEqual([0, 1, 3, 4, 9]);
    await spool.close();
    expect(existsSync(join(file, 'x'))).toBe(true);
  });

  test.each<[string, (file: string) => void, number[]]>([
    ['damaged', file => truncateSync(file, 500), [0, 1, 3, 4]],
    ['removed', file => unlinkSync(file), [0, 1, 3, 4]],
  ])('and is %s later: the others are delivered', async (_, harm, expected) => {
    const { dir, file } = await left();
    const { lines, log } = logged();
    const spool = await open(dir, { log, sinks: ['a'] });
    harm(file);
    expect((await drain(spool, 'a')).map(({ samples }) => samples)).toEqual(expected);
    expect(spool.queueState('a').dropped.unreadable).toBe(1);
    expect(lines).toHaveLength(1);
    await spool.close();
  });

  test('temporary files go, others stay', async () => {
    const { dir } = await left();
    const temporary = `a/.${'0123456789abcdef'.repeat(2)}.tmp`;
    const others = ['notes.txt', 'a/.hidden', 'a/notes.upload', `a/1${'0'.repeat(15)}-x.upload`, 'a/5-x.upload'];
    for (const name of [temporary, ...others]) writeFileSync(join(dir, name), 'x');
    const spool = await open(dir, { sinks: ['a'] });
    expect(spool.queueState('a')).toMatchObject({ entries: 5, dropped: { unreadable: 0 } });
    await drain(spool, 'a');
    await spool.close();
    expect(filesOf(dir)).toEqual(others.sort());
  });

  test('is not taken for older than what comes, however high its number', async () => {
    const { dir, file } = await left();
    renameSync(file, join(dir, `a/0${'9'.repeat(15)}-x.upload`));
    const first = await open(dir, { sinks: ['a'] });
    for (const number of numbers(2, 5)) await first.put(uploadOf(number));
    expect((await drain(first, 'a')).map(({ samples }) => samples)).toEqual([0, 1, 3, 4, 2, 5, 6]);
    await first.close();
  });

  test('for a sink that is no longer configured: kept, told, and dropped when it is too old', async () => {
    const dir = folder();
    const before = await open(dir, { sinks: ['a', 'b', 'old'] });
    await before.put(uploadOf(0));
    await before.close();
    const clock = testClock();
    const after = await open(dir, { clock, maxAgeMs: HOUR });
    expect(after.state.unconfigured).toMatchObject([{ sink: 'old', entries: 1, dropped: { age: 0 } }]);
    await after.put(uploadOf(1));
    for (const sink of ['a', 'b']) await drain(after, sink);
    await vi.waitFor(() => expect(filesOf(dir)).toEqual([expect.stringMatching(/^old\//)]), 10_000);
    clock.pass(HOUR + 1);
    await after.put(uploadOf(2));
    expect(after.state.unconfigured).toMatchObject([{ sink: 'old', entries: 0, dropped: { age: 1 } }]);
    await after.close();
    expect(filesOf(dir).filter(name => name.startsWith('old/'))).toEqual([]);
  });

  test('a copy is counted for itself', async () => {
    const dir = folder();
    const before = await open(dir);
    await before.put(uploadOf(1));
    await before.close();
    const [, b] = filesOf(dir);
    const content = readFileSync(join(dir, b!));
    unlinkSync(join(dir, b!));
    writeFileSync(join(dir, b!), content);
    const after = await open(dir);
    expect(after.state.bytes).toBe(2 * 4096);
    for (const sink of ['a', 'b']) expect(await drain(after, sink)).toEqual([uploadOf(1)]);
    expect(after.state.bytes).toBe(0);
    await after.close();
  });

  test('an entry of another version is told from a damaged one', async () => {
    const { dir, file } = await left();
    const bytes = Buffer.concat(encodeEntry(uploadOf(2)));
    bytes.writeUInt32LE(2, 4);
    writeFileSync(file, bytes);
    const { lines, log } = logged();
    const spool = await open(dir, { sinks: ['a'], log });
    expect(lines.join()).toContain('does not begin like an entry');
    await spool.close();
  });
});

describe('the folder', () => {
  test.each<[string, (dir: string) => void, RegExp]>([
    ['can be written to by the group', dir => [mkdirSync(dir), chmodSync(dir, 0o720)], /written to by others/],
    ['can be written to by others', dir => [mkdirSync(dir), chmodSync(dir, 0o702)], /written to by others/],
    ['is a symbolic link', dir => [mkdirSync(`${dir}-real`), symlinkSync(`${dir}-real`, dir)], /is a link/],
    ['is a file', dir => writeFileSync(dir, ''), /not a folder/],
    ['has a sink that is a symbolic link', dir => [mkdirSync(dir), symlinkSync(path(), join(dir, 'b'))], /\/b is/],
    [
      'has a sink for all',
      dir => [mkdirSync(join(dir, 'b'), { recursive: true }), chmodSync(join(dir, 'b'), 0o777)],
      /\/b /,
    ],
  ])('is not used when it %s', async (_, harm, message) => {
    const dir = folder();
    harm(dir);
    const error = await errorOf(open(dir));
    expect(error).toMatchObject({ code: 'unsafe-folder', message: expect.stringMatching(message) });
    expect(error.message).toContain(dir);
    expect(error.hint).toBeTruthy();
  });

  test.skipIf(!isRoot)('is not used, or made in one, when it belongs to another user (needs root)', async () => {
    const dir = folder();
    mkdirSync(dir);
    chownSync(dir, 1234, 0);
    expect(await errorOf(open(dir))).toMatchObject({ code: 'unsafe-folder' });
    expect(await errorOf(open(join(dir, 'x/y')))).toMatchObject({ code: 'unsafe-folder' });
    expect(readdirSync(dir)).toEqual([]);
  });

  test('cannot be made', async () => {
    for (const dir of ['/proc/self/spool', '/dev/null/spool']) {
      const error = await errorOf(open(dir));
      expect(['spool', 'unsafe-folder']).toContain(error.code);
      expect(error.hint).toBeTruthy();
    }
  });

  test('has one owner at a time', async () => {
    const dir = folder();
    const first = await open(dir);
    expect(await errorOf(open(dir))).toMatchObject({ code: 'spool-locked', message: expect.stringContaining(dir) });
    await first.put(uploadOf(1));
    await first.close();
    expect(readdirSync(dir).sort()).toEqual(['a', 'b']);
    const second = await open(dir);
    expect(await errorOf(open(dir))).toMatchObject({ code: 'spool-locked' });
    await second.close();
  });

  test.each<[string, (dir: string, held: string) => void]>([
    ['process that is gone', (dir, held) => symlinkSync(held.replace(/:[0-9]+:/, ':4194305:'), dir)],
    ['process whose number is used again', (dir, held) => symlinkSync(held.replace(/:[0-9]+:([^:]*)$/, ':1:$1'), dir)],
    ['machine before it was started again', (dir, held) => symlinkSync(`x${held}`, dir)],
    ['program that has nothing to do with it', dir => symlinkSync('../../x', dir)],
    ['hand, as a file', dir => writeFileSync(dir, '')],
  ])('is taken over from a %s', async (_, lockBy) => {
    const dir = folder();
    const before = await open(dir);
    const held = readlinkSync(join(dir, '.lock'));
    await before.put(uploadOf(1));
    await before.close();
    lockBy(join(dir, '.lock'), held);
    const after = await open(dir);
    expect(readlinkSync(join(dir, '.lock'))).not.toBe(held);
    expect(await errorOf(open(dir))).toMatchObject({ code: 'spool-locked' });
    expect(await drain(after, 'a')).toEqual([uploadOf(1)]);
    await after.close();
    expect(readdirSync(dir).sort()).toEqual(['a', 'b']);
  });

  test('is that of the process that lives, and of nobody when it is dead but was not waited for', async () => {
    const dir = folder();
    mkdirSync(dir, { mode: 0o700 });
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const { pid, parent, end } = await zombie();
    for (const [holder, isHeld] of [
      [parent, true],
      [pid, false],
    ] as const) {
      const fields = readFileSync(`/proc/${holder}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      symlinkSync(`${boot}:${holder}:${fields[19]}:other`, join(dir, '.lock'));
      if (isHeld) {
        expect(await errorOf(open(dir))).toMatchObject({ code: 'spool-locked' });
        unlinkSync(join(dir, '.lock'));
      } else await (await open(dir)).close();
    }
    end();
  });

  test.each(numbers(5))('of several agents that start at once one gets it, %i', async () => {
    const dir = folder();
    mkdirSync(dir, { mode: 0o700 });
    symlinkSync('boot:1:2:stale', join(dir, '.lock'));
    const results = await Promise.allSettled(numbers(8).map(() => open(dir)));
    const opened = results.filter(result => result.status === 'fulfilled');
    expect(opened).toHaveLength(1);
    await opened[0]?.value.close();
    expect(readdirSync(dir).sort()).toEqual(['a', 'b']);
  });

  test.each(['', '.', '..', 'a/b', '.lock', 'x\0', 'é'])('has no sink named %j', async sink => {
    expect(await errorOf(open(folder(), { sinks: [sink] }))).toMatchObject({ code: 'usage' });
  });

  test('old modification times mean nothing', async () => {
    const dir = folder();
    const before = await open(dir);
    await before.put(uploadOf(0));
    await before.close();
    for (const name of filesOf(dir)) lutimesSync(join(dir, name), 0, 0);
    const after = await open(dir, { maxAgeMs: HOUR });
    expect(after.queueState('a').entries).toBe(1);
    await after.close();
  });
});
