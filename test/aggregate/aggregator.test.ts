import { describe, expect, test } from 'vitest';
import { Aggregator, type Resolver } from '../../src/aggregate/aggregator.ts';
import { ThreadLabels, type ThreadLabelsOptions } from '../../src/aggregate/labels.ts';
import { endTotals } from '../../src/aggregate/stack-ends.ts';
import { UnwindEnd } from '../../src/capture/records.gen.ts';
import { sampleWords, Word } from '../../src/capture/samples.ts';
import { sampleRecords, type TestSample } from '../support/records.ts';

/** Locations are numbered as they are asked for; `asked` tells for which addresses. */
class Recorder implements Resolver {
  readonly asked: string[] = [];
  readonly names: string[] = [];

  #location(name: string): number {
    this.asked.push(name);
    const known = this.names.indexOf(name);
    return known >= 0 ? known : this.names.push(name) - 1;
  }

  kernel(low: number, high: number): number {
    return this.#location(`k${hex(low, high)}`);
  }

  user(low: number, high: number): number {
    return this.#location(`u${hex(low, high)}`);
  }
}

function hex(low: number, high: number): string {
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return bits.toString(16);
}

class Run {
  readonly labels: ThreadLabels;
  readonly aggregator: Aggregator;
  readonly resolver = new Recorder();

  constructor(options: Partial<ThreadLabelsOptions> = {}) {
    this.labels = new ThreadLabels({ byThread: false, byCpu: false, ...options });
    this.aggregator = new Aggregator(this.labels);
  }

  /** Adds samples of the process image `image`. */
  add(image: number, ...samples: readonly TestSample[]): this {
    const words = sampleRecords(...samples);
    for (let at = 0; at < words.length; ) {
      const next = at + sampleWords(words, at);
      this.aggregator.add(words, at, { id: image, pid: words[at + Word.pid]! }, this.resolver);
      at = next;
    }
    return this;
  }

  /** How the stacks ended. */
  totals(): Record<string, number> {
    const { ends, counter } = this.aggregator;
    return endTotals(ends.columns(counter.length), counter.count, Array(counter.length).keys());
  }

  /** What was counted: `comm pid tid cpu: outermost;…;leaf = count × / weight`. */
  lines(): string[] {
    const { aggregator } = this;
    return Array.from({ length: aggregator.counter.length }, (_, key) => {
      const set = Object.fromEntries(this.labels.sets[aggregator.labels[key]!]!.map(label => [label.key, label.value]));
      const { comm, pid, tid = 0, cpu = -1 } = set;
      const frames: string[] = [];
      for (let stack = aggregator.stack[key]!; stack >= 0; stack = aggregator.stacks.prefix[stack]!) {
        frames.unshift(this.resolver.names[aggregator.stacks.location[stack]!]!);
      }
      const { count, weight } = aggregator.counter;
      return `${comm} ${pid} ${tid} ${cpu}: ${frames.join(';')} = ${count[key]} / ${weight[key]}`;
    });
  }
}

describe('counting', () => {
  test('equal samples are one entry, with their number and the sum of their weights', () => {
    const sample = { pid: 7, user: [0x1000n, 0x2000n] };
    const run = new Run().add(
      1,
      { ...sample, weight: 3n },
      { ...sample, weight: 2n ** 40n },
      { pid: 7, user: [0x1000n] },
    );
    expect(run.lines()).toEqual(['test 7 0 -1: u1fff;u1000 = 2 / 1099511627779', 'test 7 0 -1: u1000 = 1 / 1']);
    expect(run.resolver.asked).toEqual(['u1fff', 'u1000', 'u1000']);
  });

  test('time, weight and cgroup do not tell samples apart', () => {
    const run = new Run().add(1, { time: 1n, cgroup: 5n }, { time: 2n, weight: 9n, cgroup: 6n });
    expect(run.lines()).toEqual(['test 1 0 -1:  = 2 / 10']);
  });

  test('the number of kernel frames does', () => {
    const run = new Run().add(1, { kernel: [0x10n], user: [0x20n] }, { user: [0x10n, 0x20n] });
    expect(run.lines()).toEqual(['test 1 0 -1: u20;k10 = 1 / 1', 'test 1 0 -1: u1f;u10 = 1 / 1']);
  });

  test('many stacks: columns grow', () => {
    const run = new Run();
    for (let i = 0; i < 5000; i++) run.add(1, { user: [BigInt(i), 0x9000n] });
    for (let i = 0; i < 5000; i++) run.add(1, { user: [BigInt(i), 0x9000n] });
    const lines = run.lines();
    expect(lines).toHaveLength(5000);
    expect(lines[4999]).toBe('test 1 0 -1: u8fff;u1387 = 2 / 2');
    expect(run.aggregator.stacks.length).toBe(5001);
  });
});

describe('frames', () => {
  test('kernel frames stand above user frames; callers are looked up one byte before the return address', () => {
    const run = new Run().add(1, { kernel: [-0x1000n, -0x2000n], user: [0x1000n, 0x2000n, 0x3000n] });
    expect(run.lines()).toEqual(['test 1 0 -1: u2fff;u1fff;u1000;kffffffffffffdfff;kfffffffffffff000 = 1 / 1']);
  });

  test('one byte before a low word of 0 borrows from the high word', () => {
    const run = new Run().add(1, { kernel: [0n, -0x1_0000_0000n], user: [0x7f00_0000_0000n, 0x7f01_0000_0000n, 0n] });
    expect(run.resolver.asked).toEqual([
      'uffffffffffffffff',
      'u7f00ffffffff',
      'u7f0000000000',
      'kfffffffeffffffff',
      'k0',
    ]);
  });

  test('no frames', () => {
    const run = new Run().add(1, {}, {});
    expect(run.lines()).toEqual(['test 1 0 -1:  = 2 / 2']);
    expect(run.aggregator.stack[0]).toBe(-1);
    expect(run.aggregator.stacks.length).toBe(0);
  });

  test('127 kernel and 127 user frames', () => {
    const addresses = (base: bigint) => Array.from({ length: 127 }, (_, i) => base + BigInt(i) * 16n);
    const sample = { kernel: addresses(-0x8000n), user: addresses(0x8000n) };
    const run = new Run().add(1, sample, { ...sample, user: [...sample.user.slice(0, 126), 1n] }, sample);
    expect(run.aggregator.counter.length).toBe(2);
    expect([...run.aggregator.counter.count.subarray(0, 2)]).toEqual([2, 1]);
    expect(run.resolver.asked).toHaveLength(2 * 254);
    const frames = run.lines()[0]!.split(' ')[4]!.split(';');
    expect([frames.length, frames[0], frames[126], frames[127], frames[253]]).toEqual([
      254,
      'u87df',
      'u8000',
      'kffffffffffff87df',
      'kffffffffffff8000',
    ]);
  });

  test('stacks with the same callers share them', () => {
    const run = new Run().add(1, { user: [1n, 0x10n] }, { user: [2n, 0x10n] }, { user: [0x10n] });
    expect(run.aggregator.stacks.length).toBe(4); // f, f;1, f;2 and the leaf 10
  });
});

describe('walked frames', () => {
  const [EXACT, BY_FRAME_POINTER] = [1n << 56n, 2n << 56n];

  test('have marks in place of the highest byte of their addresses', () => {
    const user = [0x1000n | EXACT, 0x7f00_0000_2000n, 0x3000n | BY_FRAME_POINTER];
    expect(new Run().add(1, { user, walked: true }).lines()).toEqual([
      'test 1 0 -1: u2fff;u7f0000001fff;u1000 = 1 / 1',
    ]);
  });

  test('that were interrupted are looked up where they are, callers one byte before', () => {
    const user = [0x1000n | EXACT, 0x2000n, 0x3000n | EXACT, 0x4000n, 0x5000n | EXACT | BY_FRAME_POINTER];
    const run = new Run().add(1, { user, walked: true });
    expect(run.resolver.asked).toEqual(['u5000', 'u3fff', 'u3000', 'u1fff', 'u1000']);
  });

  test('the leaf is looked up where it is, marked or not', () => {
    const run = new Run().add(1, { user: [0x1000n, 0x2000n], walked: true });
    expect(run.resolver.asked).toEqual(['u1fff', 'u1000']);
  });

  test('borrowing from the high word does not reach the marks', () => {
    const user = [EXACT, 0x7f00_0000_0000n | BY_FRAME_POINTER, BY_FRAME_POINTER];
    const run = new Run().add(1, { user, walked: true });
    expect(run.resolver.asked).toEqual(['uffffffffffffffff', 'u7effffffffff', 'u0']);
  });

  test('frames that were not walked have no marks', () => {
    const user = [0x0100_0000_0000_1000n, 0x0300_0000_0000_2000n];
    const run = new Run().add(1, { user });
    expect(run.resolver.asked).toEqual(['u300000000001fff', 'u100000000001000']);
  });

  test('kernel frames never have', () => {
    const run = new Run().add(1, { kernel: [-0x1000n, -0x2000n], user: [0x1000n | EXACT], walked: true });
    expect(run.resolver.asked).toEqual(['u1000', 'kffffffffffffdfff', 'kfffffffffffff000']);
  });

  test('511 of them', () => {
    const user = Array.from({ length: 511 }, (_, i) => (BigInt(i) << 4n) | (i === 0 ? EXACT : BY_FRAME_POINTER));
    const run = new Run().add(1, { user, walked: true, unwind: UnwindEnd.PROFILER_END_TRUNCATED });
    expect(run.resolver.asked).toHaveLength(511);
    expect(run.totals()).toMatchObject({
      'user stacks truncated': 1,
      'user frames': 511,
      'user frames by frame pointers': 510,
    });
  });

  test('how their stacks end is counted by samples', () => {
    const complete = {
      user: [1n | EXACT, 2n | BY_FRAME_POINTER],
      walked: true,
      unwind: UnwindEnd.PROFILER_END_COMPLETE,
    };
    const failed = { user: [1n], unwind: UnwindEnd.PROFILER_END_FRAME_POINTERS };
    const run = new Run().add(1, complete, complete, failed, {}, { kernel: [-1n] });
    expect(run.totals()).toMatchObject({
      'user stacks': 3,
      'user stacks complete': 2,
      'user stacks frame pointers': 1,
      'user frames': 5,
      'user frames by frame pointers': 2,
    });
  });

  test('the same stack with another end, or other marks, is counted by itself', () => {
    const user = [1n | EXACT, 2n];
    const ends = [UnwindEnd.PROFILER_END_COMPLETE, UnwindEnd.PROFILER_END_NO_RULE];
    const run = new Run().add(1, ...ends.map(unwind => ({ user, walked: true, unwind })), {
      user: [1n | EXACT, 2n | BY_FRAME_POINTER],
      walked: true,
      unwind: ends[0]!,
    });
    expect(run.aggregator.counter.length).toBe(3);
    expect(run.aggregator.stacks.length).toBe(2);
    expect(run.totals()).toMatchObject({ 'user stacks complete': 2, 'user stacks no rule': 1 });
  });
});

describe('threads', () => {
  const samples = [
    { pid: 1, tid: 10, cpu: 0 },
    { pid: 1, tid: 11, cpu: 0 },
    { pid: 1, tid: 11, cpu: 63 },
  ];

  test.each([
    [{}, ['test 1 0 -1:  = 3 / 3']],
    [{ byThread: true }, ['test 1 10 -1:  = 1 / 1', 'test 1 11 -1:  = 2 / 2']],
    [{ byCpu: true }, ['test 1 0 0:  = 2 / 2', 'test 1 0 63:  = 1 / 1']],
    [{ byThread: true, byCpu: true }, ['test 1 10 0:  = 1 / 1', 'test 1 11 0:  = 1 / 1', 'test 1 11 63:  = 1 / 1']],
  ])('%j', (options, lines) => expect(new Run(options).add(1, ...samples).lines()).toEqual(lines));

  test('a reused pid is another image: its stacks are kept apart', () => {
    const run = new Run()
      .add(1, { pid: 7, user: [5n] })
      .add(2, { pid: 7, user: [5n] })
      .add(1, { pid: 7, user: [5n] });
    expect(run.lines()).toEqual(['test 7 0 -1: u5 = 2 / 2', 'test 7 0 -1: u5 = 1 / 1']);
    expect(run.labels.sets).toHaveLength(1);
    expect(run.resolver.asked).toEqual(['u5', 'u5']);
  });

  test('another name is another thread', () => {
    const run = new Run().add(1, { comm: 'a' }, { comm: 'b' }, { comm: 'a' });
    expect(run.lines()).toEqual(['a 1 0 -1:  = 2 / 2', 'b 1 0 -1:  = 1 / 1']);
  });

  test.each([
    ['15 bytes', 'abcdefghijklmno', 'abcdefghijklmno'],
    ['16 bytes, without an end', Buffer.from('abcdefghijklmnop'), 'abcdefghijklmnop'],
    ['empty', '', ''],
    ['not ASCII', 'Zürich 関数', 'Zürich 関数'],
    ['cut inside of a character', Buffer.from('abcdefghijklmnü').subarray(0, 15), 'abcdefghijklmn\ufffd'],
    ['not UTF-8', Uint8Array.of(0x61, 0xff, 0xc0, 0x62), 'a\ufffd\ufffdb'],
    ['digits and spaces', '1 2 3', '1 2 3'],
  ])('name: %s', (_, comm, expected) => {
    const run = new Run().add(1, { comm });
    expect(run.labels.sets.map(set => set[0]!.value)).toEqual([expected]);
  });
});
