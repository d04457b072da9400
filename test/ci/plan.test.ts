import { expect, test } from 'vitest';
import { planRuns, type Side } from '../../src/ci/plan.ts';

const text = (sides: readonly Side[], runs: number, warmups: number) =>
  planRuns(sides, runs, warmups)
    .map(({ side, index }) => `${side}${index || ''}`)
    .join(' ');

test.each([
  [['head'], 3, 1, 'head head1 head2 head3'],
  [['base', 'head'], 1, 0, 'base1 head1'],
  [['base', 'head'], 4, 1, 'base head base1 head1 head2 base2 base3 head3 head4 base4'],
  [['base', 'head'], 1, 2, 'base head base head base1 head1'],
] as const)('%j, %i runs after %i warm-ups: %s', (sides, runs, warmups, plan) =>
  expect(text(sides, runs, warmups)).toBe(plan),
);

test('each side is as early as the other, on average', () => {
  const plan = planRuns(['base', 'head'], 10, 1);
  const mean = (side: Side) => {
    const places = plan.flatMap((run, place) => (run.side === side && run.index > 0 ? [place] : []));
    return places.reduce((sum, place) => sum + place, 0) / places.length;
  };
  expect(mean('base')).toBe(mean('head'));
});
