import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FlameData, flameGraphSvg, type SvgOptions } from '../../flamegraph/index.ts';
import { chromiumPath, launch, watch, withoutChromium } from '../support/chromium.ts';
import { ATTACKS, long } from './attacks.ts';
import { collapsed, flameData, manyStacks } from './fixture.ts';

/** 100 in all: main 80 (parse 40 with read 30 in it, write 40 with read 10), idle 20. */
const data = collapsed(`
  main;parse;read 30
  main;parse 10
  main;write;read 10
  main;write;flush 30
  idle 20
`);
const attack = flameData(ATTACKS.map(([name], i) => [[name, 'child', name], 10 + i]));

function draw(of: FlameData, options: SvgOptions = {}): string {
  return [...flameGraphSvg(of, { title: 'Test', ...options })].join('');
}

interface Shown {
  readonly name: string;
  readonly label: string;
  /** Edges in percent of the picture's inner width, whole numbers; and the row from the top. */
  readonly left: number;
  readonly width: number;
  readonly row: number;
}

/** Frames that can be seen, from top to bottom and from left to right. */
const SHOWN = `Array.from(document.querySelectorAll('[role=treeitem]'), item => {
  const rect = item.querySelector('rect').getBoundingClientRect();
  const tree = item.parentNode.getBoundingClientRect();
  const room = document.documentElement.clientWidth - 20;
  return {
    name: item.firstChild.textContent.split('\\n')[0],
    label: item.querySelector('text')?.textContent ?? '',
    left: Math.round((rect.left - 10) / room * 100),
    width: Math.round(rect.width / room * 100),
    row: Math.round((rect.top - tree.top) / 17),
    shown: rect.width > 0,
  };
}).filter(frame => frame.shown).sort((a, b) => a.row - b.row || a.left - b.left)`;

describe.skipIf(withoutChromium)(`the script in chromium (needs ${chromiumPath})`, () => {
  let browser: Browser;
  let folder: string;
  const trouble: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'flamegraph-viewer-'));
    browser = await launch();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(() => {
    trouble.length = 0;
  });

  async function open(content: string, options: BrowserContextOptions = {}, hash = ''): Promise<Page> {
    const file = join(folder, 'picture.svg');
    writeFileSync(file, content);
    const page = await browser.newPage(options);
    watch(page, trouble, url => url.startsWith(pathToFileURL(folder).href));
    await page.goto(pathToFileURL(file).href + hash);
    return page;
  }

  const shown = (page: Page) => page.evaluate<Shown[]>(SHOWN);
  const names = async (page: Page) => (await shown(page)).map(frame => frame.name);
  /** The first frame of a name. */
  const frame = async (page: Page, name: string) =>
    page.locator('[role=treeitem]').nth(
      await page.evaluate<number>(`Array.from(document.querySelectorAll('[role=treeitem]'))
        .findIndex(item => item.firstChild.textContent.split('\\n')[0] === ${JSON.stringify(name)})`),
    );
  const result = (page: Page) => page.locator('output').textContent();
  const focused = (page: Page) => page.evaluate(`document.activeElement.firstChild.textContent.split('\\n')[0]`);

  async function searchFor(page: Page, text: string, expected: string): Promise<void> {
    await page.fill('input', text);
    await expect.poll(() => result(page)).toBe(expected);
  }

  async function done(page: Page): Promise<void> {
    await page.close();
    expect(trouble).toEqual([]);
  }

  test('starts with what was drawn', async () => {
    const page = await open(draw(data));
    const frames = await shown(page);
    expect(frames.map(({ name, row }) => `${row} ${name}`)).toEqual([
      '0 read',
      '0 flush',
      '0 read',
      '1 parse',
      '1 write',
      '2 idle',
      '2 main',
      '3 all',
    ]);
    expect(frames.find(({ name }) => name === 'write')).toMatchObject({ left: 60, width: 40, label: 'write' });
    await done(page);
  });

  test('a click zooms: callers above as wide as the picture, the rest hidden; Escape and the button go back', async () => {
    const page = await open(draw(data));
    const all = await names(page);
    await (await frame(page, 'write')).click();
    const frames = await shown(page);
    expect(frames.map(({ name, left, width }) => [name, left, width])).toEqual([
      ['flush', 0, 75],
      ['read', 75, 25],
      ['write', 0, 100],
      ['main', 0, 100],
      ['all', 0, 100],
    ]);
    expect(await page.locator('.fg-above').count()).toBe(2);
    await page.keyboard.press('Escape');
    expect(await names(page)).toEqual(all);
    await (await frame(page, 'main')).click();
    await page.getByText('Reset zoom').click();
    expect(await names(page)).toEqual(all);
    await done(page);
  });

  test('callers of a zoom lead back, one by one', async () => {
    const page = await open(draw(data));
    await (await frame(page, 'flush')).click();
    await (await frame(page, 'main')).click();
    expect(await names(page)).toEqual(['read', 'flush', 'read', 'parse', 'write', 'main', 'all']);
    await done(page);
  });

  test('search: matches and their share, of the zoomed frame where there is one', async () => {
    const page = await open(draw(data));
    await searchFor(page, 'READ', '2 matches, 40.0 %');
    expect(await page.locator('[data-match]').count()).toBe(2);
    await (await frame(page, 'parse')).click();
    await expect.poll(() => result(page)).toBe('1 match, 75.0 % of parse');
    await searchFor(page, '/^(read|flush)$/', '1 match, 75.0 % of parse');
    await page.keyboard.press('Escape');
    await expect.poll(() => result(page)).toBe('');
    await done(page);
  });

  test('a match inside of a match counts once', async () => {
    const page = await open(draw(collapsed('f;f;f 3\nf;g 1\ng 4')));
    await searchFor(page, 'f', '3 matches, 50.0 %');
    await done(page);
  });

  test('says that there may be more where frames were left out', async () => {
    const page = await open(draw(collapsed('a;b 99\na;c 1'), { minWidth: 20 }));
    await searchFor(page, 'b', '1 match, at least 99.0 %');
    await done(page);
  });

  test('patterns that could take for ever, or are none, are refused', async () => {
    const page = await open(draw(collapsed(`${'a'.repeat(200)}! 1`)));
    await searchFor(page, '/(a+)+$/', 'groups cannot repeat here');
    await searchFor(page, '/a*a*a*a*a*$/', 'too many of * + { ? | for one pattern');
    await searchFor(page, '/(a)\\1/', 'groups cannot be referred to here');
    await searchFor(page, `/${'a?'.repeat(30)}${'a'.repeat(30)}/`, 'too many of * + { ? | for one pattern');
    await searchFor(page, '/(/', 'no valid pattern');
    await searchFor(page, '/a+!/', '1 match, 100 %');
    await done(page);
  });

  test('the address holds zoom, search and direction, and brings them back', async () => {
    const page = await open(draw(data));
    await (await frame(page, 'write')).click();
    await searchFor(page, 'flu', '1 match, 75.0 % of write');
    await page.getByText('Roots on top').click();
    const before = await shown(page);
    const url = page.url();
    expect(url).toMatch(/#zoom=[0-9a-z]+&search=flu&roots=top$/);
    await page.reload();
    expect(await shown(page)).toEqual(before);
    expect(await result(page)).toBe('1 match, 75.0 % of write');
    // The same stacks in another picture: other widths, other frames around them.
    const other = await open(draw(collapsed('main;write;flush 1\nmain;write;write 3\nother 5')), {}, new URL(url).hash);
    expect(await names(other)).toEqual(['all', 'main', 'write', 'flush', 'write']);
    expect(await result(other)).toBe('1 match, 25.0 % of write');
    await page.close();
    await done(other);
  });

  test('the way back of the browser is the way back of the zoom', async () => {
    const page = await open(draw(data));
    const all = await names(page);
    await (await frame(page, 'write')).click();
    await page.goBack();
    expect(await names(page)).toEqual(all);
    await page.goForward();
    expect(await names(page)).toContain('flush');
    expect(await names(page)).not.toContain('idle');
    await done(page);
  });

  test.each(['#zoom=nowhere', '#zoom=%00%ff<script>&search=%2F(a%2B)%2B%2F', `#search=${'x'.repeat(5000)}`, '#&&=='])(
    'the address %s does no harm',
    async hash => {
      const page = await open(draw(data), {}, hash.slice(0, 6000));
      expect(await names(page)).toHaveLength(8);
      await done(page);
    },
  );

  test('says when the linked frame is not there', async () => {
    const page = await open(draw(data), {}, '#zoom=nowhere');
    expect(await result(page)).toBe('the linked frame is not in this picture');
    await done(page);
  });

  test('keyboard: arrows walk, Enter zooms, one frame at a time is a tab stop', async () => {
    const page = await open(draw(data));
    await page.locator('[role=treeitem][tabindex="0"]').focus();
    const walk: [key: string, to: string][] = [
      ['ArrowUp', 'main'],
      ['ArrowLeft', 'idle'],
      ['ArrowRight', 'main'],
      ['ArrowRight', 'main'],
      ['ArrowUp', 'parse'],
      ['ArrowRight', 'write'],
      ['ArrowUp', 'flush'],
      ['ArrowLeft', 'read'],
      ['ArrowDown', 'parse'],
      ['Home', 'all'],
      ['ArrowDown', 'all'],
    ];
    for (const [key, to] of walk) {
      await page.keyboard.press(key);
      expect(await focused(page), key).toBe(to);
      expect(await page.locator('[role=treeitem][tabindex="0"]').count()).toBe(1);
    }
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    expect(await names(page)).not.toContain('idle');
    // The ring is where the focus is.
    const [ring, rect] = await page.evaluate<{ readonly x: number; readonly y: number }[]>(
      `[document.querySelector('.fg-ring'), document.activeElement.querySelector('rect')].map(e => e.getBoundingClientRect().toJSON())`,
    );
    expect(ring!.y).toBeCloseTo(rect!.y, 0);
    expect(ring!.x).toBeCloseTo(rect!.x, 0);
    await done(page);
  });

  test('keyboard: i turns the picture, and the arrows with it', async () => {
    const page = await open(draw(data));
    await page.keyboard.press('i');
    expect((await shown(page)).map(({ name }) => name).slice(0, 3)).toEqual(['all', 'idle', 'main']);
    await page.locator('[role=treeitem][tabindex="0"]').focus();
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toBe('main');
    await page.keyboard.press('i');
    expect((await names(page)).at(-1)).toBe('all');
    await done(page);
  });

  test.each(['/', 'Control+f'])('keyboard: %s searches, Enter and n walk through the matches', async key => {
    const page = await open(draw(data));
    await page.keyboard.press(key);
    await page.keyboard.type('read');
    await page.keyboard.press('Enter');
    const titles = async () => page.evaluate(`document.activeElement.firstChild.textContent.split('\\n')[2]`);
    expect(await titles()).toBe('30, 30.0 % of total, 75.0 % of parent');
    await page.keyboard.press('n');
    expect(await titles()).toBe('10, 10.0 % of total, 25.0 % of parent');
    await page.keyboard.press('n');
    expect(await titles()).toBe('30, 30.0 % of total, 75.0 % of parent');
    await page.keyboard.press('Shift+N');
    expect(await titles()).toBe('10, 10.0 % of total, 25.0 % of parent');
    await done(page);
  });

  test('keyboard: buttons keep Enter and Space, all other keys work there too', async () => {
    const page = await open(draw(data));
    await page.getByText('Roots on top').focus();
    await page.keyboard.press('Enter');
    expect((await names(page))[0]).toBe('all');
    await page.keyboard.press('i');
    expect((await names(page)).at(-1)).toBe('all');
    await done(page);
  });

  test('details of the frame under the pointer and of the focused one', async () => {
    const page = await open(draw(data));
    const details = () => page.locator('.fg-details').textContent();
    await (await frame(page, 'write')).hover();
    expect(await details()).toBe('write · native · 40, 40.0 % of total, 50.0 % of parent');
    await page.locator('[role=treeitem][tabindex="0"]').focus();
    await page.keyboard.press('ArrowUp');
    expect(await details()).toContain('main · native · 80, 80.0 % of total');
    await done(page);
  });

  test('as wide as the window, labels cut anew, nothing beside the window', async () => {
    const label = 'a_long_name_for_half_of_the_picture_that_does_not_fit_everywhere';
    const page = await open(draw(collapsed(`${label} 1\nother 1`)), { viewport: { width: 1900, height: 700 } });
    const labelOf = async () => (await shown(page)).find(({ name }) => name === label)!;
    expect(await labelOf()).toMatchObject({ label, width: 50 });
    await page.setViewportSize({ width: 500, height: 700 });
    await expect.poll(async () => (await labelOf()).label).toMatch(/^a_long_name.*…$/);
    expect(await labelOf()).toMatchObject({ width: 50 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= 500')).toBe(true);
    await done(page);
  });

  test('the bar stays in sight, and so does the focused frame', async () => {
    const page = await open(draw(manyStacks(1, 200, ['f'])), { viewport: { width: 800, height: 400 } });
    await page.locator('[role=treeitem][tabindex="0"]').focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowDown');
    const inside = async (selector: string) =>
      page.evaluate<boolean>(`(() => { const r = document.querySelector('${selector}').getBoundingClientRect();
        return r.top >= 0 && r.bottom <= innerHeight; })()`);
    await expect.poll(() => inside('.fg-bar')).toBe(true);
    expect(await inside('.fg-ring')).toBe(true);
    expect(await page.evaluate('scrollY > 1000')).toBe(true);
    await done(page);
  });

  test('accessibility: a tree with named items and levels, a labelled search, results read aloud', async () => {
    const page = await open(draw(data));
    const snapshot = await page.locator('[role=tree]').ariaSnapshot();
    expect(snapshot).toMatch(/tree "Frames, callees inside of callers"/);
    expect(snapshot).toMatch(/treeitem "main native 80, 80\.0 % of total".*\[level=2\]/);
    await page.getByRole('searchbox', { name: 'Search names' }).fill('read');
    await expect.poll(() => page.getByRole('status').textContent()).toBe('2 matches, 40.0 %');
    expect(await page.locator('output').getAttribute('aria-live')).toBe('polite');
    await done(page);
  });

  test.each(['light', 'dark'] as const)('bar and frames follow the viewer who prefers %s', async colorScheme => {
    const page = await open(draw(data), { colorScheme });
    const colors = await page.evaluate(`['.fg-bar', '.fg-frames rect'].map(selector => {
      const style = getComputedStyle(document.querySelector(selector));
      return selector === '.fg-bar' ? style.backgroundColor : style.fill;
    })`);
    expect(colors).toEqual(
      colorScheme === 'light'
        ? ['rgb(255, 255, 255)', 'rgb(190, 203, 218)']
        : ['rgb(13, 17, 23)', 'rgb(146, 157, 169)'],
    );
    await done(page);
  });

  test('hostile names: nothing runs, everything reads, is found and can be zoomed into', async () => {
    const options: SvgOptions = {
      title: `<script>alert(20)</script>${long}`,
      subtitle: '</text><script>alert(21)</script>',
    };
    const page = await open(draw(attack, options), { viewport: { width: 3000, height: 900 } });
    const read = await names(page);
    for (const [, text] of ATTACKS) expect(read.filter(name => name === text)).toHaveLength(2);
    expect(await page.locator('script').count()).toBe(1);
    expect(await page.locator('img, image, iframe, a, use').count()).toBe(0);
    const texts = ATTACKS.map(([, text]) => text);
    for (const text of ['<script>alert(1)</script>', '__proto__', texts.at(-1)!]) {
      const item = await frame(page, text);
      await item.dispatchEvent('click');
      expect((await names(page)).filter(name => name === text).length).toBe(2);
      await page.reload();
      expect((await names(page)).filter(name => name === text).length, 'after a reload').toBe(2);
      expect((await names(page)).length).toBe(4);
      await page.keyboard.press('Escape');
    }
    await searchFor(page, '<script>alert(1)', '2 matches, 1.2 %');
    await done(page);
  });

  test('inside of a page it is as wide as its place', async () => {
    writeFileSync(
      join(folder, 'page.html'),
      `<!doctype html><meta charset="utf-8"><div style="width:600px">${draw(data)}</div>`,
    );
    const page = await browser.newPage();
    watch(page, trouble, url => url.startsWith(pathToFileURL(folder).href));
    await page.goto(pathToFileURL(join(folder, 'page.html')).href);
    expect(await page.locator('svg.flamegraph').getAttribute('width')).toBe('600');
    await (await frame(page, 'write')).click();
    expect(await page.locator('.fg-above').count()).toBe(2);
    await done(page);
  });

  test('without script, and as <img>: the picture as it was drawn', async () => {
    const page = await open(draw(data), { javaScriptEnabled: false });
    expect(await page.locator('svg > g > g > title').allTextContents()).toContain(
      'idle\nnative\n20, 20.0 % of total\nself: 20, 20.0 % of total',
    );
    expect(await page.locator('foreignObject').count()).toBe(0);
    const still = await page.screenshot();
    writeFileSync(join(folder, 'img.html'), '<!doctype html><body style="margin:0"><img src="picture.svg">');
    await page.goto(pathToFileURL(join(folder, 'img.html')).href);
    expect((await page.screenshot()).equals(still)).toBe(true);
    await done(page);
  });

  test.each([
    ['no samples', flameData([])],
    ['one frame', collapsed('main 1')],
    ['a thousand levels', manyStacks(1, 1000, ['f'])],
  ])('%s', async (_, of) => {
    const page = await open(draw(of));
    expect(await page.evaluate('document.documentElement.getBoundingClientRect().height > 50')).toBe(true);
    await done(page);
  });
});
