import { expect, test } from 'vitest';
import { type FlameColor, type FlameData, flameGraphSvg } from '../../flamegraph/index.ts';
import { random } from '../support/random.ts';
import { ATTACKS } from './attacks.ts';

const COLORS: readonly FlameColor[] = ['kind', 'module', 'name', 'change'];

/** Columns of small random numbers: some point nowhere, some in circles, some are no values. */
function randomData(below: (limit: number) => number): FlameData {
  const column = (length: number, limit: number) => Array.from({ length }, () => below(limit));
  const [names, frames, stacks, samples] = [1 + below(9), below(6), below(12), below(12)];
  const value = () => Float64Array.from(column(samples, 50), v => (v === 49 ? Number.NaN : v === 48 ? -1 : v / 3));
  return {
    names: column(names, ATTACKS.length).map(i => ATTACKS[i]![0]),
    frames: {
      length: frames,
      name: Uint32Array.from(column(frames, names + (below(9) === 0 ? 1 : 0))),
      kind: Uint8Array.from(column(frames, 12)),
      detail: Uint32Array.from(column(frames, names)),
      ...(below(2) === 0 && { module: Uint32Array.from(column(frames, names)) }),
    },
    stacks: {
      length: stacks,
      prefix: Int32Array.from(column(stacks, 12), (prefix, i) => (prefix === 11 ? i : Math.min(prefix, i) - 1)),
      frame: Uint32Array.from(column(stacks, Math.max(1, frames))),
    },
    samples: {
      length: samples,
      stack: Int32Array.from(column(samples, stacks + 2), stack => stack - 1),
      value: value(),
      ...(below(2) === 0 && { base: value() }),
    },
  };
}

test('whatever the columns hold: a whole picture, or a RangeError that says why', () => {
  const below = random(7);
  const outcomes = { drawn: 0, refused: 0 };
  for (let i = 0; i < 4000; i++) {
    try {
      const color = COLORS[below(COLORS.length)]!;
      const text = [...flameGraphSvg(randomData(below), { color, script: false, minWidth: below(3) })].join('');
      expect(text).toMatch(/^<svg .*<\/svg>\n$/s);
      expect(text).not.toMatch(/NaN|Infinity|\p{Surrogate}/u);
      expect(text.split(/<g[ >]/).length).toBe(text.split('</g>').length);
      outcomes.drawn++;
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
      expect((error as RangeError).message).toMatch(/sample|stack|frame|values|color/);
      outcomes.refused++;
    }
  }
  expect(Math.min(outcomes.drawn, outcomes.refused)).toBeGreaterThan(500);
});
