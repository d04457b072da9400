import { describe, expect, test } from 'vitest';
import { mergeProfiles } from '../../src/model/merge.ts';
import { placeTimes } from '../../src/model/merge-times.ts';
import type { MachineClock, Profile } from '../../src/model/profile.ts';
import { expectConsistent, sampleTexts } from '../decode/support.ts';
import { profile } from '../support/profile.ts';
import { random } from '../support/random.ts';

/** A row for each line, hit at the times of its number, in milliseconds. */
function timed(text: string, hits: readonly (readonly [row: number, time: number])[], more: Partial<Profile>): Profile {
  const sample = Uint32Array.from(hits, ([row]) => row);
  const time = Float64Array.from(hits, ([, at]) => at);
  return { ...profile(text), startTimeMs: 0, durationMs: 10, timeline: { length: hits.length, sample, time }, ...more };
}

const clock = (startMs: number, name = 'perf'): MachineClock => ({ name, startMs });

/** When each sample was hit: `stack@ms`. */
function hits(merged: Profile): string[] {
  expectConsistent(merged);
  const { sample, time } = merged.timeline!;
  const texts = sampleTexts(merged).map(text => text.split(' ')[0]);
  return Array.from(sample, (row, i) => `${texts[row]}@${time[i]}`);
}

const first = 'a;f 1\na;g 2';
const second = 'a;g 1\nb;h 1';
const entries = [
  [0, 0],
  [1, 4],
  [1, 5],
] as const;

describe('where the samples of two profiles stand', () => {
  test.each<[string, Partial<Profile>, Partial<Profile>, string[]]>([
    ['absolute', { startTimeMs: 1000 }, { startTimeMs: 1002 }, ['f@0', 'g@2', 'g@4', 'g@5', 'h@6', 'h@7']],
    ['absolute', { startTimeMs: 1020 }, { startTimeMs: 1000 }, ['g@0', 'h@4', 'h@5', 'f@20', 'g@24', 'g@25']],
    ['clock', { clock: clock(70) }, { clock: clock(71) }, ['f@0', 'g@1', 'g@4', 'g@5', 'h@5', 'h@6']],
    ['sequence', { clock: clock(70) }, { clock: clock(71, 'v8') }, ['f@0', 'g@4', 'g@5', 'g@10', 'h@14', 'h@15']],
    ['sequence', { clock: clock(70) }, { startTimeMs: 5 }, ['f@0', 'g@4', 'g@5', 'g@10', 'h@14', 'h@15']],
    ['sequence', { clock: clock(0) }, { clock: clock(9e7) }, ['f@0', 'g@4', 'g@5', 'g@10', 'h@14', 'h@15']],
    ['sequence', { durationMs: 3 }, {}, ['f@0', 'g@4', 'g@5', 'g@5', 'h@9', 'h@10']],
  ])('%s: %o %o', (placing, a, b, expected) => {
    const profiles = [timed(first, entries, a), timed(second, entries, b)];
    expect(placeTimes(profiles).placing).toBe(placing);
    expect(hits(mergeProfiles(profiles))).toEqual(expected);
  });

  test('no times when one has none', () => {
    const profiles = [timed(first, entries, { startTimeMs: 1 }), profile(second)];
    expect(placeTimes(profiles).placing).toBe('none');
    expect(mergeProfiles(profiles).timeline).toBeUndefined();
  });
});

test('starts and durations', () => {
  const about = (...parts: Partial<Profile>[]) => {
    const { startTimeMs, durationMs, clock } = mergeProfiles(parts.map(part => timed(first, entries, part)));
    return [startTimeMs, durationMs, clock];
  };
  expect(about({ startTimeMs: 1000 }, { startTimeMs: 900 })).toEqual([900, 20, undefined]);
  expect(about({ clock: clock(8) }, { clock: clock(7) }, { clock: clock(8) })).toEqual([0, 20, clock(7)]);
  expect(about({}, {}, {})).toEqual([0, 30, undefined]);
});

test.each([1, 2, 3])('every hit is kept, in order of time: seed %i', seed => {
  const below = random(seed);
  const profiles = Array.from({ length: 7 }, (_, i) => {
    const times = Array.from({ length: below(200) }, () => below(1000)).sort((a, b) => a - b);
    const rows = times.map(time => [below(2), time] as const);
    return timed(`a;f${i % 3} 1\na;g${i} 2`, rows, { clock: clock(below(500)) });
  });
  const base = Math.min(...profiles.map(one => one.clock!.startMs));
  const expected = profiles.flatMap(one => {
    const alone = {
      ...one,
      timeline: { ...one.timeline!, time: one.timeline!.time.map(t => t + one.clock!.startMs - base) },
    };
    return hits(alone);
  });
  const merged = mergeProfiles(profiles);
  const { time } = merged.timeline!;
  expect(time.every((t, i) => t >= (time[i - 1] ?? 0))).toBe(true);
  expect(hits(merged).sort()).toEqual(expected.sort());
  const halves = [mergeProfiles(profiles.slice(0, 3)), mergeProfiles(profiles.slice(3))];
  expect(hits(mergeProfiles(halves)).sort()).toEqual(expected);
});
