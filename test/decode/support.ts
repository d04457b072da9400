/** Messages of pprof by hand, and the check that a decoded profile holds together. */
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { expect } from 'vitest';
import { FrameKind, MISSES, type Profile } from '../../src/model/profile.ts';

const schema = protobuf.loadSync(join(import.meta.dirname, '../encode/profile.proto')).lookupType('Profile');

/** Bytes of message Profile, from its fields; the strings begin with ''. */
export function message(fields: Record<string, unknown>): Uint8Array {
  return schema.encode(schema.fromObject(fields)).finish();
}

/** A small file that is right in every way; strings 1 … 9. */
export const small = {
  stringTable: ['', 'cpu', 'nanoseconds', 'main', 'work', '/bin/app', 'key', 'value', 'bytes', 'app.c'],
  sampleType: [{ type: 1, unit: 2 }],
  periodType: { type: 1, unit: 2 },
  mapping: [{ id: 1, memoryStart: 0x1000, memoryLimit: 0x2000, filename: 5, hasFunctions: true }],
  function: [
    { id: 1, name: 3, systemName: 3, filename: 9 },
    { id: 2, name: 4, systemName: 4 },
  ],
  location: [
    { id: 1, mappingId: 1, address: 0x1010, line: [{ functionId: 1, line: 7 }] },
    { id: 2, mappingId: 1, address: 0x1020, line: [{ functionId: 2, line: 8 }] },
  ],
  sample: [{ locationId: [2, 1], value: [5], label: [{ key: 6, str: 7 }] }],
};

/** Names of each sample's frames, outermost first, its first value and its labels. */
export function sampleTexts(profile: Profile, value = 0): string[] {
  const { samples, stacks, locations, lines, functions, strings, labelSets } = profile;
  return Array.from({ length: samples.length }, (_, i) => {
    const frames: string[] = [];
    for (let s = samples.stack[i]!; s >= 0; s = stacks.prefix[s]!) {
      const l = stacks.location[s]!;
      const [first, end] = [locations.firstLine[l]!, locations.firstLine[l + 1]!];
      if (first === end) frames.push(`0x${locations.address[l]!.toString(16)}`);
      for (let line = first; line < end; line++) frames.push(strings[functions.name[lines.function[line]!]!]!);
    }
    const labels = labelSets[samples.labels[i]!]!.map(({ key, value }) => ` ${key}=${value}`);
    return `${frames.reverse().join(';')} ${samples.values[value]![i]}${labels.join('')}`;
  });
}

function inRange(column: ArrayLike<number>, length: number, least: number, below: number): void {
  expect(column.length).toBe(length);
  for (let i = 0; i < length; i++) {
    if (!(Number.isInteger(column[i]) && column[i]! >= least && column[i]! < below)) {
      expect.fail(`${column[i]} is not within ${least} and ${below}`);
    }
  }
}

/** Every index of the profile leads somewhere, and every column is as long as it says. */
export function expectConsistent(profile: Profile): void {
  const { strings, mappings, functions, locations, lines, stacks, samples, labelSets } = profile;
  expect(strings[0]).toBe('');
  for (const column of [functions.name, functions.systemName, functions.filename]) {
    inRange(column, functions.length, 0, strings.length);
  }
  inRange(locations.mapping, locations.length, -1, mappings.length);
  inRange(locations.kind, locations.length, 0, Object.keys(FrameKind).length);
  inRange(locations.miss, locations.length, 0, MISSES);
  inRange(locations.firstLine, locations.length + 1, 0, lines.length + 1);
  expect(locations.firstLine[locations.length]).toBe(lines.length);
  expect(locations.firstLine.every((first, i) => i === 0 || first >= locations.firstLine[i - 1]!)).toBe(true);
  expect(locations.address.length).toBe(locations.length);
  inRange(lines.function, lines.length, 0, functions.length);
  expect(lines.line.length).toBe(lines.length);
  inRange(stacks.location, stacks.length, 0, locations.length);
  inRange(stacks.prefix, stacks.length, -1, stacks.length);
  expect(stacks.prefix.every((prefix, i) => prefix < i)).toBe(true);
  inRange(samples.stack, samples.length, -1, stacks.length);
  inRange(samples.labels, samples.length, 0, labelSets.length);
  expect(samples.values.length).toBe(profile.sampleTypes.length);
  for (const column of samples.values) expect(column.length).toBe(samples.length);
  for (const column of [...samples.values, locations.address]) expect(column.every(Number.isFinite)).toBe(true);
}
