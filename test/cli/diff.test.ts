import { linkSync, readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { CommanderError } from 'commander';
import { describe, expect, test, vi } from 'vitest';
import { diffCommand } from '../../src/cli/diff-command.ts';
import { encodePprof } from '../../src/encode/pprof.ts';
import { counted } from '../diff/support.ts';
import { captureOutput, out, runCommand, said } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { profile } from '../support/profile.ts';

const path = testFolder();

/** Writes a pprof file; returns its path. */
function file(name: string, text: string): string {
  writeFileSync(path(name), encodePprof(counted(text), ['comm']));
  return path(name);
}

const before = file('before.pb', 'app;main;f 30\napp;main;g 70');
const after = file('after.pb', 'app;main;f 60\napp;main;h 40');

captureOutput();

/** `profiler diff …`: its exit code. */
const run = (...args: readonly string[]) => runCommand(diffCommand(), args);

describe('outputs', () => {
  test('a table at standard output', async () => {
    expect(await run(before, after)).toBe(0);
    expect(out.split('\n').slice(0, 4)).toEqual([
      'before.pb → after.pb',
      `base: 100 samples, ${before}`,
      `head: 100 samples, ${after}`,
      "samples: shares of each side's total; the totals differ by 0.0 %",
    ]);
    expect(out).toMatch(/70\.00 % +0\.00 % +-70\.00 pp +gone +g {2}\(app\)\n/);
    expect(out).toMatch(/0\.00 % +40\.00 % +\+40\.00 pp +new +h {2}\(app\)\n/);
    expect(said).toBe('');
  });

  test('every format, by extension', async () => {
    const outputs = ['d.txt', 'd.json', 'd.svg', 'd.html'].map(name => path(name));
    expect(await run(before, after, '--title', 'A & B', ...outputs.flatMap(name => ['-o', name]))).toBe(0);
    const [text, json, svg, html] = outputs.map(name => readFileSync(name, 'utf8'));
    expect(text).toContain('A & B\n');
    expect(JSON.parse(json!).title).toBe('A & B');
    expect(svg).toMatch(/^<svg.*<title>A &amp; B<\/title>/s);
    expect(html).toContain('<title>A &amp; B</title>');
    expect(said).toBe(outputs.map(name => `wrote ${name}\n`).join(''));
  });

  test('the format that is asked for, whatever the name says', async () => {
    expect(await run(before, after, '--format', 'json', '-o', path('named'), '-o', '-', '--absolute')).toBe(0);
    expect(JSON.parse(out)).toEqual(JSON.parse(readFileSync(path('named'), 'utf8')));
    expect(JSON.parse(out)).toMatchObject({ normalized: false, base: { profiles: [{ name: before, total: 100 }] } });
  });

  test('one that cannot be written does not keep the others', async () => {
    expect(await run(before, after, '-o', path('missing/d.txt'), '-o', path('e.txt'))).toBe(7);
    expect(said).toContain(`cannot write "${path('missing/d.txt')}": its directory does not exist.`);
    expect(said).toContain(`wrote ${path('e.txt')}`);
  });

  test('the widths of a side, the functions that are large enough', async () => {
    expect(await run(before, after, '--side', 'head', '-o', path('head.svg'))).toBe(0);
    expect(readFileSync(path('head.svg'), 'utf8')).not.toContain('<title>g\n');
    expect(await run(before, after, '--min-percent', '65', '-o', path('few.json'))).toBe(0);
    const { functions } = JSON.parse(readFileSync(path('few.json'), 'utf8'));
    expect(functions.map(({ name }: { name: string }) => name)).toEqual(['g', 'main']);
  });
});

describe('inputs', () => {
  test('several of a side count together', async () => {
    const more = file('more.pb', 'app;main;g 100');
    expect(await run('--base', before, more, '--head', after, '--format', 'json', '-o', '-')).toBe(0);
    const { base, functions } = JSON.parse(out);
    expect(base).toEqual({ total: 200, profiles: [before, more].map(name => ({ name, total: 100 })) });
    const g = functions.find(({ name }: { name: string }) => name === 'g');
    expect([g.self.base, g.self.basePercent]).toEqual([170, 85]);
    expect(await run('--base', before, more, '--head', after)).toBe(0);
    expect(out).toMatch(/^before\.pb and 1 more → after\.pb\n/m);
  });

  test('standard input', async () => {
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([readFileSync(after)]) as typeof process.stdin);
    expect(await run(before, '-', '--absolute')).toBe(0);
    expect(out).toMatch(/^before\.pb → standard input\n/);
    expect(out).toMatch(/30 +60 +\+30 +\+100\.0 % +f {2}\(app\)\n/);
  });

  test('other formats than pprof', async () => {
    writeFileSync(path('text'), 'app;main;f 30\napp;main;h 70\n');
    expect(await run(before, path('text'), '--force')).toBe(0);
    expect(out).toMatch(/70\.00 % +0\.00 % +-70\.00 pp +gone +g /);
    expect(out).not.toMatch(/ f( |$)/m);
  });

  const error = (code: string, message: string | RegExp, exitCode: number) => ({
    name: 'ProfilerError',
    code,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
    exitCode,
  });

  test.each<[string, string[], string]>([
    ['one file', [before], 'two profiles are compared, not 1.'],
    ['three files', [before, after, path('x')], 'two profiles are compared, not 3.'],
    ['no file', [], 'there is no profile for the base.'],
    ['no head', ['--base', before], 'there is no profile for the head.'],
    ['no base', ['--head', before], 'there is no profile for the base.'],
    ['a file of neither side', [before, '--head', after], `of which side "${before}" is cannot be told.`],
    ['a file twice', [before, before], `"${before}" is named twice.`],
    ['a file twice on one side', ['--base', before, before, '--head', after], `"${before}" is named twice.`],
    ['standard input twice', ['-', '-'], 'standard input can be read once only.'],
    ['an output twice', [before, after, '-o', 'x.svg', '-o', 'x.svg'], '"x.svg" is named twice as an output.'],
  ])('%s', (_, args, message) => expect(run(...args)).rejects.toMatchObject(error('usage', message, 2)));

  test('a file under two names', async () => {
    linkSync(before, path('linked.pb'));
    const message = `"${before}" and "${path('linked.pb')}" are the same file.`;
    await expect(run(before, path('linked.pb'))).rejects.toMatchObject(error('usage', message, 2));
  });

  test('what cannot be read', async () => {
    const missing = path('missing.pb');
    await expect(run(before, missing)).rejects.toMatchObject(
      error('unreadable', `cannot read "${missing}": it does not exist.`, 1),
    );
    await expect(run(before, path())).rejects.toMatchObject(
      error('unreadable', `cannot read "${path()}": it is a directory.`, 1),
    );
  });

  test('what is no profile', async () => {
    writeFileSync(path('noise'), Buffer.from([0xff, 0, 0xfe, 1]));
    await expect(run(before, path('noise'))).rejects.toMatchObject({
      name: 'ProfilerError',
      code: 'unreadable-profile',
    });
  });
});

describe('profiles of different things', () => {
  const cpu = path('cpu.pb');
  writeFileSync(cpu, encodePprof(profile('app;main;f 5')));

  test('are refused, with a way out', () =>
    expect(run(cpu, before)).rejects.toMatchObject({
      code: 'different-types',
      message: `"${cpu}" counts cpu/nanoseconds, and "${before}" has only samples/count.`,
      hint: 'Both have --sample-type samples; or --force compares them all the same.',
      exitCode: 2,
    }));

  test('that have a type in common', async () => {
    expect(await run(cpu, before, '--sample-type', 'samples')).toBe(0);
    expect(out).toContain('base: 5 samples');
  });

  test('are compared by force, which is told', async () => {
    const note = `"${cpu}" counts cpu/nanoseconds, and "${before}" has only samples/count.`;
    expect(await run(cpu, before, '--force')).toBe(0);
    expect(out).toContain(`note: ${note}\n`);
    expect(said).toBe('');
    expect(await run(cpu, before, '--force', '-o', path('forced.json'))).toBe(0);
    expect(said).toBe(`${note}\nwrote ${path('forced.json')}\n`);
  });
});

test('a side without a sample', async () => {
  const empty = file('empty.pb', '');
  await expect(run(before, empty)).rejects.toMatchObject({
    code: 'empty-side',
    message: `there is no sample in the head ("${empty}").`,
  });
  expect(await run(before, empty, '--force')).toBe(0);
  expect(out).toMatch(/70\.00 % +0\.00 % +-70\.00 pp +gone +g /);
});

test.each([
  ['--min-percent', 'many', 'It has to be a number from 0 to 100.'],
  ['--min-percent', '101', 'It has to be a number from 0 to 100.'],
  ['--side', 'left', 'Allowed choices are head, base, both.'],
])('%s %s', async (option, value, reason) => {
  await expect(run(before, after, option, value)).rejects.toThrow(CommanderError);
  expect(said).toContain(reason);
});

test('the help', async () => {
  await expect(run('--help')).rejects.toMatchObject({ exitCode: 0 });
  expect(out).toContain('profiler diff before.pb.gz after.pb.gz');
});
