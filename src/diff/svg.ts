/** The difference as a flame graph, coloured by what became more and what less. */
import { flameGraphSvg } from '../../flamegraph/index.ts';
import type { Difference } from './difference.ts';
import { sideFacts } from './facts.ts';
import type { DiffEncodeOptions, DiffFormat } from './format.ts';

/** Of the frames of a picture as wide as it is by default, px. */
const WIDTH = 1180;

function encode(difference: Difference, options: DiffEncodeOptions): Iterable<string> {
  const { stacks, sampleType, notes } = difference;
  const facts = sideFacts(difference).map(([side, text]) => `${side}: ${text}`);
  return flameGraphSvg(stacks, {
    title: options.title,
    subtitle: facts.join(' · '),
    notes,
    unit: sampleType.unit,
    side: options.side,
    normalize: !options.absolute,
    ...(options.minPercent > 0 && { minWidth: (options.minPercent / 100) * WIDTH }),
  });
}

export const svg: DiffFormat = {
  name: 'svg',
  description: 'flame graph of both sides, coloured by the change',
  extensions: ['.svg'],
  encode,
};
