import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { openBelow, testFolder } from '../support/folder.ts';
import { drain, filesOf, logged, MiB, numbers, open, testClock, uploadOf } from './support.ts';

const path = testFolder();
// They force files to the disk, many times: how long that takes is the disk's affair.
vi.setConfig({ testTimeout: 60_000 });
let count = 0;
const mounted: string[] = [];

/** A file system of its own in a new folder; false when the user may not mount. */
function mount(name: string, options: string): boolean {
  mkdirSync(path(name), { recursive: true });
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'none', path(name)]);
  if (status === 0) mounted.push(path(name));
  return status === 0;
}

function remount(dir: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, dir]);
}

afterEach(() => {
  expect(openBelow(path())).toEqual([]);
});

afterAll(() => {
  for (const dir of mounted) spawnSync('umount', ['-l', dir]);
});

const canMount = mount('probe', 'size=64k');
const title = (text: string) => (canMount ? text : `${text} (needs the right to mount)`);
const samples = (uploads: readonly { readonly samples: number }[]) => uploads.map(upload => upload.samples);

/** A mounted folder that is nearly as large as the spool wants to be. */
function small(): string {
  const name = `small-${count++}`;
  mount(name, 'size=256k');
  return path(name);
}

describe.skipIf(!canMount)(title('a full disk'), () => {
  test('what does not fit waits in memory, is delivered from there, and later ones are written again', async () => {
    const dir = small();
    const { lines, log } = logged();
    const spool = await open(dir, { log });
    for (const number of numbers(40)) await spool.put(uploadOf(number, undefined, 10_000));
    const { memoryEntries, memoryBytes, unwritten, failure } = spool.state;
    const written = filesOf(dir).length / 2;
    expect(written).toBeGreaterThan(10);
    expect([memoryEntries, unwritten, failure]).toEqual([40 - written, 40 - written, 'ENOSPC']);
    expect(memoryBytes).toBeGreaterThan(memoryEntries * 10_000);
    expect(filesOf(dir).every(name => name.endsWith('.upload'))).toBe(true);

    expect(await drain(spool, 'a')).toEqual(numbers(40).map(number => uploadOf(number, undefined, 10_000)));
    expect(samples(await drain(spool, 'b'))).toEqual(numbers(40));
    expect(spool.state).toMatchObject({ bytes: 0, memoryEntries: 0, memoryBytes: 0 });

    await spool.put(uploadOf(40));
    expect(spool.state).toMatchObject({ memoryEntries: 0, unwritten, failure: undefined });
    expect(filesOf(dir)).toHaveLength(2);
    expect(lines).toEqual([expect.stringContaining('ENOSPC'), expect.stringContaining('can be written again')]);
    await spool.close();
  });

  test('when there is room again what waits in memory is written before what comes', async () => {
    const dir = small();
    writeFileSync(join(dir, 'ballast'), new Uint8Array(200_000));
    const spool = await open(dir);
    for (const number of numbers(12)) await spool.put(uploadOf(number, undefined, 10_000));
    expect(spool.state.memoryEntries).toBeGreaterThan(5);
    unlinkSync(join(dir, 'ballast'));
    await spool.put(uploadOf(12));
    expect(spool.state).toMatchObject({ memoryEntries: 0, memoryBytes: 0, failure: undefined });
    await spool.close();
    const after = await open(dir);
    expect(samples(await drain(after, 'a'))).toEqual(numbers(13));
    await after.close();
  });

  test('memory is bounded: the oldest in it goes first, and is counted', async () => {
    const dir = small();
    writeFileSync(join(dir, 'ballast'), new Uint8Array(250_000));
    const spool = await open(dir, { maxMemoryBytes: 50_000 });
    for (const number of numbers(10)) await spool.put(uploadOf(number, undefined, 10_000), number < 8 ? ['a'] : ['b']);
    expect(spool.state).toMatchObject({ memoryEntries: 4, unwritten: 10 });
    expect(spool.state.memoryBytes).toBeLessThanOrEqual(50_000);
    expect(spool.queueState('a').dropped.memory).toBe(6);
    expect([samples(await drain(spool, 'a')), samples(await drain(spool, 'b'))]).toEqual([
      [6, 7],
      [8, 9],
    ]);
    await spool.close();
  });

  test('of many that come at once all are there', async () => {
    const spool = await open(small());
    await Promise.all(numbers(60).map(number => spool.put(uploadOf(number, undefined, 10_000))));
    expect(spool.state.memoryEntries).toBeGreaterThan(20);
    expect(samples(await drain(spool, 'a'))).toEqual(numbers(60));
    await spool.close();
  });

  test('at the start: what was left is delivered all the same', async () => {
    const dir = small();
    const before = await open(dir);
    await before.put(uploadOf(0));
    await before.close();
    writeFileSync(join(dir, 'ballast'), new Uint8Array(262_144 - 4096 * 3));
    for (const number of numbers(20)) {
      if (spawnSync('mkdir', [join(dir, `more-${number}`)]).status !== 0) break;
    }
    const spool = await open(dir, { sinks: ['a', 'b', 'new'] });
    await spool.put(uploadOf(1, undefined, 20_000));
    expect(spool.state.failure).toBe('ENOSPC');
    expect(samples(await drain(spool, 'a'))).toEqual([0, 1]);
    expect(samples(await drain(spool, 'new'))).toEqual([1]);
    await spool.close();
  });
});

describe.skipIf(!canMount)(title('a read-only disk'), () => {
  test('while it runs: delivered from memory; removed from the disk as soon as that is possible', async () => {
    const dir = small();
    const spool = await open(dir);
    await spool.put(uploadOf(0));
    remount(dir, 'ro');
    await spool.put(uploadOf(1));
    expect(spool.state).toMatchObject({ memoryEntries: 1, failure: 'EROFS' });
    expect(samples(await drain(spool, 'a'))).toEqual([0, 1]);
    expect(samples(await drain(spool, 'b'))).toEqual([0, 1]);
    expect(filesOf(dir)).toHaveLength(2);
    remount(dir, 'rw');
    await spool.put(uploadOf(2));
    expect(spool.state).toMatchObject({ memoryEntries: 0, failure: undefined });
    expect(filesOf(dir).map(name => name.slice(0, 1))).toEqual(['a', 'b']);
    await spool.close();
    const after = await open(dir);
    expect(samples(await drain(after, 'a'))).toEqual([2]);
    await after.close();
  });

  test('at the start: what is there is delivered, what comes is written as soon as that is possible', async () => {
    const dir = small();
    const before = await open(dir);
    await before.put(uploadOf(0));
    await before.close();
    remount(dir, 'ro');
    const { lines, log } = logged();
    const spool = await open(dir, { log, sinks: ['a', 'c'] });
    expect(lines).toEqual([expect.stringContaining('EROFS')]);
    await spool.put(uploadOf(1));
    remount(dir, 'rw');
    await spool.put(uploadOf(2));
    expect(
      filesOf(dir)
        .map(name => name.slice(0, 1))
        .sort(),
    ).toEqual(['a', 'a', 'a', 'b', 'c', 'c']);
    expect(samples(await drain(spool, 'a'))).toEqual([0, 1, 2]);
    expect(samples(await drain(spool, 'c'))).toEqual([1, 2]);
    await spool.close();
  });

  test('at the start, without a folder', async () => {
    const dir = small();
    remount(dir, 'ro');
    const spool = await open(join(dir, 'spool'));
    await spool.put(uploadOf(0));
    remount(dir, 'rw');
    await spool.put(uploadOf(1));
    expect(filesOf(join(dir, 'spool'))).toHaveLength(4);
    await spool.close();
  });
});

describe.skipIf(!canMount)(title('a folder on another file system'), () => {
  test('takes copies, which count for themselves', async () => {
    const dir = path(`apart-${count++}`);
    mkdirSync(dir, { mode: 0o700 });
    expect(mount(join(dir.slice(path().length), 'b'), 'size=256k')).toBe(true);
    const spool = await open(dir, { sinks: ['a', 'b', 'c'], maxBytes: 5 * 4096 });
    await spool.put(uploadOf(0));
    expect(spool.state.bytes).toBe(2 * 4096);
    const [a, b, c] = filesOf(dir).map(name => statSync(join(dir, name)));
    expect([a?.nlink, b?.nlink, c?.ino]).toEqual([2, 1, a?.ino]);
    for (const number of numbers(4, 1)) await spool.put(uploadOf(number));
    await spool.close();
    const after = await open(dir, { sinks: ['a', 'b', 'c'], maxBytes: 5 * 4096 });
    expect(after.state.bytes).toBeLessThanOrEqual(5 * 4096);
    for (const sink of ['a', 'b', 'c']) expect(samples(await drain(after, sink))).toEqual([3, 4]);
    await after.close();
  });

  test('that is full takes part in all or nothing', async () => {
    const dir = path(`apart-${count++}`);
    mkdirSync(dir, { mode: 0o700 });
    mount(join(dir.slice(path().length), 'b'), 'size=64k');
    const spool = await open(dir);
    for (const number of numbers(10)) await spool.put(uploadOf(number, undefined, 10_000));
    const { memoryEntries } = spool.state;
    expect(memoryEntries).toBeGreaterThan(3);
    expect(filesOf(dir)).toHaveLength(2 * (10 - memoryEntries));
    for (const sink of ['a', 'b']) expect(samples(await drain(spool, sink))).toEqual(numbers(10));
    await spool.close();
  });
});

describe('a folder that goes away', () => {
  test.each<[string, (dir: string) => void]>([
    ['is deleted', dir => rmSync(dir, { recursive: true })],
    ['loses a sink', dir => rmSync(join(dir, 'b'), { recursive: true })],
  ])('%s: what was in it is lost and counted, what comes is not', async (_, harm) => {
    const dir = path(`gone-${count++}`);
    const { log } = logged();
    const spool = await open(dir, { log });
    await spool.put(uploadOf(0));
    harm(dir);
    await spool.put(uploadOf(1));
    expect(spool.state).toMatchObject({ memoryEntries: 1, failure: 'ENOENT' });
    await spool.put(uploadOf(2));
    expect(spool.state).toMatchObject({ memoryEntries: 0, failure: undefined });
    expect(readdirSync(dir).sort()).toEqual(['.lock', 'a', 'b']);
    expect(samples(await drain(spool, 'b'))).toEqual([1, 2]);
    expect(spool.queueState('b').dropped.unreadable).toBe(1);
    await spool.close();
    const after = await open(dir);
    expect(samples(await drain(after, 'a')).slice(-2)).toEqual([1, 2]);
    await after.close();
  });

  test('is not written again once another agent has made it', async () => {
    const dir = path(`gone-${count++}`);
    const clock = testClock();
    const first = await open(dir, { clock });
    renameSync(dir, `${dir}-moved`);
    rmSync(`${dir}-moved`, { recursive: true });
    const second = await open(dir);
    for (const number of numbers(3)) await first.put(uploadOf(number));
    expect(first.state.memoryEntries).toBe(3);
    expect(first.state.failure).toContain('locked');
    expect(filesOf(dir)).toEqual([]);
    expect(samples(await drain(first, 'a'))).toEqual([0, 1, 2]);
    await first.close();
    expect(readdirSync(dir)).toContain('.lock');
    await second.put(uploadOf(5));
    expect(filesOf(dir)).toHaveLength(2);
    await second.close();
  });

  test('and comes back while nobody can be asked: closing writes what it can', async () => {
    const dir = path(`gone-${count++}`);
    const spool = await open(dir, { maxBytes: MiB });
    rmSync(dir, { recursive: true });
    await spool.put(uploadOf(0));
    expect(spool.state.memoryEntries).toBe(1);
    await spool.close();
    const after = await open(dir);
    expect(samples(await drain(after, 'a'))).toEqual([0]);
    await after.close();
  });
});
