import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needsBpf, obstacle, profiler, sleep, start, stopAll, workFolder } from '../support/profiler.ts';
import {
  completeShare,
  frameText,
  isRooted,
  Roots,
  readStacks,
  sharesOf,
  sum,
  tally,
  type UserStack,
} from '../support/unwind.ts';
import {
  cgo,
  clang,
  go,
  goStripped,
  java,
  missingFor,
  node,
  nofp,
  nofpLarge,
  python3,
  rust,
  signals,
  type Target,
} from '../support/unwind-targets.ts';

const SECONDS = 3;
/** Three to six stacks of a recording of this length, in percent: what is rarer than that, the benchmark counts. */
const CHANCE = 0.1;

describe.skipIf(obstacle)(needsBpf('stacks without frame pointers'), () => {
  const folder = workFolder();
  let roots: Roots;
  beforeAll(() => {
    roots = new Roots(folder);
  });
  afterAll(stopAll);

  /** Starts a target and records it when it has been running for a while. */
  async function record(target: Target, ...args: readonly string[]) {
    const away = join(folder, target.name.replace(/\W+/g, '-'));
    mkdirSync(away, { recursive: true });
    const [program = '', ...rest] = target.make(away)(SECONDS + 20);
    const child = start(program, rest);
    await sleep(1500);
    const output = join(away, 'stacks.pb.gz');
    const what = ['record', '-p', `${child.pid}`, '-F', '999', '-d', `${SECONDS}`, '-o', output, ...args];
    const { status, stderr } = profiler(what);
    child.kill('SIGKILL');
    expect(status, stderr).toBe(0);
    return { ...readStacks(output), stderr };
  }

  function share(stacks: readonly UserStack[], condition: (stack: UserStack) => boolean): number {
    return sum(stacks, stack => (condition(stack) ? 1 : 0)) / sum(stacks);
  }

  /** As many are complete as the target is to have, by what the recorder says and by what its stacks are. */
  function expectComplete({ stacks, ends }: Awaited<ReturnType<typeof record>>, aim: number): void {
    const reasons = [...ends].map(([end, count]) => `${end}: ${count}`).join(', ');
    const astray = tally(
      stacks.filter(stack => !isRooted(stack, roots)),
      stack => frameText(stack.frames[0]!),
    );
    const report = `walks: ${reasons}\noutermost frames of the others:\n${astray.join('\n')}`;
    expect(100 * sharesOf(stacks, roots).rooted, report).toBeGreaterThanOrEqual(aim - CHANCE);
    expect(100 * completeShare(ends), report).toBeGreaterThanOrEqual(aim - CHANCE);
    // Every walk has one end, and what is called complete is.
    const others = [...ends].filter(([end]) => end !== 'all').reduce((a, [, count]) => a + count, 0);
    expect(others).toBe(ends.get('all'));
    expect(Math.abs(completeShare(ends) - sharesOf(stacks, roots).rooted), report).toBeLessThan(0.005);
  }

  test.each([nofp, nofpLarge, signals])('$name: complete, and every stack is the true one', async target => {
    const recording = await record(target);
    expect(sum(recording.stacks)).toBeGreaterThan(SECONDS * 999 * 0.8);
    expectComplete(recording, target.aim);
    const fault = target.fault!;
    const wrong = tally(
      recording.stacks.filter(stack => fault(stack) !== ''),
      fault,
    );
    expect(100 * share(recording.stacks, stack => fault(stack) === ''), wrong.join('\n')).toBeGreaterThanOrEqual(
      target.aim - CHANCE,
    );
  });

  test('in system calls, in callbacks of libc and in handlers, too', async () => {
    const has = (stacks: readonly UserStack[], name: string) => {
      const below = stacks.filter(({ frames }) => frames.some(frame => frame.name.replace(/^.*:|\(.*$/g, '') === name));
      return { samples: sum(below), rooted: sharesOf(below, roots).rooted };
    };
    const plain = await record(nofp);
    for (const name of [
      'calls',
      'compare',
      'aligned',
      'library_through',
      'library_work',
      'copy',
      'allocate',
      'print',
    ]) {
      expect(has(plain.stacks, name).samples, name).toBeGreaterThan(10);
      expect(has(plain.stacks, name).rooted, name).toBeGreaterThan(0.99);
    }
    const interrupted = await record(signals);
    for (const name of ['handler', 'nested', 'ask_the_time', 'call_the_kernel']) {
      expect(has(interrupted.stacks, name).samples, name).toBeGreaterThan(10);
      expect(has(interrupted.stacks, name).rooted, name).toBeGreaterThan(0.99);
    }
  });

  describe.each([
    // Runtimes switch stacks and generate code: a little less than what the benchmark is to show.
    { target: node, aim: 99 },
    { target: python3, aim: python3.aim },
    { target: rust, aim: rust.aim },
    { target: go, aim: 99 },
    { target: cgo, aim: 99 },
    { target: clang, aim: clang.aim },
    { target: java, aim: 98.5 },
  ])('$target.name', ({ target, aim }) => {
    const missing = missingFor(target);
    test.skipIf(missing !== '')(`complete${missing && ` (needs ${missing})`}`, async () => {
      expectComplete(await record(target), aim);
    });
  });

  const noGo = missingFor(goStripped);
  test.skipIf(noGo !== '')(`Go without tables is as deep as with them${noGo && ` (needs ${noGo})`}`, async () => {
    const [bare, full] = [await record(goStripped), await record(go)];
    expect(completeShare(bare.ends), [...bare.ends].join(' ')).toBeGreaterThanOrEqual(goStripped.aim / 100);
    const depths = [bare, full].map(({ stacks }) => sharesOf(stacks, roots).depth);
    expect(depths[0]! / depths[1]!).toBeCloseTo(1, 1);
  });

  test('--unwind fp does without tables, and says what it has', async () => {
    const { stacks, ends } = await record(nofp, '--unwind', 'fp');
    expect(sum(stacks)).toBeGreaterThan(SECONDS * 999 * 0.8);
    expect(sharesOf(stacks, roots).rooted).toBeLessThan(0.2);
    expect(Math.abs(completeShare(ends) - sharesOf(stacks, roots).rooted)).toBeLessThan(0.05);
  });

  test('the summary has the share of complete stacks', async () => {
    const { stderr } = await record(nofp);
    expect(stderr).toMatch(/(9\d\.\d+|100(\.0+)?) % complete|complete[^\n]*(9\d\.\d+|100(\.0+)?) %/);
  });

  test('tables that do not fit are left out, and the samples that this costs are counted', async () => {
    const { stacks, ends } = await record(node, '--unwind-memory', '1M');
    expect(sum(stacks)).toBeGreaterThan(SECONDS * 999 * 0.8);
    expect((ends.get('evicted') ?? 0) + (ends.get('no table') ?? 0)).toBeGreaterThan(0);
  });
});
