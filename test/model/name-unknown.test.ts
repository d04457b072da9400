import { expect, test } from 'vitest';
import { encodePprof } from '../../src/encode/pprof.ts';
import { nameUnknown } from '../../src/model/name-unknown.ts';
import { decodePprof } from '../support/pprof.ts';
import { everything, profile } from '../support/profile.ts';

const before = profile(everything);
const [unnamed, named] = [before, nameUnknown(before)].map(of => decodePprof(encodePprof(of)));

test('every location has a function, those that had one the same', () => {
  const pairs = unnamed!.samples.map(({ frames }, i) => [frames, named!.samples[i]!.frames] as const);
  expect(pairs.flatMap(([frames]) => frames)).toContain('');
  for (const [frames, after] of pairs) {
    expect(after).toEqual(frames.map(name => (name === '' ? expect.stringMatching(/^\[unknown: .+\]$/) : name)));
  }
  expect(named!.raw.mapping.every(({ hasFunctions }) => hasFunctions)).toBe(true);
});

test('one function for one name; values stay', () => {
  const names = named!.raw.function.map(({ name }) => Number(name));
  expect(new Set(names).size).toBe(new Set(named!.raw.function.map(({ id }) => Number(id))).size);
  expect(named!.samples.map(({ values }) => values)).toEqual(unnamed!.samples.map(({ values }) => values));
});
