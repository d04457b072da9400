import { describe, expect, test } from 'vitest';
import { pack } from '../../flamegraph/html-pack.ts';
import { unpack, type ViewerData } from '../../flamegraph/html-unpack.ts';
import { flameData, manyStacks } from '../flamegraph/fixture.ts';
import { random } from '../support/random.ts';
import { serverData } from './fixture.ts';

/** Every sample as `thread|name kind detail;…|values`, in no order. */
function rows(data: ViewerData): string[] {
  const { names, frames, stacks, samples, threads, values } = data;
  return Array.from({ length: samples.length }, (_, i) => {
    const path: string[] = [];
    for (let s = samples.stack[i]!; s >= 0; s = stacks.prefix[s]!) {
      const frame = stacks.frame[s]!;
      path.unshift(`${names[frames.name[frame]!]} ${frames.kind[frame]} ${names[frames.detail[frame]!]}`);
    }
    const amounts = values.map(({ head, base }) => `${head[i]}/${base?.[i]}`);
    return `${threads.names[threads.of[i]!]}|${path.join(';')}|${amounts.join(' ')}`;
  }).sort();
}

/** The same for what was packed. */
function rowsOf(data: ReturnType<typeof serverData>): string[] {
  const types = data.sampleTypes ?? [{ value: data.samples.value, base: data.samples.base }];
  const frames = { ...data.frames, module: data.frames.module ?? data.frames.detail };
  const threads = data.threads ?? { names: [], of: new Uint32Array() };
  const values = types.map(({ value, base }) => ({ head: value, base }));
  return rows({
    ...data,
    frames,
    threads,
    values,
    timeline: { length: 0, sample: new Uint32Array(), time: new Float64Array() },
  });
}

const packed = (data: ReturnType<typeof serverData>) => unpack(pack(data, 'count'));

describe('what is packed comes back', () => {
  test.each([
    ['a server', serverData()],
    ['nothing', flameData([])],
    ['samples without frames', flameData([[[], 3]])],
    [
      'many stacks without shared callers',
      manyStacks(
        300,
        30,
        Array.from({ length: 400 }, (_, i) => `f${i}`),
      ),
    ],
    ['deep recursion', flameData([[new Array<string>(5000).fill('again'), 1]])],
    [
      'fractions and large numbers',
      flameData([
        [['a'], 0.1],
        [['b'], 2 ** 53 - 1],
        [['c'], 1e300],
        [['d'], 0],
      ]),
    ],
    [
      'whole numbers up to 2^53',
      flameData([
        [['a'], 2 ** 53 - 1],
        [['b'], 2 ** 31],
        [['c'], 2 ** 32 + 1],
        [['d'], 0],
      ]),
    ],
    ['names of all kinds', flameData([[['', '\0', '\ufeffmark', 'é', '</script>', 'x'.repeat(100_000), '😀'], 1]])],
  ])('%s', (_, data) => {
    expect(rows(packed(data))).toEqual(rowsOf(data));
  });

  /** Of few frames or many, with samples on some stacks, on leaves or not, several on some, and on none. */
  test.each(Array.from({ length: 60 }, (_, seed) => seed))('any tree: seed %i', seed => {
    const below = random(seed);
    const length = below(60);
    const names = ['', ...Array.from({ length: 1 + below(seed % 2 === 0 ? 4 : 300) }, (_, i) => `f${i}`)];
    const functions = names.length - 1;
    const count = below(80);
    const data = {
      names,
      frames: {
        length: functions,
        name: Uint32Array.from({ length: functions }, (_, i) => i + 1),
        kind: new Uint8Array(functions),
        detail: new Uint32Array(functions),
      },
      stacks: {
        length,
        prefix: Int32Array.from({ length }, (_, i) => Math.max(-1, i - 1 - below(seed % 3 === 0 ? 8 : 2))),
        frame: Uint32Array.from({ length }, () => below(functions)),
      },
      samples: {
        length: count,
        stack: Int32Array.from({ length: count }, () => below(length + 1) - 1),
        value: Float64Array.from({ length: count }, () => below(300)),
      },
    };
    expect(rows(packed(data))).toEqual(rowsOf(data));
  });

  test('the base of a difference', () => {
    const data = flameData([
      [['a'], 1],
      [['b'], 2],
    ]);
    const difference = { ...data, samples: { ...data.samples, base: Float64Array.of(0, 5.5) } };
    expect(rows(packed(difference))).toEqual(rowsOf(difference));
  });

  test('equal stacks are stored once, callers before callees', () => {
    const data = manyStacks(200, 20, ['f', 'g']);
    const { stacks } = packed(data);
    expect(stacks.length).toBeLessThan(data.stacks.length);
    const seen = new Set<string>();
    for (let i = 0; i < stacks.length; i++) {
      expect(stacks.prefix[i]).toBeLessThan(i);
      seen.add(`${stacks.prefix[i]} ${stacks.frame[i]}`);
    }
    expect(seen.size).toBe(stacks.length);
  });

  test('times to 10 µs, with their samples', () => {
    const data = serverData();
    const [before, after] = [data.timeline!, packed(data)];
    expect(after.timeline.length).toBe(before.length);
    for (let i = 0; i < before.length; i++) {
      expect(Math.abs(after.timeline.time[i]! - before.time[i]!)).toBeLessThanOrEqual(0.005 + 1e-9);
      const value = after.values[0]!.head[after.timeline.sample[i]!];
      expect(value).toBe(data.samples.value[before.sample[i]!]);
    }
  });

  test('a name with half a surrogate pair reads as a replacement', () => {
    expect(packed(flameData([[['a\ud800b'], 1]])).names).toContain('a\ufffdb');
  });
});

describe('refused', () => {
  const data = flameData([[['a', 'b'], 1]]);
  test.each([
    ['a negative value', { ...data, samples: { ...data.samples, value: Float64Array.of(-1) } }, /value -1/],
    ['no number', { ...data, samples: { ...data.samples, value: Float64Array.of(Number.NaN) } }, /value NaN/],
    ['a sample of no stack', { ...data, samples: { ...data.samples, stack: Int32Array.of(9) } }, /stack 9 of 2/],
    ['a callee before its caller', { ...data, stacks: { ...data.stacks, prefix: Int32Array.of(1, 0) } }, /prefix 1/],
    ['a stack of no frame', { ...data, stacks: { ...data.stacks, frame: Uint32Array.of(0, 7) } }, /frame 7 of 2/],
    ['a frame of no name', { ...data, frames: { ...data.frames, name: Uint32Array.of(1, 99) } }, /a name beyond the 3/],
    ['a sample of no thread', { ...data, threads: { names: ['x'], of: Uint32Array.of(1) } }, /thread 1 of 1/],
  ])('%s', (_, broken, message) => {
    expect(() => pack(broken, 'count')).toThrow(message);
  });
});

test('damaged bytes are a RangeError or other columns with indices in range', () => {
  const bytes = pack(serverData(), 'count').slice();
  let refused = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 127, 128, 255]) {
      const damaged = bytes.slice(0, value === 1 ? at : bytes.length);
      if (value !== 1) damaged[at] = value;
      try {
        const { stacks, frames, samples, names } = unpack(damaged);
        expect(stacks.frame.every(frame => frame < frames.length)).toBe(true);
        expect(frames.name.every(name => name < names.length)).toBe(true);
        expect(samples.stack.every(stack => stack < stacks.length)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(bytes.length);
});
