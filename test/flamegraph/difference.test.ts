import { describe, expect, test } from 'vitest';
import { type FlameData, flameGraphSvg, type LayoutOptions, layout, type SvgOptions } from '../../flamegraph/index.ts';
import { paletteOf } from '../../flamegraph/palette.ts';
import { collapsed } from './fixture.ts';

/** `stack base head` per line. */
function compared(text: string): FlameData {
  const lines = text.trim().split('\n');
  const data = collapsed(lines.map(line => line.trim().replace(/ \S+ /, ' ')).join('\n'));
  const base = Float64Array.from(lines, line => Number(line.trim().split(' ').at(-2)));
  return { ...data, samples: { ...data.samples, base } };
}

const data = compared(`
  main;same 10 10
  main;more 10 30
  main;gone 20 0
  main;new 0 20
  main 4 2
`);

function rows(options: LayoutOptions): string[] {
  const tree = layout(data, options);
  return Array.from({ length: tree.length }, (_, i) => {
    const name = tree.frame[i]! < 0 ? 'all' : data.names[data.frames.name[tree.frame[i]!]!];
    const { self, total } = tree.base!;
    return `${name} ${self[i]}/${total[i]} ${tree.self[i]}/${tree.total[i]} @${tree.start[i]} +${tree.width[i]}`;
  });
}

describe('layout', () => {
  test('both sides: widths add up, and what has vanished is there', () => {
    expect(rows({})).toEqual([
      'all 0/44 0/62 @0 +106',
      'main 4/44 2/62 @0 +106',
      'gone 20/20 0/0 @0 +20',
      'more 10/10 30/30 @20 +40',
      'new 0/0 20/20 @60 +20',
      'same 10/10 10/10 @80 +20',
    ]);
  });

  test('one side: what is only on the other is not there', () => {
    expect(rows({ side: 'head' }).map(row => row.split(' ')[0])).toEqual(['all', 'main', 'more', 'new', 'same']);
    expect(rows({ side: 'base' })).toContain('gone 20/20 0/0 @0 +20');
    expect(rows({ side: 'base' }).map(row => row.split(' ')[0])).toEqual(['all', 'main', 'gone', 'more', 'same']);
  });

  test('normalized: the base is wide as if it had the total of the head, and keeps its values', () => {
    const tree = layout(data, { normalize: true });
    expect(tree.base).toMatchObject({ grandTotal: 44, scale: 62 / 44 });
    expect(tree.width[0]).toBeCloseTo(124, 9);
    expect(tree.base!.total[1]).toBe(44);
  });

  test('a side without a single sample', () => {
    const onlyBase = layout(compared('a 5 0'), { normalize: true });
    expect([...onlyBase.width]).toEqual([5, 5]);
    expect(layout(compared('a 5 0'), { side: 'head' }).length).toBe(1);
  });

  test('refuses negative values on either side', () => {
    expect(() => layout(compared('a -1 1'))).toThrow('sample 0 has the value -1');
    expect(() => layout(compared('a 1 -1'))).toThrow('sample 0 has the value -1');
    expect(() => layout(compared('a 1e308 1e308'))).toThrow('too large');
  });
});

describe('picture', () => {
  const draw = (options: SvgOptions & LayoutOptions = {}) =>
    [...flameGraphSvg(data, { script: false, theme: 'light', ...options })].join('');
  const titleOf = (text: string, name: string) => new RegExp(`<g><title>${name}\n([^<]*)</title>`).exec(text)?.[1];
  const fillOf = (text: string, name: string) =>
    new RegExp(`<title>${name}\n[^<]*</title><rect[^>]*fill="([^"]*)"`).exec(text)?.[1];

  test('titles tell both sides and what is between them', () => {
    const text = draw();
    expect(titleOf(text, 'more')).toBe(
      'native\n' +
        'head: 30, 48.4 % of total, 48.4 % of parent; self: 30, 48.4 % of total\n' +
        'base: 10, 22.7 % of total, 22.7 % of parent; self: 10, 22.7 % of total\n' +
        'change: +20, +32.3 points of total; self: +20',
    );
    expect(titleOf(text, 'gone')).toMatch(/^native\nbase: 20, .*\nonly in the base$/);
    expect(titleOf(text, 'new')).toMatch(/^native\nhead: 20, .*\nonly in the head$/);
    expect(text).toContain('>total 62, base 44 (+18)</text>');
  });

  test('titles of a normalized difference compare shares', () => {
    expect(titleOf(draw({ normalize: true }), 'same')).toContain('change: −4.09, −6.6 points of total; self: −4.09');
  });

  test('colours: blue for less, red for more, by how much of the total', () => {
    const { changes } = paletteOf('light', false);
    const text = draw();
    // −20 and +20 of 62; nothing; steps are the same in every picture.
    expect(['gone', 'new', 'more', 'same'].map(name => changes.indexOf(fillOf(text, name)!) - 5)).toEqual([
      -5, 5, 5, 0,
    ]);
    const small = compared('a 1000 1000\nb 100 103\nc 100 99\nd 0 1');
    const drawn = [...flameGraphSvg(small, { script: false, theme: 'light', minWidth: 0 })].join('');
    expect(['a', 'b', 'c', 'd'].map(name => changes.indexOf(fillOf(drawn, name)!) - 5)).toEqual([0, 1, 0, 0]);
    for (const label of ['change of total, at least:', '−20 %', '−0.1 %', 'none', '+5 %'])
      expect(text).toContain(`>${label}</text>`);
  });

  test('says how wide frames are', () => {
    expect(draw()).toContain('Frames are as wide as base and head together.');
    expect(draw({ side: 'head' })).toContain('Frames are as wide as in the head. What has vanished is not drawn.');
    expect(draw({ side: 'base' })).toContain('Frames are as wide as in the base.');
    expect(draw({ normalize: true })).toContain('together, base multiplied by 1.409 for an equal total.');
  });

  test('may be coloured by kind as well', () => expect(draw({ color: 'kind' })).toContain('>native 100 %</text>'));
});
