import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { LeftBehind } from '../../src/runtimes/left-behind.ts';
import { testFolder } from '../support/folder.ts';

const path = testFolder();
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
  vi.useRealTimers();
});

const leftovers = (pid: number) => ({ temporary: `perf-${pid}.map`, working: new RegExp(`^isolate-${pid}-v8\\.log$`) });

/** A process in a folder of its own, and what it could have written. */
function start(name: string) {
  const folder = path(name);
  mkdirSync(folder);
  child = spawn('sleep', ['60'], { cwd: folder, stdio: 'ignore' });
  const pid = child.pid!;
  return {
    pid,
    map: `/tmp/perf-${pid}.map`,
    log: `${folder}/isolate-${pid}-v8.log`,
    other: `${folder}/isolate-1-v8.log`,
  };
}

test('files of the programs that were started are removed, others are not', () => {
  const left = new LeftBehind();
  left.expect(leftovers);
  const { pid, map, log, other } = start('started');
  left.started(pid);
  for (const file of [map, log, other]) writeFileSync(file, '');
  left.remove();
  expect([map, log, other].map(file => existsSync(file))).toEqual([false, false, true]);
});

test('files of other processes stay', () => {
  const left = new LeftBehind();
  left.expect(leftovers);
  const { map } = start('not-told');
  writeFileSync(map, '');
  left.remove();
  expect(existsSync(map)).toBe(true);
  rmSync(map);
});

test('nothing is removed where nothing was to be expected', () => {
  const left = new LeftBehind();
  const { pid, map } = start('unexpected');
  left.started(pid);
  writeFileSync(map, '');
  left.remove();
  expect(existsSync(map)).toBe(true);
  rmSync(map);
});

test('files that were there before stay, and links', () => {
  const { pid, map, log } = start('before');
  writeFileSync(map, '');
  writeFileSync(path('target'), '');
  symlinkSync(path('target'), log);
  vi.useFakeTimers({ now: Date.now() + 10_000 });
  const left = new LeftBehind();
  left.expect(leftovers);
  left.started(pid);
  utimesSync(map, new Date(), new Date());
  left.remove();
  expect([map, log, path('target')].every(file => existsSync(file))).toBe(true);
  rmSync(map);
});

test('maps that were asked for are removed', () => {
  const left = new LeftBehind();
  writeFileSync(path('perf-1.map'), '');
  left.made(path('perf-1.map'));
  left.made(undefined);
  left.removeMade();
  expect(existsSync(path('perf-1.map'))).toBe(false);
});
