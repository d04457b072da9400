/** Some samples of a profile, with their labels and times. */
import type { Profile, TimelineColumns } from '../model/profile.ts';
import { selectSamples } from '../model/select.ts';

function selectTimes(timeline: TimelineColumns, samples: number, rows: ArrayLike<number>): TimelineColumns {
  const to = new Int32Array(samples).fill(-1);
  for (let i = 0; i < rows.length; i++) to[rows[i]!] = i;
  const kept = timeline.sample.subarray(0, timeline.length).filter(row => to[row]! >= 0);
  let at = 0;
  return {
    length: kept.length,
    sample: kept.map(row => to[row]!),
    time: timeline.time.slice(0, timeline.length).filter(() => to[timeline.sample[at++]!]! >= 0),
  };
}

/** The samples `rows`, each at most once, with nothing that they do not need. */
export function keepRows(profile: Profile, rows: ArrayLike<number>): Profile {
  const { timeline, labelSets, samples } = profile;
  const kept = selectSamples(profile, rows);
  return {
    ...kept,
    labelSets,
    samples: { ...kept.samples, labels: Uint32Array.from(rows, row => samples.labels[row]!) },
    timeline: timeline && selectTimes(timeline, samples.length, rows),
  };
}
