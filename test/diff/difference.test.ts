import { describe, expect, test } from 'vitest';
import { layout } from '../../flamegraph/index.ts';
import { DifferenceBuilder, type DiffOptions, diffProfiles } from '../../src/diff/difference.ts';
import { ProfilerError } from '../../src/errors.ts';
import type { Profile } from '../../src/model/profile.ts';
import { everything, profile } from '../support/profile.ts';
import { random } from '../support/random.ts';
import { counted, functionTexts, stackTexts } from './support.ts';

/** Functions of two sides in lines of text. */
function functions(base: string, head: string): string[] {
  return functionTexts(diffProfiles(counted(base), counted(head)));
}

describe('values of functions', () => {
  test('both sides, what is new and what is gone', () =>
    expect(functions('a;main;f 3\na;main;old 2', 'a;main;f 5\na;main;new 1\na;main 4')).toEqual([
      'f (app): self 3→5, total 3→5',
      'main (app): self 0→4, total 5→10',
      'new (app): self 0→1, total 0→1',
      'old (app): self 2→0, total 2→0',
    ]));

  test('recursion counts once for each stack', () =>
    expect(functions('a;f;f;g;f 2\na;f;g;g 3', 'a;g;f;g;f 5')).toEqual([
      'f (app): self 2→5, total 5→5',
      'g (app): self 3→0, total 5→5',
    ]));

  test('inlined calls, code without a name, samples without a stack', () =>
    expect(functions('a;main;f_[i];g_[i] 2\na;main;?noSymbols [/opt/lib.so.1] 3\na 7', 'a;main;g_[i];f_[i] 1')).toEqual(
      [
        '[unknown: lib.so] (): self 3→0, total 3→0',
        'f (app): self 0→1, total 2→1',
        'g (app): self 2→0, total 2→1',
        'main (app): self 0→0, total 5→1',
      ],
    ));

  test('functions that were never sampled have no row', () => {
    const types = [
      { type: 'allocations', unit: 'count' },
      { type: 'memory', unit: 'bytes' },
    ];
    const made = profile('a;main;f 5 0\na;main;g 5 10', { sampleTypes: types });
    expect(functionTexts(diffProfiles(made, made))).toEqual([
      'g (app): self 10→10, total 10→10',
      'main (app): self 0→0, total 10→10',
    ]);
    expect(functionTexts(diffProfiles(made, made, { sampleType: 'allocations' }))).toHaveLength(3);
    expect(functionTexts(diffProfiles(made, made, { sampleType: 'allocations/count' }))).toHaveLength(3);
  });

  test('as a walk over every sample finds them', () => {
    const below = random(7);
    const lines = Array.from({ length: 400 }, () => {
      const frames = Array.from(
        { length: 1 + below(9) },
        (_, i) => `f${below(5)}${i > 0 && below(3) === 0 ? '_[i]' : ''}`,
      );
      return [`t${below(3)}`, ...frames].join(';');
    });
    const half = (from: number) => lines.slice(from, from + 200);
    const totals = new Map<string, [self: number, total: number]>();
    for (const line of half(200)) {
      const frames = line
        .split(';')
        .slice(1)
        .map(frame => frame.slice(0, 2));
      for (const name of new Set(frames)) {
        const [self, total] = totals.get(name) ?? [0, 0];
        totals.set(name, [self + Number(frames.at(-1) === name), total + 1]);
      }
    }
    const text = (part: readonly string[]) => part.map(line => `${line} 1`).join('\n');
    const found = diffProfiles(counted(text(half(0))), counted(text(half(200))));
    const rows = found.functions.name.map((name, i) => [name, [found.head.self[i], found.head.total[i]]] as const);
    expect(new Map(rows)).toEqual(totals);
  });
});

describe('functions match', () => {
  const f = { f: '/build/1/a.c' };

  test('by name and file without folder, whatever the lines, clones and hashes', () => {
    const base = counted('a;run::h0123456789abcdef;f.cold 1\na;f 2', { f: '/build/1/a.c', 'f.cold': '/build/1/a.c' });
    const head = counted('a;run::hfedcba9876543210;f.part.0.cold 4', { 'f.part.0.cold': '/build/2/a.c' });
    expect(functionTexts(diffProfiles(base, head))).toEqual([
      'f (a.c): self 3→4, total 3→4',
      'run (app): self 0→0, total 1→4',
    ]);
  });

  test('in a new file when there is one of the name only', () => {
    expect(functionTexts(diffProfiles(counted('a;f 1', f), counted('a;f 2', { f: 'b.c' })))).toEqual([
      'f (b.c): self 1→2, total 1→2',
    ]);
    expect(functionTexts(diffProfiles(counted('a;f 1', f), counted('a;f 2\na;f [/lib/x.so] 4', {})))).toEqual([
      'f (a.c): self 1→0, total 1→0',
      'f (app): self 0→2, total 0→2',
      'f (x.so): self 0→4, total 0→4',
    ]);
  });

  test('not when a name stands for any number of functions', () => {
    const [base, head] = [counted('a;x 1', { x: 'a.min.js' }), counted('a;x 1', { x: 'b.min.js' })];
    expect(functionTexts(diffProfiles(base, head))).toEqual([
      '(minified) (a.min.js): self 1→0, total 1→0',
      '(minified) (b.min.js): self 0→1, total 0→1',
    ]);
  });
});

describe('stacks', () => {
  test('of both sides in one table', () => {
    const found = diffProfiles(counted('a;main;f.cold 1\nb;main 2\na 5'), counted('a;main;f 3\na;main;g 4\nb;main 6'));
    expect(stackTexts(found)).toEqual(['a 5→0', 'a;main;f 1→3', 'a;main;g 0→4', 'b;main 2→6']);
  });

  test('one node where a function is inlined on one side only', () => {
    const { stacks } = diffProfiles(counted('a;main;f 1'), counted('a;main;f_[i] 1'));
    expect(layout(stacks).length).toBe(4);
  });

  test('one node where a function moved', () => {
    const [base, head] = [counted('a;f;g 1', { f: 'a.c' }), counted('a;f_[k];g 1', { f: 'b.c' })];
    expect(layout(diffProfiles(base, head).stacks).length).toBe(4);
  });

  test('without threads where the sides have none in common', () => {
    const found = diffProfiles(counted('old;main;f 1\nold 2'), counted('new;main;f 3\nnew-2;main;f 4'));
    expect(stackTexts(found)).toEqual([' 2→0', 'main;f 1→7']);
  });

  test('a thread is no function of the same name', () => {
    const found = diffProfiles(counted('main;main 1'), counted('main;main 2'));
    expect(functionTexts(found)).toEqual(['main (app): self 1→2, total 1→2']);
    expect(layout(found.stacks).length).toBe(3);
  });

  test('with themselves are themselves', () => {
    const found = diffProfiles(profile(everything), profile(everything));
    expect(found.stacks.samples.base).toEqual(found.stacks.samples.value);
    expect(found.base.self).toEqual(found.head.self);
    expect(found.base.total).toEqual(found.head.total);
  });
});

test('a side of several profiles is their sum, and keeps the values of each', () => {
  const found = diffProfiles([counted('a;f 1'), counted('a;g 2\na;f 4')], [counted('a;f 8')]);
  expect(functionTexts(found)).toEqual(['f (app): self 5→8, total 5→8', 'g (app): self 2→0, total 2→0']);
  expect(stackTexts(found)).toEqual(['a;f 5→8', 'a;g 2→0']);
  expect(found.base.grandTotal).toBe(7);
  expect(found.base.runs.map(({ grandTotal, self }) => [grandTotal, [...self]])).toEqual([
    [1, [1, 0]],
    [6, [4, 2]],
  ]);
});

describe('what cannot be compared', () => {
  const made = (more: Partial<Profile>) => profile('a;f 1', more);
  const cpu = { type: 'cpu', unit: 'nanoseconds' };

  function refused(base: Profile, head: Profile, options: DiffOptions = {}): ProfilerError {
    try {
      diffProfiles(base, head, options);
    } catch (error) {
      if (error instanceof ProfilerError) return error;
      throw error;
    }
    return expect.fail('it was compared');
  }

  test.each<[string, Partial<Profile>, Partial<Profile>, string, string]>([
    [
      'types',
      { sampleTypes: [{ type: 'samples', unit: 'count' }, cpu] },
      {
        sampleTypes: [
          { type: 'samples', unit: 'count' },
          { type: 'alloc', unit: 'bytes' },
        ],
      },
      '"base" counts cpu/nanoseconds, and "head" has only samples/count, alloc/bytes.',
      'Both have --sample-type samples; or --force compares them all the same.',
    ],
    [
      'units',
      { sampleTypes: [cpu] },
      { sampleTypes: [{ type: 'cpu', unit: 'milliseconds' }] },
      '"base" has cpu in nanoseconds, "head" in milliseconds.',
      'To compare them all the same, say --force.',
    ],
    [
      'periods',
      { period: 10 },
      { period: 11 },
      '"base" was sampled every 10 cpu/nanoseconds, "head" every 11 cpu/nanoseconds.',
      'To compare them all the same, say --force.',
    ],
    [
      'period types',
      { period: 10 },
      { period: 10, periodType: { type: 'cycles', unit: 'count' } },
      '"base" was sampled every 10 cpu/nanoseconds, "head" every 10 cycles/count.',
      'To compare them all the same, say --force.',
    ],
  ])('different %s, unless it has to be', (_, base, head, message, hint) => {
    expect(refused(made(base), made(head))).toMatchObject({ code: 'different-types', message, hint, exitCode: 2 });
    expect(diffProfiles(made(base), made(head), { force: true }).notes).toEqual([message]);
  });

  test('what is not said does not differ', () => {
    expect(diffProfiles(made({ period: 0 }), made({ period: 11 })).notes).toEqual([]);
    expect(diffProfiles(made({ periodType: { type: '', unit: '' } }), made({})).notes).toEqual([]);
    const counts = { period: 1, periodType: { type: 'samples', unit: 'count' } };
    expect(diffProfiles(made({}), made(counts)).notes).toEqual([]);
  });

  test('an unknown sample type', () =>
    expect(refused(made({}), made({}), { sampleType: 'alloc', force: true })).toMatchObject({
      code: 'unknown-sample-type',
      message: '"base" has no sample type "alloc".',
      hint: 'It has samples/count, cpu/nanoseconds.',
    }));

  test('a side without samples, unless it has to be', () => {
    const [none, some] = [counted(''), counted('a;f 1')];
    expect(refused(none, some).message).toBe('there is no sample in the base ("base").');
    expect(refused(some, counted('a;f 0')).message).toBe('there is no sample in the head ("head").');
    expect(functionTexts(diffProfiles(none, some, { force: true }))).toEqual(['f (app): self 0→1, total 0→1']);
    expect(functionTexts(diffProfiles(none, none, { force: true }))).toEqual([]);
  });

  test('negative values, which a difference has', () => {
    const one = counted('a;f 1');
    const samples = { ...one.samples, values: [Float64Array.of(-1)] };
    expect(refused(one, { ...one, samples }, { force: true }).message).toBe(
      '"head" holds negative values: it is a difference already.',
    );
  });

  test('more inlined calls than can be walked', () => {
    // One location of 2^16 lines, in 2^12 stacks.
    const [lines, stacks] = [2 ** 16, 2 ** 12];
    const one = counted('a;f 1');
    const large = {
      ...one,
      locations: { ...one.locations, firstLine: Uint32Array.of(0, lines) },
      lines: { length: lines, function: new Uint32Array(lines), line: new Uint32Array(lines) },
      stacks: {
        length: stacks,
        prefix: Int32Array.from({ length: stacks }, (_, i) => i - 1),
        location: new Uint32Array(stacks),
      },
    };
    expect(refused(one, large).message).toBe('the profiles hold too many distinct stacks to be compared.');
  });

  test('nothing', () => expect(() => new DifferenceBuilder().done()).toThrow('there is no profile to compare.'));
});

test('losses are told for each side', () => {
  const lost = (count: number) => counted('a;f 1', {}, { losses: { 'samples lost': count, 'stacks cut off': 0 } });
  expect(diffProfiles([lost(1), lost(2)], lost(0)).notes).toEqual(['base: samples lost: 3']);
});
