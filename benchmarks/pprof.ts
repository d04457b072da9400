/**
 * Encoding pprof: 100,000 stacks of 40 frames, from the profile's columns to bytes (not compressed), with our writer,
 * with pprof-format and with protobufjs. `node dist/benchmarks/pprof.js [rounds]`
 */
import {
  Line,
  Location,
  Function as PprofFunction,
  Profile as PprofProfile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import protobuf from 'protobufjs';
import { encodePprof } from '../src/encode/pprof.ts';
import type { Profile } from '../src/model/profile.ts';
import { median, table } from './support.ts';

const STACKS = 100_000;
const FRAMES = 40;
const FUNCTIONS = 5000;

function column(length: number, value: (index: number) => number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length }, (_, i) => value(i));
}

/** Stacks that share nothing but their functions: the worst case. */
function makeProfile(): Profile {
  const prefix = new Int32Array(STACKS * FRAMES).map((_, i) => (i % FRAMES === 0 ? -1 : i - 1));
  return {
    strings: ['', ...Array.from({ length: FUNCTIONS }, (_, i) => `namespace::function_${i}(unsigned long)`)],
    mappings: [],
    functions: {
      length: FUNCTIONS,
      name: column(FUNCTIONS, i => i + 1),
      systemName: column(FUNCTIONS, i => i + 1),
      filename: new Uint32Array(FUNCTIONS),
    },
    locations: {
      length: FUNCTIONS,
      mapping: new Int32Array(FUNCTIONS).fill(-1),
      address: Float64Array.from({ length: FUNCTIONS }, (_, i) => 0x401000 + 64 * i),
      kind: new Uint8Array(FUNCTIONS),
      miss: new Uint8Array(FUNCTIONS),
      firstLine: column(FUNCTIONS + 1, i => i),
    },
    lines: { length: FUNCTIONS, function: column(FUNCTIONS, i => i), line: new Uint32Array(FUNCTIONS) },
    stacks: {
      length: STACKS * FRAMES,
      prefix,
      location: column(STACKS * FRAMES, i => (Math.imul(i, 2654435761) >>> 0) % FUNCTIONS),
    },
    samples: {
      length: STACKS,
      stack: new Int32Array(STACKS).map((_, i) => (i + 1) * FRAMES - 1),
      labels: new Uint32Array(STACKS),
      values: [new Float64Array(STACKS).fill(1), new Float64Array(STACKS).fill(10_101_010)],
    },
    labelSets: [[]],
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10_101_010,
    startTimeMs: 0,
    durationMs: 1000,
    losses: {},
    unwinding: {},
    comments: [],
  };
}

/** The location ids of a sample, innermost first. */
function locationIds(profile: Profile, sample: number): number[] {
  const ids: number[] = [];
  const { prefix, location } = profile.stacks;
  for (let s = profile.samples.stack[sample]!; s >= 0; s = prefix[s]!) ids.push(location[s]! + 1);
  return ids;
}

function withPprofFormat(profile: Profile): Uint8Array {
  const stringTable = new StringTable();
  const id = (text: string) => stringTable.dedup(text);
  const functions = Array.from({ length: profile.functions.length }, (_, i) => {
    return new PprofFunction({ id: i + 1, name: id(profile.strings[profile.functions.name[i]!]!) });
  });
  const locations = Array.from({ length: profile.locations.length }, (_, i) => {
    return new Location({ id: i + 1, address: profile.locations.address[i]!, line: [new Line({ functionId: i + 1 })] });
  });
  const samples = Array.from({ length: profile.samples.length }, (_, i) => {
    return new Sample({ locationId: locationIds(profile, i), value: profile.samples.values.map(values => values[i]!) });
  });
  const sampleType = profile.sampleTypes.map(({ type, unit }) => new ValueType({ type: id(type), unit: id(unit) }));
  return new PprofProfile({
    sampleType,
    sample: samples,
    location: locations,
    function: functions,
    stringTable,
  }).encode();
}

const { Profile: Message } = protobuf.parse(`
  syntax = "proto3";
  message ValueType { int64 type = 1; int64 unit = 2; }
  message Sample { repeated uint64 location_id = 1; repeated int64 value = 2; }
  message Line { uint64 function_id = 1; }
  message Location { uint64 id = 1; uint64 address = 3; repeated Line line = 4; }
  message Function { uint64 id = 1; int64 name = 2; int64 system_name = 3; }
  message Profile {
    repeated ValueType sample_type = 1; repeated Sample sample = 2; repeated Location location = 4;
    repeated Function function = 5; repeated string string_table = 6;
  }`).root.nested as Record<string, protobuf.Type>;

function withProtobufjs(profile: Profile): Uint8Array {
  const { functions, locations, samples } = profile;
  return Message!
    .encode({
      sampleType: [{ type: 0, unit: 0 }],
      sample: Array.from({ length: samples.length }, (_, i) => ({
        locationId: locationIds(profile, i),
        value: samples.values.map(values => values[i]!),
      })),
      location: Array.from({ length: locations.length }, (_, i) => ({
        id: i + 1,
        address: locations.address[i]!,
        line: [{ functionId: i + 1 }],
      })),
      function: Array.from({ length: functions.length }, (_, i) => ({ id: i + 1, name: functions.name[i]! })),
      stringTable: profile.strings,
    })
    .finish();
}

const encoders: Readonly<Record<string, (profile: Profile) => Uint8Array>> = {
  'our writer': profile => encodePprof(profile),
  'pprof-format': withPprofFormat,
  protobufjs: withProtobufjs,
};

const rounds = Number(process.argv[2] ?? 7);
const profile = makeProfile();
const times = Object.keys(encoders).map((): number[] => []);
const sizes: number[] = [];
for (let round = 0; round < rounds; round++) {
  for (const [i, encode] of Object.values(encoders).entries()) {
    const start = process.cpuUsage();
    sizes[i] = encode(profile).length;
    const { user, system } = process.cpuUsage(start);
    times[i]!.push((user + system) / 1000);
  }
}
const base = median(times[0]!);
console.log(`${STACKS.toLocaleString('en')} stacks of ${FRAMES} frames, CPU, median of ${rounds} in turns`);
table([
  ['encoder', 'ms', 'ratio', 'MB'],
  ...Object.keys(encoders).map((name, i) => {
    const time = median(times[i]!);
    return [name, time.toFixed(0), (time / base).toFixed(1), (sizes[i]! / 1e6).toFixed(1)];
  }),
]);
