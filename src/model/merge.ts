/** Several profiles as one: of the windows of a service, of the machines of a cluster. */
import { ExitCode, ProfilerError } from '../errors.ts';
import { growFloat64, growInt32, growUint32 } from './columns.ts';
import { IntMap } from './int-map.ts';
import { Chains, MAX_CHAINS } from './merge-stacks.ts';
import { Interner, MergedTables } from './merge-tables.ts';
import { mergeTimelines, placeTimes, type Timed } from './merge-times.ts';
import type { Label, Profile, TimelineColumns, ValueType } from './profile.ts';

const MAX_COMMENTS = 100;

function typeText({ type, unit }: ValueType): string {
  return `${type}/${unit}`;
}

/** What two profiles have to agree on, in words. */
function typesText({ sampleTypes, periodType }: Profile): string {
  return `${sampleTypes.map(typeText).join(', ')} (every ${typeText(periodType)})`;
}

/** Numbers by name, added up. */
class Sums {
  readonly #sums = new Map<string, number>();

  add(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) this.#sums.set(name, (this.#sums.get(name) ?? 0) + count);
  }

  done(): Record<string, number> {
    return Object.fromEntries(this.#sums); // defines, so that no name is special
  }
}

class Merger {
  readonly #first: Profile;
  readonly #tables = new MergedTables();
  readonly #stacks = new Chains();
  readonly #labelSets = new Interner<readonly Label[]>();
  readonly #rows = new IntMap();
  #stack = new Int32Array(1024);
  #labels = new Uint32Array(1024);
  readonly #values: Float64Array<ArrayBuffer>[];
  readonly #losses = new Sums();
  readonly #unwinding = new Sums();
  readonly #comments = new Set<string>();
  /** Of each profile, in the rows of the sum. */
  readonly #timed: Timed[] = [];
  #period = 0;

  constructor(first: Profile) {
    this.#first = first;
    this.#values = first.sampleTypes.map(() => new Float64Array(1024));
  }

  add(profile: Profile): void {
    const [expected, found] = [typesText(this.#first), typesText(profile)];
    if (found !== expected) {
      throw new ProfilerError('different-types', `profiles of ${expected} and of ${found} cannot be one.`, {
        hint: 'Merge profiles of one event only.',
        exitCode: ExitCode.usage,
      });
    }
    const { startTimeMs, durationMs, clock } = profile;
    this.#timed.push({ timeline: this.#samples(profile), startTimeMs, durationMs, clock });
    this.#losses.add(profile.losses);
    this.#unwinding.add(profile.unwinding);
    for (const comment of profile.comments) if (this.#comments.size < MAX_COMMENTS) this.#comments.add(comment);
    this.#period = Math.max(this.#period, profile.period);
  }

  /** Returns the profile's timeline, in the rows of the sum. */
  #samples(profile: Profile): TimelineColumns | undefined {
    const { samples, timeline } = profile;
    const stacks = this.#stacksOf(profile);
    const sets = profile.labelSets.map(set => this.#labelSets.of(JSON.stringify(set), set));
    const rows = new Uint32Array(samples.length);
    for (let i = 0; i < samples.length; i++) {
      const row = this.#row(stacks[samples.stack[i]!] ?? -1, sets[samples.labels[i]!]!);
      rows[i] = row;
      for (let v = 0; v < this.#values.length; v++) this.#values[v]![row]! += samples.values[v]![i]!;
    }
    return timeline && { ...timeline, sample: timeline.sample.map(sample => rows[sample]!) };
  }

  /** The index here of each stack of the profile. */
  #stacksOf(profile: Profile): Int32Array {
    const locations = this.#tables.locationsOf(profile);
    const { prefix, location, length } = profile.stacks;
    const indices = new Int32Array(length);
    for (let s = 0; s < length; s++) {
      indices[s] = this.#stacks.push(indices[prefix[s]!] ?? -1, locations[location[s]!]!);
    }
    if (this.#stacks.length > MAX_CHAINS) {
      throw new ProfilerError('too-large', `the profiles hold more than ${MAX_CHAINS} distinct stacks together.`, {
        hint: 'Merge fewer of them.',
      });
    }
    return indices;
  }

  #row(stack: number, set: number): number {
    const known = this.#rows.get(stack, set, 0);
    if (known >= 0) return known;
    const row = this.#rows.size;
    if (row === this.#stack.length) {
      this.#stack = growInt32(this.#stack);
      this.#labels = growUint32(this.#labels);
      for (const [v, column] of this.#values.entries()) this.#values[v] = growFloat64(column);
    }
    this.#rows.set(stack, set, 0, row);
    this.#stack[row] = stack;
    this.#labels[row] = set;
    return row;
  }

  done(): Profile {
    const { size } = this.#rows;
    const { length, prefix, item } = this.#stacks;
    return {
      ...this.#tables.done(),
      stacks: { length, prefix: prefix.slice(0, length), location: item.slice(0, length) },
      samples: {
        length: size,
        stack: this.#stack.slice(0, size),
        labels: this.#labels.slice(0, size),
        values: this.#values.map(column => column.slice(0, size)),
      },
      labelSets: this.#labelSets.values,
      sampleTypes: this.#first.sampleTypes,
      periodType: this.#first.periodType,
      period: this.#period,
      ...this.#times(),
      losses: this.#losses.done(),
      unwinding: this.#unwinding.done(),
      comments: [...this.#comments],
    };
  }

  #times(): Pick<Profile, 'timeline' | 'startTimeMs' | 'clock' | 'durationMs'> {
    const { placing, starts } = placeTimes(this.#timed);
    const known = this.#timed.map(({ startTimeMs }) => startTimeMs).filter(start => start !== 0);
    const clocks = this.#timed.flatMap(({ clock }) => clock ?? []);
    const timelines = placing === 'none' ? [] : this.#timed.flatMap(({ timeline }) => timeline ?? []);
    return {
      timeline: timelines.length > 0 ? mergeTimelines(timelines, starts) : undefined,
      startTimeMs: known.reduce((least, start) => Math.min(least, start), known[0] ?? 0),
      clock: placing === 'clock' ? clocks.reduce((a, b) => (b.startMs < a.startMs ? b : a)) : undefined,
      durationMs: duration(this.#timed, starts),
    };
  }
}

/** The sum of windows with distinct starts: of those that start together, the longest. */
function duration(profiles: readonly Timed[], starts: readonly number[]): number {
  const windows = new Map<number, number>();
  for (const [i, start] of starts.entries()) {
    windows.set(start, Math.max(windows.get(start) ?? 0, profiles[i]!.durationMs));
  }
  return [...windows.values()].reduce((sum, window) => sum + window, 0);
}

/**
 * One profile of all. Equal samples (stack and labels) add up, as losses do. It starts with the earliest; its duration is
 * the sum of windows with distinct start times (of those that start together, the longest), so that machines that were
 * recorded side by side do not count twice. It has a timeline when all have: see {@link placeTimes}. Of the comments the
 * first 100 distinct ones are kept, and the longest period.
 * Profiles are taken one after the other: only the sum and one of them are in memory.
 * @throws ProfilerError when sample types or period types differ, when they hold too much, or there is none
 */
export function mergeProfiles(profiles: Iterable<Profile>): Profile {
  let merger: Merger | undefined;
  for (const profile of profiles) {
    merger ??= new Merger(profile);
    merger.add(profile);
  }
  if (!merger) throw new ProfilerError('nothing-to-merge', 'there is no profile to merge.');
  return merger.done();
}
