import { describe, expect, test } from 'vitest';
import { encodePprof } from '../../src/encode/pprof.ts';
import type { Profile } from '../../src/model/profile.ts';
import { everything, profile } from '../support/profile.ts';
import { decodeWithPprofFormat, decodeWithProtobufjs, rawText } from './raw-pprof.ts';

/** What the encoded profile says, which two decoders have to agree on. */
function encoded(from: Profile, labels: readonly string[] = []): string {
  const bytes = encodePprof(from, labels);
  const text = rawText(decodeWithProtobufjs(bytes));
  expect(rawText(decodeWithPprofFormat(bytes))).toBe(text);
  return text;
}

/** The lines of a kind, without it. */
function lines(text: string, kind: string): string[] {
  return text
    .split('\n')
    .filter(line => line.startsWith(kind))
    .map(line => line.slice(line.indexOf(': ') + 2));
}

describe('golden', () => {
  const losses = { 'samples lost (ring buffer full)': 3, 'samples without user stack (unreadable)': 0 };

  test('without labels', () =>
    expect(encoded(profile(everything, { losses }))).toMatchFileSnapshot('golden/everything.pprof.txt'));

  test('with all labels', () =>
    expect(encoded(profile(everything, { losses }), ['pid', 'tid', 'comm', 'cpu'])).toMatchFileSnapshot(
      'golden/labels.pprof.txt',
    ));

  test('no samples', () => expect(encoded(profile(''))).toMatchFileSnapshot('golden/empty.pprof.txt'));
});

describe('tables', () => {
  const raw = decodeWithProtobufjs(encodePprof(profile(everything), ['comm']));

  test('ids are 1 … n', () => {
    for (const table of [raw.mapping, raw.location, raw.function]) {
      expect(table.map(row => Number(row.id))).toEqual(table.map((_, i) => i + 1));
      expect(table.length).toBeGreaterThan(2);
    }
  });

  test('the first string is empty, and each that the encoding adds is there once', () => {
    expect(raw.strings[0]).toBe('');
    const own = profile(everything).strings.length;
    expect(raw.strings.slice(0, own)).toEqual(profile(everything).strings);
    const added = raw.strings.slice(own);
    expect(new Set(added).size).toBe(added.length);
    expect(added).toContain('nanoseconds');
  });

  test('a profile that has no strings at all', () =>
    expect(decodeWithProtobufjs(encodePprof({ ...profile(''), strings: [] })).strings[0]).toBe(''));

  test('source lines and files', () => {
    const from = profile('a;f;in_[i] 1');
    const { strings, functions, lines: table } = from;
    const text = encoded({
      ...from,
      strings: [...strings, '/src/f.c'],
      functions: { ...functions, filename: Uint32Array.of(strings.length, 0) },
      lines: { ...table, line: Uint32Array.of(99, 2 ** 32 - 1) },
    });
    expect(lines(text, 'location')).toEqual(['1000 in mapping 1, functions 2:99 1:4294967295']);
    expect(lines(text, 'function')).toEqual(['"f" "_Zf" in "/src/f.c"', '"in" "_Zin" in ""']);
  });

  test('flags of mappings', () => {
    const from = profile('a;f 1');
    const [mapping] = from.mappings;
    const flags = { hasFunctions: false, hasFilenames: true, hasLineNumbers: false, hasInlineFrames: true };
    expect(lines(encoded({ ...from, mappings: [{ ...mapping!, ...flags }] }), 'mapping')[0]).toMatch(/has 0101$/);
  });
});

describe('samples', () => {
  const text = 'a 1/1@0;f 1 10\na 1/2@0;f 2 20\nb 2/3@1;f 4 40\na 1/1@0;g 8 80\na 1/1@1;f 16 160';

  test.each([
    [[], ['23 230 at 1 ()', '8 80 at 2 ()']],
    [['comm'], ['19 190 at 1 ("comm"="a")', '4 40 at 1 ("comm"="b")', '8 80 at 2 ("comm"="a")']],
    [
      ['pid', 'cpu'],
      [
        '3 30 at 1 ("pid"=1 "cpu"="0")',
        '4 40 at 1 ("pid"=2 "cpu"="1")',
        '8 80 at 2 ("pid"=1 "cpu"="0")',
        '16 160 at 1 ("pid"=1 "cpu"="1")',
      ],
    ],
    [['tid'], ['17 170 at 1 ("tid"=1)', '2 20 at 1 ("tid"=2)', '4 40 at 1 ("tid"=3)', '8 80 at 2 ("tid"=1)']],
  ])('labels %j: samples that differ in others are one', (labels, expected) =>
    expect(lines(encoded(profile(text), labels), 'sample:')).toEqual(expected),
  );

  test('locations stand innermost first', () =>
    expect(lines(encoded(profile('a;main;run;work 1')), 'sample:')).toEqual(['1 10000000 at 3 2 1 ()']));

  test('a sample without frames', () =>
    expect(lines(encoded(profile('a 5')), 'sample:')).toEqual(['5 50000000 at  ()']));

  test('a stack of 5,000 frames', () => {
    const stack = Array.from({ length: 5000 }, (_, i) => `f${i}`).join(';');
    const [sample = ''] = lines(encoded(profile(`a;${stack} 1`)), 'sample:');
    expect(sample.split(' at ')[1]).toBe(`${Array.from({ length: 5000 }, (_, i) => 5000 - i).join(' ')} ()`);
  });

  test.each([0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 33 + 1, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER])(
    'the value %d',
    value => expect(lines(encoded(profile(`a;f ${value} ${value}`)), 'sample:')).toEqual([`${value} ${value} at 1 ()`]),
  );

  test('values are rounded after they are added', () => {
    const from = profile('a 1;f 1\na 2;f 1\na 3;f 1');
    const values = [0, 1].map(() => Float64Array.of(10.6, 10.6, 10.6));
    expect(lines(encoded({ ...from, samples: { ...from.samples, values } }), 'sample:')).toEqual(['32 32 at 1 ()']);
  });

  test('many samples', () => {
    const from = profile(Array.from({ length: 3000 }, (_, i) => `a ${i % 7};f${i % 1000};g 1`).join('\n'));
    const samples = lines(encoded(from, ['pid']), 'sample:');
    expect(samples).toHaveLength(3000);
    expect(lines(encoded(from), 'sample:')).toHaveLength(1000);
    expect(lines(encoded(from), 'sample:')[999]).toBe('3 30000000 at 2 1001 ()');
  });
});

describe('addresses', () => {
  test.each([
    [0, '0'],
    [0x7fff_ffff_ffff, '7fffffffffff'],
    [-1, 'ffffffffffffffff'],
    [-0x7f000000, 'ffffffff81000000'],
    [-(2 ** 32), 'ffffffff00000000'],
    [-(2 ** 47), 'ffff800000000000'],
  ])('%d', (address, hex) => {
    const from = profile('a;f 1');
    const text = encoded({ ...from, locations: { ...from.locations, address: Float64Array.of(address) } });
    expect(lines(text, 'location')).toEqual([`${hex} in mapping 1, functions 1:0`]);
  });
});

describe('about the recording', () => {
  test('time and duration, with milliseconds', () => {
    const [time = ''] = lines(encoded(profile('', { startTimeMs: 1_763_636_400_987, durationMs: 0.0015006 })), 'time');
    const [start = '', duration] = time.split(' for ');
    // A double holds the time to within 128 ns.
    expect(Math.abs(Number(BigInt(start) - 1_763_636_400_987_000_000n))).toBeLessThanOrEqual(128);
    expect(duration).toBe('1501');
  });

  test('another event', () => {
    const faults = { type: 'page-faults', unit: 'count' };
    const sampleTypes = [{ type: 'samples', unit: 'count' }, faults];
    const text = encoded(profile('a;f 1', { sampleTypes, periodType: faults, period: 1 }));
    expect(lines(text, 'sample types')).toEqual(['"samples"/"count" "page-faults"/"count"; default "page-faults"']);
    expect(lines(text, 'period')).toEqual(['1 of "page-faults"/"count"']);
  });

  test('comments and losses', () => {
    const text = encoded(profile('', { comments: ['one', '', 'one'], losses: { lost: 0, 'not seen': 2 ** 40 } }));
    expect(lines(text, 'comment')).toEqual([
      '"one"',
      '""',
      '"one"',
      '"lost: 0"',
      '"not seen: 1099511627776"',
      '"frames without a name: none"',
    ]);
  });
});

test.each([';', 'a\nb', '\u2028', '', '"', '\u0000', '関数🔥', 'n'.repeat(16_384)])('the name %j', name => {
  const text = encoded(profile('X;X 1', { rename: { X: name } }), ['comm']);
  expect(lines(text, 'function')).toEqual([`${JSON.stringify(name)} ${JSON.stringify(`_Z${name}`)} in ""`]);
  expect(lines(text, 'sample:')).toEqual([`1 10000000 at 1 ("comm"=${name === '' ? '0' : JSON.stringify(name)})`]);
});

test('half of a character becomes the replacement character', () =>
  expect(lines(encoded(profile('a;X 1', { rename: { X: 'x\ud800' } })), 'function')[0]).toMatch(/^"x\ufffd"/));
