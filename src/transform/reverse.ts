/** Stacks from the inside out: the innermost frame comes first, its callers stand on it. */
import { Chains } from '../model/merge-stacks.ts';
import type { Profile } from '../model/profile.ts';
import { checkLength, frameStacks, framesOf, oneFrameEach } from './frames.ts';

/** Inlined calls become locations of their own. @throws ProfilerError when there are too many distinct stacks then */
export function reverse(profile: Profile): Profile {
  const frames = framesOf(profile);
  const { prefix, frame, leaf } = frameStacks(profile, frames);
  const chains = new Chains();
  const { samples } = profile;
  const reversed = new Int32Array(profile.stacks.length).fill(-1);
  const stack = samples.stack.map(from => {
    if (from < 0 || reversed[from]! >= 0) return reversed[from] ?? -1;
    let to = -1;
    for (let at = leaf[from]!; at >= 0; at = prefix[at]!) to = chains.push(to, frame[at]!);
    checkLength(chains.length);
    reversed[from] = to;
    return to;
  });
  const { length } = chains;
  return {
    ...profile,
    ...oneFrameEach(profile, frames),
    stacks: { length, prefix: chains.prefix.slice(0, length), location: chains.item.slice(0, length) },
    samples: { ...samples, stack },
  };
}
