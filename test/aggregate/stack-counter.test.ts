import { describe, expect, test } from 'vitest';
import { StackCounter } from '../../src/aggregate/stack-counter.ts';
import { StackTable } from '../../src/aggregate/stack-table.ts';
import { random } from '../support/random.ts';

/** 1 MiB, as much as one chunk of keys holds. */
const CHUNK_WORDS = 2 ** 18;

function add(counter: StackCounter, key: readonly number[], weight = 1): number {
  return counter.add(Uint32Array.from(key), 0, key.length, weight);
}

test('counts and weights of a key', () => {
  const counter = new StackCounter();
  expect([add(counter, [1, 2, 3], 5), add(counter, [1, 2, 4], 7), add(counter, [1, 2, 3], 2 ** 40)]).toEqual([0, 1, 0]);
  expect(counter.length).toBe(2);
  expect([...counter.count.subarray(0, 2)]).toEqual([2, 1]);
  expect([...counter.weight.subarray(0, 2)]).toEqual([2 ** 40 + 5, 7]);
});

test('a key is a piece of the words', () => {
  const counter = new StackCounter();
  const words = Uint32Array.of(9, 1, 2, 8, 1, 2, 7);
  expect([counter.add(words, 1, 2, 1), counter.add(words, 4, 2, 1), counter.add(words, 4, 3, 1)]).toEqual([0, 0, 1]);
  words.fill(0); // its owner overwrites them
  expect(add(counter, [1, 2])).toBe(0);
});

test('length, order and leading zeros matter', () => {
  const counter = new StackCounter();
  const keys = [[], [0], [0, 0], [0, 0, 0], [0, 1], [1, 0], [1], [0xffffffff], [0xffffffff, 0]];
  expect(keys.map(key => add(counter, key))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(keys.map(key => add(counter, key))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('keys with the same hash are told apart', () => {
  const counter = new StackCounter();
  const words = new Uint32Array(2);
  // By the birthday problem 18 pairs of them have the same 32 bits of hash, whatever the hash is.
  const keys = 400_000;
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < keys; i++) {
      [words[0], words[1]] = [i, 0x5555];
      if (counter.add(words, 0, 2, i) !== i) expect.fail(`key ${i} is taken for another one`);
    }
  }
  expect(counter.length).toBe(keys);
  expect(counter.count.subarray(0, keys).every(count => count === 2)).toBe(true);
  expect(counter.weight.subarray(0, keys).every((weight, i) => weight === 2 * i)).toBe(true);
});

test('keys at the border of a chunk', () => {
  const counter = new StackCounter();
  const key = (first: number, length: number) => Uint32Array.from({ length }, (_, i) => first + i);
  const keys = [
    key(1, CHUNK_WORDS - 10),
    key(2, 10), // fills the first chunk to its last word
    key(3, 1),
    key(4, CHUNK_WORDS - 1), // fills the second
    key(5, 7),
    key(6, CHUNK_WORDS - 1), // does not fit the rest of the third
    key(7, 7),
  ];
  const numbers = () => keys.map(words => counter.add(words, 0, words.length, 1));
  expect(numbers()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(numbers()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  const last = keys[3]!.slice();
  last[last.length - 1]! ^= 1;
  expect(counter.add(last, 0, last.length, 1)).toBe(7);
});

test('the same as a Map, over more than 1 MiB of keys', () => {
  const below = random(20);
  const counter = new StackCounter();
  const expected = new Map<string, { number: number; count: number; weight: number }>();
  let stored = 0;
  for (let i = 0; i < 40_000; i++) {
    // Few different words, so that keys share beginnings and endings; a short one comes back often.
    const key = Array.from({ length: below(60) }, () => below(3) * 0x7fffffff);
    const text = key.join();
    const weight = below(1000);
    const entry = expected.get(text) ?? { number: expected.size, count: 0, weight: 0 };
    if (entry.count === 0) stored += key.length;
    entry.count++;
    entry.weight += weight;
    expected.set(text, entry);
    expect(add(counter, key, weight)).toBe(entry.number);
  }
  expect(stored).toBeGreaterThan(3 * CHUNK_WORDS);
  expect(counter.length).toBe(expected.size);
  const entries = [...expected.values()];
  expect([...counter.count.subarray(0, counter.length)]).toEqual(entries.map(entry => entry.count));
  expect([...counter.weight.subarray(0, counter.length)]).toEqual(entries.map(entry => entry.weight));
});

describe('stack table', () => {
  const columns = (table: StackTable) =>
    Array.from({ length: table.length }, (_, i) => [table.prefix[i], table.location[i]]);

  test('a stack is known by its caller and its location', () => {
    const table = new StackTable();
    const numbers = [table.push(-1, 0), table.push(-1, 5), table.push(0, 5), table.push(2, 0), table.push(1, 5)];
    expect(numbers).toEqual([0, 1, 2, 3, 4]);
    expect([table.push(-1, 5), table.push(0, 5), table.push(1, 5)]).toEqual([1, 2, 4]);
    expect(columns(table)).toEqual([
      [-1, 0],
      [-1, 5],
      [0, 5],
      [2, 0],
      [1, 5],
    ]);
  });

  test('grows, with callers before callees', () => {
    const table = new StackTable();
    const below = random(3);
    const expected = new Map<string, number>();
    for (let i = 0; i < 20_000; i++) {
      const [prefix, location] = [below(table.length + 1) - 1, below(50)];
      const key = `${prefix} ${location}`;
      if (!expected.has(key)) expected.set(key, expected.size);
      expect(table.push(prefix, location)).toBe(expected.get(key));
    }
    expect(table.length).toBeGreaterThan(4096);
    expect(columns(table).map(row => row.join(' '))).toEqual([...expected.keys()]);
    for (let i = 0; i < table.length; i++) expect(table.prefix[i]).toBeLessThan(i);
  });
});
