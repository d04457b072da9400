import { describe, expect, it } from 'vitest';
import { paint, Ranges } from '../../src/elf/dwarf/painted.ts';
import { intervalAt } from '../../src/elf/dwarf/unit-table.ts';
import { random } from '../support/random.ts';

/** The owner of each of the first addresses, by painting one after the other. */
function slowly(ranges: readonly (readonly [number, number])[], size: number): number[] {
  const owners = Array<number>(size).fill(-1);
  for (const [owner, [start, end]] of ranges.entries()) owners.fill(owner, start, end);
  return owners;
}

function quickly(ranges: readonly (readonly [number, number])[], size: number): number[] {
  const all = new Ranges();
  for (const [owner, [start, end]] of ranges.entries()) all.add(start, end, owner);
  const { starts, owners } = paint(all);
  return Array.from({ length: size }, (_, address) => owners[intervalAt(starts, address)] ?? -1);
}

describe('ranges', () => {
  it('of any kind are painted over one another', () => {
    const next = random(3);
    for (let round = 0; round < 300; round++) {
      const ranges = Array.from({ length: next(30) }, () => {
        const start = next(100);
        return [start, start + 1 + next(next(2) === 0 ? 5 : 60)] as const;
      });
      expect(quickly(ranges, 170)).toEqual(slowly(ranges, 170));
    }
  });

  it('in one another give way to the inner one, and go on behind it', () => {
    expect(
      quickly(
        [
          [0, 10],
          [2, 8],
          [3, 4],
          [20, 21],
        ],
        22,
      ).join(' '),
    ).toBe('0 0 1 2 1 1 1 1 0 0 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 3 -1');
  });
});
