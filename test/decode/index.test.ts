import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readers, readProfile } from '../../src/decode/index.ts';
import { json } from '../../src/encode/json.ts';
import { encodePprof } from '../../src/encode/pprof.ts';
import { FrameKind } from '../../src/model/profile.ts';
import { everything, profile } from '../support/profile.ts';
import { random } from '../support/random.ts';
import { chunks, collapsedLines, fixture, read, refusal } from './inputs.ts';
import { message, small } from './support.ts';

const node = '{"nodes":[{"id":1,"callFrame":{"functionName":"f"},"hitCount":1}]}';
const speedscope =
  '{"shared":{"frames":[{"name":"f"}]},"profiles":[{"type":"sampled","unit":"none","samples":[[0]],"weights":[1]}]}';
const options = { annotate: false, labels: [], title: '' };
const inputs: Record<string, Uint8Array> = {
  pprof: encodePprof(profile(everything)),
  'collapsed stacks': Buffer.from('main;f 1\nmain;g 2\n'),
  'perf script': fixture('perf-two-events.txt'),
  bpftrace: fixture('bpftrace.txt'),
  '.cpuprofile': fixture('node.cpuprofile'),
  speedscope: Buffer.from(speedscope),
  'JSON of this profiler': Buffer.from([...json.encode(profile(everything), options)].join('')),
  'Chrome trace': fixture('chrome-trace.json'),
};

test('there is an input for each reader', () => {
  expect(Object.keys(inputs).sort()).toEqual(readers.map(({ name }) => name).sort());
});

describe.each(Object.entries(inputs))('%s', (name, bytes) => {
  test('is told by its content, by one reader first', () => {
    expect(readers.find(reader => reader.detect(bytes))?.name).toBe(name);
  });

  test('is the same gzipped, in one piece and byte by byte', async () => {
    const lines = collapsedLines(await read(bytes, bytes.length));
    expect(lines.length).toBeGreaterThan(0);
    expect(collapsedLines(await read(bytes, 1))).toEqual(lines);
    expect(collapsedLines(await read(gzipSync(bytes), 100))).toEqual(lines);
    const [half, rest] = [gzipSync(bytes.subarray(0, 50)), gzipSync(bytes.subarray(50))];
    expect(collapsedLines(await read(Buffer.concat([half, rest])))).toEqual(lines);
  });

  test('damaged it is refused in a sentence, or a profile that holds together', async () => {
    const below = random(11);
    for (let round = 0; round < 300; round++) {
      const damaged = Buffer.from(bytes);
      for (let change = below(6); change >= 0; change--) {
        const at = below(damaged.length);
        // Bytes that mean something somewhere, pieces from elsewhere, and a piece less.
        if (change % 3 === 0) damaged[at] = Buffer.from(' ;:()[],"{}\n\t\r@-0')[below(17)]!;
        else if (change % 3 === 1) damaged[at] = below(256);
        else damaged.copyWithin(at, below(damaged.length), below(damaged.length));
      }
      const cut = below(3) === 0 ? damaged.subarray(0, below(damaged.length)) : damaged;
      expect(await refusal(cut)).toMatch(/^no error$|^cannot read IN: .*\. \S.*[.?]$/s);
    }
  });
});

describe('what cannot be read', () => {
  test.each([
    ['an empty input', '', /^cannot read IN: it is empty\./],
    ['text without stacks', 'hello\nworld\n', /^cannot read IN: it is of no format that is known\. Known are: pprof/],
    ['other JSON', '{"a":1}', /no format that is known/],
    ['bytes', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]), /no format that is known/],
    [
      "perf's recording",
      'PERFILE2\0\0\0',
      /it is a recording of perf\. Give the output of "perf script -i IN" instead/,
    ],
    [
      'gzip that is cut off',
      gzipSync('main;f 1\n'.repeat(99)).subarray(0, 30),
      /its gzip compression is damaged or cut off/,
    ],
    ['damaged pprof', message(small).subarray(0, -3), /cannot read IN: as pprof, it is cut off\./],
  ])('%s', async (_, input, expected) => expect(await refusal(input)).toMatch(expected));

  test('what the source throws is thrown on', async () => {
    async function* broken() {
      yield Buffer.from('main;f 1\n'.repeat(10_000));
      throw new Error('disk on fire');
    }
    await expect(readProfile(broken(), 'IN')).rejects.toThrow('disk on fire');
  });

  test('the source is closed', async () => {
    for (const input of ['hello\nworld\n'.repeat(10_000), `{"traceEvents":[${' '.repeat(100_000)}`]) {
      let isClosed = false;
      async function* source() {
        try {
          yield* chunks(Buffer.from(input), 1000);
        } finally {
          isClosed = true;
        }
      }
      await expect(readProfile(source(), 'IN')).rejects.toThrow('cannot read IN');
      expect(isClosed).toBe(true);
    }
  });
});

test('names are any text', async () => {
  const names = ['</script>', ']]>', '\u2028', '\u202e', '__proto__', 'constructor', '\'"&<>', '\u0001'];
  const lines = names.map(name => `main;${name} 1`);
  expect(collapsedLines(await read(lines.join('\n')))).toEqual(lines.toSorted());
});

test('a small pprof file that nobody has compressed', async () => {
  const result = await read(message(small));
  expect(result.locations.kind[0]).toBe(FrameKind.native);
  expect(collapsedLines(await read(node))).toEqual(['f 1']);
});
