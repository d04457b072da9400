import { gzipSync } from 'node:zlib';
import { Profile as PprofFormat } from 'pprof-format';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../src/decode/error.ts';
import { decodePprof } from '../../src/decode/pprof.ts';
import { encodePprof } from '../../src/encode/pprof.ts';
import { ProtoWriter } from '../../src/encode/varint.ts';
import { FrameKind, Miss, type Profile } from '../../src/model/profile.ts';
import { decodeWithPprofFormat, rawText } from '../encode/raw-pprof.ts';
import { everything, profile } from '../support/profile.ts';
import { random } from '../support/random.ts';
import { expectConsistent, message, sampleTexts, small } from './support.ts';

const LABELS = ['pid', 'tid', 'comm', 'cpu'];

/** Decodes `small` with other fields. */
function decoded(fields: Record<string, unknown> = {}): Profile {
  const result = decodePprof(message({ ...small, ...fields }));
  expectConsistent(result);
  return result;
}

function reason(bytes: Uint8Array, maxBytes?: number): string {
  try {
    decodePprof(bytes, maxBytes);
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  return 'no error';
}

const refused = (fields: Record<string, unknown>) => reason(message({ ...small, ...fields }));

describe('what we have written comes back', () => {
  const losses = { 'samples lost (ring buffer full)': 3, 'stacks cut off (too deep)': 0 };
  const unwinding = { 'user stacks': 9, 'user stacks complete': 8, 'user frames': 30 };
  const comments = ['profiler 0.1.0', 'x: 5', 'cpu-clock at 99 Hz'];
  const original = profile(everything, { losses, unwinding, comments });
  const bytes = encodePprof(original, LABELS);
  const again = decodePprof(bytes);

  test('as the same columns', () => {
    expectConsistent(again);
    const { strings, labelSets, locations, stacks, ...rest } = again;
    expect(strings.slice(0, original.strings.length)).toEqual(original.strings);
    expect(sampleTexts(again)).toEqual(sampleTexts(original));
    expect(sampleTexts(again, 1)).toEqual(sampleTexts(original, 1));
    expect(labelSets).toEqual(original.labelSets);
    const { mappings, functions, lines, sampleTypes, periodType, period, startTimeMs, durationMs } = original;
    expect(rest).toMatchObject({
      mappings,
      functions,
      lines,
      sampleTypes,
      periodType,
      period,
      startTimeMs,
      durationMs,
    });
    expect(rest).toMatchObject({ losses, unwinding, comments });
    expect(locations.address).toEqual(original.locations.address);
    expect(locations.mapping).toEqual(original.locations.mapping);
    expect(locations.kind).toEqual(original.locations.kind);
    expect(stacks.length).toBe(original.stacks.length);
  });

  test('encoded again it is the same file, but for the reasons of frames without a name, which pprof does not tell', () => {
    const texts = [bytes, encodePprof(again, LABELS)].map(file => rawText(decodeWithPprofFormat(file)));
    const [first, second] = texts.map(text => text.replace(/(frames without a name: [\d.]+ %).*"/, '$1"'));
    expect(second).toBe(first);
    expect(first).toContain('frames without a name: 28.8 %"');
  });

  test('compressed too', () => expect(decodePprof(gzipSync(bytes))).toEqual(again));

  test('a comment that looks like a loss is one of a file that is not ours', () => {
    const table = [...small.stringTable, 'lost: 5'];
    const { comments, losses } = decoded({ stringTable: table, comment: [10] });
    expect([comments, losses]).toEqual([['lost: 5'], {}]);
  });

  test('a loss may have any name', () => {
    const odd = Object.fromEntries([['__proto__', 4]]);
    expect(Object.entries(decodePprof(encodePprof(profile('', { losses: odd }))).losses)).toEqual([['__proto__', 4]]);
  });
});

describe('other producers', () => {
  test('pprof-format reads the same', () => {
    const bytes = encodePprof(profile(everything), LABELS);
    const theirs = PprofFormat.decode(bytes);
    const ours = decodePprof(bytes);
    expect(ours.strings).toEqual(theirs.stringTable.strings);
    expect(Array.from(ours.samples.values[1]!)).toEqual(theirs.sample.map(({ value }) => Number(value[1])));
  });

  test('files, lines and inlined calls, innermost first', () => {
    const line = [
      { functionId: 2, line: 8, column: 3 },
      { functionId: 1, line: 2 ** 32 },
      { functionId: 0, line: 1 },
    ];
    const result = decoded({ location: [{ id: 1, line }, small.location[1]] });
    expect(Array.from(result.lines.function)).toEqual([1, 0, 1]);
    expect(Array.from(result.lines.line)).toEqual([8, 0, 8]);
    expect(Array.from(result.locations.firstLine)).toEqual([0, 2, 3]);
    expect(result.strings[result.functions.filename[0]!]).toBe('app.c');
    expect(sampleTexts(result)).toEqual(['main;work;work 5 key=value']);
  });

  test('addresses only, with mappings and without', () => {
    const result = decoded({
      function: [],
      mapping: [{ id: 9, filename: 5 }],
      location: [
        { id: 1, mappingId: 9, address: 0x1010 },
        { id: 2, address: '18446744071562067968' },
      ],
    });
    expect(sampleTexts(result)).toEqual(['0x1010;0x-80000000 5 key=value']);
    expect(Array.from(result.locations.miss)).toEqual([Miss.noSymbols, Miss.unknownAddress]);
  });

  test('labels: strings, numbers of 64 bits, units left out', () => {
    const label = [
      { key: 6, str: 7 },
      { key: 8, num: 512, numUnit: 8 },
      { key: 8, num: '-9223372036854775808' },
      { key: 8 },
    ];
    const sample = [
      { locationId: [1], value: [1], label },
      { locationId: [1], value: [2], label: [] },
      { locationId: [2], value: [3], label },
    ];
    const result = decoded({ sample });
    expect(result.labelSets).toHaveLength(2);
    expect(sampleTexts(result)).toEqual([
      'main 1 key=value bytes=512 bytes=-9223372036854776000 bytes=0',
      'main 2',
      'work 3 key=value bytes=512 bytes=-9223372036854776000 bytes=0',
    ]);
  });

  test.each(['1', '18446744073709551615', '4294967297', '9007199254740993'])('the id %s', id => {
    const location = [{ ...small.location[0], id }, small.location[1]!].map((l, i) => ({ ...l, id: i ? '2' : id }));
    const result = decoded({ location, sample: [{ locationId: [2, id], value: [5] }] });
    expect(sampleTexts(result)).toEqual(['main;work 5']);
  });

  test('values: negative ones, and beyond 2^53 the nearest double that is an int64', () => {
    const values = ['-5', '-9223372036854775808', '9223372036854775807', '9007199254740991', '9007199254740993'];
    const result = decoded({ sample: values.map(value => ({ locationId: [1], value: [value] })) });
    const expected = [-5, -(2 ** 63), 2 ** 63 - 1024, 2 ** 53 - 1, 2 ** 53];
    expect(Array.from(result.samples.values[0]!)).toEqual(expected);
    expect(Array.from(decodePprof(encodePprof(result)).samples.values[0]!)).toEqual([
      expected.reduce((sum, value) => sum + value, 0), // one stack, so one sample
    ]);
  });

  test('equal stacks are one, with their common callers', () => {
    const sample = [[2, 1], [1], [2, 1], []].map(locationId => ({ locationId, value: [1] }));
    const result = decoded({ sample });
    expect(Array.from(result.samples.stack)).toEqual([1, 0, 1, -1]);
    expect(result.stacks.length).toBe(2);
  });

  test('lists that are not packed, in any order, between fields that nobody knows', () => {
    const [out, sample] = [new ProtoWriter(), new ProtoWriter()];
    for (const [field, value] of [
      [1, 2],
      [99, 7],
      [2, 5],
      [1, 1],
    ] as const)
      sample.field(field, value);
    out.message(2, sample.bytes());
    out.message(99, Uint8Array.of(1, 2, 3));
    out.field(10, 2_000_000);
    const rest = message({ ...small, sample: [] });
    // A fixed64 and a fixed32 of the unknown fields 20 and 21.
    const fixed = [0xa1, 1, ...Array(8).fill(0xff), 0xad, 1, ...Array(4).fill(0xff)];
    const result = decodePprof(Buffer.concat([out.bytes(), Uint8Array.from(fixed), rest]));
    expect(sampleTexts(result)).toEqual(['main;work 5']);
    expect(result.durationMs).toBe(2);
  });

  test.each([
    ['[kernel.kallsyms]', 'main', FrameKind.kernel],
    ['[kernel.kallsyms]_stext', 'main', FrameKind.kernel],
    ['[vdso]', 'main', FrameKind.vdso],
    ['//anon', 'main', FrameKind.jit],
    ['', 'main', FrameKind.native],
    ['/bin/app', 'memcpy@plt', FrameKind.plt],
    ['/bin/app', 'main', FrameKind.native],
  ])('code of %j named %j', (filename, name, kind) => {
    const stringTable = small.stringTable.with(5, filename).with(3, name);
    expect(decoded({ stringTable }).locations.kind[0]).toBe(kind);
  });

  test('time, period and what is missing', () => {
    const { startTimeMs, period, periodType } = decoded({
      timeNanos: '1700000000123000064',
      period: 7,
      periodType: undefined,
    });
    expect([startTimeMs, period, periodType]).toEqual([1_700_000_000_123, 7, { type: '', unit: '' }]);
  });
});

describe('refused', () => {
  const [sample] = small.sample;
  test.each<[string, Record<string, unknown>]>([
    ['it holds no sample types.', { sampleType: [] }],
    ['its first string is not the empty one.', { stringTable: small.stringTable.with(0, 'x') }],
    ['it refers to a string beyond its table.', { sampleType: [{ type: 10 }] }],
    ['it refers to a string beyond its table.', { sampleType: [{ type: -1 }] }],
    ['it refers to a string beyond its table.', { stringTable: [] }],
    ['it refers to a string beyond its table.', { comment: [99] }],
    ['it refers to a string beyond its table.', { function: [{ id: 1, name: 99 }, { id: 2 }] }],
    ['it refers to a string beyond its table.', { sample: [{ ...sample, label: [{ key: 1, str: '4294967297' }] }] }],
    ['it refers to a location that it does not hold.', { sample: [{ locationId: [3], value: [1] }] }],
    ['it refers to a location that it does not hold.', { sample: [{ locationId: [0], value: [1] }] }],
    ['it refers to a location that it does not hold.', { sample: [{ locationId: ['4294967297'], value: [1] }] }],
    ['it refers to a function that it does not hold.', { function: [small.function[0]] }],
    ['it refers to a mapping that it does not hold.', { mapping: [] }],
    ['it holds two locations with the same id.', { location: [...small.location, small.location[0]] }],
    ['it holds two functions with the same id.', { function: [...small.function, { id: 2 }] }],
    ['it holds two mappings with the same id.', { mapping: [{ id: '99999999999' }, { id: '99999999999' }] }],
    ['it holds a mapping without an id.', { mapping: [{ filename: 5 }] }],
    ['it holds a sample of 0 values for 1 sample types.', { sample: [{ locationId: [1] }] }],
    ['it holds a sample of 3 values for 1 sample types.', { sample: [{ value: [1, 2, 3] }] }],
  ])('%s %j', (expected, fields) => expect(refused(fields)).toBe(expected));

  const bytes = message(small);

  test('what is no pprof', () => {
    expect(reason(new Uint8Array(0))).toBe('it holds no sample types.');
    expect(reason(Uint8Array.of(0x1f, 0x8b, 1))).toBe('its gzip compression is damaged or cut off.');
    expect(reason(gzipSync(bytes).subarray(0, 40))).toBe('its gzip compression is damaged or cut off.');
    expect(reason(Buffer.from('<html></html>'))).not.toBe('no error');
  });

  test('more than may be', () => {
    expect(reason(bytes, bytes.length)).toBe('no error');
    const sentence = `it is larger than ${bytes.length - 1} bytes.`;
    expect([reason(bytes, bytes.length - 1), reason(gzipSync(bytes), bytes.length - 1)]).toEqual([sentence, sentence]);
    expect(reason(gzipSync(Buffer.alloc(2 ** 24)), 2 ** 20)).toBe('it is larger than 1048576 bytes.');
  });

  test.each<[string, readonly number[]]>([
    ['it ends within a number.', [0x48, 0x80]],
    ['it holds a number of more than 64 bits.', [0x48, ...Array(10).fill(0xff), 1]],
    ['it is cut off.', [0x0a, 0x05, 0x08]],
    ['it is cut off.', [0x32, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['it is cut off.', [0xa1, 0x01, 1, 2, 3]],
    ['it holds a field without a number.', [0x00, 0x00]],
    ['its field 20 is of an unknown type.', [0xa3, 0x01]],
    ["its field 1 is of another type than pprof's.", [0x08, 0x01]],
    ["its field 9 is of another type than pprof's.", [0x4a, 0x00]],
  ])('%s %j', (expected, added) => expect(reason(Buffer.concat([bytes, Uint8Array.from(added)]))).toBe(expected));

  const repeated = (field: readonly number[], times: number) =>
    Buffer.alloc(field.length * times, Uint8Array.from(field));

  test.each<[string, readonly number[], number]>([
    ['it holds more than 64 sample types.', [0x0a, 0], 64],
    ['it holds more than 262144 mappings.', [0x1a, 0], 2 ** 18],
    ['it holds more than 65536 comments.', [0x68, 0], 2 ** 16 + 1],
    ['it holds more than 16777216 rows of a kind.', [0x32, 0], 2 ** 24],
    ['it holds a sample of 0 values for 1 sample types.', [0x12, 0], 2 ** 22],
  ])('%s', (expected, field, times) =>
    expect(reason(gzipSync(Buffer.concat([bytes, repeated(field, times)]), { level: 1 }))).toBe(expected),
  );

  test('each beginning of a file that ends within a message, or refers to what is cut off', () => {
    for (let length = 0; length < bytes.length; length++) {
      const result = reason(bytes.subarray(0, length));
      if (result === 'no error') expectConsistent(decodePprof(bytes.subarray(0, length)));
      else expect(result).toMatch(/^it .*\.$/);
    }
  });
});

test('damaged in any way it is refused, or a profile that holds together', () => {
  const below = random(7);
  const originals = [encodePprof(profile(everything), LABELS), message(small)];
  let [refusals, profiles] = [0, 0];
  for (let round = 0; round < 6000; round++) {
    const bytes = originals[round % 2]!.slice();
    for (let change = below(4); change >= 0; change--) bytes[below(bytes.length)] = below(256);
    const cut = below(3) === 0 ? bytes.subarray(0, below(bytes.length)) : bytes;
    if (reason(cut) === 'no error') {
      profiles++;
      expectConsistent(decodePprof(cut));
    } else refusals++;
  }
  expect(Math.min(refusals, profiles)).toBeGreaterThan(100);
});

test('100,000 ids that are no numbers of rows', () => {
  const id = (i: number) => String(BigInt(i + 1) * 0x9e3779b97f4an);
  const location = Array.from({ length: 100_000 }, (_, i) => ({ id: id(i), address: i }));
  const result = decoded({ location, sample: [{ locationId: [id(99_999), id(0)], value: [1] }] });
  expect(sampleTexts(result)).toEqual(['0x0;0x1869f 1']);
});
