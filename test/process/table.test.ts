import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { SidebandEvent } from '../../src/capture/sideband.ts';
import { parseMaps } from '../../src/process/maps.ts';
import { type Image, ProcessTable } from '../../src/process/table.ts';
import { has } from '../elf/toolchain.ts';
import { testFolder } from '../support/folder.ts';
import { mapping } from '../support/mappings.ts';
import { untilState, zombie } from '../support/zombie.ts';

const path = testFolder();

/** Beyond pid_max: nobody has these, so that nothing is read from /proc for them. */
const NOBODY = 2 ** 22 + 100;

const of = {
  exec: (pid: number): SidebandEvent => ({ kind: 'comm', time: 0, pid, tid: pid, comm: 'new', exec: true }),
  comm: (pid: number): SidebandEvent => ({ kind: 'comm', time: 0, pid, tid: pid, comm: 'new', exec: false }),
  fork: (pid: number, parentPid: number, tid = pid): SidebandEvent => ({ kind: 'fork', time: 0, pid, tid, parentPid }),
  exit: (pid: number, tid = pid): SidebandEvent => ({ kind: 'exit', time: 0, pid, tid }),
  lost: (): SidebandEvent => ({ kind: 'lost', time: 0, count: 1 }),
  mmap: (pid: number, start: number, end: number, path: string): SidebandEvent => {
    const { fileOffset, device, inode, buildId } = mapping(start, end);
    const where = { start, length: end - start, fileOffset, path, device, inode, buildId };
    return { kind: 'mmap', time: 0, pid, tid: pid, ...where };
  },
};

/** A table that knows the process `pid` with these mappings. */
function tableWith(pid: number, followAll = false): ProcessTable {
  const table = new ProcessTable({ followAll });
  table.image(pid);
  apply(table, of.exec(pid), of.mmap(pid, 0x1000, 0x2000, '/bin/a'), of.mmap(pid, 0x5000, 0x6000, '/lib/b'));
  return table;
}

function apply(table: ProcessTable, ...events: readonly SidebandEvent[]): void {
  for (const event of events) table.apply(event);
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
    table.apply(of.mmap(NOBODY, 0x3000, 0x4000, '/lib/c'));
    expect(paths(table.image(NOBODY))).toEqual(['1000 /bin/a', '3000 /lib/c', '5000 /lib/b']);
    expect(table.image(NOBODY).id).toBe(id);
  });

  test('a mapping in place of another makes a new one', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    table.apply(of.mmap(NOBODY, 0x1000, 0x2000, '/lib/c'));
    expect(paths(table.image(NOBODY))).toEqual(['1000 /lib/c', '5000 /lib/b']);
    expect(table.image(NOBODY).id).toBeGreaterThan(before.id);
    expect(paths(before)).toEqual(['1000 /bin/a', '5000 /lib/b']);
  });

  test('a mapping that is told again changes nothing', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    table.apply(of.mmap(NOBODY, 0x1000, 0x2000, '/bin/a'));
    expect(table.image(NOBODY)).toEqual(before);
  });

  test.each([true, false])('of a process that was never seen (followAll: %s)', followAll => {
    const table = new ProcessTable({ followAll });
    table.apply(of.mmap(NOBODY, 0x1000, 0x2000, '/bin/a'));
    expect(table.has(NOBODY)).toBe(false);
  });

  test('of a process whose mappings are unknown: they stay unknown', () => {
    const table = new ProcessTable({ followAll: false });
    table.image(NOBODY);
    table.apply(of.mmap(NOBODY, 0x1000, 0x2000, '/bin/a'));
    expect(table.image(NOBODY).mappings).toBeUndefined();
  });
});

describe('exec', () => {
  test('makes a new image without mappings', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    table.apply(of.exec(NOBODY));
    expect(table.image(NOBODY)).toMatchObject({ pid: NOBODY, mappings: [] });
    expect(table.image(NOBODY).id).toBeGreaterThan(before.id);
  });

  test('another name is no exec', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    table.apply(of.comm(NOBODY));
    expect(table.image(NOBODY)).toBe(before);
  });

  test('keeps the parent', () => {
    const table = tableWith(NOBODY);
    apply(table, of.fork(NOBODY + 1, NOBODY), of.exec(NOBODY + 1));
    expect(table.image(NOBODY + 1).parentPid).toBe(NOBODY);
  });

  test('of a process that was never seen is kept where all are followed', () => {
    const [all, some] = [new ProcessTable({ followAll: true }), new ProcessTable({ followAll: false })];
    for (const table of [all, some]) apply(table, of.exec(NOBODY), of.mmap(NOBODY, 0x1000, 0x2000, '/bin/a'));
    expect(paths(all.image(NOBODY))).toEqual(['1000 /bin/a']);
    expect(some.has(NOBODY)).toBe(false);
  });
});

describe('fork', () => {
  const child = NOBODY + 1;

  test('the child of a known process has its mappings, as an image of its own', () => {
    const table = tableWith(NOBODY);
    table.apply(of.fork(child, NOBODY));
    const [parent, forked] = [table.image(NOBODY), table.image(child)];
    expect(forked.mappings).toBe(parent.mappings);
    expect(forked).toMatchObject({ pid: child, parentPid: NOBODY });
    expect(forked.id).not.toBe(parent.id);
    table.apply(of.mmap(child, 0x7000, 0x8000, '/lib/c'));
    expect(paths(table.image(NOBODY))).toEqual(['1000 /bin/a', '5000 /lib/b']);
    expect(paths(table.image(child))).toEqual(['1000 /bin/a', '5000 /lib/b', '7000 /lib/c']);
  });

  test('a thread changes nothing', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    table.apply(of.fork(NOBODY, NOBODY, NOBODY + 5));
    expect(table.image(NOBODY)).toBe(before);
    expect(table.has(NOBODY + 5)).toBe(false);
  });

  test('the child of a process that was never seen is followed where all are', () => {
    const [all, some] = [new ProcessTable({ followAll: true }), new ProcessTable({ followAll: false })];
    for (const table of [all, some]) table.apply(of.fork(child, process.pid));
    expect(all.image(child).mappings).toBe(all.image(process.pid).mappings);
    expect(some.has(child)).toBe(false);
  });

  test('the child of a process that cannot be read is looked at later', () => {
    const table = new ProcessTable({ followAll: true });
    table.apply(of.fork(child, NOBODY));
    expect(table.has(child)).toBe(false);
  });
});

describe('a pid that is used again', () => {
  test.each([true, false])('by the child of a known process (followAll: %s)', followAll => {
    const table = tableWith(NOBODY, followAll);
    table.apply(of.fork(NOBODY + 1, NOBODY));
    const first = table.image(NOBODY + 1);
    apply(table, of.exit(NOBODY + 1), of.fork(NOBODY + 1, NOBODY));
    expect(table.image(NOBODY + 1).id).toBeGreaterThan(first.id);
  });

  test.each([true, false])(
    'by the child of a stranger: it is not taken for the process before (followAll: %s)',
    followAll => {
      const table = tableWith(NOBODY, followAll);
      apply(table, of.exit(NOBODY), of.fork(NOBODY, NOBODY + 7));
      expect(table.has(NOBODY)).toBe(false);
    },
  );
});

describe('exit', () => {
  test('late samples still find the process', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    table.apply(of.exit(NOBODY));
    expect(table.image(NOBODY)).toBe(before);
  });

  test('the exit of a thread is not the exit of its process', () => {
    const table = tableWith(NOBODY);
    table.apply(of.exit(NOBODY, NOBODY + 9999));
    for (let i = 1; i <= 4096; i++) apply(table, of.fork(NOBODY + i, NOBODY), of.exit(NOBODY + i));
    expect([0, 1].map(i => table.has(NOBODY + i))).toEqual([true, true]);
  });

  test('4,096 exited processes are remembered; the oldest goes first and the living stay', () => {
    const table = tableWith(NOBODY);
    for (let i = 1; i <= 4096; i++) apply(table, of.fork(NOBODY + i, NOBODY), of.exit(NOBODY + i));
    expect([1, 2, 4096].map(i => table.has(NOBODY + i))).toEqual([true, true, true]);
    apply(table, of.fork(NOBODY + 5000, NOBODY), of.exit(NOBODY + 5000));
    expect([0, 1, 2, 4096, 5000].map(i => table.has(NOBODY + i))).toEqual([true, false, true, true, true]);
  });

  test('a process that lives again is not among the exited', () => {
    const table = tableWith(NOBODY);
    apply(table, of.fork(NOBODY + 1, NOBODY), of.exit(NOBODY + 1), of.fork(NOBODY + 1, NOBODY));
    for (let i = 2; i <= 4100; i++) apply(table, of.fork(NOBODY + i, NOBODY), of.exit(NOBODY + i));
    expect([1, 2, 6].map(i => table.has(NOBODY + i))).toEqual([true, false, true]);
  });

  test('of a process that was never seen', () => {
    const table = new ProcessTable({ followAll: true });
    table.apply(of.exit(NOBODY));
    expect(table.has(NOBODY)).toBe(false);
  });
});

test('after a loss everything is read again', () => {
  const table = new ProcessTable({ followAll: false });
  table.image(process.pid);
  apply(table, of.exec(process.pid), of.mmap(process.pid, 0x1000, 0x2000, '/bin/a'));
  const before = table.image(process.pid);
  expect(paths(before)).toEqual(['1000 /bin/a']);
  table.apply(of.lost());
  expect(table.has(process.pid)).toBe(false);
  const after = table.image(process.pid);
  expect(after.id).toBeGreaterThan(before.id);
  expect(after.mappings?.map(m => m.path)).toContain(process.execPath);
});

describe('a process that is seen first while it is about to become another', () => {
  const own = process.pid;

  test.each([
    ['an exec', of.exec(own)],
    ['a fork that reuses its pid', of.fork(own, NOBODY)],
  ])('is not read from /proc: %s', (_, event) => {
    const table = new ProcessTable({ followAll: true });
    table.announce(event);
    expect(table.image(own).mappings).toBeUndefined();
  });

  test.each([
    ['a thread', of.fork(own, own, own + 1)],
    ['a new name', of.comm(own)],
    ['an exit', of.exit(own)],
    ['the exec of another process', of.exec(NOBODY)],
  ])('is read when it stays what it is: %s', (_, event) => {
    const table = new ProcessTable({ followAll: true });
    table.announce(event);
    expect(table.image(own).mappings?.length).toBeGreaterThan(0);
  });

  test('is read again after the last of the announced events', () => {
    const table = new ProcessTable({ followAll: false });
    for (let i = 0; i < 2; i++) table.announce(of.exec(own));
    for (const expected of [false, true]) {
      table.apply(of.exec(own));
      table.apply(of.lost());
      expect(table.image(own).mappings !== undefined).toBe(expected);
    }
  });
});

describe('reading a process again', () => {
  test('makes a new image with what is mapped now', () => {
    const table = new ProcessTable({ followAll: false });
    const before = table.image(process.pid);
    table.apply(of.mmap(process.pid, 0x1000, 0x2000, '/bin/a'));
    table.refresh(process.pid);
    const after = table.image(process.pid);
    expect(after.id).toBeGreaterThan(before.id);
    // Generated code comes and goes.
    const files = (all: Image['mappings']) => all!.filter(({ path }) => path.startsWith('/'));
    expect(files(after.mappings)).toEqual(files(parseMaps(readFileSync('/proc/self/maps', 'utf8'))));
  });

  test('makes it known', () => {
    const table = new ProcessTable({ followAll: false });
    table.refresh(process.pid);
    expect(table.has(process.pid)).toBe(true);
  });

  test('keeps the parent', () => {
    const table = tableWith(NOBODY);
    table.apply(of.fork(process.pid, NOBODY));
    table.refresh(process.pid);
    expect(table.image(process.pid)).toMatchObject({ parentPid: NOBODY });
  });

  test('one that is gone keeps what was', () => {
    const table = tableWith(NOBODY);
    const before = table.image(NOBODY);
    table.refresh(NOBODY);
    table.refresh(NOBODY + 1);
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
        table.apply(of.mmap(own, base + i * 0x2000, base + i * 0x2000 + 0x1000, `/told/${i}`));
    };
    return { table, real, told, tell };
  }

  test('go when there are many; what is mapped stays, and so does what was told last', () => {
    const { table, real, told, tell } = known();
    tell(0, 255 - real.length);
    expect(told()).toHaveLength(255 - real.length);
    tell(255 - real.length, 256 - real.length);
    expect(told().map(m => m.path)).toEqual([`/told/${255 - real.length}`]);
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
      table.apply(of.mmap(NOBODY, base + i * 0x2000, base + i * 0x2000 + 0x1000, `/told/${i}`));
    expect(table.image(NOBODY).mappings).toHaveLength(302);
  });

  test('stay while the process is about to become another: what /proc shows is that one', () => {
    const { table, told, tell } = known();
    table.announce(of.exec(own));
    tell(0, 100);
    expect(told()).toHaveLength(100);
  });

  test('leave an address that means something else when it is mapped again: another image', () => {
    const { table, tell, told } = known();
    tell(0, 1);
    const before = table.image(own);
    tell(1, 300);
    expect(told().map(m => m.path)).not.toContain('/told/0');
    table.apply(of.mmap(own, base, base + 0x1000, '/told/another'));
    expect(table.image(own).id).not.toBe(before.id);
  });
});
