import { describe, expect, test } from 'vitest';
import type { EncodeOptions, Format } from '../../src/encode/format.ts';
import { top } from '../../src/encode/top.ts';
import { tree } from '../../src/encode/tree.ts';
import type { Profile } from '../../src/model/profile.ts';
import { everything, type ProfileOptions, profile } from '../support/profile.ts';

function encode(format: Format, from: Profile, more: Partial<EncodeOptions> = {}): string {
  return [...format.encode(from, { annotate: false, labels: [], title: 'CPU of app', ...more })].join('');
}

/** Cells of the table: flat, flat%, sum%, cum, cum%, name; values count samples. */
function rows(text: string, topSort: EncodeOptions['topSort'] = 'flat'): string[] {
  const table = encode(top, counted(text), { topSort, title: '' }).split('\n').slice(3, -1);
  return table.map(line => line.trim().replace(/ +/g, ' '));
}

function counted(text: string, options: ProfileOptions = {}): Profile {
  const from = profile(text, options);
  return {
    ...from,
    sampleTypes: [from.sampleTypes[0]!],
    samples: { ...from.samples, values: [from.samples.values[0]!] },
  };
}

const losses = { 'samples lost (ring buffer full)': 3, 'not seen': 0 };

describe('golden', () => {
  test('top', () => expect(encode(top, profile(everything, { losses }))).toMatchFileSnapshot('golden/everything.top'));
  test('by cum', () =>
    expect(encode(top, profile(everything), { topSort: 'cum' })).toMatchFileSnapshot('golden/everything.cum.top'));
  test('tree', () =>
    expect(encode(tree, profile(everything, { losses }))).toMatchFileSnapshot('golden/everything.tree'));
});

describe('top', () => {
  test('flat is of the function itself, cum with what it called', () =>
    expect(rows('a;main;f 3\na;main;g 1\nb;main 6')).toEqual([
      '6 60.0% 60.0% 10 100.0% main (app)',
      '3 30.0% 90.0% 3 30.0% f (app)',
      '1 10.0% 100.0% 1 10.0% g (app)',
    ]));

  test('by cum', () =>
    expect(rows('a;main;f 3\na;main;g 1', 'cum')).toEqual([
      '0 0.0% 0.0% 4 100.0% main (app)',
      '3 75.0% 75.0% 3 75.0% f (app)',
      '1 25.0% 100.0% 1 25.0% g (app)',
    ]));

  test('a function that calls itself counts once for a sample', () =>
    expect(rows('a;f;g;f;f 3\na;f 1\na;g;f;g 2\na;h;f 4')).toEqual([
      '8 80.0% 80.0% 10 100.0% f (app)',
      '2 20.0% 100.0% 5 50.0% g (app)',
      '0 0.0% 100.0% 4 40.0% h (app)',
    ]));

  test('functions of one name in two modules are two; inlined calls count', () =>
    expect(rows('a;f;g_[i] 1\na;f [/lib/l.so] 2')).toEqual([
      '2 66.7% 66.7% 2 66.7% f (l.so)',
      '1 33.3% 100.0% 1 33.3% g (app)',
      '0 0.0% 100.0% 1 33.3% f (app)',
    ]));

  test('samples without frames are part of the whole', () =>
    expect(rows('a;f 1\na 3')).toEqual(['1 25.0% 25.0% 1 25.0% f (app)']));

  test('many functions: the largest, and what the others are', () => {
    const many = rows(Array.from({ length: 1000 }, (_, i) => `a;f${i} ${i + 1}`).join('\n'));
    expect(many).toHaveLength(501);
    expect(many[0]).toMatch(/^1,000 .* f999 \(app\)$/);
    expect(many.at(-1)).toBe('and 500 more, flat 125,250');
  });

  test('negative values: the largest changes first', () => {
    const from = counted('a;f 1\na;g 5\na;h 9');
    const signed = { ...from, samples: { ...from.samples, values: [Float64Array.of(1, -5, 9)] } };
    const names = encode(top, signed).split('\n').slice(4, -1);
    expect(
      names.map(line =>
        line
          .trim()
          .split(/ +/)
          .filter((_, i) => [0, 5].includes(i)),
      ),
    ).toEqual([
      ['9', 'h'],
      ['-5', 'g'],
      ['1', 'f'],
    ]);
  });

  test('a recursion of 20,000 frames', () => {
    expect(rows(`a;main;${Array(20_000).fill('f').join(';')} 1`)).toEqual([
      '1 100.0% 100.0% 1 100.0% f (app)',
      '0 0.0% 100.0% 1 100.0% main (app)',
    ]);
  });
});

describe('tree', () => {
  const lines = (text: string) => encode(tree, counted(text), { title: '' }).split('\n').slice(3, -1);

  test('callees under their callers, the largest first', () =>
    expect(lines('a;main;g;x 1\na;main;f 3\nb;main 4\nb;other 2')).toEqual([
      '  80.0%   40.0%  main (app)',
      '  30.0%   30.0%    f (app)',
      '  10.0%    0.0%    g (app)',
      '  10.0%   10.0%      x (app)',
      '  20.0%   20.0%  other (app)',
    ]));

  test('many callees, and little ones, are told together', () => {
    const wide = lines(Array.from({ length: 30 }, (_, i) => `a;main;f${i} ${100 + i}`).join('\n'));
    expect(wide).toHaveLength(22);
    expect(wide.at(-1)).toMatch(/^ {2}30\.\d% {12}… 10 more$/);
    expect(lines('a;main;f 990\na;main;g 4\na;main;h 4\na;i 2')).toEqual([
      '  99.8%    0.0%  main (app)',
      '  99.0%   99.0%    f (app)',
      '   0.8%            … 2 more',
      '   0.2%          … 1 more',
    ]);
  });

  test('of limited depth', () => {
    const deep = lines(`a;${Array.from({ length: 3000 }, (_, i) => `f${i}`).join(';')} 1`);
    expect(deep).toHaveLength(65);
    expect(deep.at(-1)).toMatch(/^ 100\.0% +… 1 more$/);
  });
});

describe.each([top, tree])('$name', format => {
  test('names cannot drive the terminal, nor take other lines', () => {
    const rename = { X: '\u001b[2J\nfake\u202e\u0000', Y: 'y'.repeat(1e6) };
    const text = encode(format, profile('a;X;Y 1', { rename, losses: { 'x\u001b': 1 } }), { title: '\u001b[31m' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(text).not.toMatch(/^fake/m);
    expect(text.length).toBeLessThan(2000);
  });

  test('an empty profile', () => expect(encode(format, profile(''))).toMatch(/^CPU of app\ncpu: 0 ns in 2.5 s\n/));
});
