import { describe, expect, test } from 'vitest';
import { encodePprof } from '../../src/encode/pprof.ts';
import type { Profile } from '../../src/model/profile.ts';
import { selectSamples } from '../../src/model/select.ts';
import { decodePprof } from '../support/pprof.ts';
import { everything, profile as profileOf } from '../support/profile.ts';

/** `outermost;…;leaf` of each sample. */
function stacks(profile: Profile): string[] {
  return decodePprof(encodePprof(profile)).samples.map(({ frames }) => frames.join(';'));
}

const profile = profileOf(everything);
const rows = [...profile.samples.stack.keys()];

describe('a part of a profile', () => {
  test('each sample by itself says what it said among the others', () => {
    const all = rows.map(row => stacks(selectSamples(profile, [row]))[0]);
    expect(new Set(all)).toEqual(new Set(stacks(profile)));
  });

  test('nothing is kept that it does not need', () => {
    for (const row of rows) {
      const part = selectSamples(profile, [row]);
      const { raw } = decodePprof(encodePprof(part));
      const used = new Set(raw.sample.flatMap(sample => sample.locationId.map(Number)));
      expect(used.size).toBe(raw.location.length);
      const functions = new Set(raw.location.flatMap(({ line }) => line.map(({ functionId }) => Number(functionId))));
      expect(functions.size).toBe(raw.function.length);
      expect(new Set(raw.location.map(({ mappingId }) => Number(mappingId)).filter(Boolean)).size).toBe(
        raw.mapping.length,
      );
      expect(part.strings[0]).toBe('');
    }
  });

  test('two halves have the values of the whole', () => {
    const middle = rows.length >> 1;
    const halves = [rows.slice(0, middle), rows.slice(middle)].map(half => selectSamples(profile, half));
    const sum = (of: Profile) => of.samples.values.map(column => column.reduce((total, value) => total + value, 0));
    const [a, b] = halves.map(sum);
    expect(a!.map((value, i) => value + b![i]!)).toEqual(sum(profile));
  });

  test('callers stand before callees', () => {
    const { prefix } = selectSamples(profile, rows.toReversed()).stacks;
    for (const [stack, caller] of prefix.entries()) expect(caller).toBeLessThan(stack);
  });

  test('none at all', () => expect(stacks(selectSamples(profile, []))).toEqual([]));
});
