/** The timelines of several profiles as one. */
import type { Profile, TimelineColumns } from './profile.ts';

/** Of all together, 12 bytes each; what has more goes without times. */
const MAX_TIMES = 2 ** 25;
/** Starts on machines' own clocks that are further apart are of two machines, or of one that was started anew. */
const MAX_APART_MS = 24 * 3600 * 1000;

/** What of a profile tells when its samples were taken. */
export type Timed = Pick<Profile, 'timeline' | 'startTimeMs' | 'durationMs' | 'clock'>;

/**
 * - `none`: a profile has no times, or they are too many;
 * - `absolute`: all tell their wall-clock start;
 * - `clock`: all tell the start by the same kind of clock, taken for that of one machine;
 * - `sequence`: one after the other, as there is no common clock.
 */
export type Placing = 'none' | 'absolute' | 'clock' | 'sequence';

export interface Placed {
  readonly placing: Placing;
  /** Milliseconds: where each profile begins, the earliest at 0. */
  readonly starts: readonly number[];
}

/** Where each profile stands on a timeline of all. */
export function placeTimes(profiles: readonly Timed[]): Placed {
  const [placing, starts] = choose(profiles);
  const earliest = starts.reduce((least, start) => Math.min(least, start), Infinity);
  return { placing, starts: starts.map(start => start - earliest) };
}

function choose(profiles: readonly Timed[]): readonly [placing: Placing, starts: readonly number[]] {
  const walls = profiles.map(({ startTimeMs }) => startTimeMs);
  const entries = profiles.reduce((sum, { timeline }) => sum + (timeline?.length ?? Infinity), 0);
  if (entries > MAX_TIMES) return ['none', walls];
  if (walls.every(start => start !== 0)) return ['absolute', walls]; // 0: a producer that does not say
  const clocks = profiles.flatMap(({ clock }) => clock ?? []);
  const first = clocks[0];
  const isCommon = clocks.length === profiles.length && clocks.every(({ name }) => name === first?.name);
  const times = clocks.map(({ startMs }) => startMs);
  if (isCommon && times.every(start => Math.abs(start - times[0]!) <= MAX_APART_MS)) return ['clock', times];
  const ends = [0];
  for (const profile of profiles) ends.push(ends.at(-1)! + lengthOf(profile));
  return ['sequence', ends.slice(0, -1)];
}

function lengthOf({ timeline, durationMs }: Timed): number {
  return Math.max(durationMs, timeline?.time[timeline.length - 1] ?? 0);
}

/** Each profile's entries later by its start, in order of time; at equal times in the order of the profiles. */
export function mergeTimelines(timelines: readonly TimelineColumns[], starts: readonly number[]): TimelineColumns {
  const shifted = timelines.map(({ length, sample, time }, i) => {
    return { length, sample: sample.subarray(0, length), time: time.subarray(0, length).map(t => t + starts[i]!) };
  });
  return mergeRange(shifted, 0, shifted.length);
}

/** By halves, so that an entry is copied as often as there are halves of halves, and not once for each profile. */
function mergeRange(timelines: readonly TimelineColumns[], first: number, end: number): TimelineColumns {
  if (end - first === 1) return timelines[first]!;
  const middle = (first + end) >>> 1;
  return mergeTwo(mergeRange(timelines, first, middle), mergeRange(timelines, middle, end));
}

function mergeTwo(a: TimelineColumns, b: TimelineColumns): TimelineColumns {
  const length = a.length + b.length;
  const [sample, time] = [new Uint32Array(length), new Float64Array(length)];
  for (let i = 0, j = 0; i + j < length; ) {
    const isA = j === b.length || (i < a.length && a.time[i]! <= b.time[j]!);
    const [from, at] = isA ? [a, i] : [b, j];
    sample[i + j] = from.sample[at]!;
    time[i + j] = from.time[at]!;
    if (isA) i++;
    else j++;
  }
  return { length, sample, time };
}
