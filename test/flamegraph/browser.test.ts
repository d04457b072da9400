import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FlameData, layout, renderSvg, type SvgOptions } from '../../flamegraph/index.ts';
import { chromiumPath, launch, watch, withoutChromium } from '../support/chromium.ts';
import { flameData, manyStacks, type TestFrame } from './fixture.ts';

const long = 'n'.repeat(65_536);

/** Names as an attacker would choose them, and what the first line of the frame's title must read. */
const ATTACKS: readonly (readonly [name: string, shown: string])[] = [
  ['<script>alert(1)</script>', '<script>alert(1)</script>'],
  ['</title><script>alert(2)</script>', '</title><script>alert(2)</script>'],
  ['</text></svg><img src=x onerror=alert(3)>', '</text></svg><img src=x onerror=alert(3)>'],
  ['"/><rect onload="alert(4)', '"/><rect onload="alert(4)'],
  ["'onmouseover='alert(5)", "'onmouseover='alert(5)"],
  [']]><script>alert(6)</script><![CDATA[', ']]><script>alert(6)</script><![CDATA['],
  ['<!--', '<!--'],
  ['<?xml-stylesheet href="http://evil.example/"?>', '<?xml-stylesheet href="http://evil.example/"?>'],
  [
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
  ],
  ['&lt;b&gt; &amp;#60; &undefined;', '&lt;b&gt; &amp;#60; &undefined;'],
  ['javascript:alert(7)', 'javascript:alert(7)'],
  ['</style><style>*{display:none}', '</style><style>*{display:none}'],
  [`\${alert(8)} {{y}} %s $& $1`, `\${alert(8)} {{y}} %s $& $1`],
  ['nul\0escape\x1b[31m', 'nul�escape�[31m'],
  ['not a character \ufffe\uffff', 'not a character ��'],
  ['half a pair \ud83d', 'half a pair �'],
  ['other half \ude00 more', 'other half � more'],
  ['first line\nself: 99.9 % of total\r\nthird\rcarriage\ttab', 'first line␤self: 99.9 % of total␤third␍carriage␉tab'],
  ['line\u2028paragraph\u2029next\u0085', 'line␤paragraph␤next␤'],
  ['safe_\u202eexe.cod', 'safe_‹U+202E›exe.cod'],
  ['\u2067isolate\u2069', '‹U+2067›isolate‹U+2069›'],
  ['zero\u200bwidth\ufeff', 'zero‹U+200B›width‹U+FEFF›'],
  [`combining${'\u0300'.repeat(300)}`, `combining${'\u0300'.repeat(300)}`],
  ['﷽﷽﷽﷽ 𒐫𒐫𒐫𒐫 ꧅꧅꧅꧅', '﷽﷽﷽﷽ 𒐫𒐫𒐫𒐫 ꧅꧅꧅꧅'],
  ['関数名 함수 函数 😀 👨\u200d👩\u200d👧', '関数名 함수 函数 😀 👨\u200d👩\u200d👧'],
  ['دالة שם', 'دالة שם'],
  ['', ''],
  [' leading and  double spaces ', ' leading and  double spaces '],
  ['constructor', 'constructor'],
  ['__proto__', '__proto__'],
  [`a${long}`, `a${'n'.repeat(511)}… (+65,025 characters)`],
  [`😀${'😀'.repeat(32_768)}`, `${'😀'.repeat(256)}… (+65,026 characters)`],
];

const kinds = ['native', 'kernel', 'jit', 'inlined'] as const;
const attack = flameData(
  ATTACKS.map(([name], i) => {
    const frame: TestFrame = [name, kinds[i % kinds.length]!, name];
    return [[frame, ['child', 'native', 'lib.so'], frame], 10 + i];
  }),
);
const hostile: SvgOptions = {
  title: `<script>alert(20)</script>\0\n${ATTACKS[4]![0]}`,
  subtitle: '</text><script>alert(21)</script>\u202e\ud800',
  notes: ['"&<>\'', long, ...ATTACKS.slice(0, 15).map(([name]) => name)],
  unit: '"><script>alert(22)</script>',
  width: 4000,
};

function draw(data: FlameData, options: SvgOptions): string {
  return [...renderSvg(layout(data), data, options)].join('');
}

/** Every frame that has a label: how wide the text came out and how wide its frame is, px, and whether it is clipped. */
const LABELS = `Array.from(document.querySelectorAll('g > g > title ~ rect ~ text, g > g > title ~ rect ~ svg > text'), text => ({
  text: text.textContent,
  width: text.getComputedTextLength(),
  room: Number(text.closest('g').querySelector('rect').getAttribute('width')),
  clipped: text.parentNode.localName === 'svg',
}))`;
const TITLES = `Array.from(document.querySelectorAll('g > g > title'), title => title.textContent)`;
/** Element and attribute names that occur, for a list of what is allowed. */
const VOCABULARY = `Array.from(new Set(Array.from(document.querySelectorAll('*'), element =>
  [element.localName, ...Array.from(element.attributes, a => '@' + a.name)]).flat())).sort()`;

interface Label {
  readonly text: string;
  readonly width: number;
  readonly room: number;
  readonly clipped: boolean;
}

describe.skipIf(withoutChromium)(`in chromium (needs ${chromiumPath})`, () => {
  let browser: Browser;
  let folder: string;
  const trouble: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'flamegraph-'));
    browser = await launch();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a file; dialogs, console messages, exceptions and requests for anything else are trouble. */
  async function open(name: string, content: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const file = join(folder, name);
    writeFileSync(file, content);
    const page = await browser.newPage({ colorScheme });
    trouble.length = 0;
    watch(page, trouble, url => url.startsWith(pathToFileURL(folder).href));
    await page.goto(pathToFileURL(file).href);
    return page;
  }

  test('the harness notices a script that runs', async () => {
    const page = await open('bad.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    await page.close();
    expect(trouble).toEqual(['dialog: 1']);
  });

  test('hostile names open as a file, run nothing and read back', async () => {
    const page = await open('attack.svg', draw(attack, hostile));
    const titles = await page.evaluate<string[]>(TITLES);
    const names = titles.map(title => title.split('\n')[0]);
    const shown = ATTACKS.flatMap(([, text]) => [text, text]);
    expect(names.toSorted()).toEqual(['all', ...shown, ...ATTACKS.map(() => 'child')].toSorted());
    expect(await page.evaluate<string[]>(VOCABULARY)).toEqual(
      '@fill @font-family @font-size @font-weight @height @pointer-events @role @rx @text-anchor @viewBox @width @x @xmlns @y g rect style svg text title'.split(
        ' ',
      ),
    );
    await page.hover('g > g:nth-of-type(3) > rect');
    await page.close();
    expect(trouble).toEqual([]);
  });

  test('hostile names show inside <img>', async () => {
    writeFileSync(join(folder, 'img.svg'), draw(attack, hostile));
    const page = await open('img.html', '<!doctype html><meta charset="utf-8"><img src="img.svg">');
    expect(await page.evaluate('document.images[0].naturalWidth')).toBe(4000);
    await page.close();
    expect(trouble).toEqual([]);
  });

  test('is well-formed for a strict XML parser', async () => {
    const page = await open('blank.html', '<!doctype html><title>parser</title>');
    const parse = (text: string) =>
      page.evaluate<string>(`(() => {
        const root = new DOMParser().parseFromString(${JSON.stringify(text)}, 'image/svg+xml');
        return root.querySelector('parsererror')?.textContent ?? root.documentElement.namespaceURI;
      })()`);
    expect(await parse('<svg><a></svg>'), 'the parser is strict').toContain('error');
    for (const theme of ['auto', 'light', 'dark'] as const) {
      for (const data of [attack, flameData([]), manyStacks(50, 50, ['a', 'b<c>'])]) {
        expect(await parse(draw(data, { ...hostile, theme }))).toBe('http://www.w3.org/2000/svg');
      }
    }
    await page.close();
  });

  test('labels stay inside their frames', async () => {
    const page = await open('labels.svg', draw(attack, { width: 3000 }));
    const labels = await page.evaluate<Label[]>(LABELS);
    await page.close();
    expect(labels.length).toBeGreaterThan(50);
    expect(labels.filter(label => label.clipped).length).toBeGreaterThan(5);
    for (const { text, width, room, clipped } of labels) {
      if (!clipped) expect(width + 4, text).toBeLessThanOrEqual(room);
      expect(text, 'no half of a surrogate pair').not.toMatch(/\p{Surrogate}/u);
    }
  });

  test.each(['light', 'dark'] as const)('follows the viewer who prefers %s', async scheme => {
    const page = await open('scheme.svg', draw(attack, {}), scheme);
    const fill = await page.evaluate(`getComputedStyle(document.querySelector('rect')).fill`);
    await page.close();
    expect(fill).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)');
  });

  test('a picture of 1,500 levels shows inside <img>', async () => {
    writeFileSync(join(folder, 'tall.svg'), draw(manyStacks(1, 3000, ['f']), {}));
    const page = await open('tall.html', '<!doctype html><img src="tall.svg">');
    expect(await page.evaluate('document.images[0].naturalHeight')).toBeGreaterThan(25_000);
    await page.close();
    expect(trouble).toEqual([]);
  });
});
