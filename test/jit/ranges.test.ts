import { describe, expect, test } from 'vitest';
import { JitRanges } from '../../src/jit/ranges.ts';
import { random } from '../support/random.ts';

type Range = readonly [start: number, size: number];

/** Which of the ranges the symbolizer would name each address from 0 to 99 by; `.` for none. */
function owners(ranges: readonly Range[], limit = 1000): string {
  const known = new JitRanges(limit);
  ranges.forEach(([start, size], i) => {
    known.add(start, size, i);
  });
  known.flush();
  return Array.from({ length: 24 }, (_, address) => {
    const found = known.find(address);
    return found < 0 ? '.' : String.fromCharCode(97 + found);
  }).join('');
}

describe('the last one told names an address', () => {
  test.each<[string, readonly Range[], string]>([
    ['nothing', [], '........................'],
    [
      'side by side',
      [
        [2, 3],
        [5, 3],
      ],
      '..aaabbb................',
    ],
    [
      'in the wrong order',
      [
        [10, 3],
        [2, 3],
      ],
      '..bbb.....aaa...........',
    ],
    [
      'the same place',
      [
        [4, 4],
        [4, 4],
      ],
      '....bbbb................',
    ],
    [
      'the beginning',
      [
        [4, 8],
        [2, 4],
      ],
      '..bbbbaaaaaa............',
    ],
    [
      'the end',
      [
        [4, 8],
        [10, 4],
      ],
      '....aaaaaabbbb..........',
    ],
    [
      'the middle',
      [
        [4, 8],
        [6, 2],
      ],
      '....aabbaaaa............',
    ],
    [
      'all of several',
      [
        [4, 2],
        [8, 2],
        [12, 2],
        [3, 12],
      ],
      '...dddddddddddd.........',
    ],
    [
      'one piece after the other',
      [
        [0, 20],
        [2, 2],
        [6, 2],
        [3, 4],
      ],
      'aabddddcaaaaaaaaaaaa....',
    ],
  ])('%s', (_, ranges, expected) => expect(owners(ranges)).toBe(expected));

  test.each([1, 2, 3, 4, 5])('as a plain array says, seed %i', seed => {
    const below = random(seed);
    const known = new JitRanges(1 << 20);
    const plain = new Int32Array(5000).fill(-1);
    for (let i = 0; i < 20_000; i++) {
      const [start, size] = [below(4900), 1 + below(1 + below(100))];
      known.add(start, size, i);
      plain.fill(i, start, start + size);
      if (below(500) === 0) known.flush();
    }
    known.flush();
    expect(Array.from(plain, (_, address) => known.find(address))).toEqual([...plain]);
  });
});

test('dead functions are dropped: memory is that of what lives', () => {
  const known = new JitRanges(1 << 20);
  for (let i = 0; i < 1_000_000; i++) known.add((i % 1000) * 64, 64, i);
  known.flush();
  expect(known.length).toBeLessThan(100_000);
  expect(known.find(0)).toBe(999_000);
});

test('what comes beyond the limit is dropped', () => {
  const known = new JitRanges(50_000);
  for (let i = 0; i < 1_000_000; i++) known.add(i * 64, 64, i);
  known.flush();
  expect(known.length).toBeLessThan(100_000);
  expect(known.find(64 * 10)).toBe(10);
  expect(known.find(64 * 500_000)).toBe(-1);
});
