import { describe, expect, test } from 'vitest';
import { namePattern } from '../../src/gate/names.ts';
import { parseFloor, parseRule } from '../../src/gate/rules.ts';

test.each([
  ['total>3%', 'total', 0.03, ''],
  ['any>10%', 'any', 0.1, 'self total'],
  ['  any > 0.5 % ', 'any', 0.005, 'self total'],
  ['self:any>10%', 'any', 0.1, 'self'],
  ['inclusive:any>10%', 'any', 0.1, 'total'],
  ['func:parse>5%', 'function', 0.05, 'self total'],
  ['self:func:std::vector<int>::push(int)>5%', 'function', 0.05, 'self'],
  ['func:operator>>>5%', 'function', 0.05, 'self total'],
])('%s', (text, subject, limit, measures) => {
  const rule = parseRule(text);
  expect([rule.subject, rule.limit, rule.measures.join(' ')]).toEqual([subject, limit, measures]);
});

test.each([
  ['total', 'it has no ">" between what is meant and the limit'],
  ['total>3', 'behind ">" stands the limit in percent, such as 10%'],
  ['total>-3%', 'behind ">" stands the limit in percent, such as 10%'],
  ['total>3%%', 'behind ">" stands the limit in percent, such as 10%'],
  ['>3%', '"" is neither total nor any nor func:NAME'],
  ['parse>3%', '"parse" is neither total nor any nor func:NAME'],
  ['func:>3%', 'the function has no name'],
  ['self:total>3%', 'the total has no self part'],
  ['func:/(/>3%', '/(/ is no regular expression that can be used: '],
])('%s is refused', (text, reason) => {
  expect(() => parseRule(text)).toThrow(`the rule "${text}" of --fail-on is not understood: ${reason}`);
});

test('a name with or without its arguments, or a pattern', () => {
  const matching = (text: string, names: readonly string[]) => names.filter(namePattern(text));
  const names = [
    'parse',
    'parse(int)',
    'ns::parse(int)',
    'parser',
    '(anonymous namespace)::parse(int)',
    'operator()(int)',
  ];
  expect(matching('parse', names)).toEqual(['parse', 'parse(int)']);
  expect(matching('parse(int)', names)).toEqual(['parse(int)']);
  expect(matching('(anonymous namespace)::parse', names)).toEqual(['(anonymous namespace)::parse(int)']);
  expect(matching('/^parse/', names)).toEqual(['parse', 'parse(int)', 'parser']);
  expect(matching('/parse\\(/', names)).toEqual(['parse(int)', 'ns::parse(int)', '(anonymous namespace)::parse(int)']);
  expect(matching('operator', names)).toEqual([]);
});

describe('floors', () => {
  test.each([
    ['0.5pp', 0.005],
    ['0.5 pp', 0.005],
    ['2%', 0.02],
    ['0pp', 0],
  ])('%s', (text, floor) => expect(parseFloor(text)).toBeCloseTo(floor, 12));

  test.each(['0.5', '-1pp', 'pp', '101pp', ''])('"%s" is refused', text => {
    expect(() => parseFloor(text)).toThrow(`--floor is given in percentage points, such as 0.5pp, not as "${text}".`);
  });
});
