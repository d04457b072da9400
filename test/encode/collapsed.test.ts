import { describe, expect, test } from 'vitest';
import { collapsed } from '../../src/encode/collapsed.ts';
import { flameData } from '../../src/encode/flame-data.ts';
import type { Profile } from '../../src/model/profile.ts';
import { everything, type ProfileOptions, profile } from '../support/profile.ts';

function encode(from: Profile, annotate = false): string {
  return [...collapsed.encode(from, { annotate, labels: [], title: '' })].join('');
}

function lines(text: string, options: ProfileOptions = {}): string[] {
  return encode(profile(text, options)).split('\n').slice(0, -1);
}

describe('golden', () => {
  test('plain', () => expect(encode(profile(everything))).toMatchFileSnapshot('golden/everything.collapsed'));

  test('annotated', () => expect(encode(profile(everything), true)).toMatchFileSnapshot('golden/annotated.collapsed'));
});

describe('what is counted', () => {
  const events = [
    { type: 'samples', unit: 'count' },
    { type: 'page-faults', unit: 'count' },
  ];

  test('samples of a clock', () => expect(lines('a;f 3 999')).toEqual(['a;f 3']));

  test('the event itself otherwise', () => expect(lines('a;f 3 999', { sampleTypes: events })).toEqual(['a;f 999']));

  test('the only value there is', () =>
    expect(lines('a;f 3', { sampleTypes: [{ type: 'samples', unit: 'count' }] })).toEqual(['a;f 3']));

  test('nothing below zero', () => {
    const from = profile('a;f 3');
    const values = from.samples.values.map(column => column.map(value => -value));
    expect(() => encode({ ...from, samples: { ...from.samples, values } })).toThrow(
      'cannot hold the values below zero',
    );
  });

  test('large values', () =>
    expect(lines('a;f 1 9007199254740991', { sampleTypes: events })).toEqual(['a;f 9007199254740991']));

  test('the same stack of two processes of one name is one line', () =>
    expect(lines('a 1;f 3\na 2;f 4')).toEqual(['a;f 7']));

  test('a stack that ends where another goes on', () =>
    expect(lines('a;f;g 1\na;f 2\na 4')).toEqual(['a 4', 'a;f 2', 'a;f;g 1']));

  test('no sample', () => expect(lines('')).toEqual([]));
});

describe('names', () => {
  const named = (name: string) => lines('a;X;Y 1', { rename: { X: name } });

  test.each([
    ['a;b', 'a:b'],
    ['one\ntwo', 'one two'],
    ['\r\n\t', ' '],
    ['\u2028x\u2029', ' x '],
    ['\u0000\u001b[31m\u009b', ' [31m '],
    ['', '[unnamed]'],
    ['operator new(unsigned long) const', 'operator new(unsigned long) const'],
    ['f 12', 'f 12'],
    ['関数🔥', '関数🔥'],
    ['n'.repeat(16_384), 'n'.repeat(16_384)],
  ])('%j', (name, text) => expect(named(name)).toEqual([`a;${text};Y 1`]));

  test('of threads', () => expect(lines('X;f 1', { rename: { X: 'a;b\n' } })).toEqual(['a:b ;f 1']));

  test('that become the same text stay two lines of it', () =>
    expect(lines('a;X 1\na;Y 2', { rename: { X: 'f;', Y: 'f:' } }).toSorted()).toEqual(['a;f: 1', 'a;f: 2']));
});

describe('frames for pictures', () => {
  const kinds = ['native', 'kernel', 'jit', 'inlined', 'interpreted', 'vdso', 'plt', 'unknown', 'process'];

  function stacksOf(text: string, root = true): string[] {
    const data = flameData(profile(text), { root, value: 0 });
    return Array.from({ length: data.samples.length }, (_, i) => {
      const frames: string[] = [];
      for (let s = data.samples.stack[i]!; s >= 0; s = data.stacks.prefix[s]!) {
        const frame = data.stacks.frame[s]!;
        const detail = data.names[data.frames.detail[frame]!];
        frames.unshift(`${data.names[data.frames.name[frame]!]}|${kinds[data.frames.kind[frame]!]}|${detail}`);
      }
      return `${frames.join(' ')} ${data.samples.value[i]}`;
    });
  }

  test('kinds and modules', () =>
    expect(stacksOf('a;f [/x];in_[i];k_[k];j_[j];?noSymbols [/y];?jit_[j];?kernelHidden_[k] 2')).toEqual([
      'a|process| f|native|x in|inlined|x k|kernel|[kernel.kallsyms] j|jit|[anon] [unknown: y+0x1030]|unknown|y ' +
        '[unknown: jit]|jit|[anon] [unknown: kernel]|unknown|[kernel.kallsyms] 2',
    ]));

  test('inlined calls stand above their caller, the innermost on top', () =>
    expect(stacksOf('a;f;one_[i];two_[i] 1')).toEqual(['a|process| f|native|app one|inlined|app two|inlined|app 1']));

  test('without roots', () => expect(stacksOf('a;f 1\nb 2', false)).toEqual(['f|native|app 1', ' 2']));

  test('the same stack under two roots is two stacks, under one root one', () => {
    const data = flameData(profile('a 1;f;g 1\nb 2;f;g 2\na 3;f;g 4'), { root: true, value: 0 });
    expect([...data.samples.stack]).toEqual([3, 5, 3]);
    expect(data.stacks.length).toBe(6);
  });

  test('callers precede callees', () => {
    const { stacks } = flameData(profile(everything), { root: true, value: 1 });
    for (let i = 0; i < stacks.length; i++) expect(stacks.prefix[i]).toBeLessThan(i);
  });
});
