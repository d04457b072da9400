import { describe, expect, test } from 'vitest';
import { json } from '../../src/encode/json.ts';
import { everything, profile } from '../support/profile.ts';
import { fixture, read, refusal } from './inputs.ts';

const options = { annotate: false, labels: [], title: '' };
const written = [...json.encode(profile(everything, { losses: { 'samples lost': 3 } }), options)].join('');

test.each([
  ['a profile of everything', async () => read(written)],
  ['times', async () => read(fixture('perf-node.txt'))],
])('what we write comes back: %s', async (_, make) => {
  const original = await make();
  const again = await read([...json.encode(original, options)].join(''));
  expect(again).toEqual(original);
});

test('it is what was written', async () => {
  const original = profile(everything, { losses: { 'samples lost': 3 } });
  const { timeline, ...again } = await read(written);
  expect(timeline).toBeUndefined();
  expect(again).toEqual(original);
});

describe('every index leads somewhere', () => {
  const columns = ['functions.name', 'lines.function', 'locations.mapping', 'locations.kind', 'locations.miss'];
  columns.push('locations.firstLine', 'stacks.prefix', 'stacks.location', 'samples.stack', 'samples.labels');
  test.each(columns)('%s', async path => {
    for (const value of [1e6, -2, 0.5, null, '0']) {
      const damaged = JSON.parse(written);
      const [table = '', column = ''] = path.split('.');
      damaged[table][column][1] = value;
      expect(await refusal(JSON.stringify(damaged))).toContain(`its column ${path} is damaged.`);
    }
  });

  test.each([
    ['a column that is too short', 'its column samples.values is damaged.', { samples: { values: [[1]] } }],
    ['another version', 'it is of version 2, and not 1.', { version: 2 }],
    [
      'times out of order',
      'its column timeline.time is damaged.',
      { timeline: { length: 2, sample: [0, 0], time: [2, 1] } },
    ],
    ['no strings', 'its column functions.name is damaged.', { strings: [''] }],
    ['no sample types', 'it lacks sample types, values or strings.', { sampleTypes: [] }],
  ])('%s', async (_, expected, change) => {
    const { samples, ...rest } = JSON.parse(written);
    const damaged = { ...rest, ...change, samples: { ...samples, ...('samples' in change ? change.samples : {}) } };
    expect(await refusal(JSON.stringify(damaged))).toContain(expected);
  });
});
