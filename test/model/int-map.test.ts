import { describe, expect, test } from 'vitest';
import { growFloat64, growInt32, growUint8, growUint32 } from '../../src/model/columns.ts';
import { hash3, IntMap } from '../../src/model/int-map.ts';
import { random } from '../support/random.ts';

type Key = readonly [number, number, number];

describe('IntMap', () => {
  test('what is not there is −1', () => {
    const map = new IntMap();
    expect(map.get(0, 0, 0)).toBe(-1);
    map.set(0, 0, 0, 0);
    expect([map.get(0, 0, 0), map.get(0, 0, 1), map.size]).toEqual([0, -1, 1]);
  });

  test('each of the three keys counts', () => {
    const map = new IntMap();
    const keys: readonly Key[] = [
      [1, 2, 3],
      [1, 3, 2],
      [2, 1, 3],
      [2, 3, 1],
      [3, 1, 2],
      [3, 2, 1],
    ];
    for (const [i, key] of keys.entries()) map.set(...key, i);
    expect(keys.map(key => map.get(...key))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('a value can be set again, up to 2^31 − 2', () => {
    const map = new IntMap();
    map.set(1, 2, 3, 4);
    map.set(1, 2, 3, 2 ** 31 - 2);
    expect([map.get(1, 2, 3), map.size]).toEqual([2 ** 31 - 2, 1]);
  });

  test('a key is its 32 bits, signed or not', () => {
    const map = new IntMap();
    map.set(0xffffffff, 0x80000000, -1, 5);
    map.set(-5, 2 ** 32 - 6, 7, 6);
    expect(map.get(-1, -(2 ** 31), 0xffffffff)).toBe(5);
    expect(map.get(2 ** 32 - 5, -6, 7)).toBe(6);
    expect(map.get(1, -(2 ** 31), 0xffffffff)).toBe(-1);
  });

  test.each([0, 1, 7, 1000, 65_536])('grows from room for %i entries', capacity => {
    const map = new IntMap(capacity);
    for (let i = 0; i < 3000; i++) map.set(i, -i, i * 0x10001, i);
    expect(map.size).toBe(3000);
    for (let i = 0; i < 3000; i++) expect(map.get(i, -i, i * 0x10001)).toBe(i);
    for (let i = 0; i < 3000; i++) expect(map.get(i, -i, i * 0x10001 + 1)).toBe(-1);
  });

  test.each([1, 2, 3])('the same as a Map of strings (seed %i)', seed => {
    const below = random(seed);
    // Few values, so that keys differ in one part only and are set again; around the borders of 32 bits.
    const interesting = [0, 1, -1, 2 ** 31, 2 ** 31 - 1, -(2 ** 31), 2 ** 32 - 1, 0x1000, 0x7fff0000];
    const part = () => interesting[below(interesting.length)]! + below(12) * 0x1000;
    const map = new IntMap(16);
    const expected = new Map<string, number>();
    for (let i = 0; i < 30_000; i++) {
      const key = [part(), part(), part()] as const;
      const text = key.map(value => value | 0).join();
      expect(map.get(...key)).toBe(expected.get(text) ?? -1);
      if (below(3) === 0) continue;
      map.set(...key, i);
      expected.set(text, i);
    }
    expect(map.size).toBe(expected.size);
    for (const [text, value] of expected) {
      const [a = 0, b = 0, c = 0] = text.split(',').map(Number);
      expect(map.get(a, b, c)).toBe(value);
    }
  });
});

test('the hash spreads keys that differ in few bits', () => {
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    for (const hash of [hash3(i, 0, 0), hash3(0, i, 0), hash3(0, 0, i)]) seen.add(hash & 0xffff);
  }
  expect(seen.size).toBeGreaterThan(2800); // 2,931 of 2,998 would be random
  expect(hash3(-1, -1, -1)).toBe(hash3(0xffffffff, 0xffffffff, 0xffffffff));
});

describe('columns grow to twice their length and keep their beginning', () => {
  test.each([
    [growInt32(Int32Array.of(-1, 2)), Int32Array.of(-1, 2, 0, 0)],
    [growUint32(Uint32Array.of(2 ** 32 - 1, 2)), Uint32Array.of(2 ** 32 - 1, 2, 0, 0)],
    [growUint8(Uint8Array.of(255, 2)), Uint8Array.of(255, 2, 0, 0)],
    [growFloat64(Float64Array.of(-0.5, 2)), Float64Array.of(-0.5, 2, 0, 0)],
  ])('%o', (grown, expected) => expect(grown).toEqual(expected));
});
