import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { RecordFlags } from '../../src/cli/record-flags.ts';
import { findTargets, isAlive } from '../../src/cli/targets.ts';
import { testFolder } from '../support/folder.ts';
import { untilState, zombie } from '../support/zombie.ts';

const path = testFolder();

const none = { pid: [], tid: [], inherit: true } as unknown as RecordFlags;

/** No process has this id. */
const NOBODY = 2 ** 22;

function find(flags: Partial<RecordFlags>, extra: readonly number[] = []) {
  return findTargets({ ...none, ...flags }, extra);
}

function error(code: string, exitCode: number, more: object = {}) {
  return expect.objectContaining({ name: 'ProfilerError', code, exitCode, ...more });
}

test('processes and threads, with those of the command', () => {
  const tid = Number(execFileSync('sh', ['-c', `ls /proc/${process.pid}/task | tail -n 1`]));
  expect(find({ pid: [process.pid], tid: [tid], inherit: false }, [7])).toEqual({
    pids: [process.pid, 7],
    tids: [tid],
    cgroup: undefined,
    comm: undefined,
    inherit: false,
  });
});

test('no such process, no such thread', () => {
  expect(() => find({ pid: [process.pid, NOBODY] })).toThrow(
    error('no-target', 6, { message: `no such process: ${NOBODY}.`, hint: expect.stringContaining('ps') }),
  );
  expect(() => find({ tid: [NOBODY] })).toThrow(error('no-target', 6, { message: `no such thread: ${NOBODY}.` }));
});

describe('thread names', () => {
  test.each(['a', 'abcdefghijklmno', 'Web Content', 'ééééééé'])('%s', comm => expect(find({ comm }).comm).toBe(comm));

  test.each([
    ['abcdefghijklmnop', 16, 'The kernel cuts longer names: try "abcdefghijklmno".'],
    ['éééééééé', 16, 'The kernel cuts longer names: try "ééééééé".'],
    ['🔥🔥🔥🔥', 16, 'The kernel cuts longer names: try "🔥🔥🔥".'],
    ['', 0, undefined],
  ])('%j has %i bytes', (comm, bytes, hint) =>
    expect(() => find({ comm })).toThrow(
      error('comm', 2, { message: `a thread name has 1 to 15 bytes, "${comm}" has ${bytes}.`, hint }),
    ),
  );
});

describe('life', () => {
  test('ours', () => expect(isAlive(process.pid)).toBe(true));
  test('of nobody', () => expect(isAlive(NOBODY)).toBe(false));
  test('of a process that was waited for', () => expect(isAlive(spawnSync('true').pid)).toBe(false));

  test('a zombie is dead', async () => {
    const { pid, parent, end } = await zombie();
    expect([isAlive(pid), isAlive(parent)]).toEqual([false, true]);
    end();
  });

  test('a process lives on when its first thread has ended', async () => {
    const source = `
      #include <pthread.h>
      #include <unistd.h>
      static void *run(void *unused) { pause(); return unused; }
      int main(void) { pthread_t thread; pthread_create(&thread, 0, run, 0); pthread_exit(0); }`;
    execFileSync('gcc', ['-x', 'c', '-', '-o', path('leaderless'), '-lpthread'], { input: source });
    const child = spawn(path('leaderless'), { stdio: 'ignore' });
    await untilState(child.pid!, 'Z');
    expect(isAlive(child.pid!)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(child.pid!)).toBe(false);
  });
});

/** Where the cgroup v2 hierarchy is, as findmnt sees it. */
const root = spawnSync('findmnt', ['-n', '-t', 'cgroup2', '-o', 'TARGET'], { encoding: 'utf8' }).stdout?.split('\n')[0];
const hasRoot = !!root && existsSync(`${root}/cgroup.procs`);

describe.skipIf(!hasRoot)('cgroups (skipped where no cgroup v2 hierarchy is mounted)', () => {
  test('the root, by its name and as a relative path', () => {
    const expected = { id: statSync(root!, { bigint: true }).ino, level: 0 };
    expect([root!, '', '.', '/'].map(cgroup => find({ cgroup }).cgroup)).toEqual(Array(4).fill(expected));
  });

  test('a directory elsewhere is none, whatever lies in it', () => {
    writeFileSync(path('cgroup.procs'), '');
    expect(() => find({ cgroup: path() })).toThrow(error('no-target', 6));
  });

  test.each(['no-such-group', '/tmp', '..', '../..', '/proc/self'])('%s is none', cgroup =>
    expect(() => find({ cgroup })).toThrow(
      error('no-target', 6, { message: `no such cgroup: "${cgroup}".`, hint: expect.stringContaining(root!) }),
    ),
  );
});
