/** One of the things that a profile counted. */
import { bounded } from '../../flamegraph/text.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import type { Profile } from '../model/profile.ts';

/** In a message. */
const MAX_NAMES = 20;
const MAX_NAME = 100;

/** `name`: a type (`alloc_space`), or a type and its unit (`alloc_space/bytes`). @throws ProfilerError */
export function selectSampleType(profile: Profile, name: string): Profile {
  const { sampleTypes, samples } = profile;
  const index = sampleTypes.findIndex(({ type, unit }) => name === type || name === `${type}/${unit}`);
  if (index < 0) {
    const names = sampleTypes.slice(0, MAX_NAMES).map(({ type, unit }) => bounded(`${type} (${unit})`, MAX_NAME));
    throw new ProfilerError('unknown-sample-type', `the profile has no sample type "${name}".`, {
      hint: `It has ${names.join(', ')}.`,
      exitCode: ExitCode.usage,
    });
  }
  return { ...profile, sampleTypes: [sampleTypes[index]!], samples: { ...samples, values: [samples.values[index]!] } };
}
