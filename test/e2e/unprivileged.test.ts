import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPprof } from '../support/pprof.ts';
import {
  compile,
  countOf,
  needsBpf,
  obstacle,
  profiler,
  readCollapsed,
  type Stack,
  sleep,
  start,
  stopAll,
  workFolder,
} from '../support/profiler.ts';
import { asNobody, nobodysObstacle, openToAll, profilerAsNobody, withParanoid } from '../support/unprivileged.ts';
import { completeShare, frameText, isRooted, Roots, readStacks, sharesOf, sum, tally } from '../support/unwind.ts';
import { deep, missingFor, nofp, type Target } from '../support/unwind-targets.ts';

const SECONDS = 3;
const missing = nobodysObstacle || missingFor(nofp);

describe.skipIf(missing !== '')(`as an ordinary user${missing && ` (needs ${missing})`}`, () => {
  withParanoid(2);
  const folder = workFolder();
  let roots: Roots;
  beforeAll(() => {
    openToAll(folder);
    roots = new Roots(folder);
  });
  afterAll(stopAll);
  const run = (...args: readonly string[]) => profilerAsNobody(args, { cwd: folder });

  /** User and system time of its commands, which bash says last: `0m2.660s 0m0.660s`. */
  const userSeconds = (times: string) => {
    const [, minutes, seconds] = /^(\d+)m([\d.]+)s/.exec(times.trim().split('\n').at(-1) ?? '') ?? [];
    return 60 * Number(minutes) + Number(seconds);
  };

  test.each([nofp, deep] as readonly Target[])('$name: complete at 999 Hz, and every stack is the true one', target => {
    const output = join(folder, 'stacks.pb.gz');
    const command = ['bash', '-c', '"$@"; times', 'bash', ...target.make(folder)(SECONDS)];
    const { status, stdout, stderr } = run('record', '-F', '999', '-o', output, '--', ...command);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('Captured by perf_event_open, own processes in user mode: ');
    const { stacks: all, ends } = readStacks(output);
    const stacks = all.filter(({ comm }) => comm !== 'bash');
    const astray = tally(
      stacks.filter(stack => !isRooted(stack, roots)),
      stack => frameText(stack.frames[0]!),
    );
    expect(sum(stacks) / 999 / userSeconds(stdout), stdout).toBeGreaterThan(0.85);
    expect(sum(stacks) / 999 / userSeconds(stdout), stdout).toBeLessThan(1.15);
    expect(sharesOf(stacks, roots).rooted, astray.join('\n')).toBeGreaterThanOrEqual(0.99);
    expect(completeShare(ends)).toBeGreaterThanOrEqual(0.99);
    const wrong = stacks.filter(stack => target.fault!(stack) !== '');
    expect(sum(wrong) / sum(stacks), tally(wrong, target.fault!).join('\n')).toBeLessThan(0.01);
    const [, count = '', lost = ''] =
      /^(\d+) samples .* (\d+) lost, captured by perf_event_open, own processes in user mode$/m.exec(stderr) ?? [];
    // An ordinary user's buffer holds 60 ms, and the tables of a library that is new to the user may take that long.
    expect(Number(lost) / Number(count), stderr).toBeLessThan(0.02);
    expect(readPprof(output).comments).toContain('captured by perf_event_open, own processes in user mode');
  });

  test('a process that runs already, with all of its threads', async () => {
    const [program = '', ...rest] = asNobody(nofp.make(folder)(20));
    const child = start(program, rest);
    await sleep(500);
    const output = join(folder, 'running.pb.gz');
    const threads = readdirSync(`/proc/${child.pid}/task`).map(Number);
    const what = ['-p', `${child.pid}`, '-F', '999', '-d', '2', '--labels', 'tid', '-o', output];
    const { status, stderr } = run('record', ...what);
    child.kill('SIGKILL');
    expect(status, stderr).toBe(0);
    const { samples } = readPprof(output);
    const seen = new Set(samples.map(({ labels }) => labels.tid));
    expect(threads.length).toBeGreaterThan(2);
    expect(
      threads.slice(1).filter(tid => !seen.has(tid)),
      stderr,
    ).toEqual([]);
  });

  test('children of a command, by their names', () => {
    const output = join(folder, 'children.collapsed');
    const script = 'for i in 1 2 3 4 5; do node -e "for (let i = 0; i < 1e8; i++);"; done';
    const { status, stderr } = run('record', '-F', '999', '-o', output, '--', 'bash', '-c', script);
    expect(status, stderr).toBe(0);
    const stacks = readCollapsed(output);
    const nodes = countOf(stacks, ({ frames }) => frames[0] === 'node' || frames[0] === 'node-MainThread');
    expect(nodes / countOf(stacks)).toBeGreaterThan(0.5);
  });

  test('the status of the command is kept', () =>
    expect(run('record', '-q', '-o', '/dev/null', '--format', 'collapsed', '--', 'sh', '-c', 'exit 42').status).toBe(
      42,
    ));

  describe('what is not allowed is one sentence', () => {
    const refused = (...args: readonly string[]) => {
      const { status, stderr } = run('record', '-d', '1', '-o', '/dev/null', '--format', 'collapsed', ...args);
      return { status, text: stderr.split('\n').find(line => line.startsWith('error:')) };
    };

    test('everything', () => {
      const { status, text } = refused('-a');
      expect([status, text]).toEqual([5, expect.stringContaining('BPF sampling needs root')]);
    });
    test("another user's process", () => {
      const { status, text } = refused('-p', '1');
      expect([status, text]).toEqual([5, 'error: process 1 belongs to another user (EACCES).']);
    });
    test('the kernel', () => {
      const { status, text } = refused('-K', '--', 'true');
      expect([status, text]).toEqual([5, 'error: the kernel can be sampled by root only.']);
    });
    test('perf_event_open at all, as in a container', () => {
      const refuse = compile(folder, 'refuse.c');
      const args = ['record', '-o', '/dev/null', '--format', 'collapsed', '--', 'true'];
      const { status, stderr } = profilerAsNobody(args, { cwd: folder, through: [refuse] });
      expect(stderr.split('\n').filter(Boolean)).toEqual([
        'error: perf_event_open is refused (EPERM), and BPF too.',
        '  A container’s seccomp filter does that: give it CAP_PERFMON, or a profile that allows perf_event_open.',
      ]);
      expect(status).toBe(5);
    });
  });
});

describe.skipIf(obstacle !== '' || missingFor(nofp) !== '')(needsBpf('without BPF, as root'), () => {
  const folder = workFolder();
  afterAll(stopAll);

  test('everything on the machine, with kernel stacks', () => {
    const [program = '', ...rest] = nofp.make(folder)(20);
    const burner = start(program, rest);
    const output = join(folder, 'all.collapsed');
    const args = ['record', '--capture', 'perf', '-a', '-F', '499', '-d', '2', '--annotate', '-o', output];
    const { status, stderr } = profiler(args);
    burner.kill('SIGKILL');
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('captured by perf_event_open');
    const stacks = readCollapsed(output);
    const burning = stacks.filter(({ frames }) => frames[0] === 'nofp-256');
    expect(countOf(burning)).toBeGreaterThan(50);
    const inKernel = countOf(burning, ({ frames }) => frames.some(frame => frame.endsWith('_[k]')));
    expect(inKernel).toBeGreaterThan(0);
    const run = (stack: Stack) => stack.frames.some(frame => frame.startsWith('nofp::run('));
    expect(countOf(burning, run) / countOf(burning)).toBeGreaterThan(0.98);
  });
});
