import { expect, test } from 'vitest';
import { StackTable } from '../../src/decode/stack-table.ts';
import { random } from '../support/random.ts';

test('each stack is there once, and behind its caller', () => {
  const below = random(3);
  const table = new StackTable();
  const known = new Map<string, number>();
  for (let sample = 0; sample < 20_000; sample++) {
    let stack = -1;
    for (let depth = below(12); depth >= 0; depth--) {
      const location = below(5);
      const key = `${stack} ${location}`;
      const next = table.push(stack, location);
      expect(next).toBe(known.get(key) ?? known.size);
      known.set(key, next);
      stack = next;
    }
  }
  const { length, prefix, location } = table.columns();
  expect([length, prefix.length, location.length]).toEqual([known.size, known.size, known.size]);
  for (const [key, stack] of known) expect(`${prefix[stack]} ${location[stack]}`).toBe(key);
});
