/** What transforms are checked with. */
import { expect } from 'vitest';
import type { Profile } from '../../src/model/profile.ts';
import { parsePattern } from '../../src/transform/pattern.ts';
import { expectConsistent, sampleTexts } from '../decode/support.ts';

/** Names of each sample's frames, outermost first, its first value and its labels; and everything holds together. */
export function texts(profile: Profile, value = 0): string[] {
  expectConsistent(profile);
  return sampleTexts(profile, value);
}

/** The profile with source files: of the function `name` the file `files[name]`. */
export function withFiles(profile: Profile, files: Readonly<Record<string, string>>): Profile {
  const strings = [...profile.strings];
  const filename = profile.functions.name.map(name => {
    const file = files[profile.strings[name]!];
    return file === undefined ? 0 : strings.push(file) - 1;
  });
  return { ...profile, strings, functions: { ...profile.functions, filename } };
}

/** Row `sample[i]` was hit at `i` ms. */
export function withTimes(profile: Profile, sample: readonly number[]): Profile {
  return {
    ...profile,
    timeline: {
      length: sample.length,
      sample: Uint32Array.from(sample),
      time: Float64Array.from(sample.keys()),
    },
  };
}

export const pattern = parsePattern;

/** Sum of a column of values. */
export function sum(profile: Profile, value = 0): number {
  const column = profile.samples.values[value];
  expect(column).toBeDefined();
  return column!.reduce((total, part) => total + part, 0);
}
