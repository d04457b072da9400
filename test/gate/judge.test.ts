import { describe, expect, test } from 'vitest';
import { type DiffRun, type DiffSide, diffProfiles } from '../../src/diff/difference.ts';
import { namePattern } from '../../src/gate/names.ts';
import { counted } from '../diff/support.ts';
import { type Counts, difference, findings, runs, verdictOf } from './support.ts';

/** Five runs of 1,000 samples; `parse` grows by a third on the head. */
const before: Counts = {
  'app;main;parse': [300, 305, 298, 301, 296],
  'app;main;parse;copy': [100, 98, 103, 99, 100],
  'app;main;sort': [600, 597, 599, 600, 604],
};
const after: Counts = {
  'app;main;parse': [400, 404, 397, 399, 400],
  'app;main;parse;copy': [100, 101, 98, 99, 102],
  'app;main;sort': [500, 495, 505, 502, 498],
};
const files = { parse: 'parse.c', sort: 'sort.c', copy: 'copy.c' };
const grown = difference(before, after, files);
const same = difference(before, before, files);

describe('outcomes', () => {
  test('regressed: shown to be more than allowed, alone and with what it calls', () => {
    const verdict = verdictOf(grown, ['any>10%']);
    expect([verdict.outcome, verdict.method]).toEqual(['regressed', 'runs']);
    expect(findings(verdict)).toEqual(['regressed parse self', 'regressed parse total']);
    const [parse] = verdict.rules[0]!.findings;
    expect(parse!.test).toMatchObject({ file: 'parse.c', base: expect.closeTo(0.3), head: expect.closeTo(0.4, 2) });
    expect(parse!.q).toBeLessThan(0.001);
  });

  test('ok: nothing has changed, and a change by the limit would have been seen', () => {
    expect(verdictOf(same, ['any>10%', 'total>3%']).outcome).toBe('ok');
  });

  test('ok: it grew, by less than the limit', () => {
    expect(verdictOf(grown, ['self:func:parse>50%']).outcome).toBe('ok');
  });

  test('ok: what became less is no regression', () => {
    const verdict = verdictOf(grown, ['func:sort>1%']);
    expect(verdict.outcome).toBe('ok');
    expect(verdict.functions.find(({ name }) => name === 'sort')!.high).toBeLessThan(0);
  });

  test('inconclusive: the limit lies within the bounds, and it is told how many runs would do', () => {
    const verdict = verdictOf(grown, ['self:func:parse>33%']);
    expect(findings(verdict)).toEqual(['inconclusive parse self']);
    expect(verdict.rules[0]!.findings[0]!.needed.runs).toBeGreaterThanOrEqual(2);
  });

  test('the worst of the rules', () => {
    expect(verdictOf(grown, ['self:func:parse>33%', 'func:sort>1%']).outcome).toBe('inconclusive');
    expect(verdictOf(grown, ['self:func:parse>33%', 'any>10%', 'func:sort>1%']).outcome).toBe('regressed');
    expect(verdictOf(grown, []).outcome).toBe('ok');
  });

  test('the same single sample in each run, after none in others, says little', () => {
    const base = { 'app;main;parse': [44, 45, 44, 46] };
    const head = { 'app;main;parse': [44, 43, 44, 44], 'app;main;relocate': [1, 1, 1, 1] };
    expect(verdictOf(difference(base, head), ['any>30%']).outcome).toBe('inconclusive');
  });

  test('a function that is new', () => {
    const added = { ...after, 'app;main;check': [50, 52, 49, 50, 51] };
    const verdict = verdictOf(difference(before, added, files), ['self:func:check>10%']);
    expect(findings(verdict)).toEqual(['regressed check self']);
    expect(verdict.rules[0]!.findings[0]!.test.relative).toBe(Infinity);
  });
});

describe('which functions a rule looks at', () => {
  test('the floor: less than that of the total is nothing', () => {
    expect(verdictOf(grown, ['any>10%'], { floor: 0.2 }).outcome).toBe('ok');
    expect(verdictOf(grown, ['any>10%'], { floor: 0.09 }).outcome).toBe('regressed');
  });

  test('the allow-list: told, and stops nothing', () => {
    const verdict = verdictOf(grown, ['any>10%', 'func:parse>1%'], { isAllowed: namePattern('parse') });
    expect(findings(verdict)).toEqual([]);
    expect(verdict.functions.filter(({ isAllowed }) => isAllowed).map(({ name }) => name)).toContain('parse');
  });

  test('one that is nowhere is told', () => {
    const verdict = verdictOf(grown, ['func:prase>1%']);
    expect([verdict.outcome, verdict.rules[0]!.tested]).toEqual(['ok', 0]);
    expect(verdict.notes).toEqual(['func:prase>1%: no such function was seen on either side.']);
  });

  test('a measure alone', () => {
    expect(findings(verdictOf(grown, ['inclusive:any>10%']))).toEqual(['regressed parse total']);
    expect(findings(verdictOf(grown, ['self:any>10%']))).toEqual(['regressed parse self']);
  });
});

describe('the total', () => {
  const times = (counts: Counts, factor: number) => {
    return Object.fromEntries(
      Object.entries(counts).map(([stack, of]) => [stack, of.map(n => Math.round(n * factor))]),
    );
  };

  test('everything slower alike shows in no share', () => {
    const slower = difference(before, times(before, 1.05), files);
    expect(verdictOf(slower, ['any>1%']).rules[0]!.outcome).toBe('ok');
    expect(verdictOf(slower, ['total>3%']).outcome).toBe('regressed');
    expect(verdictOf(slower, ['total>6%']).outcome).toBe('ok');
  });

  test('is what the runs say that they cost', () => {
    const totals = { name: 'ns/op', unit: '', base: [50, 51, 49, 50, 50], head: [60, 61, 59, 60, 60] };
    const verdict = verdictOf(same, ['total>3%'], { totals });
    expect(verdict.outcome).toBe('regressed');
    expect(verdict.total).toMatchObject({ name: 'ns/op', relative: expect.closeTo(0.2) });
  });

  test('noise is inconclusive', () => {
    const totals = { name: 'ns/op', unit: '', base: [50, 70, 40, 60, 50], head: [60, 80, 40, 70, 50] };
    const verdict = verdictOf(same, ['total>3%'], { totals });
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.rules[0]!.findings[0]!.needed.runs).toBeGreaterThan(100);
  });
});

describe('few runs', () => {
  const one = (counts: Counts, factor = 1) => {
    return Object.fromEntries(Object.entries(counts).map(([stack, [n = 0]]) => [stack, [n * factor]]));
  };

  test('one profile a side: bounds from samples, and said so', () => {
    const verdict = verdictOf(difference(one(before, 10), one(after, 10), files), ['any>10%', 'total>3%']);
    expect(verdict.method).toBe('samples');
    expect(verdict.rules.map(({ outcome }) => outcome)).toEqual(['regressed', 'inconclusive']);
    expect(verdict.notes).toContain(
      'One profile a side: the bounds assume independent samples, and know nothing of how runs differ.',
    );
  });

  test('few samples: how many would do', () => {
    const few: Counts = { 'app;main;parse': [30], 'app;main;sort': [70] };
    const [finding] = verdictOf(difference(few, few), ['any>10%']).rules[0]!.findings;
    expect(finding!.outcome).toBe('inconclusive');
    expect(finding!.needed.samples).toBeGreaterThan(1000);
  });

  test('one run of the head, several of the base', () => {
    const verdict = verdictOf(difference(before, one(after), files), ['self:func:parse>5%']);
    expect([verdict.method, verdict.outcome]).toEqual(['runs', 'regressed']);
    expect(verdict.notes).toEqual(['A side has one run: it is taken to vary as those of the other side do.']);
  });

  test('values that are not samples: one a side tells nothing', () => {
    const bytes = { sampleTypes: [{ type: 'alloc_space', unit: 'bytes' }], periodType: { type: '', unit: '' } };
    const [base, head] = [one(before), one(after)].map(counts => runs(counts, {}, bytes));
    const verdict = verdictOf(diffProfiles(base!, head!), ['any>10%']);
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.rules[0]!.findings[0]!.needed.runs).toBeGreaterThanOrEqual(2);
  });

  test('runs without samples are left out and told; a side without any is refused', () => {
    const empty = counted('');
    const found = diffProfiles([...runs(before), empty], runs(after), { force: true });
    expect(verdictOf(found, ['any>10%']).notes).toEqual(['base: "base" holds no samples.']);
    const none = diffProfiles([empty], runs(after), { force: true });
    expect(() => verdictOf(none, ['any>10%'])).toThrow('there is no sample in the base.');
  });
});

describe('renamed and moved functions', () => {
  const rest: Counts = {
    'app;main;parse_input': before['app;main;parse']!,
    'app;main;parse_input;copy': before['app;main;parse;copy']!,
    'app;main;sort': before['app;main;sort']!,
  };
  const found = difference(before, rest, { ...files, parse_input: 'parse.c' });

  test('are told, and are no new functions', () => {
    const verdict = verdictOf(found, ['any>10%']);
    expect(verdict.outcome).toBe('ok');
    expect(verdict.renamed).toMatchObject([
      {
        from: { name: 'parse', file: 'parse.c' },
        to: { name: 'parse_input', file: 'parse.c' },
        base: expect.closeTo(0.4, 2),
      },
    ]);
  });

  test('to another file: told, and compared', () => {
    const verdict = verdictOf(difference(before, after, files), ['self:any>10%']);
    expect(verdict.renamed).toEqual([]);
    const moved = diffProfiles(runs(before, files), runs(after, { ...files, parse: 'parser.c' }));
    const [found] = verdictOf(moved, ['self:any>10%']).renamed;
    expect(found).toMatchObject({ from: { name: 'parse', file: 'parse.c' }, to: { name: 'parse', file: 'parser.c' } });
    expect(findings(verdictOf(moved, ['self:any>10%']))).toEqual(['regressed parse self']);
  });

  test('another share is another function', () => {
    const larger = { ...rest, 'app;main;parse_input': [700, 710, 690, 700, 705] };
    const verdict = verdictOf(difference(before, larger, files), ['any>10%']);
    expect(verdict.renamed).toEqual([]);
    expect(findings(verdict)).toContain('regressed parse_input self');
  });

  test('where two would do, none is taken', () => {
    const half = (counts: readonly number[]) => counts.map(n => Math.round(n / 2));
    const { 'app;main;sort': sort, ...others } = before;
    const base = { ...others, 'app;main;a': half(sort!), 'app;main;b': half(sort!) };
    const head = { ...others, 'app;main;c': half(sort!), 'app;main;d': half(sort!) };
    expect(verdictOf(difference(base, head), ['any>10%']).renamed).toEqual([]);
  });
});

describe('many functions', () => {
  /** The first one takes `hot` samples, the others one to three. */
  const side = (length: number, hot: number): DiffSide => {
    const runs = [0, 1, 2].map((run): DiffRun => {
      const self = Float64Array.from({ length }, (_, i) =>
        i === 0 ? hot + 100 * run : 1 + ((i * 7919 + run * 31) % 3),
      );
      const grandTotal = self.reduce((sum, count) => sum + count, 0);
      return { name: '', self, total: self, grandTotal, samples: grandTotal, event: '', durationMs: 0, losses: {} };
    });
    return { ...runs[0]!, runs };
  };
  const of = (length: number) => {
    const name = Array.from({ length }, (_, i) => `f${i}`);
    return { ...same, functions: { length, name, file: name }, base: side(length, 20_000), head: side(length, 30_000) };
  };

  test('a hundred thousand', () => {
    expect(findings(verdictOf(of(100_000), ['any>10%']))).toEqual(['regressed f0 self']);
  });

  test('all of them tested: a thousand findings are told', () => {
    const [all] = verdictOf(of(10_000), ['any>10%'], { floor: 0 }).rules;
    expect([all!.outcome, all!.tested, all!.findings.length]).toEqual(['regressed', 10_000, 1000]);
    expect(all!.found).toBeGreaterThan(1000);
  });
});
