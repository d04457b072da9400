import { describe, expect, test } from 'vitest';
import type { Profile } from '../../src/model/profile.ts';
import { focus, ignore } from '../../src/transform/focus.ts';
import { hide } from '../../src/transform/hide.ts';
import { parsePattern } from '../../src/transform/pattern.ts';
import { expectConsistent } from '../decode/support.ts';
import { everything, profile } from '../support/profile.ts';
import { pattern, sum, texts, withFiles, withTimes } from './support.ts';

const small = `
  a;main;run;work 1
  a;main;run;rest 2
  b;main;idle 4
  b;start [/lib/libc.so.6];main 8
  c;main;outer;inlined_[i];deep_[i] 16
  c;?noSymbols [/opt/web];main 32
  d 64
`;
const from = withFiles(profile(small), { work: 'work.c', idle: '/src/idle.go', deep: 'deep.rs' });

/** The counts of the samples that remain. */
function counts(of: Profile): number[] {
  expectConsistent(of);
  return Array.from(of.samples.values[0]!);
}

describe('focus and ignore', () => {
  test.each<[string, number[]]>([
    ['work', [1]],
    ['^run$', [1, 2]],
    ['r', [1, 2, 8, 16]],
    ['^(work|idle)$', [1, 4]],
    ['inlined', [16]],
    ['deep', [16]],
    ['\\[unknown: web', [32]],
    ['module:libc', [8]],
    ['module:^/opt/', [32]],
    ['module:app', [1, 2, 4, 8, 16, 32]],
    ['file:\\.go$', [4]],
    ['file:^(work|deep)', [1, 16]],
    ['file:.', [1, 4, 16]],
    ['nothing', []],
  ])('%s', (text, kept) => {
    expect(counts(focus(from, pattern(text)))).toEqual(kept);
    const all = [1, 2, 4, 8, 16, 32, 64];
    expect(counts(ignore(from, pattern(text)))).toEqual(all.filter(count => !kept.includes(count)));
  });

  test('samples stay what they are, with their labels, and only what they need stays', () => {
    const result = focus(profile(everything), pattern('vfs_read'));
    expect(texts(result)).toEqual(['start;main;sys_read;vfs_read 4 comm=app pid=10 tid=11 cpu=1']);
    expect(result.strings.filter(text => !text.startsWith('_Z'))).toEqual([
      '',
      'start',
      'main',
      'sys_read',
      'vfs_read',
    ]);
    expect(result.mappings.map(({ filename }) => filename)).toEqual([
      '/lib/libc.so.6',
      '/usr/bin/app',
      '[kernel.kallsyms]',
    ]);
  });

  test('times of the samples that stay', () => {
    const timed = withTimes(profile('a;f 2\na;g 1\na;h 3'), [2, 0, 1, 2, 0, 2]);
    expect(focus(timed, pattern('[fh]')).timeline).toEqual({
      length: 5,
      sample: Uint32Array.of(1, 0, 1, 0, 1),
      time: Float64Array.of(0, 1, 3, 4, 5),
    });
  });

  test('an empty profile', () => expect(counts(focus(profile(''), pattern('x')))).toEqual([]));
});

describe('hide', () => {
  test.each<[string, string[]]>([
    ['main', ['run;work 1', 'run;rest 2', 'idle 4', 'start 8', 'outer;inlined;deep 16', '0x1070 32', ' 64']],
    ['^outer$', ['main;inlined;deep 16']],
    ['inlined', ['main;outer;deep 16']],
    ['deep', ['main;outer;inlined 16']],
    ['outer|inlined|deep', ['main 16']],
    ['module:.', [' 1', ' 2', ' 4', ' 8', ' 16', ' 32', ' 64']],
    ['\\[unknown', ['main 32']],
    ['file:\\.c$', ['main;run 1']],
  ])('%s', (text, expected) => {
    const result = hide(from, pattern(text));
    expect(sum(result)).toBe(127);
    const all = texts(result).map(line => line.replace(/ comm=.*/, ''));
    expect(all).toEqual(expect.arrayContaining(expected));
    expect(all).toHaveLength(7);
  });

  test('what was inlined into a hidden frame is still inlined code', () => {
    const kinds = ({ locations, stacks, samples }: Profile) => locations.kind[stacks.location[samples.stack[4]!]!];
    expect([kinds(from), kinds(hide(from, pattern('^outer$'))), kinds(hide(from, pattern('deep')))]).toEqual([0, 3, 0]);
  });

  test('stacks that become equal share their frames', () => {
    const result = hide(profile('a;x;f;g 1\na;y;f;g 2'), pattern('^[xy]$'));
    expect(result.stacks.length).toBe(2);
    expect(texts(result)).toEqual(['f;g 1 comm=a', 'f;g 2 comm=a']);
  });
});

describe('patterns', () => {
  test('of a name of any length, in bounded time', () => {
    const hostile = profile('a;X;Y 1', { rename: { X: 'a'.repeat(1e6), Y: `${'ab'.repeat(500)}!` } });
    for (const text of ['(a+)+$b', '(a|aa)+$b', '((a|b)*)*c', '(.*)*x']) {
      expect(counts(focus(hostile, pattern(text))), text).toEqual([]);
    }
  });

  test.each(['(', 'a)(b', '[a', '\\1', '(?=a)', '(?i)a', '(?<!a)b', '*', '\\k<x>', 'file:('])(
    'no pattern: %s',
    text => {
      expect(() => parsePattern(text)).toThrow(SyntaxError);
    },
  );

  test.each(['fil:x', 'a:b', 'std::vector', 'file', ''])('of a function: %s', text =>
    expect(parsePattern(text).subject).toBe('function'),
  );

  test('names with line breaks', () => {
    const named = profile('a;X 1', { rename: { X: 'one\ntwo' } });
    expect(counts(focus(named, pattern('one.two$')))).toEqual([1]);
  });
});
