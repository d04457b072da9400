/** A small server's profile with everything that a page can show, and pages on disk. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { renderHtml } from '../../flamegraph/html.ts';
import type { HtmlData, HtmlOptions } from '../../flamegraph/html-data.ts';
import { flameData, type TestFrame, type TestSample } from '../flamegraph/fixture.ts';
import { watch } from '../support/chromium.ts';

const root: TestFrame = ['server', 'process'];
const start: TestFrame = ['_start', 'native', 'server'];
const main: TestFrame = ['main', 'native', 'main.c:10'];
const loop: TestFrame = ['event_loop', 'native', 'loop.c:44'];
const parse: TestFrame = ['parse_request', 'native', 'http.c:120'];
const walk: TestFrame = ['walk', 'native', 'tree.c:7'];
const route: TestFrame = ['Layer.handle', 'jit', '/app/node_modules/express/lib/layer.js:80'];
const next: TestFrame = ['next', 'jit', '/app/node_modules/express/lib/router.js:100'];
const handler: TestFrame = ['handler', 'jit', '/app/src/users.js:12'];
const query: TestFrame = ['query', 'jit', '/app/node_modules/@db/client/index.js:5'];
const read: TestFrame = ['vfs_read', 'kernel', '[kernel]'];
const crypt: TestFrame = ['sha256_block', 'inlined', 'libcrypto.so.3'];

/** Stacks with samples; the thread of each below. */
export const SAMPLES: readonly TestSample[] = [
  [[root, start, main, loop, parse], 10],
  [[root, start, main, loop, parse, crypt], 5],
  [[root, start, main, loop, route, next, route, next, handler], 8],
  [[root, start, main, loop, route, next, handler, query], 7],
  [[root, start, main, loop, read], 20],
  [[root, start, main, walk, walk, walk, crypt], 6],
  [[root, start, main, walk, walk], 4],
  [[['worker', 'process'], start, walk, crypt], 30],
  [[['worker', 'process'], start, read], 9],
  [[], 1],
];
const THREADS = [0, 0, 0, 0, 0, 0, 0, 1, 1, 0];
/** Of all samples. */
export const TOTAL = 100;
export const PPROF = gzipSync(Buffer.from('stands for a profile'));

/** `server` works in the first second, `worker` in the second; two types of value. */
export function serverData(): HtmlData {
  const data = flameData(SAMPLES);
  const sample: number[] = [];
  const time: number[] = [];
  for (const worker of [0, 1]) {
    const rows = SAMPLES.flatMap(([, count], row) =>
      THREADS[row] === worker ? new Array<number>(count).fill(row) : [],
    );
    for (const [i, row] of rows.entries()) {
      sample.push(row);
      time.push(worker * 1000 + (i * 990) / rows.length);
    }
  }
  return {
    ...data,
    sampleTypes: [
      { type: 'samples', unit: 'count', value: data.samples.value },
      { type: 'cpu', unit: 'nanoseconds', value: data.samples.value.map(count => count * 1e7) },
    ],
    threads: { names: ['server 10/10', 'worker 10/11'], of: Uint32Array.from(THREADS) },
    timeline: { length: sample.length, sample: Uint32Array.from(sample), time: Float64Array.from(time) },
    pprof: PPROF,
  };
}

/** What the base of a difference has, in the order of {@link SAMPLES}: `parse_request` grew, `query` vanished. */
export function differenceData(): HtmlData {
  const head = [30, 5, 8, 0, 20, 6, 4, 30, 9, 1];
  const base = [10, 5, 8, 14, 20, 6, 4, 30, 9, 1];
  const data = flameData(SAMPLES);
  return {
    ...data,
    samples: { ...data.samples, value: Float64Array.from(head), base: Float64Array.from(base) },
  };
}

export function render(data: HtmlData, options: HtmlOptions = {}): string {
  return [...renderHtml(data, { compress: bytes => gzipSync(bytes), ...options })].join('');
}

/** Pages on disk, opened without a server. */
export class Pages {
  readonly #folder = mkdtempSync(join(tmpdir(), 'flamegraph-html-'));
  #count = 0;

  /** The address of a file with this text. */
  write(html: string): string {
    const path = join(this.#folder, `${this.#count++}.html`);
    writeFileSync(path, html);
    return pathToFileURL(path).href;
  }

  /** A page that is ready; `trouble` collects what no page should do, and requests of anything but itself. */
  async open(
    browser: Browser,
    url: string,
    trouble: string[],
    options: Parameters<Browser['newPage']>[0] = {},
  ): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 }, ...options });
    watch(page, trouble, requested => requested.split('#')[0] === url.split('#')[0] || requested === 'data:,');
    await page.goto(url);
    await page.waitForSelector('html[data-ready]');
    return page;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
