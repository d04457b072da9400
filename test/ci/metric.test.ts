import { describe, expect, test } from 'vitest';
import { PrintedMetric, parseNumber } from '../../src/ci/metric.ts';

function found(pattern: RegExp, ...chunks: readonly (string | readonly [stream: string, text: string])[]) {
  const metric = new PrintedMetric(pattern);
  for (const chunk of chunks) {
    const [stream, text] = typeof chunk === 'string' ? ['stdout', chunk] : chunk;
    metric.add(stream, Buffer.from(text));
  }
  return metric.end();
}

test.each([
  ['12', 12],
  [' 12.5 ', 12.5],
  ['1e6', 1e6],
  ['1,234,567.8', 1234567.8],
  ['12_000', 12000],
  ['1,5', undefined],
  ['', undefined],
  ['fast', undefined],
  ['Infinity', undefined],
])('%j is %s', (text, number) => expect(parseNumber(text)).toBe(number));

describe('what is printed', () => {
  const ops = /([\d.]+) ns\/op/;

  test('the first group', () => expect(found(ops, 'BenchmarkParse-8   100   123.4 ns/op\n')).toBe(123.4));
  test('all of it, without a group', () => expect(found(/\d+$/, 'took 17\n')).toBe(17));
  test('the last line counts', () => expect(found(ops, '1 ns/op\n2 ns/op\n')).toBe(2));
  test('a last line without an end', () => expect(found(ops, '1 ns/op\r\n2 ns/op')).toBe(2));
  test('lines in pieces', () => expect(found(ops, '12', '3.', '5 ns', '/op\n')).toBe(123.5));
  test('lines of two streams do not mix', () =>
    expect(found(ops, ['stdout', '7 ns'], ['stderr', 'warning\n'], ['stdout', '/op\n'])).toBe(7));
  test('characters in pieces', () => {
    const bytes = Buffer.from('µ 5 µs');
    const metric = new PrintedMetric(/(\d) µs/);
    for (const byte of bytes) metric.add('stdout', Uint8Array.of(byte));
    expect(metric.end()).toBe(5);
  });
  test('nothing that matches', () => expect(found(ops, 'ok\n')).toBeUndefined());
  test('no number where one should be', () => expect(found(/took (\S+)/, 'took 3\ntook long\n')).toBe(3));
  test('a line without end is cut, and does not fill the memory', () => {
    const metric = new PrintedMetric(/(\d+)$/);
    const piece = Buffer.alloc(1 << 20, 'x');
    for (let i = 0; i < 64; i++) metric.add('stdout', piece);
    metric.add('stdout', Buffer.from('5\n6\n'));
    expect(metric.end()).toBe(6);
  });
});
