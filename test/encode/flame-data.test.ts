import { expect, test } from 'vitest';
import { flameData } from '../../src/encode/flame-data.ts';
import { everything, profile } from '../support/profile.ts';

test('every sample keeps its value and its frames', () => {
  const from = profile(everything);
  const data = flameData(from, { root: true, value: 0 });
  expect(data.samples.value).toBe(from.samples.values[0]);
  expect(data.samples.length).toBe(from.samples.length);
  const plain = flameData(from, { root: false, value: 0 });
  const text = (of: typeof data, sample: number) => {
    const names: string[] = [];
    for (let s = of.samples.stack[sample]!; s >= 0; s = of.stacks.prefix[s]!) {
      names.push(of.names[of.frames.name[of.stacks.frame[s]!]!]!);
    }
    return names.reverse();
  };
  for (let i = 0; i < data.samples.length; i++) {
    const comm = from.labelSets[from.samples.labels[i]!]!.find(({ key }) => key === 'comm');
    const frames = text(plain, i);
    expect(text(data, i)).toEqual(comm ? [String(comm.value), ...frames] : frames);
  }
});

test('a frame says its file and line, and its module', () => {
  const from = profile('app;main [/usr/lib/libx.so.1] 1');
  const strings = [...from.strings, '/src/lib/x.c'];
  const named = {
    ...from,
    strings,
    functions: { ...from.functions, filename: new Uint32Array(from.functions.length).fill(strings.length - 1) },
    lines: { ...from.lines, line: new Uint32Array(from.lines.length).fill(42) },
  };
  const texts = (of: typeof from) => {
    const { names, frames } = flameData(of, { root: false, value: 0 });
    return [names[frames.detail[0]!], names[frames.module![0]!]];
  };
  expect(texts(named)).toEqual(['lib/x.c:42', 'libx.so.1']);
  expect(texts({ ...named, lines: { ...named.lines, line: new Uint32Array(named.lines.length) } })[0]).toBe('lib/x.c');
  expect(texts(from)).toEqual(['libx.so.1', 'libx.so.1']);
});

test('values below zero are those of a base', () => {
  const from = profile('a;f 3\na;g 4');
  const values = [Float64Array.of(3, -4)];
  const { samples } = flameData({ ...from, samples: { ...from.samples, values } }, { root: false, value: 0 });
  expect([samples.value, samples.base]).toEqual([Float64Array.of(3, 0), Float64Array.of(0, 4)]);
});
