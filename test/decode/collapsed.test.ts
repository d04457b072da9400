import { describe, expect, test } from 'vitest';
import { collapsed } from '../../src/encode/collapsed.ts';
import { everything, profile } from '../support/profile.ts';
import { collapsedLines, locationTexts, read, refusal } from './inputs.ts';

test('stacks share their beginnings, and equal ones are added up', async () => {
  const result = await read('a;b;c 1\na;b;d 2\na;b;c 3\na 4\nb 1\n');
  expect(collapsedLines(result)).toEqual(['a 4', 'a;b;c 4', 'a;b;d 2', 'b 1']);
  expect(result.stacks.length).toBe(5);
  expect(result.sampleTypes).toEqual([{ type: 'samples', unit: 'count' }]);
  expect(result.timeline).toBeUndefined();
});

test.each([
  ['ends of lines of Windows', 'a;b 1\r\nc 2\r\n', ['a;b 1', 'c 2']],
  ['no end of the last line', 'a;b 1\nc 2', ['a;b 1', 'c 2']],
  ['empty lines and spaces at ends', '\n\na;b 1  \n\n', ['a;b 1']],
  ['spaces in names', 'my thread;operator new(unsigned long) 3\n', ['my thread;operator new(unsigned long) 3']],
  ['fractions, exponents, negative numbers', 'a 1.5\nb -2\nc 1e3\nd .5\n', ['a 1.5', 'b -2', 'c 1000', 'd 0.5']],
  ['numbers of more digits than are exact', 'a 12345678901234567890\n', ['a 12345678901234567000']],
  ['empty frames', ';a;;b; 1\n', [';a;;b 1']],
  ['a stack without frames', 'a 1\n 2\n', [' 2', 'a 1']],
  ['a byte order mark', '\ufeffa 1\n', ['a 1']],
  [
    'other scripts, and no UTF-8 at all',
    Buffer.from('é;日本 1\nx\xff 1\n'.replace('\xff', '\u0000')),
    ['x', 'é;日本 1'],
  ],
])('%s', async (_, input, expected) => {
  if (input instanceof Buffer) input[input.indexOf(0)] = 0xff;
  expect(collapsedLines(await read(input)).map(line => line.replace(/^x.*/, 'x'))).toEqual(expected);
});

test('annotations are kinds, and no part of the name', async () => {
  const result = await read('main;f_[j];g_[i];read_[k];x_[q] 1\n');
  expect(locationTexts(result)).toEqual(['main: native', 'f: jit', 'g: inlined', 'read: kernel', 'x_[q]: native']);
});

test('what we write comes back', async () => {
  const options = { annotate: true, labels: [], title: '' };
  const written = [...collapsed.encode(profile(everything), options)].join('');
  const again = await read(written);
  expect([...collapsed.encode(again, options)].join('').split('\n').sort()).toEqual(written.split('\n').sort());
});

describe('however the bytes are cut', () => {
  const lines = Array.from(
    { length: 300 },
    (_, i) => `main;${'f'.repeat(i)};${'gé'.repeat(i % 7)};h${i % 13} ${i + 1}`,
  );
  test.each([1, 2, 3, 5, 7, 64, 1000])('in chunks of %i bytes', async size => {
    expect(collapsedLines(await read(lines.join('\n'), size))).toEqual(lines.toSorted());
  });
});

test('names that differ only in one byte stay apart, wherever it is', async () => {
  const names = Array.from({ length: 40 }, (_, i) => `${'x'.repeat(i)}y${'x'.repeat(39 - i)}`);
  const lengths = Array.from({ length: 40 }, (_, i) => 'x'.repeat(i + 1));
  const result = await read([...names, ...lengths].map(name => `${name} 1\n`).join(''));
  expect(collapsedLines(result)).toEqual([...names, ...lengths].map(name => `${name} 1`).sort());
});

test('a line and a name of a megabyte, a stack of 100,000 frames', async () => {
  const long = 'n'.repeat(2 ** 20);
  const deep = 'f;'.repeat(100_000);
  const result = await read(`${long} 1\n${deep}g 2\n`);
  expect(result.stacks.length).toBe(100_002);
  expect(collapsedLines(result)).toEqual([`${deep}g 2`, `${long} 1`]);
});

test('lines without a count are told', async () => {
  const result = await read('a;b 1\nno count\nlast x1\nc 2\n');
  expect(result.losses).toEqual({ 'lines without a count': 2 });
  expect(collapsedLines(result)).toEqual(['a;b 1', 'c 2']);
});

test('two counts in each line are a difference, and in some they are a name', async () => {
  expect(await refusal('a;b 1 2\nc 3 4\n')).toMatch(/two counts.*"profiler diff"/);
  expect(collapsedLines(await read('a;b 1 2\nc 4\n'))).toEqual(['a;b 1 2', 'c 4']);
});

test('a line without an end is refused', async () => {
  expect(await refusal(Buffer.alloc(2 ** 26 + 2, 'x'))).toContain('it holds a line of more than 67108864 bytes.');
});
