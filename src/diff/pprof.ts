/**
 * The difference as pprof, for `go tool pprof` and what else reads it: of each stack the base, the head and, as the main
 * value, how much more the head has (negative for less, as `go tool pprof -diff_base` has it).
 */
import { gzipSync } from 'node:zlib';
import { FlameKind } from '../../flamegraph/index.ts';
import { encodePprof } from '../encode/pprof.ts';
import { FrameKind, Miss, type Profile } from '../model/profile.ts';
import type { Difference } from './difference.ts';
import { sideFacts } from './facts.ts';
import type { DiffEncodeOptions, DiffFormat } from './format.ts';

/** A location and a function for each frame; files of functions are those that tell functions apart. */
function code({
  stacks: { names, frames },
}: Difference): Pick<Profile, 'strings' | 'functions' | 'locations' | 'lines'> {
  const { length, name, detail, kind } = frames;
  const each = Uint32Array.from({ length: length + 1 }, (_, i) => i);
  return {
    strings: names,
    functions: { length, name, systemName: name, filename: detail },
    locations: {
      length,
      mapping: new Int32Array(length).fill(-1),
      address: new Float64Array(length),
      kind: Uint8Array.from(kind, of => (of > FlameKind.plt ? FrameKind.native : of)),
      miss: new Uint8Array(length).fill(Miss.none),
      firstLine: each,
    },
    lines: { length, function: each.subarray(0, length), line: new Uint32Array(length) },
  };
}

function* encode(difference: Difference, { title }: DiffEncodeOptions): Iterable<Uint8Array> {
  const { sampleType, notes } = difference;
  const { stacks, samples } = difference.stacks;
  const base = samples.base ?? new Float64Array(samples.length);
  const profile: Profile = {
    ...code(difference),
    mappings: [],
    stacks: { length: stacks.length, prefix: stacks.prefix, location: stacks.frame },
    samples: {
      length: samples.length,
      stack: samples.stack,
      labels: new Uint32Array(samples.length),
      values: [base, samples.value, samples.value.map((value, i) => value - base[i]!)],
    },
    labelSets: [[]],
    sampleTypes: ['base_', 'head_', ''].map(side => ({ type: `${side}${sampleType.type}`, unit: sampleType.unit })),
    periodType: { type: '', unit: '' },
    period: 0,
    startTimeMs: 0,
    durationMs: 0,
    losses: {},
    unwinding: {},
    comments: [title, ...sideFacts(difference).map(([side, text]) => `${side}: ${text}`), ...notes],
  };
  yield gzipSync(encodePprof(profile));
}

export const pprof: DiffFormat = {
  name: 'pprof',
  description: 'gzipped pprof of base, head and their difference',
  extensions: ['.pb.gz', '.pprof', '.pb'],
  encode,
};
