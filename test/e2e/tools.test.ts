import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, launch, watch, withoutChromium } from '../support/chromium.ts';
import { compile, needsBpf, obstacle, profiler, workFolder } from '../support/profiler.ts';

const has = (command: string) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
/** Where it may be; the last one is Debian's, in libdevel-nytprof-perl. */
const flamegraphPl = [
  process.env.FLAMEGRAPH_PL ?? '',
  'flamegraph.pl',
  '/usr/share/perl5/Devel/NYTProf/flamegraph.pl',
].find(name => name !== '' && has(name));

describe.skipIf(obstacle)(needsBpf('real tools read what is written'), () => {
  const folder = workFolder();
  const path = (name: string) => join(folder, name);

  beforeAll(() => {
    const outputs = ['a.svg', 'a.pb.gz', 'a.collapsed'].flatMap(name => ['-o', path(name)]);
    const labels = ['--labels', 'pid,tid,comm,cpu'];
    const program = compile(folder, 'demo.cc');
    expect(profiler(['record', '-F', '999', ...outputs, ...labels, '--', program, '2']).status).toBe(0);
  });

  describe.skipIf(!has('go'))('go tool pprof (needs go)', () => {
    const pprof = (...args: string[]) =>
      execFileSync('go', ['tool', 'pprof', ...args, path('a.pb.gz')], { encoding: 'utf8' });

    test('-top', () => {
      const top = pprof('-top', '-cum');
      expect(top).toContain('Type: cpu');
      expect(top).toContain('samples lost (ring buffer full): 0');
      expect(top).toMatch(/ indexer::parse\(/);
      expect(top).toMatch(/ main$/m);
    });

    test('-raw', () => {
      const raw = pprof('-raw');
      expect(raw).toContain('PeriodType: cpu nanoseconds');
      expect(raw).toContain('Period: 1001001');
      expect(raw).toMatch(/^samples\/count cpu\/nanoseconds/m);
      expect(raw).toMatch(/^\s+\d+: 0x[0-9a-f]+ M=\d+ main /m);
      expect(raw).toMatch(/^\s+comm:\[demo\] cpu:\[[01]\]/m);
      expect(raw).toMatch(/0x[0-9a-f]+\/0x[0-9a-f]+\/0x[0-9a-f]+ \S*\/demo [0-9a-f]{40} \[FN\]/);
    });

    test('-traces', () => {
      expect(pprof('-traces')).toMatch(/indexer::sort<[^\n]*\n\s+indexer::parse\([^\n]*\n\s+main$/m);
    });
  });

  test.skipIf(!flamegraphPl)('flamegraph.pl (needs libdevel-nytprof-perl, or FLAMEGRAPH_PL)', () => {
    const { stdout, stderr, status } = spawnSync('perl', ['-S', flamegraphPl!, path('a.collapsed')], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/<title>main \([\d,]+ samples/);
    const total = readFileSync(path('a.collapsed'), 'utf8').trim().split('\n');
    const samples = total.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    expect(stdout.replaceAll(',', '')).toContain(`<title>all (${samples} samples`);
  });

  describe.skipIf(withoutChromium)(`in a browser (needs ${chromiumPath})`, () => {
    let browser: Browser;
    const trouble: string[] = [];

    beforeAll(async () => {
      browser = await launch();
    });
    afterAll(() => browser?.close());

    async function open(url: string): Promise<Page> {
      const page = await browser.newPage();
      trouble.length = 0;
      watch(page, trouble, requested => /^(file|data|blob):/.test(requested));
      await page.goto(url);
      return page;
    }

    test("speedscope's importer reads the collapsed text", async () => {
      const app = dirname(createRequire(import.meta.url).resolve('speedscope/package.json'));
      const content = readFileSync(path('a.collapsed')).toString('base64');
      writeFileSync(path('load.js'), `speedscope.loadFileFromBase64('recorded.collapsed', '${content}')`);
      const page = await open(`file://${app}/dist/release/index.html#localProfilePath=${path('load.js')}`);
      await page.waitForFunction('document.title.includes("recorded.collapsed")', undefined, { timeout: 20_000 });
      expect(trouble.filter(line => line.startsWith('error'))).toEqual([]);
    });

    test('the picture opens without an error', async () => {
      const page = await open(`file://${path('a.svg')}`);
      const titles = await page.locator('title').allTextContents();
      expect(trouble).toEqual([]);
      expect(titles.some(title => title.startsWith('indexer::parse('))).toBe(true);
    });
  });
});
