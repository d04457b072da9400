import { describe, expect, test } from 'vitest';
import { collapsedLines, labelTexts, locationTexts, read, refusal } from './inputs.ts';

const $schema = 'https://www.speedscope.app/file-format-schema.json';
const shared = { frames: [{ name: 'main', file: '/a.c', line: 3 }, { name: 'f' }, { name: 'g' }] };
const sampled = {
  type: 'sampled',
  name: 'one',
  unit: 'milliseconds',
  startValue: 10,
  endValue: 16,
  samples: [[0, 1], [0], [0, 1]],
  weights: [1, 2, 3],
};
const evented = {
  type: 'evented',
  name: 'two',
  unit: 'microseconds',
  startValue: 9000,
  endValue: 9600,
  events: [
    { type: 'O', frame: 0, at: 9000 },
    { type: 'O', frame: 2, at: 9100 },
    { type: 'C', frame: 2, at: 9400 },
    { type: 'C', frame: 0, at: 9600 },
  ],
};
const file = (...profiles: object[]) => JSON.stringify({ $schema, shared, profiles });

test('sampled', async () => {
  const result = await read(file(sampled));
  expect(result.sampleTypes.map(({ unit }) => unit)).toEqual(['count', 'nanoseconds']);
  expect(collapsedLines(result, 0)).toEqual(['main 1', 'main;f 2']);
  expect(collapsedLines(result)).toEqual(['main 2000000', 'main;f 4000000']);
  expect(locationTexts(result)).toEqual(['main: native, /a.c:3', 'f: native', 'g: native']);
  expect([...result.timeline!.time]).toEqual([0, 1, 3]);
  expect(labelTexts(result)).toEqual(['']);
});

test('evented: what lies between two events is a sample', async () => {
  const result = await read(file(evented));
  expect(collapsedLines(result)).toEqual(['main 300000', 'main;g 300000']);
  expect([...result.timeline!.time]).toEqual([0, 0.1, 0.4].map(time => expect.closeTo(time, 9)));
  expect([...result.timeline!.sample]).toEqual([0, 1, 0]);
});

test('several profiles are threads, on one clock', async () => {
  const result = await read(file(sampled, evented));
  expect(labelTexts(result)).toEqual(['thread=one', 'thread=two']);
  expect([...result.timeline!.time]).toEqual([0, 0.1, 0.4, 1, 2, 4].map(time => expect.closeTo(time, 9)));
});

describe('units that are no time', () => {
  test('counts', async () => {
    const result = await read(file({ ...sampled, unit: 'none' }));
    expect(result.sampleTypes).toEqual([{ type: 'samples', unit: 'count' }]);
    expect(collapsedLines(result)).toEqual(['main 2', 'main;f 4']);
    expect(result.timeline).toBeUndefined();
  });

  test('bytes, and times beside them', async () => {
    const result = await read(file({ ...sampled, unit: 'bytes' }, sampled));
    expect(result.sampleTypes.at(-1)).toEqual({ type: 'space', unit: 'bytes' });
    expect(collapsedLines(result)).toEqual(['main 2', 'main;f 4']);
    expect(result.losses).toEqual({ 'profiles of another unit': 1 });
  });
});

test.each([
  ['it holds no profiles.', file()],
  ['it refers to a frame that it does not hold.', file({ ...sampled, samples: [[3]] })],
  ['it refers to a frame that it does not hold.', file({ ...sampled, samples: [['__proto__']] })],
  ['it leaves a frame that it is not in.', file({ ...evented, events: [{ type: 'C', frame: 0, at: 1 }] })],
  ['it holds a profile that is neither of samples nor of events.', file({ ...sampled, type: 'x' })],
  ['its JSON is damaged or cut off.', file(sampled).slice(0, -1)],
])('%s', async (expected, input) => expect(await refusal(input)).toContain(expected));
