import { describe, expect, test } from 'vitest';
import { type Consumer, merge } from '../../src/capture/merge.ts';
import { setWalked, Word } from '../../src/capture/samples.ts';
import type { SidebandEvent } from '../../src/capture/sideband.ts';
import { sampleRecords } from '../support/records.ts';

const exit = (time: number): SidebandEvent => ({ kind: 'exit', time, pid: 1, tid: 1 });

/** What comes out, in order: `s5` for a sample of the time 5, `e5` for an event; then the events that are left. */
function run(samples: readonly number[], eventTimes: readonly number[], until: number): [string, number[]] {
  const seen: string[] = [];
  const consumer: Consumer = {
    announce: () => expect.unreachable(),
    sample: (words, at) => seen.push(`s${words[at + Word.time]}`),
    event: event => seen.push(`e${event.time}`),
  };
  const words = sampleRecords(...samples.map((time, i) => ({ time: BigInt(time), user: Array(i).fill(1n) })));
  const events = eventTimes.map(exit);
  merge(words, words.length, events, until, consumer);
  return [seen.join(' '), events.map(event => event.time)];
}

describe('samples and events come in the order of their times', () => {
  test.each([
    [[], [], 100, '', []],
    [[1, 3, 5], [], 100, 's1 s3 s5', []],
    [[], [1, 2], 100, 'e1 e2', []],
    [[2, 4], [1, 3, 5], 100, 'e1 s2 e3 s4 e5', []],
    [[2, 2], [2, 2], 100, 'e2 e2 s2 s2', []],
  ])('samples %j, events %j, until %i', (samples, events, until, order, left) =>
    expect(run(samples, events, until)).toEqual([order, left]),
  );

  test('events after the time until which the samples are complete wait', () => {
    expect(run([2, 4], [1, 3, 6, 7], 6)).toEqual(['e1 s2 e3 s4 e6', [7]]);
    expect(run([2, 4], [1, 3, 6, 7], 0)).toEqual(['e1 s2 e3 s4', [6, 7]]);
  });

  test('samples that are a little out of order, as CPUs race for the ring, hold nothing up', () =>
    expect(run([5, 3, 6], [4], 100)).toEqual(['e4 s5 s3 s6', []]));
});

test('a sample whose record the consumer makes shorter does not hide the next one', () => {
  const words = sampleRecords(
    { time: 1n, snapshot: new Uint8Array(800) },
    { time: 2n, kernel: [1n], snapshot: new Uint8Array(80) },
    { time: 3n },
  );
  const seen: string[] = [];
  const events = [exit(2)];
  merge(words, words.length, events, 100, {
    announce: () => expect.unreachable(),
    sample: (given, at) => {
      seen.push(`s${given[at + Word.time]}`);
      setWalked(given, at, 1, 1);
    },
    event: event => seen.push(`e${event.time}`),
  });
  expect(seen).toEqual(['s1', 'e2', 's2', 's3']);
});
