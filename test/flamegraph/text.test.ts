import { describe, expect, test } from 'vitest';
import { formatCount, formatPercent, formatValue } from '../../flamegraph/format.ts';
import { bounded, cells, escapeXml, shorten, truncate, visible, wrap } from '../../flamegraph/text.ts';

describe('visible', () => {
  test.each([
    ['plain <text>', 'plain <text>'],
    ['a\nb\r\nc\rd\te', 'a␤b␤c␍d␉e'],
    ['a\u0085b\u2028c\u2029d', 'a␤b␤c␤d'],
    ['\0\x01\x1b[31m\x7f\x9f', '���[31m��'],
    ['a\ufffeb\uffffc', 'a�b�c'],
    ['\ud800 \udc00 \ud83d', '� � �'],
    ['😀 é 関数', '😀 é 関数'],
    ['user\u202egpj.exe\u2066', 'user‹U+202E›gpj.exe‹U+2066›'],
    ['in\u200bvisible\ufeff\u00ad', 'in‹U+200B›visible‹U+FEFF›‹U+00AD›'],
    ['tag\u{e0041}', 'tag‹U+E0041›'],
    ['👨\u200d👩\u200d👧 क्\u200dष', '👨\u200d👩\u200d👧 क्\u200dष'],
  ])('%j → %j', (text, expected) => expect(visible(text)).toBe(expected));
});

test('escapeXml', () => {
  expect(escapeXml(`<a b='1' c="2">&]]>`)).toBe('&lt;a b=&#39;1&#39; c=&quot;2&quot;&gt;&amp;]]&gt;');
});

test('bounded tells how much is missing and never tears a pair of surrogates', () => {
  expect(bounded('abc', 3)).toBe('abc');
  expect(bounded('x'.repeat(65_536), 3)).toBe('xxx… (+65,533 characters)');
  expect(bounded('ab😀cd', 3)).toBe('ab… (+4 characters)');
  expect(bounded('ab😀cd', 4)).toBe('ab😀… (+2 characters)');
  expect(bounded('\n\n\n', 2)).toBe('␤␤… (+1 characters)');
});

describe('truncate', () => {
  test.each([
    ['function', 8, 'function'],
    ['function', 7, 'functi…'],
    ['function', 1, '…'],
    ['function', 0, ''],
    ['関数名前', 8, '関数名前'],
    ['関数名前', 7, '関数名…'],
    ['関数名前', 6, '関数…'],
    ['関数名前', 5, '関数…'],
    ['😀😀😀', 5, '😀😀…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['👨\u200d👩\u200d👧👨\u200d👩\u200d👧', 3, '👨\u200d👩\u200d👧…'],
    [`a${'\u0301'.repeat(50)}bcd`, 3, '…'],
  ])('%j to %i cells is %j', (text, width, expected) => {
    expect(truncate(text, width)).toBe(expected);
    expect(cells(expected)).toBeLessThanOrEqual(width);
  });

  test('looks at the start of very long texts only', () => {
    expect(truncate('é'.repeat(10_000_000), 4)).toBe('ééé…');
  });
});

test.each([
  ['v8::internal::Runtime_RegExpExec', 40, 'v8::internal::Runtime_RegExpExec'],
  ['v8::internal::Runtime_RegExpExec', 19, '…Runtime_RegExpExec'],
  ['v8::internal::Runtime_RegExpExec', 9, 'Runtime_…'],
  ['std::(anonymous namespace)::f', 10, '…f'],
  ['std::vector<a::b>::push_back', 12, '…vector<a::…'],
  ['github.com/a/b.(*T).Method', 16, '…b.(*T).Method'],
  ['/usr/lib/libc.so.6', 10, '…libc.so.6'],
  ['operator/', 6, 'opera…'],
  ['trailing::', 6, 'trail…'],
])('shorten %j to %i cells is %j', (name, width, expected) => expect(shorten(name, width)).toBe(expected));

test('wrap breaks at spaces and cuts the last line', () => {
  expect(wrap('one two three four', 9, 4)).toEqual(['one two', 'three', 'four']);
  expect(wrap('one two three four', 9, 2)).toEqual(['one two', 'three fo…']);
  expect(wrap('unbreakable', 5, 2)).toEqual(['unbr…']);
});

describe('values', () => {
  test.each([
    [0, 'nanoseconds', '0 ns'],
    [999, 'nanoseconds', '999 ns'],
    [999.7, 'nanoseconds', '1.00 µs'],
    [12_345, 'nanoseconds', '12.3 µs'],
    [999_960, 'nanoseconds', '1.00 ms'],
    [1_234_567_890, 'nanoseconds', '1.23 s'],
    [5_400, 'seconds', '1.50 h'],
    [36e15, 'nanoseconds', '10,000 h'],
    [1536, 'bytes', '1.50 KiB'],
    [1023, 'bytes', '1,023 B'],
    [1_234_567, 'count', '1,234,567'],
    [3, 'lines', '3 lines'],
    [1, 'constructor', '1 constructor'],
  ])('%d %s → %s', (value, unit, expected) => expect(formatValue(value, unit)).toBe(expected));

  test.each([
    [0, 10, '0 %'],
    [10, 10, '100 %'],
    [1, 1e6, '<0.01 %'],
    [999_999, 1e6, '>99.9 %'],
    [1, 8, '12.5 %'],
    [1, 300, '0.33 %'],
    [0, 0, '0 %'],
  ])('%d of %d → %s', (part, whole, expected) => expect(formatPercent(part, whole)).toBe(expected));

  test('counts', () =>
    expect([0, 1000, 1234.5, 1e15].map(formatCount)).toEqual(['0', '1,000', '1,234.50', '1,000,000,000,000,000']));
});
