/**
 * The HTML flame graph of 100,000 distinct stacks, 29 frames deep on average: size of the page with all of them in it,
 * and what it takes in headless Chromium. `node dist/benchmarks/viewer.js`
 */

import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { renderHtml } from '../flamegraph/html.ts';
import type { FlameData } from '../flamegraph/index.ts';
import { script, style } from '../flamegraph/viewer/html.gen.ts';
import { chromiumPath, launch, withoutChromium } from '../test/support/chromium.ts';
import { folder, median, table } from './support.ts';

const RUNS = 9;
const STACKS = 100_000;
const DEPTH = 29;
const FUNCTIONS = 3000;
/** Functions that each function calls. */
const CALLEES = 8;

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Names as C++ has them, all in one module. */
function frames(): Pick<FlameData, 'names' | 'frames'> {
  const names = ['', 'libbench.so'];
  for (let i = 0; i < FUNCTIONS; i++)
    names.push(`bench::module_${i % 60}::Class${i % 400}<int>::method_${i}(char const*)`);
  return {
    names,
    frames: {
      length: FUNCTIONS,
      name: Uint32Array.from({ length: FUNCTIONS }, (_, i) => i + 2),
      kind: Uint8Array.from({ length: FUNCTIONS }, (_, i) => i % 4),
      detail: new Uint32Array(FUNCTIONS).fill(1),
    },
  };
}

/**
 * Distinct stacks that share the outer third of their frames on average.
 * @param callee the function that `caller` (−1: nobody) calls
 */
function profile(callee: (caller: number, next: () => number) => number): FlameData {
  const next = random(42);
  const prefix: number[] = [];
  const frame: number[] = [];
  const samples = { length: STACKS, stack: new Int32Array(STACKS), value: new Float64Array(STACKS) };
  let path: number[] = [];
  for (let i = 0; i < STACKS; i++) {
    const depth = 14 + Math.floor(next() * 2 * (DEPTH - 14) + 0.5);
    path = path.slice(0, Math.min(depth - 1, Math.floor(next() * 22)));
    while (path.length < depth) {
      prefix.push(path.at(-1) ?? -1);
      frame.push(callee(path.length > 0 ? frame[path.at(-1)!]! : -1, next));
      path.push(frame.length - 1);
    }
    samples.stack[i] = path.at(-1)!;
    samples.value[i] = 1 + Math.floor(next() ** 6 * 2000);
  }
  return {
    ...frames(),
    stacks: { length: prefix.length, prefix: Int32Array.from(prefix), frame: Uint32Array.from(frame) },
    samples,
  };
}

/** Programs call the same few functions from the same place, some of them far more often than others. */
function alongCalls(caller: number, next: () => number): number {
  if (caller < 0) return 0;
  return (Math.imul(caller * CALLEES + Math.floor(next() ** 3 * CALLEES) + 1, 2654435761) >>> 0) % FUNCTIONS;
}

/** No order at all: the worst case for anything that packs. */
function anyFunction(_: number, next: () => number): number {
  return Math.floor(next() ** 2 * FUNCTIONS);
}

/** ms, the median of what an expression takes in the page; `prepare` runs before each. */
async function time(page: Page, prepare: string, run: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    await page.evaluate(prepare);
    times.push(
      await page.evaluate<number>(
        `(() => { const start = performance.now(); ${run}; return performance.now() - start; })()`,
      ),
    );
  }
  return median(times);
}

const KEY = (key: string) => `dispatchEvent(new KeyboardEvent('keydown', { key: '${key}' }))`;
const SEARCH = (text: string) => `{ const field = document.getElementById('search'); field.value = '${text}';
  field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true })); }`;
/** A click into the middle of the row above the root's. */
const ZOOM = `{ const graph = document.getElementById('flame'); const box = graph.getBoundingClientRect();
  graph.dispatchEvent(new MouseEvent('click', { clientX: box.left + 200, clientY: box.bottom - 45, bubbles: true })); }`;

async function measure(title: string, data: FlameData): Promise<string[]> {
  const start = process.cpuUsage();
  const html = [...renderHtml(data, { compress: bytes => gzipSync(bytes, { level: 9 }) })].join('');
  const usage = process.cpuUsage(start);
  const path = join(folder, 'page.html');
  writeFileSync(path, html);
  const browser = await launch();
  const paints: number[] = [];
  let page = await browser.newPage();
  for (let i = 0; i < 3; i++) {
    await page.close();
    page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
    await page.goto(pathToFileURL(path).href);
    await page.waitForSelector('html[data-ready]');
    paints.push(await page.evaluate<number>(`performance.getEntriesByName('drawn')[0].startTime`));
  }
  const row = [
    title,
    `${(statSync(path).size / 1e6).toFixed(2)} MB`,
    `${((usage.user + usage.system) / 1e3).toFixed(0)} ms`,
    `${median(paints).toFixed(0)} ms`,
    `${(await time(page, KEY('0'), ZOOM)).toFixed(1)} ms`,
    `${(await time(page, KEY('0'), SEARCH('method_12'))).toFixed(1)} ms`,
    `${(await time(page, KEY('0'), SEARCH('/Class1\\\\d.*9/'))).toFixed(1)} ms`,
    `${(await time(page, KEY('0'), KEY('r'))).toFixed(0)} ms`,
  ];
  await browser.close();
  return row;
}

console.log(`viewer: ${((script.length + style.length) / 1e3).toFixed(1)} kB of script and style`);
if (withoutChromium) console.log(`skipped: no ${chromiumPath}`);
else {
  table([
    ['stacks', 'page', 'CPU to write', 'first paint', 'zoom', 'search', '/search/', 'reverse'],
    await measure('along calls', profile(alongCalls)),
    await measure('any function', profile(anyFunction)),
  ]);
}
