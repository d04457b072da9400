import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { unpack, type ViewerData } from '../../flamegraph/html-unpack.ts';
import { scriptHash, styleHash } from '../../flamegraph/viewer/html.gen.ts';
import { html } from '../../src/encode/html.ts';
import { formatOfFile } from '../../src/encode/index.ts';
import { encodePprof } from '../../src/encode/pprof.ts';
import type { Profile } from '../../src/model/profile.ts';
import { everything, profile } from '../support/profile.ts';

const options = { annotate: false, labels: ['pid'], title: 'CPU of <app> & "more"' };

function page(from: Profile, title = options.title): string {
  return [...html.encode(from, { ...options, title })].join('');
}

/** What a script element of the page holds, from base64. */
function embedded(text: string, id: string): Buffer {
  return gunzipSync(Buffer.from(new RegExp(`id="${id}">([^<]*)<`).exec(text)![1]!, 'base64'));
}

const dataOf = (from: Profile): ViewerData => unpack(embedded(page(from), 'data'));
const settings = (text: string) => JSON.parse(/id="settings">([^<]*)</.exec(text)![1]!);
const policy = (text: string) => /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1] ?? '';

test('holds all samples with all types of value', () => {
  const from = profile(everything);
  const data = dataOf(from);
  const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
  expect(data.values.map(({ head }) => sum(head))).toEqual(from.samples.values.map(sum));
  expect(settings(page(from)).types).toEqual(from.sampleTypes);
  expect(data.names).toEqual(expect.arrayContaining(['main', 'deep', 'vfs_read', 'app']));
  expect(formatOfFile('a.html')).toBe(html);
});

test('threads by name, process and thread; processes where there are too many', () => {
  expect(dataOf(profile(everything)).threads.names.toSorted()).toEqual(
    ['app 10/10', 'app 10/11', 'idle 0/0', 'web 20/20', 'web 20/21'].toSorted(),
  );
  const many = Array.from({ length: 150 }, (_, i) => `pool ${i % 3}/${1000 + i};run 1`).join('\n');
  expect(dataOf(profile(many)).threads.names).toEqual(['pool 0', 'pool 1', 'pool 2']);
});

test('times, where they are known', () => {
  const timeline = { length: 3, sample: Uint32Array.of(1, 0, 0), time: Float64Array.of(0, 10.5, 1999.25) };
  const data = dataOf(profile('a;x 2\nb;y 1', { timeline }));
  const threads = Array.from(data.timeline.sample, sample => data.threads.names[data.threads.of[sample]!]);
  expect(threads).toEqual(['b', 'a', 'a']);
  expect([...data.timeline.time]).toEqual([0, 10.5, 1999.25]);
  expect(dataOf(profile('a;x 2')).timeline.length).toBe(0);
});

test('holds the profile as pprof', () => {
  const from = profile(everything);
  expect(embedded(page(from), 'pprof').equals(encodePprof(from, options.labels))).toBe(true);
});

test('a pprof that would be most of the page is left out, and the page says so', () => {
  let state = 1;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state.toString(36);
  };
  const comments = [Array.from({ length: 400_000 }, noise).join('')];
  const text = page(profile('a;x 1', { comments }));
  expect(text).not.toContain('id="pprof"');
  expect(text).toMatch(/<dt>pprof<\/dt><dd>not in this page: \d\.\d MiB<\/dd>/);
});

test('says what there is to know', () => {
  const losses = { 'samples lost (ring buffer full)': 3, 'a & b': 1, 'not seen': 0 };
  const unwinding = { 'user stacks': 4, 'user stacks complete': 3 };
  const text = page(profile(everything, { losses, unwinding }));
  expect(text).toContain('<title>CPU of &lt;app&gt; &amp; &quot;more&quot;</title>');
  for (const [name, value] of [
    ['samples', '36 count'],
    ['cpu', '360000001 nanoseconds'],
    ['start', '2023-11-14T22:13:20.123Z'],
    ['duration', '2.5 s'],
    ['samples lost (ring buffer full)', '3'],
    ['a &amp; b', '1'],
    ['stacks', 'user stacks: 75.0 % complete'],
    ['comment', 'app --fast'],
  ]) {
    expect(text).toContain(`<dt>${name}</dt><dd>${value}</dd>`);
  }
  expect(text).not.toContain('not seen');
  expect(text).toMatch(/<dt>frames without a name<\/dt><dd>\d/);
});

test('how it is drawn is as asked', () => {
  const svg = { inverted: true, theme: 'dark', color: 'module', colorBlindSafe: true, width: 500 } as const;
  const text = [...html.encode(profile(everything), { ...options, svg })].join('');
  expect(settings(text)).toMatchObject({ inverted: true, theme: 'dark', color: 'module', safe: true });
});

describe('policy', () => {
  const text = page(profile(everything));

  test('allows nothing but the style and the script that are there, by what they hold', () => {
    expect(policy(text)).toBe(
      `default-src 'none'; script-src ${scriptHash}; style-src ${styleHash}; connect-src 'none'; img-src data:; base-uri 'none'; form-action 'none'`,
    );
    expect(text.match(/<style/g)).toHaveLength(1);
    expect(text.match(/<script(?! type="(?:application\/json|text\/plain)")/g)).toHaveLength(1);
  });

  test('needs nothing else: no attributes with styles or handlers, no references', () => {
    const markup = text.replace(/<(script|style)\b[^>]*>.*?<\/\1>/gs, '');
    expect(markup).not.toMatch(/<(?:img|iframe|object|embed|image|use|a)\b|\s(?:style|on\w+|src)=/);
    expect(markup.match(/href="[^"]*"/g)).toEqual(['href="data:,"']);
    expect(text.match(/https?:[^"' ]*/g)).toBe(null);
  });
});

test.each([
  '</script><script>alert(1)</script>',
  '</style><style>*{color:red}</style>',
  '"><img src=x onerror=alert(1)>',
  '</title></svg><base href=//x>',
  '--><!--',
  '\u2028\u2029',
  '\u0000\ud800',
  '\u202e',
])('the name %j changes nothing', name => {
  const from = profile('X;X [/bin/x] 1', { rename: { X: name }, comments: [name], losses: { [name]: 1 } });
  const tags = (text: string) => [...text.matchAll(/<\/?[a-z!][^\s>]*/gi)].map(([tag]) => tag);
  const plain = profile('X;X [/bin/x] 1', { comments: ['x'], losses: { x: 1 } });
  const text = page(from, name);
  expect(tags(text)).toEqual(tags(page(plain, 'x')));
  expect(policy(text)).toBe(policy(page(plain, 'x')));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(text).not.toMatch(/[\u0000-\u0008\u2028\u2029\u202e]/);
  expect(text).not.toMatch(/\p{Surrogate}/u);
});

test('no samples, and a time that is none', () => {
  const from = profile('', { startTimeMs: 1e300, comments: [] });
  expect(dataOf(from).samples.length).toBe(0);
  expect(page(from)).not.toContain('<dt>start</dt>');
});
