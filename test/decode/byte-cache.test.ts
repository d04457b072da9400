import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ByteCache } from '../../src/decode/byte-cache.ts';
import { gunzip } from '../../src/decode/input.ts';
import { separators, Text } from '../../src/decode/text.ts';
import { random } from '../support/random.ts';
import { chunks } from './inputs.ts';

/** What the cache says of each word, and how often it asked. */
function values(words: readonly string[], maxBytes?: number) {
  const text = new Text(Buffer.from(`${words.join(';')};`));
  let asked = 0;
  const cache = new ByteCache((of, start, end) => {
    asked++;
    return Number(of.string(start, end).slice(1) || -1);
  }, maxBytes);
  let at = 0;
  const found = words.map(() => {
    const value = cache.next(text, at, text.bytes.length, separators(0x3b));
    at = cache.end + 1;
    return value;
  });
  return { found, asked };
}

const below = random(5);
const words = Array.from({ length: 20_000 }, () => {
  const number = below(300);
  return number === 0 ? '' : `x${number}`;
});
const expected = words.map(word => Number(word.slice(1) || -1));

test('each string is asked for once', () => {
  expect(values(words)).toEqual({ found: expected, asked: 300 });
});

test('what takes too much memory is asked for again', () => {
  const { found, asked } = values(words, 500);
  expect(found).toEqual(expected);
  expect(asked).toBeGreaterThan(300);
});

test('strings with equal hashes', () => {
  const text = new Text(Buffer.from('abcdefghijklmnopqrstuvwxyz'.repeat(40)));
  let asked = 0;
  const cache = new ByteCache((_, start) => {
    asked++;
    return start;
  });
  const of = (start: number) => {
    text.hash = 7;
    return cache.of(text, start, start + 27 + start);
  };
  const starts = Array.from({ length: 400 }, (_, i) => i);
  expect([...starts, ...starts].map(of)).toEqual([...starts, ...starts]);
  expect(asked).toBe(400 + 400 - 255);
});

test('a gzip bomb ends at the limit', async () => {
  const bomb = chunks(gzipSync(Buffer.alloc(2 ** 22)));
  let total = 0;
  const read = async () => {
    for await (const chunk of gunzip(bomb, 2 ** 20)) total += chunk.length;
  };
  await expect(read()).rejects.toThrow('it is larger than 1048576 bytes.');
  expect(total).toBeLessThanOrEqual(2 ** 20);
});
