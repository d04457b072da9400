import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { html } from '../../src/encode/html.ts';
import { formatOfFile } from '../../src/encode/index.ts';
import { svg } from '../../src/encode/svg.ts';
import type { Profile } from '../../src/model/profile.ts';
import { everything, profile } from '../support/profile.ts';

const options = { annotate: false, labels: [], title: 'CPU of <app> & "more"' };

function page(from: Profile, title = options.title): string {
  return [...html.encode(from, { ...options, title })].join('');
}

const policy = (text: string) => /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1] ?? '';

test('holds the flame graph as it is', () => {
  const from = profile(everything);
  expect(page(from)).toContain([...svg.encode(from, options)].join(''));
  expect(formatOfFile('a.html')).toBe(html);
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

describe('policy', () => {
  const text = page(profile(everything));

  test('allows nothing but the styles that are there, by what they hold', () => {
    const styles = [...text.matchAll(/<style>([^<]*)<\/style>/g)].map(([, content = '']) => {
      return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
    });
    expect(styles).toHaveLength(2);
    expect(policy(text)).toBe(
      `default-src 'none'; style-src ${styles.join(' ')}; script-src 'none'; base-uri 'none'; form-action 'none'`,
    );
  });

  test('needs nothing else: no scripts, attributes with styles or handlers, references', () => {
    expect(text).not.toMatch(/<(?:script|link|img|iframe|object|embed|image|use|a)\b|\s(?:style|on\w+|href|src)=/);
    expect(text.match(/https?:[^"' ]*/g)).toEqual(['http://www.w3.org/2000/svg']);
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
  // A label outside of ASCII has an <svg> of its own, which the plain page has as well.
  const tags = (text: string) => new Set([...text.matchAll(/<\/?[a-z!][^\s>]*/gi)].map(([tag]) => tag));
  const plain = profile('X;X [/bin/x] 1', { comments: ['x'], losses: { x: 1 } });
  const text = page(from, name);
  expect(tags(text)).toEqual(tags(page(plain, 'x')));
  expect(policy(text)).toBe(policy(page(plain, 'x')));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(text).not.toMatch(/[\u0000\u2028\u2029\u202e\ud800-\udfff]/);
});

test('no samples, and a time that is none', () => {
  const text = page(profile('', { startTimeMs: 1e300, comments: [] }));
  expect(text).toContain('no samples');
  expect(text).not.toContain('<dt>start</dt>');
});
