import { describe, expect, test } from 'vitest';
import type { Profile } from '../../src/model/profile.ts';
import { groupBy } from '../../src/transform/by.ts';
import { minPercent } from '../../src/transform/min-percent.ts';
import { reverse } from '../../src/transform/reverse.ts';
import { selectSampleType } from '../../src/transform/sample-type.ts';
import { everything, profile } from '../support/profile.ts';
import { random } from '../support/random.ts';
import { sum, texts } from './support.ts';

const stacks = (of: Profile) => texts(of).map(text => text.replace(/ comm=.*/, ''));
const roots = (of: Profile) => of.labelSets.map(set => set.find(({ key }) => key === 'comm')?.value);

describe('reverse', () => {
  test('innermost frames first, inlined calls as frames of their own', () =>
    expect(stacks(reverse(profile(everything)))).toEqual([
      'work;run;main 3',
      'deep;helper;run;main 2',
      'vfs_read;sys_read;main;start 4',
      'generated;main 1',
      '0x10a0;0x0;0x1080 5',
      '0x-7effff50 6',
      'work;run;main 7',
      ' 8',
    ]));

  test('callers of one function hang on it', () => {
    const { stacks: merged } = reverse(profile('a;x;f 1\na;y;f 2\na;y;g;f 4'));
    expect(merged.length).toBe(5); // f, x, y, g, y
  });

  test('twice is what it was', () => {
    const below = random(7);
    const lines = Array.from({ length: 50 }, () => {
      const frames = Array.from({ length: 1 + below(9) }, () => `f${below(5)}`);
      return `t${below(3)};${frames.join(';')} ${1 + below(9)}`;
    });
    const one = profile(lines.join('\n'));
    expect(texts(reverse(reverse(one)))).toEqual(texts(one));
  });

  test('a recursion of 5,000 frames', () => {
    const deep = reverse(profile(`a;main;${Array(5000).fill('f').join(';')} 1`));
    expect(deep.stacks.length).toBe(5001);
    expect(stacks(deep)[0]).toMatch(/^f;f;.*;f;main 1$/);
  });
});

describe('min-percent', () => {
  const one = profile('a;main;big 90\na;main;small;x 4\na;main;other 3\nb;main;big;tiny 2\nb;lone 1');

  test.each<[number, string[]]>([
    [0, ['main;big 90', 'main;small;x 4', 'main;other 3', 'main;big;tiny 2', 'lone 1']],
    [2, ['main;big 90', 'main;small;x 4', 'main;other 3', 'main;big;tiny 2', '(under 2 %) 1']],
    [3.5, ['main;big 90', 'main;small;x 4', 'main;(under 3.5 %) 3', 'main;big;(under 3.5 %) 2', '(under 3.5 %) 1']],
    [5, ['main;big 90', 'main;(under 5 %) 4', 'main;(under 5 %) 3', 'main;big;(under 5 %) 2', '(under 5 %) 1']],
    [100, Array.from([90, 4, 3, 2, 1], count => `(under 100 %) ${count}`)],
  ])('%d %%', (percent, expected) => {
    const result = minPercent(one, percent);
    expect(stacks(result)).toEqual(expected);
    expect(sum(result, 1)).toBe(sum(one, 1));
  });

  test('one function at many addresses counts as one', () => {
    const many = Array.from({ length: 40 }, (_, i) => `a;main;f;g${i}_[i] 1`).join('\n');
    expect(profile(many).locations.length).toBe(41); // f once for each g that is inlined into it
    expect(stacks(minPercent(profile(many), 50))).toEqual(Array(40).fill('main;f;(under 50 %) 1'));
  });

  test('negative values count as much as positive ones', () => {
    const diff = { ...one, samples: { ...one.samples, values: one.samples.values.map(c => c.map(v => -v)) } };
    expect(stacks(minPercent(diff, 5))[0]).toBe('main;big -90');
  });

  test('an empty profile, and one without frames', () => {
    expect(stacks(minPercent(profile(''), 1))).toEqual([]);
    expect(stacks(minPercent(profile('a 3'), 100))).toEqual([' 3']);
  });
});

describe('by', () => {
  const one = profile('worker 1/3@0;f 1\nmain 1/1@1;f 2\nmain 2/2;f 4\nweb;f 8');

  test.each<[string, unknown[]]>([
    ['thread', ['worker (3)', 'main (1)', 'main (2)', 'web']],
    ['process', ['main (1)', 'main (1)', 'main (2)', '(no process)']],
    ['cpu', ['cpu 0', 'cpu 1', '(no cpu)', '(no cpu)']],
    ['none', [undefined, undefined, undefined, undefined]],
    ['tid', ['3', '1', '2', '(no tid)']],
    ['comm', ['worker', 'main', 'main', 'web']],
  ])('%s', (what, expected) => {
    const result = groupBy(one, what);
    texts(result);
    expect(roots(result)).toEqual(expected);
  });

  test('other labels stay', () => {
    expect(groupBy(one, 'process').labelSets[0]).toEqual([
      { key: 'comm', value: 'main (1)' },
      { key: 'pid', value: 1 },
      { key: 'tid', value: 3 },
      { key: 'cpu', value: '0' },
    ]);
  });

  test('a process whose main thread was not sampled', () =>
    expect(roots(groupBy(profile('x 9/10;f 1\ny 9/11;f 1'), 'process'))).toEqual(['x (9)', 'x (9)']));

  test.each([
    ['service', one, 'There are comm, pid, tid, cpu.', 'service'],
    ['cpu', profile('a 1;f 1'), 'There are comm, pid.', 'cpu'],
    ['process', profile('a;f 1'), 'There are comm.', 'pid'],
    ['process', { ...one, labelSets: [[], [], [], []] }, 'There are no labels at all.', 'pid'],
  ])('a label that nothing has: %s', (what, from, hint, label) =>
    expect(() => groupBy(from, what)).toThrow(
      expect.objectContaining({
        code: 'unknown-label',
        message: `no sample has a label "${label}".`,
        hint,
        exitCode: 2,
      }),
    ),
  );
});

describe('sample type', () => {
  const one = profile('a;f 3 500');

  test.each([
    ['samples', 3],
    ['cpu', 500],
    ['cpu/nanoseconds', 500],
  ])('%s', (name, value) => {
    const result = selectSampleType(one, name);
    expect([result.sampleTypes.length, sum(result)]).toEqual([1, value]);
    expect(texts(result)).toHaveLength(1);
  });

  test.each(['', 'CPU', 'cpu/count', 'constructor'])('there is no %j', name =>
    expect(() => selectSampleType(one, name)).toThrow(
      expect.objectContaining({
        code: 'unknown-sample-type',
        hint: 'It has samples (count), cpu (nanoseconds).',
        exitCode: 2,
      }),
    ),
  );
});
