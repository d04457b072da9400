import { spawnSync } from 'node:child_process';
import { createReadStream, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CommanderError } from 'commander';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { unpack } from '../../flamegraph/html-unpack.ts';
import { convertCommand } from '../../src/cli/convert-command.ts';
import { decodePprof } from '../../src/decode/pprof.ts';
import { encodePprof } from '../../src/encode/pprof.ts';
import type { Profile } from '../../src/model/profile.ts';
import { sampleTexts } from '../decode/support.ts';
import { captureOutput, out, runCommand, said } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { everything, profile } from '../support/profile.ts';

const path = testFolder();

captureOutput();

/** `profiler convert …`: its exit code. */
const run = (...args: readonly string[]) => runCommand(convertCommand(), args);

function write(name: string, from: Profile): string {
  writeFileSync(path(name), gzipSync(encodePprof(from, ['comm', 'pid', 'tid', 'cpu'])));
  return path(name);
}

/** Standard input from a file. */
function standardInput(name: string): void {
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(createReadStream(path(name)) as unknown as typeof process.stdin);
}

/** What `convert` makes of the arguments, as sorted collapsed text. */
async function collapsed(...args: readonly string[]): Promise<string[]> {
  expect(await run(...args, '-q', '-o', path('out.collapsed'))).toBe(0);
  return readFileSync(path('out.collapsed'), 'utf8').split('\n').slice(0, -1).sort();
}

let all = '';
let small = '';
beforeAll(() => {
  all = write('all.pb.gz', profile(everything, { losses: { 'samples lost (ring buffer full)': 3 } }));
  small = write('small.pb.gz', profile('a 1/1;main;f 1\na 1/2;main;g 2\nb 2/2;main;f [/lib/l.so] 4'));
  writeFileSync(path('text.folded'), 'a;main;f 1\nb;x 2\n');
});

describe('outputs', () => {
  test('of every format, in one go', async () => {
    const names = [
      ...['o.svg', 'o.html', 'o.pb.gz', 'o.txt', 'o.speedscope.json', 'o.firefox.json', 'o.json', 'o.top', 'o.tree'],
    ].map(name => path(name));
    expect(await run(all, '--title', 'All & more', ...names.flatMap(name => ['-o', name]))).toBe(0);
    const [svg, html, pprof, text, speedscope, firefox, json, top, tree] = names.map(name => readFileSync(name));
    expect(String(svg)).toContain('All &amp; more');
    expect(String(html)).toContain('<title>All &amp; more</title>');
    expect(sampleTexts(decodePprof(pprof!))).toEqual(sampleTexts(profile(everything)));
    expect(String(text)).toContain('app;main;run;work 3\n');
    expect(JSON.parse(String(speedscope)).name).toBe('All & more');
    expect(JSON.parse(String(firefox)).meta.product).toBe('All & more');
    expect(JSON.parse(String(json)).format).toBe('ebpf-profiler');
    expect(String(top)).toMatch(/^All & more\ncpu: 360 ms in 2.5 s\n/);
    expect(String(tree)).toContain('main (app)\n');
    expect(said).toBe(
      ['36 samples of 2.5 s', 'samples lost (ring buffer full): 3', ...names.map(name => `wrote ${name}`), ''].join(
        '\n',
      ),
    );
  });

  test('tables go to standard output where no file is named', async () => {
    expect(await run(small, '--format', 'top')).toBe(0);
    expect(out).toMatch(/^small\.pb\.gz\ncpu: 70\.0 ms in 2\.5 s\n/);
    expect(out).toContain('100.0%  main (app)\n');
  });

  test('order of the table', async () => {
    expect(await run(small, '--format', 'top', '--top-sort', 'cum')).toBe(0);
    expect(out.split('\n')[4]).toContain('main (app)');
  });

  test('standard output is collapsed text', async () => {
    expect(await run(small, '-o', '-')).toBe(0);
    expect(out).toBe('a;main;f 1\na;main;g 2\nb;main;f 4\n');
  });

  test('drawn as asked', async () => {
    const options = ['--width', '640', '--inverted', '--theme', 'dark', '--colors', 'module', '--color-blind-safe'];
    expect(await run(small, ...options, '-o', path('asked.svg'))).toBe(0);
    expect(await run(small, '-o', path('plain.svg'))).toBe(0);
    const widths = ['asked.svg', 'plain.svg'].map(name => /width="(\d+)"/.exec(readFileSync(path(name), 'utf8'))?.[1]);
    expect(widths).toEqual(['640', '1200']);
  });

  test('an output that cannot be written', async () => {
    expect(await run(small, '-o', path('missing/a.svg'), '-o', path('b.svg'))).toBe(7);
    expect(said).toContain(`cannot write "${path('missing/a.svg')}": its directory does not exist.`);
    expect(said).toContain(`wrote ${path('b.svg')}`);
  });
});

describe('inputs', () => {
  test('of any format', async () => expect(await collapsed(path('text.folded'))).toEqual(['a;main;f 1', 'b;x 2']));

  test('quietly', async () => {
    await collapsed(small);
    expect(said).toBe('');
  });

  test('several are one', async () => {
    expect(await collapsed(small, small, small)).toEqual(['a;main;f 3', 'a;main;g 6', 'b;main;f 12']);
    expect(await run(small, all, '-o', path('two.svg'))).toBe(0);
    expect(said).toContain('43 samples of 2.5 s in 2 profiles\n');
  });

  test('of several machines at several times: time counts once', async () => {
    const at = (startTimeMs: number) =>
      write(`at${startTimeMs}.pb`, profile('a;f 1', { startTimeMs, durationMs: 1000 }));
    expect(await run(at(1e12), at(2e12), at(2e12), '-o', path('windows.pb'))).toBe(0);
    expect(said).toContain('3 samples of 2.0 s in 3 profiles\n');
  });

  test('standard input', async () => {
    standardInput('small.pb.gz');
    expect(await collapsed('-', small)).toEqual(['a;main;f 2', 'a;main;g 4', 'b;main;f 8']);
  });

  test('without a sample', async () => {
    expect(await run(write('empty.pb.gz', profile('')), '-o', path('empty.svg'))).toBe(0);
    expect(said).toContain('0 samples of 2.5 s\nThere are no samples.\n');
  });

  test('with labels of any name, which pprof keeps', async () => {
    const from = profile('a;f 1\na;g 2');
    const labelSets = [[{ key: 'service', value: 'web' }]];
    const made = { ...from, labelSets };
    writeFileSync(path('labels.pb'), encodePprof(made, ['service']));
    expect(await run(path('labels.pb'), '-o', path('kept.pb.gz'))).toBe(0);
    expect(sampleTexts(decodePprof(readFileSync(path('kept.pb.gz'))))).toEqual(['f 1 service=web', 'g 2 service=web']);
    expect(await collapsed(path('labels.pb'), '--by', 'service')).toEqual(['web;f 1', 'web;g 2']);
  });
});

describe('times of several inputs', () => {
  const script = (name: string, seconds: number) => {
    const sample = (at: number) => `app 1 ${(seconds + at).toFixed(6)}: 1 cycles:\n\t12ab ${name} (/bin/a)\n\n`;
    writeFileSync(path(`${name}.perf`), sample(0) + sample(0.5));
    return path(`${name}.perf`);
  };
  const trace = (name: string, startTime: number) => {
    const callFrame = { functionName: name, url: 'file:///a.js', lineNumber: 0 };
    const samples = { samples: [1, 1], timeDeltas: [1000, 2000], startTime, endTime: startTime + 4000 };
    writeFileSync(path(`${name}.cpuprofile`), JSON.stringify({ nodes: [{ id: 1, callFrame }], ...samples }));
    return path(`${name}.cpuprofile`);
  };
  const times = async (...inputs: readonly string[]) => {
    expect(await run(...inputs, '-o', path('t.json'))).toBe(0);
    const { timeline, durationMs } = JSON.parse(readFileSync(path('t.json'), 'utf8'));
    return timeline && [...timeline.time.map((t: number) => Math.round(t)), durationMs];
  };

  test('of one clock', async () => {
    expect(await times(script('f', 100.25), script('g', 100))).toEqual([0, 250, 500, 750, 1000]);
    expect(said).toContain('Inputs stand where the clock of the machine puts them');
    expect(await times(trace('h', 7_000_000), trace('i', 7_002_000))).toEqual([1, 3, 3, 5, 8]);
  });

  test('of clocks that cannot be compared', async () => {
    expect(await times(script('f', 100), script('g', 900_000))).toEqual([0, 500, 500, 1000, 1000]);
    expect(said).toContain('Inputs stand one after the other in time: they have no common clock.\n');
  });

  test('of absolute starts', async () => {
    for (const [name, startTimeMs] of Object.entries({ f: 5000, g: 5100 })) {
      await run(script(name, 1), '-o', path(`${name}.json`));
      const json = JSON.parse(readFileSync(path(`${name}.json`), 'utf8'));
      writeFileSync(path(`${name}.json`), JSON.stringify({ ...json, startTimeMs }));
    }
    expect(await times(path('f.json'), path('g.json'))).toEqual([0, 100, 500, 600, 1000]);
    expect(said).not.toContain('Inputs stand');
  });

  test('which one does not have', async () => {
    await run(script('f', 1), '-o', path('f.pb.gz'));
    expect(await times(script('f', 1), path('f.pb.gz'))).toBeNull();
    expect(said).toContain('Times of samples are left out: not all inputs have them');
  });

  test('are in the page, with its threads', async () => {
    expect(await run(script('f', 1), script('g', 2), '-o', path('t.html'))).toBe(0);
    const [, data = ''] = /id="data">([^<]*)</.exec(readFileSync(path('t.html'), 'utf8'))!;
    const { timeline, threads } = unpack(gunzipSync(Buffer.from(data, 'base64')));
    expect([...timeline.time]).toEqual([0, 500, 1000, 1500]);
    expect(threads.names).toEqual(['app 1']);
  });
});

describe('what is asked of the profile', () => {
  test.each<[string, string[]]>([
    ['--focus ^f$', ['a;main;f 1', 'b;main;f 4']],
    ['--focus ^f$ --focus module:app', ['a;main;f 1', 'b;main;f 4']],
    ['--focus ^f$ --focus module:lib', ['b;main;f 4']],
    ['--ignore ^f$', ['a;main;g 2']],
    ['--ignore g --ignore module:lib', ['a;main;f 1']],
    ['--hide main', ['a;f 1', 'a;g 2', 'b;f 4']],
    ['--hide main --hide g', ['a 2', 'a;f 1', 'b;f 4']],
    ['--by thread', ['a (1);main;f 1', 'a (2);main;g 2', 'b (2);main;f 4']],
    ['--by process', ['a (1);main;f 1', 'a (1);main;g 2', 'b (2);main;f 4']],
    ['--by none', ['main;f 4', 'main;f 1', 'main;g 2'].sort()],
    ['--by tid', ['1;main;f 1', '2;main;f 4', '2;main;g 2']],
    ['--reverse', ['f;main 4', 'f;main 1', 'g;main 2'].sort()],
    ['--reverse --by comm', ['a;f;main 1', 'a;g;main 2', 'b;f;main 4']],
    ['--min-percent 50', ['a;main;(under 50 %) 1', 'a;main;(under 50 %) 2', 'b;main;f 4']],
    ['--sample-type cpu', ['a;main;f 10000000', 'a;main;g 20000000', 'b;main;f 40000000']],
    ['--sample-type samples', ['a;main;f 1', 'a;main;g 2', 'b;main;f 4']],
    ['--focus main --hide main --reverse --min-percent 20', ['f 4', '(under 20 %) 1', 'g 2'].sort()],
  ])('%s', async (args, expected) => {
    const merged = (lines: readonly string[]) => {
      const sums = new Map<string, number>();
      for (const line of lines) {
        const [, stack = '', count] = /^(.*) (\d+)$/.exec(line)!;
        sums.set(stack, (sums.get(stack) ?? 0) + Number(count));
      }
      return Object.fromEntries(sums);
    };
    expect(merged(await collapsed(small, ...args.split(' ')))).toEqual(merged(expected));
  });

  test('the sample type makes different profiles one', async () => {
    const sampleTypes = [{ type: 'samples', unit: 'count' }];
    const other = { ...profile('a;main;f 8'), sampleTypes };
    const one = write('one.pb.gz', { ...other, samples: { ...other.samples, values: [other.samples.values[0]!] } });
    await expect(run(small, one, '-o', path('x.svg'))).rejects.toMatchObject({ code: 'different-types' });
    expect(await collapsed(small, one, '--sample-type', 'samples')).toEqual(['a;main;f 9', 'a;main;g 2', 'b;main;f 4']);
  });
});

describe('told in a sentence', () => {
  test.each<[string, () => readonly string[], object]>([
    [
      'a file that is not there',
      () => [path('no.pb')],
      { message: `cannot read "${path('no.pb')}": it does not exist.` },
    ],
    ['a folder', () => [path()], { message: `cannot read "${path()}": it is a folder.` }],
    ['standard input twice', () => ['-', '-'], { message: 'standard input can be read only once.', exitCode: 2 }],
    ['no format', () => [small, '-o', 'x.png'], { code: 'unknown-format' }],
    [
      'a filter that leaves nothing',
      () => [small, '--focus', 'f', '--focus', 'nothing'],
      { code: 'nothing-left', message: '--focus "nothing" leaves no sample.' },
    ],
    ['a filter that takes everything', () => [small, '--ignore', '.'], { message: '--ignore "." leaves no sample.' }],
    [
      'a sample type',
      () => [small, '--sample-type', 'alloc'],
      { message: 'the profile has no sample type "alloc".', hint: 'It has samples (count), cpu (nanoseconds).' },
    ],
    ['a label', () => [small, '--by', 'pod'], { hint: 'There are comm, pid, tid.' }],
  ])('%s', async (_, args, expected) => {
    await expect(run('-o', path('never.svg'), ...args())).rejects.toMatchObject({ name: 'ProfilerError', ...expected });
  });

  test('a damaged file', async () => {
    const cut = write('cut.pb.gz', profile(everything));
    truncateSync(cut, 100);
    await expect(run(cut, '-o', path('never.svg'))).rejects.toMatchObject({
      name: 'ProfilerError',
      message: expect.stringContaining(`cannot read "${cut}": `),
    });
  });

  test.each([
    ['--focus', '(', 'no regular expression that can be used'],
    ['--hide', 'file:\\1', 'no regular expression that can be used'],
    ['--ignore', '(?=x)', 'no looking ahead or behind'],
    ['--min-percent', '101', 'from 0 to 100'],
    ['--min-percent', '', 'from 0 to 100'],
    ['--width', '1e9', 'from 200 to 20000'],
    ['--colors', 'pink', 'Allowed choices are kind, module, name'],
    ['--top-sort', 'name', 'Allowed choices are flat, cum'],
  ])('%s %s', async (option, value, reason) => {
    await expect(run(small, option, value)).rejects.toThrow(CommanderError);
    expect(said).toContain(reason);
  });

  test('no input', async () => {
    await expect(run('-o', 'x.svg')).rejects.toThrow(CommanderError);
    expect(said).toContain("missing required argument 'input'");
  });

  test('the help', async () => {
    await expect(run('--help')).rejects.toMatchObject({ exitCode: 0 });
    expect(out).toContain('profiler convert cpu.pb.gz --format top');
    expect(out).toContain("'file:\\.go$'");
  });
});

test('hostile names reach no terminal', async () => {
  const rename = { X: '\u001b[2J' };
  const losses = { 'lost \u001b[2J': 1 };
  const sampleTypes = [{ type: 'x\u001b[2J', unit: 'count' }];
  const from = profile('a;X 1', { rename, losses, sampleTypes });
  const file = write('hostile.pb.gz', { ...from, samples: { ...from.samples, values: [from.samples.values[0]!] } });
  expect(await run(file, '--format', 'top')).toBe(0);
  await expect(run(file, '--sample-type', 'y', '-o', path('x.svg'))).rejects.toMatchObject({
    hint: expect.not.stringContaining('\u001b'),
  });
  expect(out + said).not.toContain('\u001b');
  expect(said).toContain('1 x\ufffd[2J');
});

const hasGo = spawnSync('go', ['version']).status === 0;

test.skipIf(!hasGo)('go tool pprof -top has the same table (needs go)', { timeout: 60_000 }, async () => {
  const text = Array.from({ length: 300 }, (_, i) => `a;main;f${i % 7};g${i % 50};f${i % 3};h${i % 11} ${1 + (i % 5)}`);
  const file = write('go.pb.gz', profile(text.join('\n')));
  const args = ['tool', 'pprof', '-top', '-nodefraction=0', '-nodecount=1000', '-unit=ms', '-sample_index=cpu', file];
  const { stdout } = spawnSync('go', args, { encoding: 'utf8' });
  const table = stdout
    .slice(stdout.indexOf('cum%') + 5)
    .trim()
    .split('\n');
  const ofGo = table.map(line => {
    const [flat, , , cum, , name] = line.trim().split(/ +/);
    return `${name} ${Number.parseFloat(flat!)} ${Number.parseFloat(cum!)}`;
  });
  expect(await run(file, '--format', 'top')).toBe(0);
  const scale: Readonly<Record<string, number>> = { ms: 1, s: 1000, ns: 1 };
  const ours = out
    .split('\n')
    .slice(4, -1)
    .map(line => {
      const [flat, flatUnit, , , cum, cumUnit, , name] = line.trim().split(/ +/);
      return `${name} ${Number(flat) * scale[flatUnit!]!} ${Number(cum) * scale[cumUnit!]!}`;
    });
  expect(ours.toSorted()).toEqual(ofGo.toSorted());
});
