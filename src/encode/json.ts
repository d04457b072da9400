/**
 * The profile as JSON, for programs: the columns of model/profile.ts as they are, under the same names, with `format` and
 * `version` before them. Indices lead from column to column, −1 leads nowhere; `stacks` are a prefix table; addresses of
 * the kernel are negative (2^64 less); times are in milliseconds, values in the unit of their sample type.
 */
import type { Profile } from '../model/profile.ts';
import { FrameKind, Miss } from '../model/profile.ts';
import type { Format } from './format.ts';
import { type Json, jsonText, type NumberColumn } from './json-text.ts';

/** Rises with every change that a reader has to know of. */
const VERSION = 1;

/** The columns of a table, as long as the table says. */
function table<T extends { readonly length: number }>({ length, ...columns }: T): Json {
  const cut = ([name, column]: [string, NumberColumn]): [string, Json] => [
    name,
    name === 'firstLine' ? column.subarray(0, length + 1) : column.subarray(0, length),
  ];
  return { length, ...Object.fromEntries(Object.entries(columns as Record<string, NumberColumn>).map(cut)) };
}

/** Names of numbers: by number. */
function names(of: Readonly<Record<string, number>>): string[] {
  return Object.keys(of).sort((a, b) => of[a]! - of[b]!);
}

function encode(profile: Profile): Iterable<string> {
  const { samples, timeline, mappings, labelSets, sampleTypes, periodType, losses, unwinding } = profile;
  return jsonText({
    format: 'ebpf-profiler',
    version: VERSION,
    startTimeMs: profile.startTimeMs,
    ...(profile.clock ? { clock: { ...profile.clock } } : {}),
    durationMs: profile.durationMs,
    sampleTypes: sampleTypes.map(type => ({ ...type })),
    periodType: { ...periodType },
    period: profile.period,
    comments: profile.comments,
    losses,
    unwinding,
    /** What the numbers of `locations.kind` and `locations.miss` mean. */
    kinds: names(FrameKind),
    misses: names(Miss),
    strings: profile.strings,
    mappings: mappings.map(mapping => ({ ...mapping })),
    functions: table(profile.functions),
    lines: table(profile.lines),
    locations: table(profile.locations),
    stacks: table(profile.stacks),
    labelSets: labelSets.map(labels => labels.map(label => ({ ...label }))),
    samples: {
      length: samples.length,
      stack: samples.stack.subarray(0, samples.length),
      labels: samples.labels.subarray(0, samples.length),
      values: samples.values.map(column => column.subarray(0, samples.length)),
    },
    timeline: timeline ? table(timeline) : null,
  });
}

export const json: Format = {
  name: 'json',
  description: 'columns of the profile, for programs',
  extensions: ['.json'],
  encode,
};
