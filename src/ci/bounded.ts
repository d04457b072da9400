/** Profiles as files of a bounded size: what has the least samples is left out until they fit. */
import { formatByName } from '../encode/index.ts';
import { mergeProfiles } from '../model/merge.ts';
import type { Profile } from '../model/profile.ts';
import { selectSamples } from '../model/select.ts';
import { minPercent } from '../transform/min-percent.ts';

/** Tried in turn, in per cent of all samples. */
const CUTS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10];

export interface BoundedProfile {
  readonly profile: Profile;
  /** gzipped pprof */
  readonly bytes: Uint8Array;
  /** Frames with less than this share were left out, per cent; 0 when nothing was. */
  readonly cut: number;
}

function encode(profile: Profile): Uint8Array {
  const chunks = formatByName('pprof').encode(profile, { annotate: false, labels: [], title: '' });
  return Buffer.concat(Array.from(chunks, chunk => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)));
}

/** `maxBytes`: of the file. The last attempt is taken even when it is larger. */
export function boundedProfile(profile: Profile, maxBytes: number): BoundedProfile {
  let bounded: BoundedProfile = { profile, bytes: encode(profile), cut: 0 };
  for (const cut of CUTS) {
    if (bounded.bytes.length <= maxBytes) break;
    const few = minPercent(profile, cut);
    const smaller = mergeProfiles([selectSamples(few, [...few.samples.stack.keys()])]);
    bounded = { profile: smaller, bytes: encode(smaller), cut };
  }
  return bounded;
}
