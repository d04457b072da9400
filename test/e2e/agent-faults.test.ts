import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openTrial, type TrialOptions } from '../support/agent-trial.ts';
import { answers, canCompile, canMount, flipByte } from '../support/faulty-backend.ts';
import { compile, needsBpf, obstacle, start, stopAll, workFolder } from '../support/profiler.ts';

const canRun = obstacle === '' && canCompile;

describe.skipIf(!canRun)(`${needsBpf('faults')}${canCompile ? '' : ' (skipped: needs a C compiler)'}`, () => {
  afterAll(stopAll);
  const exe = canRun ? compile(workFolder(), 'burn.c') : '';
  const trialWith = async (options: Omit<TrialOptions, 'exe'> = {}) => {
    const target = start(exe, ['600000']);
    const trial = await openTrial({ exe, ...options });
    onTestFinished(() => {
      target.kill();
      trial.close();
    });
    return trial;
  };

  /** Every window came once and in order, but for so many; what was given up was counted, for these reasons. */
  function expectAll(trial: Awaited<ReturnType<typeof trialWith>>, dropped: Readonly<Record<string, number>> = {}) {
    const missing = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    expect(trial.dropped, trial.story()).toEqual(dropped);
    expect(trial.account(), trial.story()).toMatchObject({ missing, duplicates: 0, disordered: 0 });
  }

  test.each([
    ['500', answers.status(500), '500 Internal Server Error'],
    ['an answer that is not HTTP', answers.garbage, 'not HTTP'],
    ['half an answer', answers.halfClose, 'without a whole answer'],
    ['an answer that does not end', answers.hang, 'no answer within 1 s'],
  ])('%s, then a backend that works: everything arrives', async (_, answer, told) => {
    const trial = await trialWith();
    trial.backend.fault = () => answer;
    await trial.start(trial.config(trial.backend.url, { timeout: '1s' }));
    await trial.refused(2);
    trial.backend.fault = () => undefined;
    await trial.delivered(2);
    await trial.finish();
    expectAll(trial);
    expect(trial.agent().log()).toContain(told);
  });

  test('429 with Retry-After: comes back then, not before, with the same profile', async () => {
    const trial = await trialWith();
    trial.backend.fault = () => answers.status(429, { 'Retry-After': 2 });
    await trial.start();
    await trial.refused(2);
    trial.backend.fault = () => undefined;
    await trial.delivered(2);
    const [first, second] = trial.backend.refused;
    expect(second!.id).toBe(first!.id);
    expect(second!.atMs - first!.atMs).toBeGreaterThan(1900);
    await trial.finish();
    expectAll(trial);
  });

  test('422 for one profile: that one is given up and counted, the others arrive', async () => {
    const trial = await trialWith();
    await trial.start();
    await trial.delivered(1);
    let poison: string | undefined;
    trial.backend.fault = ({ id }) => {
      poison ??= id;
      return id === poison ? answers.status(422) : undefined;
    };
    await trial.delivered(1);
    await trial.finish();
    expect(trial.backend.refused.map(({ id }) => id)).toEqual([poison]);
    expectAll(trial, { rejected: 1 });
  });

  test('a spooled file is damaged: that one is given up and counted, the others arrive', async () => {
    const trial = await trialWith();
    trial.backend.fault = () => answers.status(500);
    await trial.start();
    flipByte((await trial.spooled(3))[1]!);
    trial.backend.fault = () => undefined;
    await trial.delivered(2);
    await trial.finish();
    expectAll(trial, { unreadable: 1 });
  });

  test('the clock is set back by an hour: everything arrives, by the clock as it was', async () => {
    const trial = await trialWith({ hasClock: true });
    trial.backend.fault = () => answers.status(500);
    await trial.start();
    const before = (await trial.spooled(1)).length;
    trial.clock!.set(-3600);
    await trial.spooled(before + 2);
    trial.backend.fault = () => undefined;
    await trial.delivered(before + 2);
    await trial.finish();
    const ages = trial.backend.accepted.map(({ atMs, endMs }) => Math.round((atMs - endMs) / 3_600_000));
    expect(new Set(ages)).toEqual(new Set([0, 1]));
    expectAll(trial);
  });

  const onDisk = canMount ? '' : ' (skipped: needs the right to mount)';
  test.skipIf(!canMount)(`the disk is read-only for a while: everything arrives${onDisk}`, async () => {
    const trial = await trialWith({ hasDisk: true });
    trial.backend.fault = () => answers.status(500);
    await trial.start();
    const before = (await trial.spooled(1)).length;
    trial.disk!.readOnly(true);
    await trial.until('memory is used', () => trial.agent().log().includes('EROFS'));
    trial.disk!.readOnly(false);
    await trial.spooled(before + 2);
    await trial.agent().end('SIGTERM'); // what was in memory is on the disk now
    trial.backend.fault = () => undefined;
    await trial.start();
    await trial.delivered(before + 2);
    await trial.finish();
    expectAll(trial);
  });
});
