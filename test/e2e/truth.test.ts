import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readPprof } from '../support/pprof.ts';
import {
  compile,
  countOf,
  cpuSeconds,
  needsBpf,
  obstacle,
  profiler,
  readCollapsed,
  start,
  startProfiler,
  stopAll,
  workFolder,
} from '../support/profiler.ts';

describe.skipIf(obstacle)(needsBpf('what is recorded is what happened'), () => {
  const folder = workFolder();
  afterAll(stopAll);

  test('known shares and the CPU time of the target', async () => {
    const target = start(compile(folder, 'shares.c'), ['30']);
    const output = join(folder, 'shares.collapsed');
    const before = cpuSeconds(target.pid);
    const { status } = profiler(['record', '-p', `${target.pid}`, '-F', '999', '-d', '10', '-o', output]);
    const cpu = cpuSeconds(target.pid) - before;
    expect(status).toBe(0);
    const stacks = readCollapsed(output);
    const total = countOf(stacks);
    for (const percent of [10, 20, 30, 40]) {
      const share = (100 * countOf(stacks, s => s.frames.includes(`burn_${percent}`))) / total;
      expect(Math.abs(share - percent), `burn_${percent} has ${share.toFixed(2)} %`).toBeLessThan(1.5);
    }
    // The CPU time was read a little before and after the recording: of 10 s, about 0.2 s.
    expect(total / 999 / cpu).toBeGreaterThan(0.95);
    expect(total / 999 / cpu).toBeLessThan(1.03);
    target.kill();
  });

  test.skipIf(cpus().length < 2)('two threads on two CPUs are both seen (needs two CPUs)', () => {
    const program = compile(folder, 'deep.cc');
    const output = join(folder, 'threads.pb.gz');
    const args = ['record', '-F', '999', '-o', output, '--labels', 'tid,cpu', '--', program, '4', '2', '16'];
    expect(profiler(args).status).toBe(0);
    const profile = readPprof(output);
    for (const label of ['tid', 'cpu']) {
      const samples = new Map<number, number>();
      for (const sample of profile.samples) {
        const value = Number(sample.labels[label]);
        samples.set(value, (samples.get(value) ?? 0) + sample.values[0]!);
      }
      const total = [...samples.values()].reduce((a, b) => a + b);
      const large = [...samples.values()].filter(count => count > 0.2 * total);
      expect(large.length, `${label}: ${[...samples]}`).toBe(2);
    }
  });

  test('processes that live 50 ms have their names', async () => {
    const program = compile(folder, 'short.c', '-static', '-nostartfiles');
    const output = join(folder, 'short.collapsed');
    const { child, ended } = startProfiler(['record', '-a', '-F', '999', '-o', output]);
    const shell = start('sh', ['-c', `sleep 1; for i in $(seq 200); do sh -c 'exec ${program}'; done`]);
    await new Promise(resolve => shell.once('exit', resolve));
    child.kill('SIGINT');
    expect((await ended).status).toBe(0);
    const burner = readCollapsed(output).filter(stack => stack.frames[0] === 'short');
    expect(countOf(burner)).toBeGreaterThan(200 * 40);
    const named = countOf(burner, stack => stack.frames.includes('burn_briefly'));
    expect(named / countOf(burner)).toBeGreaterThanOrEqual(0.99);
  });

  test('nothing is lost at 4,999 Hz with all CPUs busy and a second recorder', async () => {
    const program = compile(folder, 'deep.cc');
    const busy = start(program, ['20', '2', '65536']);
    const args = (name: string) => ['record', '-a', '-F', '4999', '-d', '10', '-o', join(folder, name)];
    const second = startProfiler(args('second.collapsed'));
    const first = await startProfiler(args('first.collapsed')).ended;
    expect(first.stderr).toContain(' 0 lost');
    expect((await second.ended).stderr).toContain(' 0 lost');
    for (const name of ['first', 'second']) {
      expect(countOf(readCollapsed(join(folder, `${name}.collapsed`)))).toBeGreaterThan(2 * 4999 * 10 * 0.9);
    }
    busy.kill();
  });
});
