/** What every picture and table says of a difference besides its numbers. */
import { formatValue } from '../../flamegraph/index.ts';
import type { Difference } from './difference.ts';
import { SIDES } from './difference.ts';

const MAX_NAMES = 10;

/** `base: 12.3 s cpu, a.pb.gz`, and the same of the head. Names are as they came. */
export function sideFacts(difference: Difference): readonly (readonly [side: string, text: string])[] {
  const { type, unit } = difference.sampleType;
  return SIDES.map(side => {
    const { runs, grandTotal } = difference[side];
    const names = runs.slice(0, MAX_NAMES).map(run => run.name);
    if (runs.length > MAX_NAMES) names.push(`${runs.length - MAX_NAMES} more`);
    return [side, `${formatValue(grandTotal, unit)} ${type}, ${names.join(', ')}`] as const;
  });
}
