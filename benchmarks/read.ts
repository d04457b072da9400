/**
 * Reading text: collapsed stacks of 100,000 and 500,000 lines of 29 frames on average, to columns and to an SVG; and
 * 100,000 samples of `perf script`. Whole processes, beside flamegraph.pl and stackcollapse-perf.pl when
 * $FLAMEGRAPH_DIR has them (github.com/brendangregg/FlameGraph). Medians of five runs in turns, of the Perl scripts one
 * run. `node dist/benchmarks/read.js`
 */
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { readProfile } from '../src/decode/index.ts';
import { formatByName } from '../src/encode/index.ts';
import { folder, has, measure, median, table, type Usage } from './support.ts';

const FUNCTIONS = 5000;
const SAMPLES = 1_000_000;
const RUNS = 5;
/** Outermost frames that a stack shares with the one before, on average. */
const SHARED = 11;

const below = (() => {
  let state = 42;
  return (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
})();

/** Mostly the same functions; names of 55 characters. */
function anyFunction(): number {
  return Math.floor(below(FUNCTIONS) ** 2 / FUNCTIONS);
}

function nameOf(i: number): string {
  return `bench::module_${i % 60}::Class${i % 400}<int>::method_${i}(char const*)`;
}

/** Functions of each stack, outermost first. */
function* stacks(count: number): Generator<readonly number[]> {
  let path: number[] = [];
  for (let i = 0; i < count; i++) {
    path = path.slice(0, below(2 * SHARED));
    const depth = 9 + below(40);
    while (path.length < depth) path.push(anyFunction());
    yield path;
  }
}

function* collapsedText(count: number): Generator<string> {
  for (const path of stacks(count)) yield `${path.map(nameOf).join(';')} ${1 + below(2000)}\n`;
}

/** As many distinct stacks as a busy service has; each is sampled many times. */
function* perfText(count: number): Generator<string> {
  const distinct = [...stacks(5000)].map(path => {
    const line = (i: number) => `\t    ${(0x7f0000000000 + i * 4099).toString(16)} ${nameOf(i)}+0x${i.toString(16)}`;
    return path.toReversed().map(i => `${line(i)} (/usr/lib/x86_64-linux-gnu/libbench.so.${i % 9})\n`);
  });
  for (let i = 0; i < count; i++) {
    const time = (1000 + i / 1e4).toFixed(6);
    yield `worker-${i % 8} ${1000 + (i % 8)} [00${i % 4}] ${time}:   10101010 cpu-clock:pppH: \n`;
    yield `${distinct[below(distinct.length)]!.join('')}\n`;
  }
}

const self = fileURLToPath(import.meta.url);

/** Rows of the table: what, seconds, CPU seconds, MB/s, peak MB. */
async function compare(text: Iterable<string>, name: string, commands: Record<string, readonly string[]>) {
  const path = join(folder, name);
  await pipeline(Readable.from(text), createWriteStream(path));
  const megabytes = statSync(path).size / 1e6;
  console.log(`${name}: ${megabytes.toFixed(0)} MB`);
  const runs = Object.entries(commands).map(([what, command]) => ({ what, command, usages: [] as Usage[] }));
  for (let run = 0; run < RUNS; run++) {
    for (const { command, usages } of runs) {
      if (run === 0 || command[0] !== 'perl') usages.push(await measure([...command, path]));
    }
  }
  const rows = runs.map(({ what, usages }) => {
    const of = (figure: 'wall' | 'cpu' | 'rss') => median(usages.map(usage => usage[figure]));
    const speed = (megabytes / of('wall')).toFixed(0);
    return [what, of('wall').toFixed(2), of('cpu').toFixed(2), speed, of('rss').toFixed(0)];
  });
  table([['', 's', 'CPU s', 'MB/s', 'peak MB'], ...rows]);
}

async function main(): Promise<void> {
  const scripts = process.env.FLAMEGRAPH_DIR;
  const ours = { read: [process.execPath, self, 'read'], 'read, drawn as SVG': [process.execPath, self, 'svg'] };
  const peer = (name: string) => (has(name) ? { [name]: [name] } : {});
  const script = (name: string) => (scripts === undefined ? {} : { [name]: ['perl', join(scripts, name)] });
  for (const count of [100_000, 500_000]) {
    await compare(collapsedText(count), `${count.toLocaleString('en')} collapsed stacks`, {
      ...ours,
      ...peer('inferno-flamegraph'),
      ...script('flamegraph.pl'),
    });
  }
  await compare(perfText(SAMPLES), `${SAMPLES.toLocaleString('en')} samples of perf script`, {
    read: ours.read,
    ...peer('inferno-collapse-perf'),
    ...script('stackcollapse-perf.pl'),
  });
}

const [mode, path] = process.argv.slice(2);
if (mode === undefined || path === undefined) await main();
else {
  const profile = await readProfile(createReadStream(path, { highWaterMark: 2 ** 18 }), path);
  let bytes = 0;
  if (mode === 'svg') {
    const options = { annotate: false, labels: [], title: 'benchmark' };
    for (const chunk of formatByName('svg').encode(profile, options)) bytes += chunk.length;
  }
  if (profile.samples.length === 0 || (mode === 'svg' && bytes === 0)) throw new Error('nothing came out');
}
