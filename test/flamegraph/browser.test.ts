import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FlameData, layout, renderSvg, type SvgOptions } from '../../flamegraph/index.ts';
import { chromiumPath, launch, watch, withoutChromium } from '../support/chromium.ts';
import { ATTACKS, long } from './attacks.ts';
import { flameData, manyStacks, type TestFrame } from './fixture.ts';

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
  return [...renderSvg(layout(data), data, { script: false, ...options })].join('');
}

/** Every frame that has a label: how wide the text came out and how wide its frame is, px, and whether it is clipped. */
const LABELS = `Array.from(document.querySelectorAll('g[fill] > g > text, g[fill] > g > svg > text'), text => ({
  text: text.textContent,
  width: text.getComputedTextLength(),
  room: Number(text.closest('g').querySelector('rect').getAttribute('width')),
  clipped: text.parentNode.localName === 'svg',
}))`;
const TITLES = `Array.from(document.querySelectorAll('g[fill] > g > title'), title => title.textContent)`;
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
      '@class @fill @font-family @font-size @font-weight @height @role @rx @text-anchor @viewBox @width @x @xmlns @y g rect style svg text title tspan'.split(
        ' ',
      ),
    );
    await page.hover('g[fill] > g:nth-of-type(3) > rect');
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
        expect(await parse(draw(data, { ...hostile, theme, script: true }))).toBe('http://www.w3.org/2000/svg');
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
