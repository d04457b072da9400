import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { pathWithin, TargetRoots } from '../../src/process/roots.ts';
import { openBelow, testFolder } from '../support/folder.ts';

const path = testFolder();
const gone = 2 ** 22 + 1;
const roots = new TargetRoots();
afterAll(() => roots.close());

describe('our own root', () => {
  test('needs no descriptor', () => expect(roots.of({ pid: process.pid, parentPid: 0 }).fd).toBeUndefined());
  test('stands for that of a process that is gone', () =>
    expect(roots.of({ pid: gone, parentPid: 0 }).fd).toBeUndefined());
});

const canUnshare = spawnSync('unshare', ['-m', 'true']).status === 0;

/** Runs the test while a process is in a mount namespace with `inside` in place of `path('mounted')`. */
async function inNamespace(run: (pid: number) => void): Promise<void> {
  const script = `mount --bind ${path('inside')} ${path('mounted')} && echo ready && exec sleep 60`;
  const child = spawn('unshare', ['-m', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  run(child.pid!);
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe.skipIf(!canUnshare)('the root of another mount namespace (needs mount namespaces)', () => {
  mkdirSync(path('inside'));
  mkdirSync(path('mounted'));
  writeFileSync(path('inside/file'), 'inside');

  test('outlives its process, and is closed when nobody needs it', async () => {
    let found = roots.of({ pid: gone, parentPid: 0 });
    await inNamespace(pid => {
      found = roots.of({ pid, parentPid: 0 });
      expect(roots.of({ pid: gone, parentPid: pid })).toBe(found);
      expect(existsSync(path('mounted/file'))).toBe(false);
      expect(readFileSync(`/proc/self/fd/${found.fd}${path('mounted/file')}`, 'utf8')).toBe('inside');
    });
    const { fd } = found;
    expect(existsSync(`/proc/self/fd/${fd}${path('inside/file')}`)).toBe(true);
    roots.sweep(new Set([fd]));
    expect(readdirSync(`/proc/self/fd/${fd}`)).not.toEqual([]);
    roots.sweep(new Set([undefined]));
    expect(openBelow('/').filter(target => target === '/')).toEqual([]);
  });
});

describe('paths as a process sees them', () => {
  const within = (root: string, of: string) => pathWithin({ fd: undefined, path: root }, of);
  test('without a chroot', () => expect(within('', '/srv/a/bin/b')).toBe('/srv/a/bin/b'));
  test('in a chroot', () => expect(within('/srv/a', '/srv/a/bin/b')).toBe('/bin/b'));
  test('told as the process sees it already', () => expect(within('/srv/a', '/bin/b')).toBe('/bin/b'));
  test('of a neighbour', () => expect(within('/srv/a', '/srv/abc/b')).toBe('/srv/abc/b'));
});
