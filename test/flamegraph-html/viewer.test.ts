import { readFileSync } from 'node:fs';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { collapsed } from '../flamegraph/fixture.ts';
import { chromiumPath, launch, withoutChromium } from '../support/chromium.ts';
import { differenceData, Pages, PPROF, render, serverData } from './fixture.ts';

const ROW = 18;

/** A point of the graph: how far from the left (0 … 1), in which row from the root's on. */
async function point(page: Page, across: number, depth: number, graph = 'flame'): Promise<{ x: number; y: number }> {
  const box = (await page.locator(`#${graph}`).boundingBox())!;
  const inverted = graph === 'callees' || (await page.locator('#inverted').isChecked());
  const y = inverted ? box.y + (depth + 0.5) * ROW : box.y + box.height - (depth + 0.5) * ROW;
  return { x: box.x + across * box.width, y };
}

/** The tooltip over a point. */
async function hover(page: Page, across: number, depth: number, graph = 'flame'): Promise<string> {
  const { x, y } = await point(page, across, depth, graph);
  await page.mouse.move(x, y);
  return (await page.locator('#tooltip').innerText()).trim();
}

async function name(page: Page, across: number, depth: number, graph = 'flame'): Promise<string> {
  return (await hover(page, across, depth, graph)).split('\n')[0]!;
}

async function click(page: Page, across: number, depth: number, graph = 'flame'): Promise<void> {
  const { x, y } = await point(page, across, depth, graph);
  await page.mouse.click(x, y);
}

const crumbs = (page: Page) => page.locator('#crumbs button').allInnerTexts();
/** As the page has it: `page.url()` is told later. */
const address = (page: Page) => page.evaluate<string>('location.href');
const sum = (page: Page) => page.locator('#sum').innerText();
const texts = (locator: Locator) => locator.allInnerTexts();
/** Waits for what follows a key in a search field. */
const searched = (page: Page) => expect.poll(() => page.locator('#matched').innerText(), { timeout: 10_000 });

/** A browser on a busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe.skipIf(withoutChromium)(`in Chromium (${chromiumPath})`, () => {
  const pages = new Pages();
  const trouble: string[] = [];
  const options = { title: 'server', facts: [['comment', 'profiler 1.0']] as const };
  let browser: Browser;
  let server: string;
  let difference: string;
  let page: Page;

  const open = async (url: string, more: Parameters<Browser['newPage']>[0] = {}) => {
    await page?.close();
    page = await pages.open(browser, url, trouble, more);
  };

  beforeAll(async () => {
    browser = await launch();
    server = pages.write(render(serverData(), options));
    difference = pages.write(render(differenceData(), options));
  });
  afterAll(async () => {
    await browser?.close();
    pages.remove();
  });
  afterEach(() => expect(trouble).toEqual([]));

  describe('flame graph', () => {
    beforeEach(() => open(server));

    test('frames are where they belong, with what there is to know about them', async () => {
      expect(await name(page, 0.3, 0)).toBe('all (1.00 s)');
      expect(await name(page, 0.3, 1)).toBe('server');
      expect(await name(page, 0.8, 1)).toBe('worker');
      const text = await hover(page, 0.85, 4);
      expect(text.split('\n')).toEqual([
        'sha256_block',
        'libcrypto.so.3 · inlined',
        'total: 300 ms, 30.0 % of total',
        '100 % of parent',
        'self: 300 ms, 30.0 % of total',
      ]);
      expect(await hover(page, 0.3, 3)).toContain('main.c:10 · native');
    });

    test('zoom by click, the way back by breadcrumbs, the button, the keyboard and the browser', async () => {
      await click(page, 0.8, 1);
      expect(await crumbs(page)).toEqual(['all', 'worker']);
      expect(await name(page, 0.02, 2)).toBe('_start');
      expect(await name(page, 0.98, 2)).toBe('_start');
      // What calls the zoomed frame is as wide as it.
      expect(await name(page, 0.02, 0)).toBe('all (1.00 s)');
      await click(page, 0.9, 3);
      expect(await crumbs(page)).toEqual(['all', 'worker', '_start', 'walk']);
      await page.locator('#crumbs button', { hasText: 'worker' }).click();
      expect(await crumbs(page)).toEqual(['all', 'worker']);
      await page.goBack();
      expect(await crumbs(page)).toEqual(['all', 'worker', '_start', 'walk']);
      await page.locator('#reset').click();
      expect(await name(page, 0.02, 1)).toBe('server');
      expect(await page.locator('#reset').isDisabled()).toBe(true);
      await click(page, 0.8, 1);
      await page.keyboard.press('Escape');
      expect(await name(page, 0.02, 1)).toBe('server');
    });

    test('a link leads to the same picture', async () => {
      await click(page, 0.8, 1);
      await page.locator('#search').fill('sha');
      await searched(page).toBe('76.9 % of the zoom in 1 frame');
      const url = await address(page);
      await open(url);
      expect(await crumbs(page)).toEqual(['all', 'worker']);
      expect(await page.locator('#search').inputValue()).toBe('sha');
      await searched(page).toBe('76.9 % of the zoom in 1 frame');
    });

    test('search by text and by pattern', async () => {
      const field = page.locator('#search');
      await page.keyboard.press('/');
      await page.keyboard.type('WALK');
      // Recursion counts once.
      await searched(page).toBe('40.0 % in 4 frames');
      await field.fill('/^(walk|vfs_).*$/');
      await searched(page).toBe('69.0 % in 6 frames');
      for (const slow of ['/(a+)+$/', '/(a|a)*b/', '/a*a*a*a*b/']) {
        await field.fill(slow);
        await searched(page).toMatch(/repeat|no more than/);
      }
      await field.fill('/[/');
      await searched(page).toBe('no valid pattern');
      await field.fill('nothing of the kind');
      await searched(page).toBe('0 % in 0 frames');
      await page.keyboard.press('Escape');
      expect(await field.inputValue()).toBe('');
      await searched(page).toBe('');
    });

    test('what matches is coloured, what does not steps back', async () => {
      const color = async (across: number, depth: number) => {
        const { x, y } = await point(page, across, depth);
        const clip = { x: Math.round(x), y: Math.round(y) - 6, width: 1, height: 1 };
        return (await page.screenshot({ clip })).toString('base64');
      };
      const [walk, other] = [await color(0.95, 3), await color(0.95, 2)];
      await page.locator('#search').fill('walk');
      await searched(page).toContain('%');
      const [found, faded] = [await color(0.95, 3), await color(0.95, 2)];
      expect(new Set([walk, other, found, faded]).size).toBe(4);
    });

    test('keyboard: from frame to frame, zoom, and out', async () => {
      const tree = page.getByRole('tree', { name: 'Flame graph' });
      const item = tree.getByRole('treeitem');
      await tree.focus();
      expect(await item.textContent()).toContain('all (1.00 s); total: 1.00 s, 100 % of total');
      await page.keyboard.press('ArrowUp');
      expect(await item.textContent()).toMatch(/^server; /);
      await page.keyboard.press('ArrowRight');
      expect(await item.textContent()).toMatch(/^worker; /);
      expect(await item.getAttribute('aria-level')).toBe('2');
      await page.keyboard.press('ArrowLeft');
      expect(await item.textContent()).toMatch(/^server; /);
      await page.keyboard.press('ArrowDown');
      expect(await item.textContent()).toMatch(/^all /);
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Enter');
      expect(await crumbs(page)).toEqual(['all', 'server']);
      expect(await tree.getAttribute('aria-activedescendant')).toBe(await item.getAttribute('id'));
      await page.keyboard.press('Escape');
      expect(await crumbs(page)).toEqual(['all']);
    });

    test('Enter in the search goes from match to match', async () => {
      await page.locator('#search').fill('walk');
      await searched(page).toContain('frames');
      const seen: string[] = [];
      for (let i = 0; i < 5; i++) {
        await page.keyboard.press('Enter');
        seen.push((await page.locator('#flame [role=treeitem]').getAttribute('id'))!);
      }
      expect(new Set(seen).size).toBe(4);
      expect(seen[4]).toBe(seen[0]);
    });

    test('icicle', async () => {
      await page.keyboard.press('i');
      const box = (await page.locator('#flame').boundingBox())!;
      await page.mouse.move(box.x + 30, box.y + ROW / 2);
      expect(await page.locator('#tooltip b').innerText()).toBe('all (1.00 s)');
      expect(await name(page, 0.8, 1)).toBe('worker');
      await open(await address(page));
      expect(await page.locator('#inverted').isChecked()).toBe(true);
    });

    test('reverse: innermost frames first', async () => {
      await page.keyboard.press('r');
      expect(await name(page, 0.01, 1)).toBe('handler');
      await page.locator('#order').selectOption('heavy');
      expect(await hover(page, 0.05, 1)).toMatch(/^sha256_block\n.*\ntotal: 410 ms, 41.0 % of total/);
      expect(await name(page, 0.05, 2)).toBe('walk');
    });

    test('recursion and packages fold', async () => {
      const walks = async () => {
        await page.locator('#search').fill('walk');
        await searched(page).toContain('frame');
        return page.locator('#matched').innerText();
      };
      expect(await walks()).toBe('40.0 % in 4 frames');
      await page.locator('#recursion').check();
      expect(await page.locator('#matched').innerText()).toBe('40.0 % in 2 frames');
      await page.locator('#packages').check();
      await page.locator('#search').fill('node_modules/express');
      await searched(page).toBe('15.0 % in 1 frame');
    });

    test('types of value', async () => {
      expect(await sum(page)).toBe('1.00 s');
      await page.getByLabel('Value').selectOption({ label: 'samples (count)' });
      expect(await sum(page)).toBe('100 samples');
      expect(await hover(page, 0.8, 1)).toContain('total: 39, 39.0 % of total');
    });

    test('threads as tabs', async () => {
      const tabs = page.getByRole('tab');
      expect(await texts(tabs)).toEqual(['All threads', 'server 10/1061.0 %', 'worker 10/1139.0 %']);
      await tabs.nth(2).click();
      expect(await tabs.nth(2).getAttribute('aria-selected')).toBe('true');
      expect(await sum(page)).toBe('390 ms');
      expect(await name(page, 0.01, 1)).toBe('worker');
      await page.keyboard.press('ArrowLeft');
      expect(await sum(page)).toBe('610 ms');
      expect(await name(page, 0.5, 1)).toBe('server');
    });

    test('the menu of a frame', async () => {
      const { x, y } = await point(page, 0.9, 3);
      await page.mouse.click(x, y, { button: 'right' });
      const items = page.getByRole('menuitem');
      expect(await texts(items)).toEqual([
        'Zoom to this frame',
        'Callers and callees',
        'Search for this function',
        'Copy name',
      ]);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await searched(page).toContain('40.0 %');
      await page.mouse.click(x, y, { button: 'right' });
      await page.keyboard.press('Escape');
      expect(await page.locator('#menu').isHidden()).toBe(true);
      expect(await page.locator('#search').inputValue()).toBe('walk');
    });

    test('colours by module and by name, and those for fewer hues', async () => {
      const legend = page.locator('#legend span');
      const picture = async () => (await page.locator('#flame canvas').screenshot()).toString('base64');
      const seen = new Set([await picture()]);
      expect(await texts(legend)).toEqual(['native', 'kernel', 'inlined', 'process', 'JavaScript']);
      await page.locator('#safe').check();
      seen.add(await picture());
      await page.locator('#colors').selectOption('module');
      expect((await texts(legend))[0]).toBe('libcrypto.so.3');
      seen.add(await picture());
      await page.locator('#colors').selectOption('name');
      seen.add(await picture());
      expect(seen.size).toBe(4);
    });
  });

  describe('time', () => {
    beforeEach(() => open(server));

    test('a range of the heat map redraws everything', async () => {
      const map = page.locator('#heatmap canvas');
      const box = (await map.boundingBox())!;
      // The second column is the second second: from its bottom to its top.
      await page.mouse.move(box.x + box.width * 0.75, box.y + box.height - 1);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.75, box.y + 1);
      await page.mouse.up();
      expect(await page.locator('#range').innerText()).toBe('1.00 – 2.00 s');
      expect(await sum(page)).toBe('390 ms');
      expect(await name(page, 0.1, 1)).toBe('worker');
      const url = await address(page);
      await page.getByRole('button', { name: 'All of the time' }).click();
      expect(await sum(page)).toBe('1.00 s');
      await open(url);
      expect(await sum(page)).toBe('390 ms');
    });

    test('by keyboard', async () => {
      await page.locator('#heatmap canvas').focus();
      for (const key of ['ArrowRight', 'Enter', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
      expect(await page.locator('#range').innerText()).toBe('0.00 – 1.02 s');
      await page.keyboard.press('Escape');
      expect(await sum(page)).toBe('1.00 s');
    });

    test('frames in order of time', async () => {
      await page.locator('#order').selectOption('time');
      expect(await name(page, 0.02, 1)).toBe('server');
      // The worker's 30 samples of walk came before its 9 of reading.
      expect(await name(page, 0.63, 3)).toBe('walk');
      expect(await name(page, 0.98, 3)).toBe('vfs_read');
      expect(await page.locator('#reverse').isHidden()).toBe(true);
    });

    test('without times there is no map and no such order', async () => {
      await open(pages.write(render(collapsed('a;b 1'))));
      expect(await page.locator('#time').isHidden()).toBe(true);
      expect(await texts(page.locator('#order option'))).toEqual(['by name', 'left heavy']);
      expect(await page.locator('#tabs').isHidden()).toBe(true);
      expect(await page.locator('#type').isHidden()).toBe(true);
      expect(await page.locator('#download').isHidden()).toBe(true);
      expect(await page.locator('#packages').isHidden()).toBe(true);
    });
  });

  describe('functions', () => {
    beforeEach(() => open(server));
    const rows = () => texts(page.locator('#rows .name'));

    test('table: sorted, filtered', async () => {
      await page.getByRole('button', { name: 'Functions' }).click();
      const table = page.getByRole('table', { name: 'Functions with their own and their inclusive values' });
      expect((await rows()).slice(0, 3)).toEqual(['sha256_block', 'vfs_read', 'parse_request']);
      await table.getByRole('button', { name: 'Total' }).click();
      expect((await rows()).slice(0, 2)).toEqual(['_start', 'main']);
      expect(await page.locator('th[aria-sort=descending]').innerText()).toBe('Total');
      await table.getByRole('button', { name: 'Function' }).click();
      expect((await rows()).slice(0, 3)).toEqual(['Layer.handle', '_start', 'event_loop']);
      await page.getByLabel('Filter functions').fill('WAL');
      expect(await rows()).toEqual(['walk']);
      const amounts = await texts(page.locator('#rows tr').first().locator('.number:not(.change)'));
      expect(amounts.map(text => text.replace(/\s+/g, ' '))).toEqual(['40.0 ms4.0 %', '400 ms40.0 %']);
      expect(await page.locator('#count').innerText()).toBe('1 of 1 functions');
    });

    test('sandwich: from the table, and from frame to frame', async () => {
      await page.getByRole('button', { name: 'Functions' }).click();
      await page.locator('#rows').getByRole('button', { name: 'walk' }).click();
      expect(await page.locator('#sandwich-title').innerText()).toBe('walk');
      expect(await hover(page, 0.2, 0, 'callers')).toContain('total: 400 ms, 40.0 % of total');
      expect(await name(page, 0.1, 1, 'callers')).toBe('_start');
      expect(await name(page, 0.95, 1, 'callers')).toBe('main');
      expect(await name(page, 0.1, 1, 'callees')).toBe('sha256_block');
      expect(await name(page, 0.99, 1, 'callees')).toBe('walk');
      await click(page, 0.99, 1, 'callees');
      expect(await name(page, 0.02, 1, 'callees')).toBe('walk');
      await page.keyboard.press('s');
      const { x, y } = await point(page, 0.1, 1, 'callers');
      await page.mouse.dblclick(x, y);
      expect(await page.locator('#sandwich-title').innerText()).toBe('_start');
      await page.goBack();
      expect(await page.locator('#sandwich-title').innerText()).toBe('walk');
    });

    test('sandwich: from the flame graph, by double click and by key, and by link', async () => {
      const { x, y } = await point(page, 0.9, 4);
      await page.mouse.dblclick(x, y);
      expect(await page.locator('#sandwich-title').innerText()).toBe('sha256_block');
      const url = await address(page);
      await open(server);
      await page.getByRole('tree', { name: 'Flame graph' }).focus();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('s');
      expect(await page.locator('#sandwich-title').innerText()).toBe('server');
      await open(url);
      expect(await page.locator('#sandwich-title').innerText()).toBe('sha256_block');
      expect(await page.locator('#rows [aria-selected=true] .name').innerText()).toBe('sha256_block');
    });
  });

  describe('a difference', () => {
    beforeEach(() => open(difference));

    test('both sides, the change, and what has vanished', async () => {
      expect(await sum(page)).toBe('113, base 107 samples');
      expect(await page.locator('#colors').inputValue()).toBe('change');
      await page.locator('#search').fill('query');
      await searched(page).toMatch(/in 1 frame$/);
      await page.keyboard.press('Enter');
      const vanished = await page.locator('#flame [role=treeitem]').textContent();
      expect(vanished).toContain('total: 0, 0 %; base 14, 13.1 %; total change: −13.1 points, gone');
      await page.locator('#search').fill('parse_request');
      await searched(page).toMatch(/in 1 frame$/);
      await page.keyboard.press('Enter');
      const grown = await page.locator('#flame [role=treeitem]').textContent();
      expect(grown).toContain('total: 35, 31.0 %; base 15, 14.0 %; total change: +17.0 points');
      expect(grown).toContain('self: 30, 26.5 %; base 10, 9.3 %; self change: +17.2 points');
    });

    test('values instead of shares; widths of one side', async () => {
      await page.locator('#normalize').uncheck();
      await page.locator('#search').fill('query');
      await searched(page).toMatch(/in 1 frame$/);
      await page.keyboard.press('Enter');
      expect(await page.locator('#flame [role=treeitem]').textContent()).toContain('total change: −14, gone');
      await page.locator('#side').selectOption('head');
      await searched(page).toBe('0 % in 1 frame');
      await page.locator('#side').selectOption('base');
      await searched(page).toBe('13.1 % in 1 frame');
    });

    test('less is blue, more is red, and self may be what counts', async () => {
      const color = async (search: string) => {
        await page.locator('#search').fill(search);
        await searched(page).toContain('frame');
        await page.keyboard.press('Enter');
        const mark = (await page.locator('#flame .mark').boundingBox())!;
        await page.keyboard.press('Escape');
        await page.locator('#search').blur();
        return page.evaluate<number[]>(`(() => {
          const canvas = document.querySelector('#flame canvas');
          const box = canvas.getBoundingClientRect();
          const copy = new OffscreenCanvas(1, 1).getContext('2d');
          copy.drawImage(canvas, box.left - ${mark.x} - 2, box.top - ${mark.y} - 3);
          return [...copy.getImageData(0, 0, 1, 1).data];
        })()`);
      };
      const [red = 0, , blue = 0] = await color('parse_request');
      expect(red).toBeGreaterThan(blue + 50);
      const [less = 0, , gone = 0] = await color('query');
      expect(gone).toBeGreaterThan(less + 50);
      const [total = 0, , above = 0] = await color('event_loop');
      expect(total).toBeGreaterThan(above + 20);
      await page.locator('#change').selectOption('self');
      const self = await color('event_loop');
      expect(Math.max(...self.slice(0, 3)) - Math.min(...self.slice(0, 3))).toBeLessThan(10);
    });

    test('the table sorts by change', async () => {
      await page.getByRole('button', { name: 'Functions' }).click();
      await page.getByRole('button', { name: 'Total change' }).click();
      const first = page.locator('#rows tr').first();
      expect(await texts(first.locator('td').last().locator('.name'))).toEqual(['parse_request']);
      expect(await texts(first.locator('.change'))).toEqual(['+17.2 points', '+17.0 points']);
      await page.getByRole('button', { name: 'Total change' }).click();
      expect(await first.locator('.name').innerText()).toBe('Layer.handle');
    });
  });

  describe('the page', () => {
    test('light and dark: as the reader prefers, and by the button', async () => {
      const back = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      await open(server, { colorScheme: 'dark' });
      expect(await back()).toBe('rgb(13, 17, 23)');
      await page.getByRole('button', { name: 'Light' }).click();
      expect(await back()).toBe('rgb(255, 255, 255)');
      await open(server, { colorScheme: 'light' });
      expect(await back()).toBe('rgb(255, 255, 255)');
      await page.emulateMedia({ colorScheme: 'dark' });
      await expect.poll(back, { timeout: 10_000 }).toBe('rgb(13, 17, 23)');
      await open(pages.write(render(collapsed('a 1'), { theme: 'dark' })), { colorScheme: 'light' });
      expect(await back()).toBe('rgb(13, 17, 23)');
    });

    test('the embedded profile comes out as it went in', async () => {
      await open(server);
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download pprof' }).click(),
      ]);
      expect(download.suggestedFilename()).toBe('profile.pb.gz');
      expect(readFileSync(await download.path()).equals(PPROF)).toBe(true);
    });

    test('what a screen reader reads', async () => {
      await open(server);
      const tree = await page.locator('body').ariaSnapshot();
      for (const part of [
        '- heading "server" [level=1]',
        '- img "Flame graph"',
        '- tree "Flame graph. Arrow keys move',
        '- searchbox "Search functions"',
        '- tab "All threads" [selected]',
        '- application "Samples over time.',
        '- button "Flame graph" [pressed]',
        '- combobox "Order"',
      ]) {
        expect(tree).toContain(part);
      }
      await open(`${server}#view=functions&focus=0walk`);
      const functions = await page.locator('#functions-view').ariaSnapshot();
      expect(functions).toContain('- table "Functions with their own and their inclusive values"');
      expect(functions).toMatch(
        /row "40\.0 ms 4\.0 % 400 ms 40\.0 % walk tree\.c:7" \[selected\]|row "40\.0 ms 4\.0 % 400 ms 40\.0 % .*walk.*tree\.c:7"/,
      );
      expect(functions).toContain('- img "Callers"');
      expect(functions).toContain('- img "Callees"');
    });

    test('thousands of rows: only what can be seen is drawn, and all of it can be reached', async () => {
      const stack = Array.from({ length: 3000 }, (_, i) => `level_${i}`).join(';');
      await open(pages.write(render(collapsed(`${stack} 1`))));
      const canvas = (await page.locator('#flame canvas').boundingBox())!;
      expect(canvas.height).toBeLessThanOrEqual(800);
      expect(await page.evaluate<number>(`document.getElementById('flame').scrollHeight`)).toBe(3001 * ROW);
      // The root is at the bottom, and in sight.
      expect(await name(page, 0.5, 0)).toBe('all (1)');
      await page.evaluate(`document.getElementById('flame').scrollTop = 0`);
      await expect.poll(() => name(page, 0.5, 1), { timeout: 10_000 }).toMatch(/^level_29\d\d$/);
      await page.getByRole('tree').focus();
      for (let i = 0; i < 60; i++) await page.keyboard.press('ArrowUp');
      expect(await page.getByRole('treeitem').textContent()).toMatch(/^level_59;/);
      const mark = (await page.locator('#flame .mark').boundingBox())!;
      expect(mark.y).toBeGreaterThanOrEqual(canvas.y);
    });

    test('fits a narrow window', async () => {
      await open(server, { viewport: { width: 360, height: 700 } });
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360);
      await page.getByRole('button', { name: 'Functions' }).click();
      await page.locator('#rows').getByRole('button', { name: 'walk' }).click();
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360);
      await page.locator('#callees').scrollIntoViewIfNeeded();
      expect(await name(page, 0.1, 0, 'callees')).toBe('walk');
    });

    test.each([
      ['no samples', collapsed('')],
      ['samples without frames', collapsed('- 5')],
      ['one frame', collapsed('main 1')],
      ['only zeros', collapsed('a;b 0')],
    ])('%s', async (_, data) => {
      await open(pages.write(render(data)));
      expect(await sum(page)).toMatch(/^(no|5|1) samples$/);
      await page.getByRole('button', { name: 'Functions' }).click();
      expect(await page.locator('#count').innerText()).toMatch(/functions$/);
    });

    test('without gzip it is the same', async () => {
      await open(pages.write(render(serverData(), { compress: undefined })));
      expect(await name(page, 0.8, 1)).toBe('worker');
      expect(await sum(page)).toBe('1.00 s');
    });

    test('says so when its data is damaged', async () => {
      const html = render(serverData(), { compress: undefined }).replace(/(id="data">)[^<]{40}/, '$1');
      const damaged = await browser.newPage();
      await damaged.goto(pages.write(html));
      expect(await damaged.getByRole('alert').innerText()).toContain('cannot be shown');
      await damaged.close();
    });

    test('says what it needs where scripts do not run', async () => {
      const context = await browser.newContext({ javaScriptEnabled: false });
      const still = await context.newPage();
      await still.goto(server);
      expect(await still.locator('noscript').innerText()).toContain('needs JavaScript');
      expect(await still.locator('h1').innerText()).toBe('server');
      expect(await still.locator('#search').isVisible()).toBe(false);
      await context.close();
    });
  });
});
