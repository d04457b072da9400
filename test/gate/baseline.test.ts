import { expect, test } from 'vitest';
import { ProfilerError } from '../../src/errors.ts';
import { encodeBaseline, isBaseline, makeBaseline, parseBaseline } from '../../src/gate/baseline.ts';
import { parseRule } from '../../src/gate/rules.ts';
import { random } from '../support/random.ts';
import { difference } from './support.ts';

const counts = { 'app;parse': [300, 301], 'app;sort': [700, 699], 'app;rare': [0, 0] };
const baseline = makeBaseline(difference(counts, { ...counts, 'app;tiny': [1, 0] }), {
  periodType: { type: 'cpu', unit: 'nanoseconds' },
  period: 1,
  event: 'cycles',
  metricName: 'cpu ms',
  metrics: [10, null],
});
const text = [...encodeBaseline(baseline)].join('');

test('comes back as it was', () => expect(parseBaseline(text)).toEqual(baseline));

test('is of the head; what is too small is left out', () => {
  expect(baseline.functions.map(({ name }) => name)).toEqual(['parse', 'sort']);
  expect(baseline.runs.map(({ total, metric }) => [total, metric])).toEqual([
    [1001, 10],
    [1000, null],
  ]);
});

test('is known by its first key', () => {
  expect([
    isBaseline(text),
    isBaseline(JSON.stringify(baseline)),
    isBaseline('{"version": 1}'),
    isBaseline(''),
  ]).toEqual([true, true, false, false]);
});

test.each([1, 2, 3])('damage is a reason, or another baseline: seed %d', seed => {
  const below = random(seed);
  for (let i = 0; i < 2000; i++) {
    const at = below(text.length);
    const bad = text.slice(0, at) + String.fromCharCode(below(128)) + text.slice(at + below(4));
    const found = parseBaseline(below(5) === 0 ? bad.slice(0, below(bad.length)) : bad);
    if (typeof found === 'string') expect(found).not.toBe('');
    else for (const { self } of found.functions) expect(self).toHaveLength(found.runs.length);
  }
});

test('rules of any text are understood, or refused with a sentence', () => {
  const below = random(9);
  const pieces = [
    'total',
    'any',
    'func:',
    'self:',
    'inclusive:',
    '>',
    '5',
    '%',
    '.',
    '/',
    '(',
    '[',
    '\\',
    ' ',
    '1e9',
    '\u0000',
  ];
  for (let i = 0; i < 5000; i++) {
    const rule = Array.from({ length: below(8) }, () => pieces[below(pieces.length)]).join('');
    try {
      expect(parseRule(rule).limit).toBeGreaterThanOrEqual(0);
    } catch (error) {
      expect(error).toBeInstanceOf(ProfilerError);
    }
  }
});
