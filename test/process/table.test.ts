import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseMaps } from '../../src/process/maps.ts';
import { Change, type Image, ProcessTable } from '../../src/process/table.ts';
import { has } from '../elf/toolchain.ts';
import { testFolder } from '../support/folder.ts';
import { commRecord, lostRecord, mmapRecord, taskRecord } from '../support/records.ts';
import { feed } from '../support/sideband.ts';
import { untilState, zombie } from '../support/zombie.ts';

const path = testFolder();

/** Beyond pid_max: nobody has these, so that nothing is read from /proc for them. */
const NOBODY = 2 ** 22 + 100;

const of = {
  exec: (pid: number, time = 0) => commRecord({ time: BigInt(time), pid, comm: 'new', exec: true }),
  comm: (pid: number, time = 0) => commRecord({ time: BigInt(time), pid, comm: 'new' }),
  fork: (pid: number, parentPid: number, time = 0) => taskRecord('fork', { time: BigInt(time), pid, parentPid }),
  thread: (pid: number, tid: number, time = 0) => taskRecord('fork', { time: BigInt(time), pid, parentPid: pid, tid }),
  exit: (pid: number, time = 0, tid = pid) => taskRecord('exit', { time: BigInt(time), pid, tid }),
  lost: () => lostRecord(1n),
  mmap: (pid: number, start: number, end: number, path: string, time = 0) => {
    const range = { start: BigInt(start), length: BigInt(end - start) };
    return mmapRecord({ time: BigInt(time), pid, ...range, path, device: [0xfe, 1], inode: 7n });
  },
};

const SECOND = 1e9;

/** All samples before these seconds were looked at, one after the other. */
function settle(table: ProcessTable, ...seconds: readonly number[]): void {
  for (const second of seconds) table.settle(second * SECOND);
}

/** A table that knows the process `pid` with these mappings. */
function tableWith(pid: number, followAll = false): ProcessTable {
  const table = new ProcessTable({ followAll });
  table.image(pid);
  feed(table, of.exec(pid), of.mmap(pid, 0x1000, 0x2000, '/bin/a'), of.mmap(pid, 0x5000, 0x6000, '/lib/b'));
  return table;
}

function paths(image: Image): string[] | undefined {
  return image.mappings?.map(m => `${m.start.toString(16)} ${m.path}`);
}

describe('at first sight', () => {
  test('mappings are read from /proc, once', () => {
    const table = new ProcessTable({ followAll: false });
    expect(table.has(process.pid)).toBe(false);
    const image = table.image(process.pid);
    expect(image).toMatchObject({ id: 1, pid: process.pid, parentPid: 0 });
    const expected = parseMaps(readFileSync('/proc/self/maps', 'utf8')).filter(m => m.path === process.execPath);
    expect(image.mappings).toEqual(expect.arrayContaining(expected));
    expect(table.image(process.pid)).toBe(image);
  });

  test('a process that is gone has none', () => {
    const { pid } = spawnSync('/bin/true');
    expect(new ProcessTable({ followAll: false }).image(pid).mappings).toBeUndefined();
    expect(new ProcessTable({ followAll: false }).image(0).mappings).toBeUndefined();
  });

  test('a zombie has none', async () => {
    const { pid, end } = await zombie();
    expect(new ProcessTable({ followAll: false }).image(pid).mappings).toBeUndefined();
    end();
  });
});

describe('mmap', () => {
  test('growth keeps the image', () => {
    const table = tableWith(NOBODY);
    const { id } = table.image(NOBODY);
    feed(table, of.mmap(NOBODY, 0x3000, 0x4000, '/lib/c'));
    expect(paths(table.image(NOBODY))).toEqual(['1000 /bin/a', '3000 /lib/c', '5000 /lib/b']);
    expect(table.image(NOBODY).id).toBe(id);
  });

  test('a mapping in place of another makes a new one', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    feed(table, of.mmap(NOBODY, 0x1000, 0x2000, '/lib/c'));
    expect(paths(table.image(NOBODY))).toEqual(['1000 /lib/c', '5000 /lib/b']);
    expect(table.image(NOBODY).id).toBeGreaterThan(before.id);
    expect(paths(before)).toEqual(['1000 /bin/a', '5000 /lib/b']);
  });

  test('a mapping that is told again changes nothing', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    feed(table, of.mmap(NOBODY, 0x1000, 0x2000, '/bin/a'));
    expect(table.image(NOBODY)).toEqual(before);
  });

  test.each([true, false])('of a process that was never seen (followAll: %s)', followAll => {
    const table = new ProcessTable({ followAll });
    feed(table, of.mmap(NOBODY, 0x1000, 0x2000, '/bin/a'));
    expect(table.has(NOBODY)).toBe(false);
  });

  test('of a process whose mappings are unknown: they stay unknown', () => {
    const table = new ProcessTable({ followAll: false });
    table.image(NOBODY);
    feed(table, of.mmap(NOBODY, 0x1000, 0x2000, '/bin/a'));
    expect(table.image(NOBODY).mappings).toBeUndefined();
  });
});

describe('exec', () => {
  test('makes a new image without mappings', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    feed(table, of.exec(NOBODY));
    expect(table.image(NOBODY)).toMatchObject({ pid: NOBODY, mappings: [] });
    expect(table.image(NOBODY).id).toBeGreaterThan(before.id);
  });

  test('another name is no exec', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    feed(table, of.comm(NOBODY));
    expect(table.image(NOBODY)).toBe(before);
  });

  test('keeps the parent', () => {
    const table = tableWith(NOBODY);
    feed(table, of.fork(NOBODY + 1, NOBODY), of.exec(NOBODY + 1));
    expect(table.image(NOBODY + 1).parentPid).toBe(NOBODY);
  });

  test('of a process that was never seen is kept where all are followed', () => {
    const [all, some] = [new ProcessTable({ followAll: true }), new ProcessTable({ followAll: false })];
    for (const table of [all, some]) feed(table, of.exec(NOBODY), of.mmap(NOBODY, 0x1000, 0x2000, '/bin/a'));
    expect(paths(all.image(NOBODY))).toEqual(['1000 /bin/a']);
    expect(some.has(NOBODY)).toBe(false);
  });
});

describe('fork', () => {
  const child = NOBODY + 1;

  test('the child of a known process has its mappings, as an image of its own', () => {
    const table = tableWith(NOBODY);
    feed(table, of.fork(child, NOBODY));
    const [parent, forked] = [table.image(NOBODY), table.image(child)];
    expect(forked.mappings).toBe(parent.mappings);
    expect(forked).toMatchObject({ pid: child, parentPid: NOBODY });
    expect(forked.id).not.toBe(parent.id);
    feed(table, of.mmap(child, 0x7000, 0x8000, '/lib/c'));
    expect(paths(table.image(NOBODY))).toEqual(['1000 /bin/a', '5000 /lib/b']);
    expect(paths(table.image(child))).toEqual(['1000 /bin/a', '5000 /lib/b', '7000 /lib/c']);
  });

  test('a thread changes nothing', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    feed(table, of.thread(NOBODY, NOBODY + 5));
    expect(table.image(NOBODY)).toBe(before);
    expect(table.has(NOBODY + 5)).toBe(false);
  });

  test('the child of a process that was never seen is followed where all are', () => {
    const [all, some] = [new ProcessTable({ followAll: true }), new ProcessTable({ followAll: false })];
    for (const table of [all, some]) feed(table, of.fork(child, process.pid));
    expect(all.image(child).mappings).toBe(all.image(process.pid).mappings);
    expect(some.has(child)).toBe(false);
  });

  test('the child of a process that cannot be read is read itself', () => {
    const table = new ProcessTable({ followAll: true });
    feed(table, of.fork(process.pid, NOBODY), of.fork(child, NOBODY));
    expect(table.image(process.pid)).toMatchObject({ parentPid: NOBODY });
    expect(table.image(process.pid).mappings?.length).toBeGreaterThan(0);
    expect(table.image(child).mappings).toBeUndefined();
  });

  test('the child has what its parent had then, whatever that has become since', () => {
    const table = tableWith(NOBODY, true);
    feed(table, of.fork(child, NOBODY, 10), of.exec(NOBODY, 20), of.mmap(NOBODY, 0x1000, 0x2000, '/bin/z', 21));
    expect(paths(table.image(child))).toEqual(['1000 /bin/a', '5000 /lib/b']);
    expect(paths(table.image(NOBODY))).toEqual(['1000 /bin/z']);
  });

  test('a long line of children', () => {
    const table = tableWith(NOBODY, true);
    for (let i = 0; i < 20_000; i++) feed(table, of.fork(NOBODY + i + 1, NOBODY + i, i + 1));
    expect(paths(table.image(NOBODY + 20_000))).toEqual(['1000 /bin/a', '5000 /lib/b']);
  });
});

describe('a pid that is used again', () => {
  test.each([true, false])('by the child of a known process (followAll: %s)', followAll => {
    const table = tableWith(NOBODY, followAll);
    feed(table, of.fork(NOBODY + 1, NOBODY));
    const first = table.image(NOBODY + 1);
    feed(table, of.exit(NOBODY + 1), of.fork(NOBODY + 1, NOBODY));
    expect(table.image(NOBODY + 1).id).toBeGreaterThan(first.id);
  });

  test.each([true, false])('by the child of a stranger (followAll: %s)', followAll => {
    const table = tableWith(NOBODY, followAll);
    feed(table, of.exit(NOBODY, 10), of.fork(NOBODY, NOBODY + 7, 20));
    expect(paths(table.image(NOBODY, 5))).toEqual(['1000 /bin/a', '5000 /lib/b']);
    settle(table, 1, 2);
    expect(table.image(NOBODY).mappings).toBeUndefined();
  });
});

describe('exit', () => {
  test('late samples still find the process', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    feed(table, of.exit(NOBODY));
    expect(table.image(NOBODY)).toBe(before);
  });

  test('a process that has ended is forgotten when no sample of it can come any more', () => {
    const table = tableWith(NOBODY);
    feed(table, of.fork(NOBODY + 1, NOBODY, 10), of.exit(NOBODY, 1.5 * SECOND));
    settle(table, 1);
    expect(table.has(NOBODY)).toBe(true);
    settle(table, 2);
    expect(table.has(NOBODY)).toBe(true);
    settle(table, 3);
    expect([0, 1].map(i => table.has(NOBODY + i))).toEqual([false, true]);
  });

  test('the exit of a thread is not the exit of its process', () => {
    const table = tableWith(NOBODY);
    feed(table, of.exit(NOBODY, 10, NOBODY + 9999));
    settle(table, 1, 2, 3);
    expect(table.has(NOBODY)).toBe(true);
  });

  test('a process that lives again is not forgotten', () => {
    const table = tableWith(NOBODY);
    feed(table, of.fork(NOBODY + 1, NOBODY, 1), of.exit(NOBODY + 1, 2), of.fork(NOBODY + 1, NOBODY, 3));
    settle(table, 1, 2, 3);
    expect(paths(table.image(NOBODY + 1))).toEqual(['1000 /bin/a', '5000 /lib/b']);
  });

  test('of one that nobody asked for: it is forgotten at once', () => {
    const table = tableWith(NOBODY, true);
    feed(table, of.fork(NOBODY + 1, NOBODY, 1), of.exec(NOBODY + 1, 2), of.exit(NOBODY + 1, 3));
    settle(table, 1);
    expect(table.has(NOBODY + 1)).toBe(false);
  });

  test('of a process that was never seen', () => {
    const table = new ProcessTable({ followAll: true });
    feed(table, of.exit(NOBODY));
    expect(table.has(NOBODY)).toBe(false);
  });
});

test('after a loss everything is read again', () => {
  const table = new ProcessTable({ followAll: false });
  table.image(process.pid);
  feed(table, of.exec(process.pid), of.mmap(process.pid, 0x1000, 0x2000, '/bin/a'));
  const before = table.image(process.pid);
  expect(paths(before)).toEqual(['1000 /bin/a']);
  feed(table, of.lost());
  expect(table.has(process.pid)).toBe(false);
  const after = table.image(process.pid);
  expect(after.id).toBeGreaterThan(before.id);
  expect(after.mappings?.map(m => m.path)).toContain(process.execPath);
});

describe('time', () => {
  test('a sample finds the program that ran then', () => {
    const table = tableWith(NOBODY, true);
    feed(table, of.exec(NOBODY, 100), of.mmap(NOBODY, 0x1000, 0x2000, '/bin/z', 101));
    expect([99, 100, 101, 500].map(time => paths(table.image(NOBODY, time)))).toEqual([
      ['1000 /bin/a', '5000 /lib/b'],
      ['1000 /bin/z'],
      ['1000 /bin/z'],
      ['1000 /bin/z'],
    ]);
  });

  test('and what was mapped then, where something else is mapped now', () => {
    const table = tableWith(NOBODY);
    feed(table, of.mmap(NOBODY, 0x5000, 0x6000, '/lib/z', 100));
    expect([99, 100].map(time => paths(table.image(NOBODY, time))?.at(-1))).toEqual(['5000 /lib/b', '5000 /lib/z']);
  });

  test('a process that is renewed', () => {
    const table = tableWith(NOBODY);
    feed(table, of.exec(NOBODY, 100));
    const before = table.image(NOBODY, 50);
    const renewed = table.renew(NOBODY, 50);
    expect(renewed).toEqual({ ...before, id: renewed.id });
    expect([40, 50, 60].map(time => table.image(NOBODY, time).id)).toEqual([before.id, renewed.id, renewed.id]);
    expect(table.image(NOBODY, 100).mappings).toEqual([]);
  });

  test('what was is forgotten with the samples of that time', () => {
    const table = tableWith(NOBODY);
    feed(table, of.exec(NOBODY, 1.5 * SECOND));
    for (const [second, expected] of [
      [1, 2],
      [2, 2],
      [3, 0],
    ] as const) {
      settle(table, second);
      expect(table.image(NOBODY, SECOND).mappings ?? []).toHaveLength(expected);
    }
  });
});

describe('changes', () => {
  function changes(table: ProcessTable) {
    const told: unknown[] = [];
    table.takeChanged((pid, bits, hasEnded) => told.push([pid - NOBODY, bits, hasEnded]));
    return told;
  }

  test('are told once, of each process together', () => {
    const table = tableWith(NOBODY, true);
    expect(changes(table)).toEqual([[0, Change.exec | Change.mappings, false]]);
    expect(changes(table)).toEqual([]);
    feed(table, of.fork(NOBODY + 1, NOBODY), of.exec(NOBODY + 1), of.exit(NOBODY), of.mmap(NOBODY + 2, 1, 2, '/x'));
    expect(changes(table)).toEqual([
      [1, Change.fork | Change.exec, false],
      [0, Change.exit, true],
    ]);
  });

  test('a pid that is used again has not ended', () => {
    const table = tableWith(NOBODY, true);
    feed(table, of.fork(NOBODY + 1, NOBODY, 1), of.exit(NOBODY + 1, 2), of.fork(NOBODY + 1, NOBODY, 3));
    expect(changes(table).at(-1)).toEqual([1, Change.fork | Change.exit, false]);
  });

  test('a process whose leader ended since another thread execs has not ended', () => {
    const table = tableWith(NOBODY);
    changes(table);
    feed(table, of.exit(NOBODY, 1), of.exec(NOBODY, 2));
    expect(changes(table)).toEqual([[0, Change.exit | Change.exec, false]]);
    settle(table, 1, 2, 3);
    expect(table.has(NOBODY)).toBe(true);
  });
});

test('the execs of known processes are told', () => {
  const told: unknown[] = [];
  const table = new ProcessTable({ followAll: false, onExec: (pid, time) => told.push([pid, time]) });
  table.image(NOBODY);
  feed(table, of.exec(NOBODY, 7), of.comm(NOBODY, 8), of.exec(NOBODY + 1, 9));
  expect(told).toEqual([[NOBODY, 7]]);
});

describe('a process that is seen first when it has become another since', () => {
  const own = process.pid;

  test.each([
    ['an exec', of.exec(own, 10)],
    ['a fork that reuses its pid', of.fork(own, NOBODY, 10)],
  ])('is not read from /proc: %s', (_, record) => {
    const table = new ProcessTable({ followAll: true });
    feed(table, record);
    expect(table.image(own, 5).mappings).toBeUndefined();
  });

  test.each([
    ['a thread', of.thread(own, own + 1, 10)],
    ['a new name', of.comm(own, 10)],
    ['an exit', of.exit(own, 10)],
    ['the exec of another process', of.exec(NOBODY, 10)],
  ])('is read when it stayed what it was: %s', (_, record) => {
    const table = new ProcessTable({ followAll: true });
    feed(table, record);
    expect(table.image(own, 5).mappings?.length).toBeGreaterThan(0);
  });
});

describe('reading a process again', () => {
  test('makes a new image with what is mapped now', () => {
    const table = new ProcessTable({ followAll: false });
    const before = table.image(process.pid);
    feed(table, of.mmap(process.pid, 0x1000, 0x2000, '/bin/a'));
    table.refresh(process.pid, 1);
    const after = table.image(process.pid);
    expect(after.id).toBeGreaterThan(before.id);
    // Generated code comes and goes.
    const files = (all: Image['mappings']) => all!.filter(({ path }) => path.startsWith('/'));
    expect(files(after.mappings)).toEqual(files(parseMaps(readFileSync('/proc/self/maps', 'utf8'))));
  });

  test('makes it known', () => {
    const table = new ProcessTable({ followAll: false });
    table.refresh(process.pid, 1);
    expect(table.has(process.pid)).toBe(true);
  });

  test('keeps the parent', () => {
    const table = tableWith(NOBODY);
    feed(table, of.fork(process.pid, NOBODY));
    table.refresh(process.pid, 1);
    expect(table.image(process.pid)).toMatchObject({ parentPid: NOBODY });
  });

  test('one that is gone keeps what was', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    table.refresh(NOBODY, 1);
    table.refresh(NOBODY + 1, 1);
    expect([table.image(NOBODY), table.has(NOBODY + 1)]).toEqual([before, false]);
  });

  test.runIf(has('gcc'))('whose leader has ended, by one of its threads (needs gcc)', async () => {
    const program = path('leaderless');
    const source = `#include <pthread.h>
      #include <unistd.h>
      static void *wait_long(void *unused) { sleep(100); return unused; }
      int main(void) { pthread_t id; pthread_create(&id, 0, wait_long, 0); pthread_exit(0); }`;
    execFileSync('gcc', ['-x', 'c', '-', '-o', program, '-lpthread'], { input: source });
    const child = spawn(program, { stdio: 'ignore' });
    await untilState(child.pid!, 'Z');
    const table = new ProcessTable({ followAll: false });
    expect(table.image(child.pid!).mappings?.map(m => m.path)).toContain(program);
    child.kill('SIGKILL');
  });
});

describe('mappings that are there no more', () => {
  const own = process.pid;
  const base = 2 ** 36; // nobody maps anything there

  /** A table that knows this process, and what it has. */
  function known() {
    const table = new ProcessTable({ followAll: false });
    const real = table.image(own).mappings!;
    const told = () => table.image(own).mappings!.filter(m => m.path.startsWith('/told'));
    const tell = (from: number, to: number) => {
      for (let i = from; i < to; i++)
        feed(table, of.mmap(own, base + i * 0x2000, base + i * 0x2000 + 0x1000, `/told/${i}`));
    };
    return { table, real, told, tell };
  }

  test('go when there are many; what is mapped stays', () => {
    const { table, real, told, tell } = known();
    tell(0, 255 - real.length);
    expect(told()).toHaveLength(255 - real.length);
    tell(255 - real.length, 256 - real.length);
    expect(told()).toEqual([]);
    expect(table.image(own).mappings).toEqual(expect.arrayContaining([...real]));
  });

  test('are few for ever', () => {
    const { table, tell } = known();
    for (let i = 0; i < 5000; i += 50) {
      tell(i, i + 50);
      expect(table.image(own).mappings!.length).toBeLessThan(512);
    }
  });

  test('of a process that is gone stay', () => {
    const table = tableWith(NOBODY);
    for (let i = 0; i < 300; i++)
      feed(table, of.mmap(NOBODY, base + i * 0x2000, base + i * 0x2000 + 0x1000, `/told/${i}`));
    expect(table.image(NOBODY).mappings).toHaveLength(302);
  });

  test('stay when the process has become another: what /proc shows is that one', () => {
    const { table, tell } = known();
    tell(0, 300);
    feed(table, of.exec(own, 10));
    const before = table.image(own, 5).mappings!;
    expect(before.filter(m => m.path.startsWith('/told'))).toHaveLength(300);
  });

  test('leave an address that means something else when it is mapped again: another image', () => {
    const { table, tell, told } = known();
    tell(0, 1);
    const before = table.image(own);
    tell(1, 300);
    expect(told().map(m => m.path)).not.toContain('/told/0');
    feed(table, of.mmap(own, base, base + 0x1000, '/told/another'));
    expect(table.image(own).id).not.toBe(before.id);
  });
});
