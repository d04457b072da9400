import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { compileRelabel, type RelabelRule } from '../../src/identity/relabel.ts';
import { RELABEL_DEFAULTS, relabelProblems } from '../../src/identity/relabel-check.ts';
import { random } from '../support/random.ts';

type Labels = Record<string, string>;

function rule(given: Partial<RelabelRule>): RelabelRule {
  return { source_labels: [], ...RELABEL_DEFAULTS, ...given };
}

/** The labels afterwards, or `dropped`. */
function relabelled(labels: Labels, ...rules: Partial<RelabelRule>[]): Labels | 'dropped' {
  const map = new Map(Object.entries(labels));
  return compileRelabel(rules.map(rule))(map) ? Object.fromEntries(map) : 'dropped';
}

const ABC: Labels = { a: 'foo', b: 'bar', c: 'baz' };

test.each<[string, Partial<RelabelRule>, Labels | 'dropped']>([
  ['replace copies by default', { source_labels: ['a'], target_label: 'd' }, { ...ABC, d: 'foo' }],
  [
    'replace joins with ; and takes groups',
    { source_labels: ['a', 'b'], regex: 'f(.*);(.*)r', target_label: 'a', replacement: `b\${1}\${2}m$1` },
    { ...ABC, a: 'boobamoo' },
  ],
  ['replace writes a constant', { target_label: 'd', replacement: 'x' }, { ...ABC, d: 'x' }],
  ['no match: nothing', { source_labels: ['a'], regex: 'o', target_label: 'd', replacement: 'x' }, ABC],
  ['the expression is anchored', { source_labels: ['a'], regex: 'oo', target_label: 'a', replacement: 'x' }, ABC],
  [
    'alternatives are anchored as a whole',
    { source_labels: ['a'], regex: 'f|foo', target_label: 'a', replacement: 'x' },
    { ...ABC, a: 'x' },
  ],
  [
    'an empty replacement removes',
    { source_labels: ['a'], target_label: 'b', replacement: '' },
    { a: 'foo', c: 'baz' },
  ],
  ['an empty source removes', { source_labels: ['none'], target_label: 'b' }, { a: 'foo', c: 'baz' }],
  [
    'the target may have groups: here "1_", which is none, and 2',
    { source_labels: ['a'], regex: '(f)(o+)', target_label: '$1_$2', replacement: '$2-$1' },
    { ...ABC, oo: 'oo-f' },
  ],
  [
    'the target with braces',
    { source_labels: ['a'], regex: '(f)(o+)', target_label: `\${1}_\${2}`, replacement: '$2-$1' },
    { ...ABC, f_oo: 'oo-f' },
  ],
  [
    'an invalid target changes nothing',
    { source_labels: ['a'], target_label: `\${1}-x`, regex: '(.*)', replacement: 'y' },
    ABC,
  ],
  [
    'named groups, in both forms',
    { source_labels: ['a'], regex: '(?P<first>.)(?<rest>.*)', target_label: 'd', replacement: `$rest:\${first}$$` },
    { ...ABC, d: 'oo:f$' },
  ],
  [
    'a group that does not exist is empty',
    { source_labels: ['a'], target_label: 'd', replacement: '[$2$none$1x]$' },
    { ...ABC, d: '[]$' },
  ],
  ['keep: match', { source_labels: ['a'], regex: 'fo+', action: 'keep' }, ABC],
  ['keep: none', { source_labels: ['a'], regex: 'fo', action: 'keep' }, 'dropped'],
  ['keep: of what is missing', { source_labels: ['none'], regex: '.+', action: 'keep' }, 'dropped'],
  ['drop: match', { source_labels: ['a', 'b'], separator: '-', regex: 'foo-bar', action: 'drop' }, 'dropped'],
  ['drop: none', { source_labels: ['a'], regex: 'f', action: 'drop' }, ABC],
  ['drop: a dot matches newlines', { source_labels: ['a'], regex: 'f..', action: 'drop' }, 'dropped'],
  ['keepequal: differs', { source_labels: ['a'], target_label: 'b', action: 'keepequal' }, 'dropped'],
  ['keepequal: both missing', { source_labels: ['x'], target_label: 'y', action: 'keepequal' }, ABC],
  ['dropequal: equal', { source_labels: ['a'], target_label: 'a', action: 'dropequal' }, 'dropped'],
  ['dropequal: differs', { source_labels: ['a'], target_label: 'b', action: 'dropequal' }, ABC],
  // As Prometheus' own tests have it: the last 8 bytes of MD5.
  ['hashmod', { source_labels: ['c'], target_label: 'd', action: 'hashmod', modulus: 1000 }, { ...ABC, d: '976' }],
  ['labelmap copies', { regex: '(a|b)', replacement: 'x_$1', action: 'labelmap' }, { ...ABC, x_a: 'foo', x_b: 'bar' }],
  ['labeldrop', { regex: '[ab]', action: 'labeldrop' }, { c: 'baz' }],
  ['labelkeep', { regex: '[ab]', action: 'labelkeep' }, { a: 'foo', b: 'bar' }],
  [
    'lowercase',
    { source_labels: ['a', 'b'], separator: 'ÄB', target_label: 'd', action: 'lowercase' },
    { ...ABC, d: 'fooäbbar' },
  ],
  ['uppercase', { source_labels: ['a'], target_label: 'a', action: 'uppercase' }, { ...ABC, a: 'FOO' }],
  [
    'uppercase of nothing removes',
    { source_labels: ['x'], target_label: 'a', action: 'uppercase' },
    { b: 'bar', c: 'baz' },
  ],
])('%s', (_, given, expected) => {
  expect(relabelled(ABC, given)).toEqual(expected);
});

test('hashmod is of the joined values, also above 2^53', () => {
  const value = createHash('md5').update('foo;bar').digest().readBigUInt64BE(8) % 9007199254740991n;
  const given = { source_labels: ['a', 'b'], target_label: 'd', action: 'hashmod', modulus: 9007199254740991 } as const;
  expect(relabelled(ABC, given)).toEqual({ ...ABC, d: String(value) });
});

test('rules are applied in order, and nothing after a drop', () => {
  const rules: Partial<RelabelRule>[] = [
    { source_labels: ['a'], target_label: 'd' },
    { source_labels: ['d'], regex: 'foo', target_label: 'd', replacement: 'second' },
    { source_labels: ['d'], regex: 'second', action: 'keep' },
    { regex: 'a|b|c', action: 'labeldrop' },
  ];
  expect(relabelled(ABC, ...rules)).toEqual({ d: 'second' });
  const map = new Map(Object.entries(ABC));
  const drops = compileRelabel([rule({ action: 'drop' }), rule({ target_label: 'z', replacement: 'z' })]);
  expect([drops(map), map.has('z')]).toEqual([false, false]);
});

test('labelmap sees the labels as they were', () => {
  expect(relabelled({ a: '1' }, { regex: '(a+)', replacement: '$1$1', action: 'labelmap' })).toEqual({
    a: '1',
    aa: '1',
  });
});

describe('hostile values', () => {
  test('a pattern that backtracks ends', () => {
    const value = `${'a'.repeat(1000)}b`;
    expect(relabelled({ a: value }, { source_labels: ['a'], regex: '((a+)+)+', action: 'keep' })).toBe('dropped');
  });

  test('a value is matched as far as 1024 characters', () => {
    const given = { source_labels: ['a'], target_label: 'b' };
    expect(relabelled({ a: 'x'.repeat(5000) }, given)).toMatchObject({ b: 'x'.repeat(1024) });
  });

  test('no rule gives a label without a name or a value, whatever it is applied to', () => {
    const below = random(7);
    const pieces = ['a', 'b', '$1', '$', `\${1}`, '${', '}', '-', '_', '9', '__proto__', 'é', '\n', ''];
    const some = (max: number) => Array.from({ length: below(max) }, () => pieces[below(pieces.length)]).join('');
    for (let round = 0; round < 3000; round++) {
      const labels = { a: some(5), b: some(5) };
      const given = { source_labels: ['a', 'b'], target_label: some(4), replacement: some(4), separator: some(2) };
      const result = relabelled(labels, given);
      if (result === 'dropped') throw new Error('replace drops nothing');
      for (const name of Object.keys(result)) if (!(name in labels)) expect(name).toMatch(/^[a-zA-Z_]\w*$/);
      const changed = Object.entries(result).filter(([name]) => result[name] !== labels[name as 'a']);
      for (const [, value] of changed) expect(value).not.toBe('');
    }
  });
});

describe('what Prometheus refuses', () => {
  test.each<[Partial<RelabelRule>, string]>([
    [{}, 'target_label'],
    [{ target_label: 'a-b' }, 'target_label'],
    [{ target_label: '9a' }, 'target_label'],
    [{ target_label: '$' }, 'target_label'],
    [{ target_label: 'a$' }, 'target_label'],
    [{ target_label: '$1', action: 'lowercase' }, 'target_label'],
    [{ target_label: 'a', action: 'hashmod' }, 'modulus'],
    [{ action: 'keepequal' }, 'target_label'],
    [{ target_label: 'a', action: 'dropequal', regex: 'x' }, 'regex'],
    [{ target_label: 'a', action: 'keepequal', replacement: 'x' }, 'replacement'],
    [{ target_label: 'a', action: 'uppercase', replacement: 'x' }, 'replacement'],
    [{ action: 'labeldrop', source_labels: ['a'] }, 'source_labels'],
    [{ action: 'labelkeep', target_label: 'a' }, 'target_label'],
    [{ action: 'labelmap', replacement: 'a-b' }, 'replacement'],
  ])('%j', (given, key) => {
    expect(relabelProblems(rule(given)).map(problem => problem.key)).toEqual([key]);
  });

  test.each<Partial<RelabelRule>>([
    { target_label: 'a' },
    { target_label: '$1' },
    { target_label: `a_\${1}_$name` },
    { target_label: 'a', action: 'hashmod', modulus: 2 },
    { action: 'labelmap' },
    { action: 'labelmap', replacement: '__meta_$1' },
    { action: 'labeldrop', regex: 'x' },
    { action: 'keep', source_labels: ['a'] },
    { action: 'keepequal', source_labels: ['a'], target_label: 'b' },
  ])('but not %j', given => {
    expect(relabelProblems(rule(given))).toEqual([]);
  });

  test.each(['pid', 'tid'])('%s is no label of a series', target_label => {
    expect(relabelProblems(rule({ target_label }))).toEqual([
      { key: 'target_label', message: expect.stringContaining('one for each process') },
    ]);
  });
});
