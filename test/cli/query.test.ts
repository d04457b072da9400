import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { queryCommand } from '../../src/cli/query-command.ts';
import { parseWhen } from '../../src/cli/query-when.ts';
import { decodePprof } from '../../src/decode/pprof.ts';
import type { Upload } from '../../src/sinks/sink.ts';
import { findProfiles } from '../../src/store/find.ts';
import { sampleTexts } from '../decode/support.ts';
import { never, openStore, uploadOf } from '../store/support.ts';
import { captureOutput, out, runCommand, said } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { readPprof } from '../support/pprof.ts';
import { profile } from '../support/profile.ts';

const path = testFolder();
const dir = path('store');
const MINUTE = 60_000;
const now = Date.now();
const ago = (minutes: number) => now - minutes * MINUTE;

captureOutput();

/** `profiler query …`: its exit code. */
const run = (...args: readonly string[]) => runCommand(queryCommand(), args);

async function store(folder: string, uploads: readonly Upload[]): Promise<void> {
  const sink = await openStore({ dir: folder });
  await sink.send(uploads, never);
}

const faults = { type: 'page-faults', unit: 'count' };

beforeAll(() => {
  const web = (minutes: number, text: string, labels = {}) =>
    uploadOf({ profile: profile(text), service: 'web', labels, startMs: ago(minutes) });
  return store(dir, [
    web(50, 'a;main;f 1\na;main;g 2', { host: 'x' }),
    web(40, 'a;main;f 10', { host: 'x' }),
    web(30, 'a;main;f 100\nb;main;f 5', { host: 'y' }),
    web(90, 'a;main;old 1000'),
    uploadOf({ profile: profile('d;q 7'), service: 'db', startMs: ago(20) }),
    uploadOf({
      profile: profile('a;h 1', { sampleTypes: [{ type: 'samples', unit: 'count' }, faults], periodType: faults }),
      service: 'web',
      name: 'page_faults',
      startMs: ago(20),
    }),
  ]);
});

const WEB = ['--dir', dir, '--service', 'web', '--label', '__name__=process_cpu'];

describe('one profile of many', () => {
  test('the last hour', async () => {
    expect(await run(...WEB, '-o', path('web.pb.gz'))).toBe(0);
    const result = readPprof(path('web.pb.gz'));
    expect(result.samples.map(({ frames, values, labels }) => [frames.join(';'), values[0], labels.comm])).toEqual([
      ['main;f', 111, 'a'],
      ['main;g', 2, 'a'],
      ['main;f', 5, 'b'],
    ]);
    expect(said).toBe(`118 samples of 45.0 s in 3 profiles\nwrote ${path('web.pb.gz')}\n`);
    const { startTimeMs, durationMs } = decodePprof(readFileSync(path('web.pb.gz')));
    expect([startTimeMs, durationMs]).toEqual([ago(50), 45_000]);
  });

  test.each<[string[], number]>([
    [['--from', '-2h'], 1118],
    [['--from', '-45m'], 115],
    [['--from', '-45m', '--to', '-35m'], 10],
    [['--from', String(ago(41)), '--to', new Date(ago(39)).toISOString()], 10],
    [['--label', 'host=x'], 13],
    [['--label', 'host=x', '--label', 'service_name=web', '--from', '-45m'], 10],
  ])('%j', async (args, samples) => {
    expect(await run(...WEB, ...args, '-o', path('some.txt'))).toBe(0);
    expect(said).toContain(`${samples} samples of`);
  });

  test('every format', async () => {
    const outputs = ['q.svg', 'q.html', 'q.pb.gz', 'q.collapsed'].map(name => path(name));
    expect(await run(...WEB, '--title', 'Web & more', ...outputs.flatMap(output => ['-o', output]))).toBe(0);
    const [svg, html, pprof, text] = outputs.map(output => readFileSync(output));
    expect(String(svg)).toContain('Web &amp; more');
    expect(String(html)).toContain('<title>Web &amp; more</title>');
    expect(decodePprof(pprof!).samples.length).toBe(3);
    expect(String(text).split('\n').sort()).toEqual(['', 'a;main;f 111', 'a;main;g 2', 'b;main;f 5']);
  });

  test('the format that is asked for, whatever the names say', async () => {
    expect(await run(...WEB, '--format', 'collapsed', '-o', '/dev/null', '-o', path('named'))).toBe(0);
    expect(readFileSync(path('named'), 'utf8')).toContain('a;main;g 2\n');
  });

  test('an output that cannot be written', async () => {
    expect(await run(...WEB, '-o', path('missing/a.svg'), '-o', path('b.svg'))).toBe(7);
    expect(said).toContain(`cannot write "${path('missing/a.svg')}": its directory does not exist.`);
    expect(said).toContain(`wrote ${path('b.svg')}`);
  });
});

test('a list', async () => {
  expect(await run('--dir', dir)).toBe(0);
  const rows = out.split('\n').map(line => line.split(/ {2,}/));
  const time = (minutes: number, ms = 0) => new Date(ago(minutes) + ms).toISOString();
  expect(rows).toEqual([
    ['SERVICE', 'PROFILE', 'WINDOWS', 'SAMPLES', 'FROM', 'TO'],
    ['db', 'process_cpu', '1', '1', time(20), time(20, 15_000)],
    ['web', 'page_faults', '1', '1', time(20), time(20, 15_000)],
    ['web', 'process_cpu', '3', '5', time(50), time(30, 15_000)],
    [''],
  ]);
});

test('names in a list cannot drive the terminal', async () => {
  const folder = path('hostile');
  await store(folder, [uploadOf({ profile: profile('a;f 1'), service: 'x\x1b[2J\u202e', startMs: ago(1) })]);
  await run('--dir', folder);
  expect(out).toContain('x\ufffd[2J\ufffd');
});

describe('what is damaged is skipped and named', () => {
  const folder = path('damaged');
  let paths: readonly string[] = [];

  beforeAll(async () => {
    const many = Array.from({ length: 20 }, (_, i) =>
      uploadOf({ profile: profile('a;f 1'), service: 's', startMs: ago(30 - i) }),
    );
    await store(folder, many);
    paths = findProfiles({ dir: folder, from: 0, to: now }).profiles.map(found => found.path);
  });

  test('a few', async () => {
    truncateSync(paths[3]!, 20);
    writeFileSync(paths[5]!, 'no profile');
    truncateSync(paths[7]!.replace('.pb.gz', '.json'), 3);
    expect(await run('--dir', folder, '-o', path('d.txt'))).toBe(0);
    expect(said).toContain(`skipped "${paths[7]}": its description is missing or damaged.\n`);
    expect(said).toContain(`skipped "${paths[3]}": its gzip compression is damaged or cut off.\n`);
    expect(said).toMatch(new RegExp(`skipped "${paths[5]}": its? .*\\.\n`));
    expect(said).toContain('17 samples of 255.0 s in 17 profiles');
  });

  test('many, and all', async () => {
    for (const file of paths) truncateSync(file, 0);
    await expect(run('--dir', folder, '-o', path('e.txt'))).rejects.toMatchObject({ code: 'nothing-to-merge' });
    expect(said.match(/^skipped "/gm)).toHaveLength(10);
    expect(said).toContain('skipped 10 more\n');
  });
});

describe('told in a sentence', () => {
  test('nothing there', async () => {
    await expect(run('--dir', dir, '--service', 'none', '--label', 'a=b', '-o', 'x.svg')).rejects.toMatchObject({
      name: 'ProfilerError',
      code: 'no-profiles',
      message: expect.stringMatching(/^".*store" has no profile of service "none" with a=b from \S+Z to \S+Z\.$/),
    });
  });

  test('profiles of different things', () =>
    expect(run('--dir', dir, '--service', 'web', '-o', 'x.svg')).rejects.toMatchObject({
      message: 'these are profiles of different things: page_faults, process_cpu.',
      hint: 'Choose one: --label __name__=page_faults.',
      exitCode: 2,
    }));

  test('the folder', async () => {
    await expect(run('--dir', path('nowhere'))).rejects.toMatchObject({
      message: `cannot read the folder "${path('nowhere')}": it does not exist.`,
    });
    writeFileSync(path('file'), '');
    await expect(run('--dir', path('file'))).rejects.toMatchObject({
      message: `cannot read the folder "${path('file')}": it is no folder.`,
    });
    mkdirSync(path('bare'));
    await expect(run('--dir', path('bare'))).rejects.toMatchObject({ code: 'no-profiles' });
  });

  test('a time that ends before it begins', () =>
    expect(run('--dir', dir, '--from', 'now', '--to', '-1h')).rejects.toMatchObject({ code: 'usage', exitCode: 2 }));

  test('an output of no known format, before anything is read', () =>
    expect(run('--dir', path('nowhere'), '-o', 'x.png')).rejects.toMatchObject({ code: 'unknown-format' }));

  test.each([
    ['--from', 'yesterday', 'It has to be a time'],
    ['--to', '15m', 'It has to be a time'],
    ['--label', 'host', 'It has to be a label and its value'],
    ['--label', '=x', 'It has to be a label and its value'],
  ])('%s %s', async (option, value, reason) => {
    await expect(run(option, value)).rejects.toThrow(CommanderError);
    expect(said).toContain(reason);
  });

  test('the help', async () => {
    await expect(run('--help')).rejects.toMatchObject({ exitCode: 0 });
    expect(out).toContain('profiler query --service checkout --from -2h --to -1h');
  });
});

describe('times', () => {
  const at = Date.UTC(2026, 0, 31, 10);
  test.each<[string, number]>([
    ['now', at],
    ['-30s', at - 30_000],
    ['-15m', at - 900_000],
    ['-1.5h', at - 5_400_000],
    ['-7d', at - 604_800_000],
    ['1769853600000', 1_769_853_600_000],
    ['0', 0],
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2026-01-31T10:00Z', at],
    ['2026-01-31T10:00:00.5Z', at + 500],
    ['2026-01-31T12:00:00+02:00', at],
    ['2026-01-31T10:00', new Date(2026, 0, 31, 10).getTime()],
  ])('%s', (text, expected) => expect(parseWhen(text, at)).toBe(expected));

  test.each(['', '15m', '-15', '-m', '-1w', '-1e9m', '2026-13-01', '2026-01-31 10:00', '99999999999999999', 'NaN'])(
    'no time: %j',
    text => expect(parseWhen(text, at)).toBeUndefined(),
  );
});

test('1,000 windows', { timeout: 60_000 }, async () => {
  const folder = path('many');
  const text = Array.from({ length: 300 }, (_, i) => `a;main;f${i % 7};g${i} ${1 + (i % 3)}`).join('\n');
  const template = uploadOf({ profile: profile(text), service: 'many', startMs: ago(1) });
  const start = now - 1000 * 15_000;
  await store(
    folder,
    Array.from({ length: 1000 }, (_, i) => ({ ...template, id: `w${i}`, startMs: start + i * 15_000 })),
  );
  expect(await run('--dir', folder, '--from', '-5h', '-o', path('many.pb'))).toBe(0);
  const one = decodePprof(template.pprof);
  const sum = sampleTexts(decodePprof(readFileSync(path('many.pb'))));
  expect(sum).toEqual(
    sampleTexts({ ...one, samples: { ...one.samples, values: one.samples.values.map(v => v.map(x => 1000 * x)) } }),
  );
  expect(said).toContain('in 1000 profiles');
});
