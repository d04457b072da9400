/** Keeps samples, or drops them, by the frames of their stacks. */
import type { Profile } from '../model/profile.ts';
import { type FramePattern, matchingLocations } from './pattern.ts';
import { keepRows } from './rows.ts';

/** For each stack whether the pattern matches one of its frames. */
function matchingStacks(profile: Profile, pattern: FramePattern): Uint8Array {
  const { length, prefix, location } = profile.stacks;
  const ofLocation = matchingLocations(profile, pattern);
  const matches = new Uint8Array(length);
  for (let s = 0; s < length; s++) matches[s] = ofLocation[location[s]!]! | (matches[prefix[s]!] ?? 0);
  return matches;
}

function rowsOf(profile: Profile, pattern: FramePattern, wanted: number): Uint32Array {
  const matches = matchingStacks(profile, pattern);
  const { stack, length } = profile.samples;
  let kept = 0;
  const rows = new Uint32Array(length);
  for (let i = 0; i < length; i++) if ((matches[stack[i]!] ?? 0) === wanted) rows[kept++] = i;
  return rows.subarray(0, kept);
}

/** The samples with a frame that the pattern matches. */
export function focus(profile: Profile, pattern: FramePattern): Profile {
  return keepRows(profile, rowsOf(profile, pattern, 1));
}

/** The samples without a frame that the pattern matches. */
export function ignore(profile: Profile, pattern: FramePattern): Profile {
  return keepRows(profile, rowsOf(profile, pattern, 0));
}
