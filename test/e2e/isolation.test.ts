import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readPprof } from '../support/pprof.ts';
import {
  canMount,
  compile,
  countOf,
  main,
  needsBpf,
  obstacle,
  profiler,
  readCollapsed,
  sleep,
  start,
  startProfiler,
  stopAll,
  workFolder,
} from '../support/profiler.ts';

const named = (stack: { frames: readonly string[] }) => stack.frames.includes('burn_briefly');

describe.skipIf(obstacle)(needsBpf('files of targets'), () => {
  const folder = workFolder();
  const burn = obstacle ? '' : compile(folder, 'burn.c', '-static');
  const path = (name: string) => join(folder, name);
  afterAll(stopAll);

  function record(pid: number, output: string) {
    return profiler(['record', '-p', `${pid}`, '-F', '999', '-d', '1', '-o', path(output)]);
  }

  /** Most of all samples, not all: under load the kernel and the clock take their shares. */
  function namedShare(output: string): number {
    const stacks = readCollapsed(path(output));
    expect(countOf(stacks)).toBeGreaterThan(300);
    return countOf(stacks, named) / countOf(stacks);
  }

  test('a deleted program is still read', async () => {
    copyFileSync(burn, path('deleted'));
    const target = start(path('deleted'), ['60000']);
    await sleep(200);
    unlinkSync(path('deleted'));
    expect(record(target.pid, 'deleted.collapsed').status).toBe(0);
    expect(namedShare('deleted.collapsed')).toBeGreaterThan(0.9);
    target.kill();
  });

  test('a replaced program is not named after its replacement', async () => {
    copyFileSync(burn, path('replaced'));
    const other = compile(folder, 'shares.c', '-static');
    const { child, ended } = startProfiler([
      'record',
      '--comm',
      'replaced',
      '-F',
      '999',
      '-o',
      path('replaced.collapsed'),
    ]);
    await sleep(700);
    // It ends before its replacement is in place, and is looked at after that: what lies at the path now is a stranger.
    const run = path('replaced');
    copyFileSync(other, path('new'));
    spawnSync('sh', ['-c', `${run} 60 & wait; mv ${path('new')} ${run}`]);
    child.kill('SIGINT');
    expect((await ended).status).toBe(0);
    // Its samples have their right names, if they came in time, or none: a stranger's symbols would give others.
    const stacks = readCollapsed(path('replaced.collapsed'));
    const honest = countOf(stacks, s => named(s) || s.frames.some(frame => frame.startsWith('[unknown: replaced+')));
    expect(countOf(stacks)).toBeGreaterThan(30);
    expect(honest / countOf(stacks)).toBeGreaterThan(0.9);
  });

  test.skipIf(!canMount)(
    'a program in another mount namespace is read through its root (needs mount namespaces)',
    async () => {
      // The same path means another file in there.
      const hidden = path('hidden');
      mkdirSync(path('inside'));
      mkdirSync(hidden);
      copyFileSync(burn, join(path('inside'), 'program'));
      copyFileSync('/bin/true', join(hidden, 'program'));
      const script = `mount --bind ${path('inside')} ${hidden} && exec ${hidden}/program 60000`;
      const target = start('unshare', ['-m', 'sh', '-c', script]);
      await sleep(500);
      expect(record(target.pid, 'inside.collapsed').status).toBe(0);
      expect(namedShare('inside.collapsed')).toBeGreaterThan(0.9);
      target.kill();
    },
  );

  test.skipIf(!canMount)('a recorder in a pid namespace uses the ids there (needs mount namespaces, for /proc)', () => {
    const output = path('namespace.pb.gz');
    const command = [process.execPath, main, 'record', '-F', '999', '-o', output, '--labels', 'pid', '--', burn, '300'];
    const outside = start(burn, ['3000']);
    const { status } = spawnSync('unshare', ['-p', '-f', '--mount-proc', ...command]);
    outside.kill();
    expect(status).toBe(0);
    const { samples } = readPprof(output);
    const pids = [...new Set(samples.map(sample => Number(sample.labels.pid)))];
    expect(pids.length).toBe(1);
    expect(pids[0]).toBeLessThan(50);
    expect(samples.filter(named).reduce((sum, sample) => sum + sample.values[0]!, 0)).toBeGreaterThan(250);
  });

  test('the vdso is named', () => {
    const source = compile(folder, 'vdso.c');
    const output = path('vdso.collapsed');
    expect(profiler(['record', '-F', '999', '-o', output, '--', source, '1']).status).toBe(0);
    const stacks = readCollapsed(output);
    const share = countOf(stacks, s => s.frames.some(f => /^__(vdso|kernel)_gettimeofday/.test(f))) / countOf(stacks);
    expect(share).toBeGreaterThan(0.3);
  });

  test.each([
    ['a FIFO', (file: string) => execFileSync('mkfifo', [file])],
    ['a link to a device', (file: string) => execFileSync('ln', ['-s', '/dev/zero', file])],
    ['a sparse file of 100 GB', (file: string) => execFileSync('truncate', ['-s', '100G', file])],
    ['a text', (file: string) => execFileSync('sh', ['-c', `echo '#!/bin/sh' > ${file}`])],
    ['a folder', (file: string) => mkdirSync(file)],
  ])('%s in place of the program does no harm', async (_, make) => {
    // The process is found by its comm and is gone when its file is opened, so that only the path is left.
    const file = path('hostile/program');
    mkdirSync(dirname(file));
    copyFileSync(burn, file);
    const { child, ended } = startProfiler(['record', '--comm', 'program', '-F', '4999', '-o', path('hostile.pb.gz')]);
    await sleep(700);
    execFileSync(file, ['20']);
    rmSync(file);
    make(file);
    await sleep(500);
    child.kill('SIGINT');
    const { status, stderr } = await ended;
    expect(status).toBe(0);
    expect(stderr).toMatch(/^\d\d+ samples/m);
    rmSync(dirname(file), { recursive: true });
  });

  test('a library that replaces another at its address gets its own names', () => {
    const program = compile(folder, 'dlopen.c', '-ldl');
    for (const name of ['one', 'two']) {
      const source = join(import.meta.dirname, '../programs/library.c');
      execFileSync('gcc', ['-O2', '-shared', '-fPIC', `-DNAME=work_${name}`, '-o', path(`lib${name}.so`), source]);
    }
    const output = path('dlopen.collapsed');
    const { status } = profiler([
      'record',
      '-F',
      '4999',
      '-o',
      output,
      '--',
      program,
      path('libone.so'),
      path('libtwo.so'),
    ]);
    expect(status).toBe(0);
    const stacks = readCollapsed(output);
    const [one, two] = ['work_one', 'work_two'].map(name => countOf(stacks, s => s.frames.at(-1) === name));
    // Both run equally long, in turns, at the same addresses.
    expect(one! / (one! + two!)).toBeGreaterThan(0.4);
    expect(one! / (one! + two!)).toBeLessThan(0.6);
    expect(one! + two!).toBeGreaterThan(500);
  });
});
