import { describe, expect, test } from 'vitest';
import { decodePprof } from '../../src/decode/pprof.ts';
import { changes, relative } from '../../src/diff/changes.ts';
import { type Difference, diffProfiles } from '../../src/diff/difference.ts';
import type { DiffEncodeOptions } from '../../src/diff/format.ts';
import { diffFormats } from '../../src/diff/index.ts';
import { counted } from './support.ts';

const OPTIONS: DiffEncodeOptions = {
  title: 'before → after',
  absolute: false,
  side: 'both',
  minPercent: 0,
  colours: false,
};

function encode(name: string, difference: Difference, options: Partial<DiffEncodeOptions> = {}): string {
  const chunks = diffFormats.find(format => format.name === name)!.encode(difference, { ...OPTIONS, ...options });
  return [...chunks].map(chunk => Buffer.from(chunk).toString()).join('');
}

const files = { parse: 'parse.c' };
/** 1,000 samples became 2,000. */
const example = diffProfiles(
  counted('app;main;parse 400\napp;main;parse;copy 100\napp;main;sort 300\napp;main;log 200', files),
  counted('app;main;parse 1200\napp;main;parse;copy 200\napp;main;sort 597\napp;main;check 3', files, {
    losses: { 'samples lost': 7 },
  }),
);

describe('text', () => {
  test('golden', () => expect(encode('text', example)).toMatchFileSnapshot('golden/shares.txt'));

  test('golden, absolute', () =>
    expect(encode('text', example, { absolute: true, minPercent: 1 })).toMatchFileSnapshot('golden/absolute.txt'));

  test('a profile and itself', () => {
    const one = counted('a;main;f 3');
    const found = encode('text', diffProfiles(one, one));
    expect(found.match(/nothing changed/g)).toHaveLength(2);
    expect(found).toContain('the totals differ by 0.0 %');
  });

  test('equal shares of different totals have not changed', () => {
    const found = encode('text', diffProfiles(counted('a;f 1\na;g 2'), counted('a;f 10\na;g 20')));
    expect(found.match(/nothing changed/g)).toHaveLength(2);
  });

  test('the 40 that changed most', () => {
    const lines = (value: (i: number) => number) =>
      Array.from({ length: 50 }, (_, i) => `a;f${i} ${value(i)}`).join('\n');
    const found = encode('text', diffProfiles(counted(lines(() => 100)), counted(lines(i => 100 + i))), {
      absolute: true,
    });
    const [, self = ''] = found.split(/\n\n/);
    const names = self
      .split('\n')
      .slice(2, -1)
      .map(line => line.split('  ').at(-2));
    expect(names).toEqual(Array.from({ length: 40 }, (_, i) => `f${49 - i}`));
    expect(self.split('\n').at(-1)).toBe('and 9 more that changed less');
  });

  test('colours by what they say', () => {
    const lines = encode('text', example, { colours: true }).split('\n');
    const ESC = String.fromCharCode(27);
    expect(lines.filter(line => line.includes('parse')).every(line => line.startsWith(`${ESC}[31m`))).toBe(true);
    expect(lines.filter(line => line.includes('log')).every(line => line.startsWith(`${ESC}[34m`))).toBe(true);
    expect(lines.find(line => line.includes('BASE'))).not.toContain(ESC);
    expect(encode('text', example)).not.toContain(ESC);
  });

  test('names cannot drive a terminal, nor fill it', () => {
    const rename = { evil: '\u001b[2J\u009b1m\r\nfake 100 %\u202e\u2028x', long: 'n'.repeat(1e5), wide: '\ud800' };
    const base = counted('a;evil 1\na;wide 2\na;long 3', {}, { rename });
    const found = encode('text', diffProfiles(base, counted('a;f 1')), { title: rename.evil });
    expect(found).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
    expect(found).toContain('[2J');
    expect(Math.max(...found.split('\n').map(line => line.length))).toBeLessThan(400);
  });
});

describe('json', () => {
  test('golden', () => expect(encode('json', example)).toMatchFileSnapshot('golden/shares.json'));

  test('absolute', () => {
    const found = JSON.parse(encode('json', example, { absolute: true }));
    expect(found.normalized).toBe(false);
    const parse = found.functions.find((entry: { name: string }) => entry.name === 'parse');
    expect(parse.self).toEqual({
      base: 400,
      head: 1200,
      basePercent: 40,
      headPercent: 60,
      delta: 800,
      relativePercent: 200,
    });
  });

  test('only what is large enough', () => {
    const names = (minPercent: number) =>
      JSON.parse(encode('json', example, { minPercent })).functions.map((entry: { name: string }) => entry.name);
    expect(names(0).sort()).toEqual(['check', 'copy', 'log', 'main', 'parse', 'sort']);
    expect(names(1).sort()).toEqual(['copy', 'log', 'main', 'parse', 'sort']);
    expect(names(50).sort()).toEqual(['main', 'parse']);
  });

  test('hostile names come back as they were', () => {
    const rename = { evil: '</script>"\\\u2028\u0000' };
    const found = JSON.parse(encode('json', diffProfiles(counted('a;evil 1', {}, { rename }), counted('a;f 1'))));
    expect(found.functions.map((entry: { name: string }) => entry.name)).toContain(rename.evil);
  });

  test('two sides without a sample', () => {
    const none = counted('');
    const found = JSON.parse(encode('json', diffProfiles(none, none, { force: true })));
    expect(found).toMatchObject({ functions: [], base: { total: 0 }, head: { total: 0 } });
  });
});

describe('pictures', () => {
  test.each(['svg', 'html'])('%s says what is compared', name => {
    const found = encode(name, example, { title: 'A <b> & "c"' });
    expect(found).toContain('A &lt;b&gt; &amp; &quot;c&quot;');
    expect(found).toContain('samples lost: 7');
    expect(found).toContain('1,000 samples');
    expect(found).toContain('2,000 samples');
  });

  test('what vanished has a width on the base and on both sides', () => {
    const hasLog = (side: DiffEncodeOptions['side']) => /<title>log\n/.test(encode('svg', example, { side }));
    expect([hasLog('both'), hasLog('base'), hasLog('head')]).toEqual([true, true, false]);
  });

  test('small frames are left out of the SVG on request', () => {
    const hasCheck = (minPercent: number) => /<title>check\n/.test(encode('svg', example, { minPercent }));
    expect([hasCheck(0), hasCheck(1)]).toEqual([true, false]);
  });

  test('the same again is the same, to the byte', () => {
    expect(encode('svg', example)).toBe(encode('svg', example));
  });
});

test('changes in shares and in values', () => {
  const row = example.functions.name.indexOf('sort');
  const of = (absolute: boolean) => {
    const { base, head, delta } = changes(example, 'self', absolute);
    return [base[row], head[row], delta[row]];
  };
  expect(of(true)).toEqual([300, 597, 297]);
  expect(of(false)).toEqual([30, 29.85, expect.closeTo(-0.15)]);
  expect([relative(4, 5), relative(4, 0), relative(0, 4)]).toEqual([25, -100, null]);
});

test('pprof holds base, head and their difference', () => {
  const format = diffFormats.find(({ name }) => name === 'pprof')!;
  const bytes = Buffer.concat([...format.encode(example, OPTIONS)].map(chunk => Buffer.from(chunk)));
  const { sampleTypes, samples, stacks, locations, lines, functions, strings, comments } = decodePprof(bytes);
  expect(sampleTypes.map(({ type }) => type)).toEqual(['base_samples', 'head_samples', 'samples']);
  const leaf = (stack: number) =>
    strings[functions.name[lines.function[locations.firstLine[stacks.location[stack]!]!]!]!];
  const rows = Array.from(samples.stack, (stack, i) => [leaf(stack), ...samples.values.map(column => column[i])]);
  expect(rows).toContainEqual(['parse', 400, 1200, 800]);
  expect(rows).toContainEqual(['log', 200, 0, -200]);
  expect(comments[0]).toBe('before → after');
  expect(() => diffProfiles(decodePprof(bytes), decodePprof(bytes))).toThrow('it is a difference already');
});
