import { expect, test } from 'vitest';
import { search } from '../../flamegraph/search.ts';

const names = ['main', 'JSON.parse', 'std::vector<int>::push_back(int&&)', 'a.b', 'axb'];
const found = (text: string) => names.filter((_, i) => search(names, text).matches[i] === 1);

test.each([
  ['json', ['JSON.parse']],
  ['vector<int>', ['std::vector<int>::push_back(int&&)']],
  ['a.b', ['a.b']],
  ['/a.b/', ['a.b', 'axb']],
  ['/^(main|a\\.b)$/', ['main', 'a.b']],
  ['/PUSH_\\w+\\(/', ['std::vector<int>::push_back(int&&)']],
  ['/main|json|axb|a|b|c|d/', names],
  ['/', []],
  ['//', []],
  ['nothing', []],
])('%s', (text, expected) => expect(found(text)).toEqual(expected));

test.each([
  ['/(a+)+$/', 'groups cannot repeat here'],
  ['/(?:a|a)*b/', 'groups cannot repeat here'],
  ['/(a|ab)?(c)/', 'groups cannot repeat here'],
  ['/a*a*a*$/', 'too many of * + { ? | for one pattern'],
  ['/a{1,99}a{1,99}a{1,99}/', 'too many of * + { ? | for one pattern'],
  ['/(a)\\1/', 'groups cannot be referred to here'],
  ['/(?<x>a)\\k<x>/', 'groups cannot be referred to here'],
  [`/${'a?'.repeat(20)}/`, 'too many of * + { ? | for one pattern'],
  ['/[/', 'no valid pattern'],
  ['/a{2/', 'no valid pattern'],
  ['x'.repeat(201), 'no more than 200 characters here'],
])('%s is refused', (text, problem) => {
  const result = search(names, text);
  expect(result.problem).toBe(problem);
  expect(result.matches.some(match => match === 1)).toBe(false);
});

test('what may repeat comes to an end on the longest and most alike names', () => {
  const alike = Array.from({ length: 200 }, (_, i) => 'a'.repeat(100_000 + i));
  expect(search(alike, '/a*a*b/').matches.some(match => match === 1)).toBe(false);
  expect(search(alike, `/${'a?'.repeat(10)}a*b/`).matches.some(match => match === 1)).toBe(false);
});
