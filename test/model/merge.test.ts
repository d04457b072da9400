import { describe, expect, test } from 'vitest';
import { collapsed } from '../../src/encode/collapsed.ts';
import { encodePprof } from '../../src/encode/pprof.ts';
import { mergeProfiles } from '../../src/model/merge.ts';
import { FrameKind, Miss, type Profile } from '../../src/model/profile.ts';
import { expectConsistent, sampleTexts } from '../decode/support.ts';
import { decodePprof } from '../support/pprof.ts';
import { everything, type ProfileOptions, profile } from '../support/profile.ts';
import { random } from '../support/random.ts';

function merged(...profiles: readonly Profile[]): Profile {
  const result = mergeProfiles(profiles);
  expectConsistent(result);
  return result;
}

/** A profile whose locations have the same address in every profile: one that follows from what is there. */
function window(text: string, more: ProfileOptions = {}): Profile {
  const made = profile(text, more);
  const { locations, lines, functions, strings, mappings } = made;
  const address = locations.address.map((_, i) => {
    const names = Array.from(lines.function.subarray(locations.firstLine[i], locations.firstLine[i + 1]), f => {
      return strings[functions.name[f]!]!;
    });
    return Buffer.from(names.join(' ').padEnd(6)).readUIntBE(0, 6);
  });
  const placed = mappings.map(mapping => ({ ...mapping, start: 0, limit: 2 ** 47, fileOffset: 0, buildId: '' }));
  return { ...made, mappings: placed, locations: { ...locations, address } };
}

/** Collapsed text, by line. */
function folded(of: Profile): string[] {
  return [...collapsed.encode(of, { annotate: true, labels: [], title: '' })].map(String).sort();
}

/** Profiles of random stacks over a few names. */
function randomProfiles(seed: number, count: number): Profile[] {
  const below = random(seed);
  return Array.from({ length: count }, (_, i) => {
    const lines = Array.from({ length: 1 + below(60) }, () => {
      const frames = Array.from({ length: below(8) }, () => `f${below(6)}${['', '_[k]', '_[i]'][below(3)]}`);
      const first = frames.findIndex(frame => !frame.endsWith('_[i]'));
      const stack = first < 0 ? [] : frames.slice(first);
      return `${[`t${below(3)} ${1 + below(2)}`, ...stack].join(';')} ${1 + below(100)}`;
    });
    return window(lines.join('\n'), { startTimeMs: 1000 * i });
  });
}

describe('samples', () => {
  test('equal stacks with equal labels add up, others stay apart', () => {
    const result = merged(
      window('a 1/1;main;f 1\na 1/1;main;g 2'),
      window('b 1/1;x;y 1\na 1/1;main;f 10\na 2/2;main;f 100'),
      window('a 1/1;main 5\na 1/1 7'),
    );
    expect(sampleTexts(result)).toEqual([
      'main;f 11 comm=a pid=1 tid=1',
      'main;g 2 comm=a pid=1 tid=1',
      'x;y 1 comm=b pid=1 tid=1',
      'main;f 100 comm=a pid=2 tid=2',
      'main 5 comm=a pid=1 tid=1',
      ' 7 comm=a pid=1 tid=1',
    ]);
    expect(sampleTexts(result, 1)[0]).toBe('main;f 110000000 comm=a pid=1 tid=1');
  });

  test('a profile with itself has its tables, and twice its values', () => {
    const one = profile(everything);
    const two = merged(one, profile(everything));
    const { samples, ...tables } = two;
    const { mappings, locations, lines, functions, stacks, labelSets } = one;
    expect(tables).toMatchObject({ mappings, lines, labelSets });
    expect(tables.functions.length).toBe(functions.length);
    expect([tables.locations.address, tables.locations.miss]).toEqual([locations.address, locations.miss]);
    expect(tables.stacks.length).toBe(stacks.length);
    expect(samples.values).toEqual(one.samples.values.map(column => column.map(value => 2 * value)));
  });

  test('one profile alone is itself', () => {
    const one = profile(everything);
    const labels = ['pid', 'comm'];
    const [before, after] = [one, merged(one)].map(p => decodePprof(encodePprof(p, labels)));
    expect([after!.samples, after!.comments]).toEqual([before!.samples, before!.comments]);
  });

  test('rows of one profile that are equal become one', () => {
    const one = profile('a;f 1\na;g 2\na;f 4');
    expect(sampleTexts(merged(one))).toEqual(['f 5 comm=a', 'g 2 comm=a']);
  });

  test.each([1, 2, 3, 4, 5])('sums are kept, whatever the order: seed %i', seed => {
    const profiles = randomProfiles(seed, 12);
    const all = merged(...profiles);
    for (const [v, column] of all.samples.values.entries()) {
      const expected = profiles.flatMap(p => Array.from(p.samples.values[v]!)).reduce((a, b) => a + b, 0);
      expect(column.reduce((a, b) => a + b, 0)).toBe(expected);
    }
    const texts = sampleTexts(all).sort();
    expect(sampleTexts(merged(...profiles.toReversed())).sort()).toEqual(texts);
    const halves = [merged(...profiles.slice(0, 5)), merged(...profiles.slice(5))];
    expect(sampleTexts(merged(...halves)).sort()).toEqual(texts);
    expect(folded(merged(...halves))).toEqual(folded(all));
    const sums = new Map<string, number>();
    for (const line of profiles.flatMap(folded)) {
      const [, stack = '', count] = /^(.*) (\d+)\n$/.exec(line)!;
      sums.set(stack, (sums.get(stack) ?? 0) + Number(count));
    }
    expect(folded(all)).toEqual([...sums].map(([stack, count]) => `${stack} ${count}\n`).sort());
    const rows = Array.from(all.samples.stack, (stack, i) => `${stack} ${all.samples.labels[i]}`);
    expect(new Set(rows).size).toBe(rows.length);
  });
});

describe('code', () => {
  const one = profile('a;f 1');
  const location = (more: Partial<Profile['locations']>) => ({ ...one, locations: { ...one.locations, ...more } });
  const mapping = (more: object) => ({ ...one, mappings: [{ ...one.mappings[0]!, ...more }] });

  test.each<[string, Profile]>([
    ['another address', location({ address: Float64Array.of(0x2000) })],
    ['the same low half of the address', location({ address: Float64Array.of(0x1000 + 2 ** 32) })],
    ['a kernel address', location({ address: Float64Array.of(0x1000 - 2 ** 32) })],
    ['another kind', location({ kind: Uint8Array.of(FrameKind.plt) })],
    ['no name', location({ miss: Uint8Array.of(Miss.noSymbols), firstLine: Uint32Array.of(0, 0) })],
    ['another build', mapping({ buildId: 'ff' })],
    ['another file', mapping({ filename: '/bin/other' })],
    ['another place', mapping({ start: 1 })],
    ['another line', { ...one, lines: { ...one.lines, line: Uint32Array.of(9) } }],
  ])('%s is another location', (_, other) => {
    const result = merged(one, other);
    expect([result.locations.length, result.samples.length]).toEqual([2, 2]);
  });

  test('what a mapping has in one profile, it has', () => {
    const result = merged(mapping({ hasFunctions: false, hasFilenames: true }), one);
    expect(result.mappings).toEqual([{ ...one.mappings[0], hasFunctions: true, hasFilenames: true }]);
    expect(one.mappings[0]!.hasFilenames).toBe(false);
  });
});

describe('about the recordings', () => {
  const at = (startTimeMs: number, durationMs: number) => profile('', { startTimeMs, durationMs });
  const times = ({ startTimeMs, durationMs }: Profile) => [startTimeMs, durationMs];

  test('windows one after the other, and side by side', () => {
    expect(times(merged(at(3000, 10), at(1000, 10), at(2000, 10)))).toEqual([1000, 30]);
    expect(times(merged(at(1000, 10), at(1000, 12), at(2000, 10), at(1000, 11)))).toEqual([1000, 22]);
    expect(times(merged(at(0, 5), at(2000, 10)))).toEqual([2000, 15]);
    expect(times(merged(at(0, 5)))).toEqual([0, 5]);
  });

  test('losses and unwinding add up by name', () => {
    const odd = Object.fromEntries([['__proto__', 1]]);
    const result = merged(
      profile('', { losses: { a: 1, b: 2 }, unwinding: { 'user stacks': 5 } }),
      profile('', { losses: { b: 10, c: 0 }, unwinding: { 'user stacks': 6, 'user frames': 1 } }),
      profile('', { losses: odd }),
    );
    expect(Object.entries(result.losses)).toEqual([
      ['a', 1],
      ['b', 12],
      ['c', 0],
      ['__proto__', 1],
    ]);
    expect(result.unwinding).toEqual({ 'user stacks': 11, 'user frames': 1 });
  });

  test('comments are there once, and not without end', () => {
    expect(merged(profile('', { comments: ['x', 'y'] }), profile('', { comments: ['z', 'x'] })).comments).toEqual([
      'x',
      'y',
      'z',
    ]);
    const many = Array.from({ length: 300 }, (_, i) => profile('', { comments: [`c${i}`] }));
    expect(merged(...many).comments).toEqual(Array.from({ length: 100 }, (_, i) => `c${i}`));
  });
});

describe('refused', () => {
  test('other sample types', () => {
    const faults = { type: 'page-faults', unit: 'count' };
    const other = profile('a;f 1', { sampleTypes: [{ type: 'samples', unit: 'count' }, faults], periodType: faults });
    expect(() => mergeProfiles([profile('a;f 1'), other])).toThrow(
      expect.objectContaining({
        name: 'ProfilerError',
        code: 'different-types',
        message:
          'profiles of samples/count, cpu/nanoseconds (every cpu/nanoseconds) and of samples/count, page-faults/count (every page-faults/count) cannot be one.',
      }),
    );
  });

  test('nothing at all', () =>
    expect(() => mergeProfiles([])).toThrow(expect.objectContaining({ code: 'nothing-to-merge' })));
});

test('a stack of 5,000 frames, 2,000 profiles', () => {
  const deep = Array.from({ length: 5000 }, (_, i) => `f${i}`).join(';');
  expect(merged(profile(`a;${deep} 1`), profile(`a;${deep} 2`)).stacks.length).toBe(5000);
  const one = profile(everything);
  const all = mergeProfiles(Array.from({ length: 2000 }, () => one));
  expect(Array.from(all.samples.values[0]!)).toEqual(Array.from(one.samples.values[0]!, value => 2000 * value));
});
