import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile, needsBpf, obstacle, profiler, sleep, start, stopAll, workFolder } from '../support/profiler.ts';
import { isRooted, Roots, readStacks, sharesOf, sum, tally, type UserStack } from '../support/unwind.ts';
import { forkFault, nofpFault, pluginFault } from '../support/unwind-exact.ts';
import { compileWithout, makePlugin, nofp, signals } from '../support/unwind-targets.ts';

describe.skipIf(obstacle)(needsBpf('walking stacks of what changes or is broken'), () => {
  const folder = workFolder();
  let roots: Roots;
  beforeAll(() => {
    roots = new Roots(folder);
  });
  afterAll(stopAll);

  function record(...args: readonly string[]) {
    const output = join(folder, 'stacks.pb.gz');
    const { status, stderr } = profiler(['record', '-F', '999', '--labels', 'pid,comm', '-o', output, ...args]);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(' 0 lost');
    return readStacks(output);
  }

  /** Of the stacks that begin where stacks begin, the share that is true: a wrong table is worse than none. */
  function expectTrue(stacks: readonly UserStack[], fault: (stack: UserStack) => string, least = 0.999): void {
    const complete = stacks.filter(stack => isRooted(stack, roots));
    const wrong = complete.filter(stack => fault(stack) !== '');
    expect(1 - sum(wrong) / sum(complete), tally(wrong, fault).join('\n')).toBeGreaterThanOrEqual(least);
  }

  const within = (name: RegExp) => (stack: UserStack) => stack.frames.some(frame => name.test(frame.name));

  test.skipIf(process.arch !== 'x64')(
    'broken stacks end somewhere, and sound ones do not suffer (needs x86-64)',
    async () => {
      const target = start(compileWithout(folder, 'unwind/corrupt.c', 'corrupt'), ['30']);
      await sleep(500);
      const { stacks, ends } = record('-p', `${target.pid}`, '-d', '3');
      target.kill('SIGKILL');
      expect(sum(stacks)).toBeGreaterThan(3 * 999 * 0.8);
      const sound = stacks.filter(within(/^burn_soundly/));
      expect(sharesOf(sound, roots).rooted).toBe(1);
      const broken = stacks.filter(within(/burn_(with|shrinking|looping|far|expression)/));
      expect(sum(broken)).toBeGreaterThan(20 * sum(sound) * 0.5);
      expect(sharesOf(broken, roots).rooted).toBe(0);
      // Of the 29 threads five have a frame pointer or a return address of 0, which is how outermost frames are marked.
      expect(ends.get('complete') ?? 0, `${[...ends]}`).toBeLessThan(sum(stacks) * (6 / 29) * 1.15);
      for (const reason of ['corrupt', 'bad read', 'no rule']) expect(ends.get(reason), reason).toBeGreaterThan(100);
    },
  );

  test('libraries that come and go: what is complete is true', () => {
    const program = compileWithout(folder, 'unwind/dlloop.c', 'dlloop', '-ldl');
    // The frames differ: one library's table leads astray in the other.
    const quick = [makePlugin(folder, 'quick_a', 64, 3), makePlugin(folder, 'quick_b', 600, 3)];
    const { stacks } = record('--', program, '3', ...quick);
    expect(sum(stacks)).toBeGreaterThan(1500);
    expectTrue(stacks, pluginFault, 0.99);
  });

  test('libraries that stay for a while are walked', () => {
    const program = compileWithout(folder, 'unwind/dlloop.c', 'dlloop', '-ldl');
    const slow = [makePlugin(folder, 'slow_a', 64, 300), makePlugin(folder, 'slow_b', 600, 300)];
    const { stacks } = record('--', program, '4', ...slow);
    expectTrue(stacks, pluginFault);
    expect(sharesOf(stacks.filter(within(/^slow_/)), roots).rooted).toBeGreaterThan(0.8);
  });

  test('1,200 executable mappings of one process', async () => {
    const plugin = makePlugin(folder, 'copied', 200, 3);
    const target = start(compileWithout(folder, 'unwind/manymaps.c', 'manymaps', '-ldl'), ['30', '1200', plugin]);
    await sleep(500);
    const { stacks } = record('-p', `${target.pid}`, '-d', '3');
    target.kill('SIGKILL');
    expect(sharesOf(stacks, roots).rooted).toBeGreaterThanOrEqual(0.99);
    expectTrue(stacks, pluginFault);
  });

  test('children that live for milliseconds', () => {
    const { stacks } = record('--', compileWithout(folder, 'unwind/forkstorm.c', 'forkstorm'), '3');
    const children = stacks.filter(within(/^child_|^spin/));
    expect(sum(children)).toBeGreaterThan(1500);
    // They have all that their parent had mapped.
    expect(sharesOf(children, roots).rooted).toBeGreaterThan(0.9);
    expectTrue(children, forkFault);
  });

  test('500 processes at once', async () => {
    const target = start(compileWithout(folder, 'unwind/forkstorm.c', 'forkstorm-many'), ['30', '500']);
    await sleep(1000);
    const { stacks } = record('--comm', 'forkstorm-many', '-d', '4');
    target.kill('SIGKILL');
    expect(new Set(stacks.map(stack => stack.pid)).size).toBeGreaterThan(400);
    expect(sharesOf(stacks, roots).rooted).toBeGreaterThan(0.95);
    expectTrue(stacks, forkFault);
  });

  test('a program that another thread became', () => {
    const exec = compile(folder, 'exec.c');
    const { stacks } = record('--', exec, 'thread', ...nofp.make(folder)(3));
    const running = stacks.filter(within(/\brun\b/));
    expect(sharesOf(running, roots).rooted).toBeGreaterThan(0.98);
    expectTrue(running, nofpFault);
  });

  test('a program whose file was replaced while it runs is walked by its own table', async () => {
    const away = join(folder, 'replaced');
    mkdirSync(away);
    const [program = '', ...args] = nofp.make(away)(30);
    const target = start(program, args);
    await sleep(300);
    const [other = ''] = signals.make(folder)(1);
    copyFileSync(other, join(away, 'other'));
    renameSync(join(away, 'other'), program);
    const { stacks } = record('-p', `${target.pid}`, '-d', '3');
    target.kill('SIGKILL');
    expect(sharesOf(stacks, roots).rooted).toBeGreaterThanOrEqual(0.99);
    expectTrue(stacks, nofpFault);
  });
});
