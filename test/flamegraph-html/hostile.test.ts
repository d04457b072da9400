import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HtmlData } from '../../flamegraph/html-data.ts';
import { flameData, type TestFrame } from '../flamegraph/fixture.ts';
import { chromiumPath, launch, watch, withoutChromium } from '../support/chromium.ts';
import { Pages, render } from './fixture.ts';

/** Runs where a script of somebody else runs. */
const hit = 'window.hits=(window.hits||0)+1';
const long = 'n'.repeat(100_000);

/** Names as an attacker would choose them, and how they read in full. */
const ATTACKS: readonly (readonly [name: string, shown: string])[] = [
  ...[
    `<script>${hit}</script>`,
    `</script><script>${hit}</script>`,
    `<img src=x onerror="${hit}">`,
    `"><svg onload=${hit}>`,
    `' onmouseover='${hit}`,
    `</title></style></textarea><iframe srcdoc="<script>parent.hits=1</script>">`,
    `<!--<script>${hit}`,
    `-->]]><script>${hit}</script><![CDATA[`,
    `javascript:${hit}`,
    `<a href="javascript:${hit}">x</a>`,
    `<base href="http://evil.example/"><link rel=stylesheet href=x>`,
    `<meta http-equiv=refresh content="0;url=http://evil.example/">`,
    `\${${hit}} {{${hit}}} %s $& $1 \\`,
    `');${hit};//`,
    '&lt;b&gt; &amp;#60; &undefined;',
    '__proto__',
    'constructor',
    'toString',
    '#zoom=x&view=functions',
    '(a+)+$ [ ( * /x/',
    'data:text/html,<script>1</script>',
    'دالة שם 関数名 函数 😀 👨\u200d👩\u200d👧',
    ' leading and  double spaces ',
  ].map(name => [name, name] as const),
  ['', '(no name)'],
  ['nul\0escape\x1b[31m', 'nul�escape�[31m'],
  ['half a pair \ud83d', 'half a pair �'],
  ['other half \ude00 more', 'other half � more'],
  ['line\nself: 99 %\u2028paragraph\u2029', 'line␤self: 99 %␤paragraph␤'],
  ['safe_\u202eexe.cod', 'safe_‹U+202E›exe.cod'],
  ['zero\u200bwidth\ufeff', 'zero‹U+200B›width‹U+FEFF›'],
  [long, `${'n'.repeat(1000)}… (+99,000 characters)`],
];

function attackData(): HtmlData {
  const stacks = ATTACKS.map(([name], i) => {
    const frame: TestFrame = [name, i % 2 === 0 ? 'native' : 'jit', name];
    return [[['root', 'process'] as const, frame, ['inner', 'native', name] as const], 10] as const;
  });
  const data = flameData(stacks);
  return {
    ...data,
    sampleTypes: [
      { type: ATTACKS[0]![0], unit: ATTACKS[1]![0], value: data.samples.value },
      { type: ATTACKS[2]![0], unit: 'count', value: data.samples.value },
    ],
    threads: { names: ATTACKS.map(([name]) => name), of: Uint32Array.from(ATTACKS, (_, i) => i) },
  };
}

const hits = (page: Page) => page.evaluate<number>('window.hits ?? 0');
/** Names of all elements, to tell whether one came from a name. */
const elements = (page: Page) =>
  page.evaluate<string[]>(`[...new Set([...document.querySelectorAll('*')].map(element => element.localName))].sort()`);
const ROW = 18;

/** A browser on a busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe.skipIf(withoutChromium)(`names that attack, in Chromium (${chromiumPath})`, () => {
  const pages = new Pages();
  const trouble: string[] = [];
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    browser = await launch();
    const text = ATTACKS.map(([name]) => name.slice(0, 5000));
    url = pages.write(
      render(attackData(), { title: text.slice(0, 10).join(' '), facts: text.map(each => [each, each] as const) }),
    );
  });
  afterAll(async () => {
    await browser?.close();
    pages.remove();
  });
  afterEach(() => expect(trouble.splice(0)).toEqual([]));

  test('nothing runs, nothing becomes an element, wherever names are shown', async () => {
    const page = await pages.open(browser, url, trouble);
    const before = await elements(page);
    const box = (await page.locator('#flame').boundingBox())!;
    for (let i = 0; i < ATTACKS.length; i++) {
      const x = box.x + ((i + 0.5) / ATTACKS.length) * box.width;
      await page.mouse.move(x, box.y + box.height - 2.5 * ROW);
      expect(await page.locator('#tooltip').isVisible()).toBe(true);
      if (i % 5 !== 0) continue;
      await page.mouse.click(x, box.y + box.height - 2.5 * ROW, { button: 'right' });
      await page.getByRole('menuitem', { name: 'Search for this function' }).click();
      await page.keyboard.press('Escape');
    }
    await page.getByRole('button', { name: 'Functions' }).click();
    for (const button of (await page.locator('#rows .name').all()).slice(0, 8)) await button.click();
    expect(await hits(page)).toBe(0);
    const added = (await elements(page)).filter(element => !before.includes(element));
    expect(added.filter(element => !['tr', 'td', 'button', 'b', 'span'].includes(element))).toEqual([]);
    await page.close();
  });

  test('everything still reads', async () => {
    const page = await pages.open(browser, `${url}#view=functions`, trouble);
    const names = await page.locator('#rows .name').evaluateAll(all => all.map(element => element.textContent));
    for (const [, shown] of ATTACKS) expect(names).toContain(shown);
    await page.close();
  });

  test('every frame has a link', async () => {
    const page = await pages.open(browser, url, trouble);
    const box = (await page.locator('#flame').boundingBox())!;
    const links: string[] = [];
    for (let i = 0; i < ATTACKS.length; i++) {
      await page.mouse.click(box.x + ((i + 0.5) / ATTACKS.length) * box.width, box.y + box.height - 2.5 * ROW);
      links.push(await page.evaluate<string>('location.hash'));
      await page.keyboard.press('Escape');
    }
    const again = await pages.open(browser, url, trouble);
    const read: string[] = [];
    for (const link of links) {
      await again.evaluate(`location.hash = ${JSON.stringify(link)}`);
      await expect.poll(() => again.locator('#crumbs button').count(), { timeout: 10_000 }).toBe(3);
      read.push((await again.locator('#crumbs button').last().textContent())!.slice(0, 100));
    }
    expect(read.sort()).toEqual(ATTACKS.map(([, shown]) => shown.slice(0, 100)).sort());
    expect(await hits(again)).toBe(0);
    await page.close();
    await again.close();
  });

  test.each([
    ['markup in the zoom', `zoom=<img src=x onerror=${hit}>`],
    ['markup in the search', `search=<script>${hit}</script>`],
    ['markup in the function', `focus=0<svg onload=${hit}>&view=functions`],
    ['a pattern that takes for ever', 'search=/(a%2B)%2B$/'],
    ['a long way', `zoom=${'0a/'.repeat(20_000)}`],
    ['half a character', '%E0%A4%A'],
  ])('an address that attacks: %s', async (_, hash) => {
    const page = await pages.open(browser, `${url}#${hash}`, trouble);
    expect(await hits(page)).toBe(0);
    await page.close();
  });

  test('the policy: a script in the page that is not the viewer does not run', async () => {
    const html = render(attackData()).replace('</body>', `<script>${hit}</script><img src=x onerror="${hit}"></body>`);
    const page = await browser.newPage();
    const refused: string[] = [];
    watch(page, refused, () => true);
    await page.goto(pages.write(html));
    await page.waitForSelector('html[data-ready]');
    await expect
      .poll(() => refused.filter(text => /Content Security Policy/.test(text)).length)
      .toBeGreaterThanOrEqual(2);
    expect(await hits(page)).toBe(0);
    await page.close();
  });

  test('the policy: nothing loads or connects, no style of anybody else applies', async () => {
    const page = await browser.newPage();
    const said: string[] = [];
    const requests: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      requests.push(request.url);
      response.end();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    watch(page, said, () => true);
    await page.goto(url);
    await page.waitForSelector('html[data-ready]');
    const failed = await page.evaluate<string[]>(`(async () => {
      const tries = {
        fetch: () => fetch('http://127.0.0.1:${port}/'),
        file: () => fetch('file:///etc/passwd'),
        script: () => { const s = document.createElement('script'); s.textContent = ${JSON.stringify(hit)}; document.body.append(s); throw 0; },
        handler: () => { document.body.setAttribute('onclick', ${JSON.stringify(hit)}); document.body.click(); throw 0; },
        worker: () => { new Worker('data:text/javascript,1'); throw 0; },
        image: () => new Promise((yes, no) => { const i = new Image(); i.onload = yes; i.onerror = no; i.src = 'http://127.0.0.1:${port}/x.png'; }),
        style: () => { const s = document.createElement('style'); s.textContent = 'body{outline:7px solid red}'; document.body.append(s);
          if (getComputedStyle(document.body).outlineWidth !== '7px') throw 0; },
        frame: () => new Promise((yes, no) => { const f = document.createElement('iframe'); f.srcdoc = '<script>parent.hits=1</script>'; f.onload = no; document.body.append(f); }),
      };
      const failed = [];
      for (const [name, run] of Object.entries(tries)) await Promise.resolve().then(run).catch(() => failed.push(name));
      return failed;
    })()`);
    expect(failed).toEqual(['fetch', 'file', 'script', 'handler', 'worker', 'image', 'style', 'frame']);
    expect(await hits(page)).toBe(0);
    expect(requests).toEqual([]);
    server.close();
    expect(said.some(text => text.includes('Content Security Policy'))).toBe(true);
    await page.close();
  });
});
