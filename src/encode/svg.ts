/** Flame graph as SVG: the drawing is in flamegraph/, here is what the picture says about the recording. */
import { flameGraphSvg } from '../../flamegraph/index.ts';
import type { Profile } from '../model/profile.ts';
import { flameData } from './flame-data.ts';
import type { EncodeOptions, Format } from './format.ts';

function encode(profile: Profile, options: EncodeOptions): Iterable<string> {
  const value = profile.sampleTypes.length - 1;
  const data = flameData(profile, { root: true, value });
  const losses = Object.entries(profile.losses).filter(([, count]) => count > 0);
  return flameGraphSvg(data, {
    ...options.svg,
    title: options.title,
    subtitle: profile.comments.join(' · '),
    notes: losses.map(([cause, count]) => `${cause}: ${count}`),
    unit: profile.sampleTypes[value]?.unit ?? 'count',
  });
}

export const svg: Format = {
  name: 'svg',
  description: 'flame graph, opens in a browser',
  extensions: ['.svg'],
  encode,
};
