/** Which samples are of which thread, for formats that keep threads apart. */
import type { Label, Profile } from '../model/profile.ts';

export interface Thread {
  /** '' when it has none. */
  readonly name: string;
  /** '' when it is not known. */
  readonly pid: string;
  readonly tid: string;
  /** Rows of the samples; with times one for each time that the row was hit, in order of time. */
  readonly rows: Uint32Array;
  /** Of `rows`, milliseconds since the start of the profile. */
  readonly times?: Float64Array | undefined;
}

function textOf(labels: readonly Label[], key: string): string {
  return String(labels.find(label => label.key === key)?.value ?? '');
}

/** Threads in the order of their first samples. They are told apart by `comm`, `pid` and `tid`. */
export function threadsOf({ samples, labelSets, timeline }: Profile): Thread[] {
  const index = new Map<string, number>();
  const names = labelSets.map(labels => ['comm', 'pid', 'tid'].map(key => textOf(labels, key)));
  const ofSet = names.map(parts => {
    const key = JSON.stringify(parts);
    const thread = index.get(key) ?? index.size;
    index.set(key, thread);
    return thread;
  });
  const entries = timeline?.length ?? samples.length;
  const rowOf = (entry: number) => (timeline ? timeline.sample[entry]! : entry);
  const counts = new Uint32Array(index.size);
  for (let entry = 0; entry < entries; entry++) counts[ofSet[samples.labels[rowOf(entry)]!]!]!++;
  const rows = Array.from(counts, count => new Uint32Array(count));
  const times = timeline && Array.from(counts, count => new Float64Array(count));
  const filled = new Uint32Array(index.size);
  const order = new Set<number>();
  for (let entry = 0; entry < entries; entry++) {
    const thread = ofSet[samples.labels[rowOf(entry)]!]!;
    order.add(thread);
    rows[thread]![filled[thread]!] = rowOf(entry);
    if (times) times[thread]![filled[thread]!] = timeline.time[entry]!;
    filled[thread]!++;
  }
  const labels = [...index.keys()].map(key => JSON.parse(key) as [string, string, string]);
  return Array.from(order, thread => {
    const [name, pid, tid] = labels[thread]!;
    return { name, pid, tid, rows: rows[thread]!, times: times?.[thread] };
  });
}

/** For each row how often the timeline has it; 1 without one. */
export function hitsOf({ samples, timeline }: Profile): Float64Array {
  const hits = new Float64Array(samples.length);
  if (!timeline) return hits.fill(1);
  for (let entry = 0; entry < timeline.length; entry++) hits[timeline.sample[entry]!]!++;
  return hits;
}
