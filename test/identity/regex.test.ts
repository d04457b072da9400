import { describe, expect, test } from 'vitest';
import { compileGlob, compileRegex, matchesRegex } from '../../src/identity/regex.ts';

describe('regular expressions', () => {
  test.each<[string, string, boolean]>([
    ['foo', 'foo', true],
    ['foo', 'foobar', false],
    ['foo|bar', 'bar', true],
    ['.*', 'a\nb', true],
    ['', '', true],
    ['', 'a', false],
    ['a\\-b\\_\\.\\/', 'a-b_./', true],
    ['[\\w.-]+', 'a.b-c', true],
    ['[(?]+', '(?(', true],
    ['[(?P<x>]+', 'P<x>', true],
    ['\\[(?:a)\\]', '[a]', true],
    ['(?P<n>a)+', 'aaa', true],
    ['[0-9a-f]{64}', 'ab01'.repeat(16), true],
    ['\\x41', 'A', true],
  ])('%s on %j: %s', (pattern, value, expected) => {
    expect(matchesRegex(compileRegex(pattern), value)).toBe(expected);
  });

  test.each<[string, RegExp]>([
    ['(', /Unterminated group/],
    ['a)(b', /Unmatched/],
    ['[', /Unterminated character class/],
    ['[]a]', /needs a backslash/],
    ['*', /Nothing to repeat/],
    ['a{2}{3}', /Nothing to repeat/],
    ['(?i)a', /no flags/],
    ['(?=a)', /looking ahead/],
    ['(?<!a)b', /looking ahead or behind/],
    ['(a)\\1', /the escape "\\1"/],
    ['\\pL', /the escape "\\p"/],
    ['\\Aa', /the escape "\\A"/],
    ['\\xg', /the escape "\\x"/],
    ['[[:alpha:]]', /\[:alpha:\]/],
    ['\\', /the escape/],
  ])('%s is refused', (pattern, message) => {
    expect(() => compileRegex(pattern)).toThrow(message);
    expect(() => compileRegex(pattern)).toThrow(SyntaxError);
  });
});

describe('globs', () => {
  test.each<[string, boolean, string, boolean]>([
    ['web', false, 'web', true],
    ['web', false, 'web2', false],
    ['web*', false, 'web/2', true],
    ['w?b', false, 'wéb', true],
    ['a.b', false, 'axb', false],
    ['a{b}(c)[d]', false, 'a{b}(c)[d]', true],
    ['/a/*', true, '/a/b', true],
    ['/a/*', true, '/a/b/c', false],
    ['/a/**', true, '/a/b/c', true],
    ['/a/?', true, '/a//', false],
    ['/**/c', true, '/a/b/c', true],
  ])('%s (path: %s) on %s: %s', (glob, path, value, expected) => {
    expect(matchesRegex(compileGlob(glob, path), value)).toBe(expected);
  });

  test('of many stars ends', () => {
    expect(matchesRegex(compileGlob(`${'*a'.repeat(200)}b`), 'a'.repeat(1000))).toBe(false);
  });
});
