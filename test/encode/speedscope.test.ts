import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { speedscope } from '../../src/encode/speedscope.ts';
import type { Profile } from '../../src/model/profile.ts';
import { chromiumPath, launch, watch, withoutChromium } from '../support/chromium.ts';
import { testFolder } from '../support/folder.ts';
import { everything, profile } from '../support/profile.ts';

const release = join(dirname(createRequire(import.meta.url).resolve('speedscope/package.json')), 'dist/release');
const schema = z.fromJSONSchema(JSON.parse(readFileSync(join(release, 'file-format-schema.json'), 'utf8')));

interface File {
  readonly shared: { readonly frames: readonly { readonly name: string; readonly file?: string }[] };
  readonly profiles: readonly {
    readonly name: string;
    readonly unit: string;
    readonly endValue: number;
    readonly samples: readonly (readonly number[])[];
    readonly weights: readonly number[];
  }[];
}

function encode(from: Profile): string {
  return [...speedscope.encode(from, { annotate: false, labels: [], title: 'CPU' })].join('');
}

function read(from: Profile): File {
  const file = JSON.parse(encode(from));
  schema.parse(file);
  return file as File;
}

function lines({ shared, profiles }: File): string[] {
  return profiles.flatMap(({ name, samples, weights }) =>
    samples.map((sample, i) => `${name}: ${sample.map(frame => shared.frames[frame]!.name).join(';')} ${weights[i]}`),
  );
}

test('golden', () =>
  expect(encode(profile(everything)).replace(/(?<=[\]}],)(?="|\{")/g, '\n')).toMatchFileSnapshot(
    'golden/everything.speedscope.json',
  ));

test('the schema is not satisfied by everything', () => expect(schema.safeParse({ profiles: [] }).success).toBe(false));

test('a profile for each thread, of the last sample type', () => {
  const file = read(profile(everything));
  expect(lines(file)).toEqual([
    'app (10): main;run;work 30000000',
    'app (10): main;run;helper;deep 20000000',
    'app (11): start;main;sys_read;vfs_read 40000001',
    'app (11): main;generated 10000000',
    'web (20): [unknown: web+0x1080];[unknown: unmapped];[unknown: jit] 50000000',
    'web (20): [unknown: kernel] 60000000',
    'web (21): main;run;work 70000000',
    'idle (0):  80000000',
  ]);
  expect(file.profiles.map(({ unit, endValue }) => `${endValue} ${unit}`)[1]).toBe('50000001 nanoseconds');
});

test('frames are functions of a file, else of a module', () => {
  const from = profile('a;f;g [/lib/l.so];g;f 1\nb;f 1');
  const strings = [...from.strings, '/src/f.c'];
  const filename = from.functions.name.map(name => (strings[name] === 'f' ? strings.length - 1 : 0));
  const { shared } = read({ ...from, strings, functions: { ...from.functions, filename } });
  expect(shared.frames).toEqual([
    { name: 'f', file: '/src/f.c' },
    { name: 'g', file: 'l.so' },
    { name: 'g', file: 'app' },
  ]);
});

test('in order of time', () => {
  const timeline = { length: 4, sample: Uint32Array.of(1, 0, 1, 0), time: Float64Array.of(0, 1, 2, 3) };
  const file = read(profile('a;f 2 30\na;g 2 10', { timeline }));
  expect(lines(file)).toEqual(['a: g 5', 'a: f 15', 'a: g 5', 'a: f 15']);
});

test('units that it does not know', () => {
  const events = profile('a;f 2 7', {
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'page-faults', unit: 'count' },
    ],
  });
  expect(read(events).profiles.map(({ unit, weights }) => [unit, ...weights])).toEqual([['none', 7]]);
});

test('nothing at all', () => expect(read(profile('')).profiles).toEqual([]));

test('negative values are refused in a sentence', () => {
  const from = profile('a;f 1');
  const negative = { ...from, samples: { ...from.samples, values: from.samples.values.map(c => c.map(v => -v)) } };
  expect(() => encode(negative)).toThrow('speedscope takes no negative values, such as -10000000.');
});

describe.skipIf(withoutChromium)(`speedscope itself (needs ${chromiumPath})`, () => {
  const path = testFolder();
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  }, 30_000);
  afterAll(() => browser?.close());

  test('opens it', { timeout: 60_000 }, async () => {
    const rename = { work: '</script><b>"\u2028\u0000' };
    const content = Buffer.from(encode(profile(everything, { rename }))).toString('base64');
    writeFileSync(path('load.js'), `speedscope.loadFileFromBase64('all.speedscope.json', '${content}')`);
    const trouble: string[] = [];
    const page = await browser.newPage();
    watch(page, trouble, url => /^(file|data|blob):/.test(url));
    await page.goto(`file://${release}/index.html#localProfilePath=${path('load.js')}`);
    await page.waitForFunction('document.body.innerText.includes("app (10) (1/5)")', undefined, { timeout: 20_000 });
    expect(trouble.filter(line => line.startsWith('error'))).toEqual([]);
  });
});
