import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { EncodeOptions } from '../../src/encode/format.ts';
import { formatByName, formatOfFile, formats } from '../../src/encode/index.ts';
import { svg } from '../../src/encode/svg.ts';
import type { Profile } from '../../src/model/profile.ts';
import { everything, profile } from '../support/profile.ts';

const options: EncodeOptions = { annotate: false, labels: [], title: 'CPU of <app>' };

function picture(from: Profile): string {
  return [...svg.encode(from, options)].join('');
}

describe('svg', () => {
  const losses = { 'samples lost (ring buffer full)': 3, 'samples lost (no scratch record)': 0, 'a & b': 1 };

  test('says what was recorded, and every loss that there was', () => {
    const text = picture(profile(everything, { losses }));
    expect(text).toContain('>CPU of &lt;app&gt;</text>');
    expect(text).toContain('profiler 0.1.0 · app --fast · cpu-clock at 100 Hz');
    expect(text).toContain('samples lost (ring buffer full): 3');
    expect(text).toContain('a &amp; b: 1');
    expect(text).not.toContain('no scratch record');
  });

  test('is in the unit of the event: 3 samples of 10 ms are 30 ms', () => {
    const title = (text: string) => /<title>f\n[^<]*<\/title>/.exec(text)?.[0];
    expect(title(picture(profile('a;f 3\na;g 1')))).toBe(
      '<title>f\napp, native\n30.0 ms, 75.0 % of total, 75.0 % of parent\nself: 30.0 ms, 75.0 % of total</title>',
    );
    const sampleTypes = [{ type: 'page-faults', unit: 'count' }];
    expect(title(picture(profile('a;f 3\na;g 1', { sampleTypes })))).toContain('\n3, 75.0 % of total');
  });

  test('names cannot leave their place', () => {
    const rename = { X: '</title><script>alert(1)</script>&\u0000\ud800' };
    const text = picture(profile('X;X 1', { rename }));
    expect(text).not.toContain('<script>alert');
    expect(text).not.toContain('\u0000');
  });
});

describe('an empty profile, and names of every kind', () => {
  const rename = { A: ';', B: '\n', C: '\u2028', D: 'n'.repeat(16_384), E: '"\'\\', F: '\ud800', G: '', H: 'x\u0000y' };
  const hostile = profile(
    Object.keys(rename)
      .map(name => `${name};${name};f 1`)
      .join('\n'),
    { rename },
  );

  test.each(formats.map(format => [format.name, format] as const))('%s', (_, format) => {
    for (const from of [profile(''), hostile, profile('a 1')]) {
      const chunks = [...format.encode(from, options)];
      expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBeGreaterThan(
        format.name === 'collapsed' && from.samples.length === 0 ? -1 : 0,
      );
    }
  });

  test('pprof is gzipped', () => {
    const [chunk] = formatByName('pprof').encode(profile(''), options);
    expect(gunzipSync(chunk as Uint8Array).length).toBeGreaterThan(0);
  });
});

describe('registry', () => {
  test.each([
    ['a.svg', 'svg'],
    ['/x/y.pb.gz', 'pprof'],
    ['cpu.pprof', 'pprof'],
    ['cpu.pb', 'pprof'],
    ['a.collapsed', 'collapsed'],
    ['a.folded', 'collapsed'],
    ['a.svg.txt', 'collapsed'],
    ['a.html', 'html'],
    ['a.speedscope.json', 'speedscope'],
    ['a.firefox.json', 'firefox'],
    ['a.json', 'json'],
    ['firefox.json', 'json'],
    ['cpu.top', 'top'],
    ['cpu.tree', 'tree'],
  ])('%s is %s', (path, name) => expect(formatOfFile(path).name).toBe(name));

  test.each(['a', 'a.', 'svg', 'a.SVG', 'a.gz', 'a.svg/', '', 'a.svg '])('%j tells no format', path =>
    expect(() => formatOfFile(path)).toThrow(
      expect.objectContaining({
        name: 'ProfilerError',
        code: 'unknown-format',
        exitCode: 2,
        hint: expect.stringContaining('--format'),
      }),
    ),
  );

  test.each(formats.map(format => format.name))('by name: %s', name => expect(formatByName(name).name).toBe(name));

  test.each(['', 'SVG', 'constructor'])('unknown: %j', name =>
    expect(() => formatByName(name)).toThrow(
      expect.objectContaining({
        code: 'unknown-format',
        exitCode: 2,
        hint:
          'Known are svg (.svg), pprof (.pb.gz .pprof .pb), collapsed (.collapsed .folded .txt), html (.html), ' +
          'speedscope (.speedscope.json), firefox (.firefox.json), top (.top), tree (.tree), json (.json).',
      }),
    ),
  );
});
