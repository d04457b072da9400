import { describe, expect, test } from 'vitest';
import { json } from '../../src/encode/json.ts';
import { JsonText, jsonText } from '../../src/encode/json-text.ts';
import type { Profile } from '../../src/model/profile.ts';
import { everything, profile } from '../support/profile.ts';

function encode(from: Profile): string {
  return [...json.encode(from, { annotate: false, labels: [], title: '' })].join('');
}

/** The profile with arrays in place of typed arrays. */
function plain(from: Profile): unknown {
  return JSON.parse(
    JSON.stringify(from, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value as never) : value)),
  );
}

const timeline = { length: 2, sample: Uint32Array.of(1, 0, 9), time: Float64Array.of(0.5, 7, 9) };

test('golden', () =>
  expect(encode(profile(everything)).replace(/(?<=[\]}],)(?="|\{")/g, '\n')).toMatchFileSnapshot(
    'golden/everything.json',
  ));

test('is the profile, as it is', () => {
  const from = profile(everything, { losses: { lost: 3 }, unwinding: { 'user stacks': 5 } });
  const { format, version, kinds, misses, timeline: times, ...rest } = JSON.parse(encode(from));
  expect([format, version, times]).toEqual(['ebpf-profiler', 1, null]);
  expect(kinds.slice(0, 4)).toEqual(['native', 'kernel', 'jit', 'inlined']);
  expect(misses[5]).toBe('jit');
  expect(rest).toEqual(plain(from));
});

test('columns are as long as their tables, whatever is allocated', () => {
  const file = JSON.parse(encode(profile('a;f 1\na;g 2', { timeline })));
  expect(file.timeline).toEqual({ length: 2, sample: [1, 0], time: [0.5, 7] });
});

describe('text', () => {
  test.each(['</script>', '"\\', '\u2028\u0000\n', '\ud800', '__proto__', 'n'.repeat(100_000)])('name %#', name => {
    const file = JSON.parse(encode(profile('a;X 1', { rename: { X: name } })));
    expect(file.strings).toContain(name);
  });

  test('in pieces of a bounded size, each number once', () => {
    const column = Uint32Array.from({ length: 100_000 }, (_, i) => i);
    const pieces = [...jsonText({ a: column, b: [], c: {}, d: [[1, null], true], e: new JsonText(['[', '1]']) })];
    expect(pieces.length).toBeGreaterThan(3);
    expect(Math.max(...pieces.map(piece => piece.length))).toBeLessThan(200_000);
    expect(JSON.parse(pieces.join(''))).toEqual({ a: Array.from(column), b: [], c: {}, d: [[1, null], true], e: [1] });
  });
});
