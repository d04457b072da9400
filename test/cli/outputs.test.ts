import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findOutputs, writeOutputs } from '../../src/cli/outputs.ts';
import { formatByName } from '../../src/encode/index.ts';
import { testFolder } from '../support/folder.ts';
import { profile } from '../support/profile.ts';

const path = testFolder();

const names = (paths: readonly string[], format?: string) =>
  findOutputs(paths, format).map(output => `${output.path} ${output.format.name}`);

describe('formats', () => {
  test.each([
    [['a.svg'], undefined, ['a.svg svg']],
    [['a.svg', 'b.pb.gz', 'c.folded'], undefined, ['a.svg svg', 'b.pb.gz pprof', 'c.folded collapsed']],
    [['-'], undefined, ['- collapsed']],
    [['-', 'a.svg'], 'pprof', ['- pprof', 'a.svg pprof']],
    [['/dev/stdout', 'noname'], 'svg', ['/dev/stdout svg', 'noname svg']],
  ])('%j as %s', (paths, format, expected) => expect(names(paths, format)).toEqual(expected));

  test.each([
    [['a.png'], undefined],
    [['a.svg', 'profile'], undefined],
    [['a.svg'], 'png'],
    [[], 'png'],
  ])('unknown: %j as %s', (paths, format) =>
    expect(() => findOutputs(paths, format)).toThrow(
      expect.objectContaining({ name: 'ProfilerError', code: 'unknown-format', exitCode: 2 }),
    ),
  );

  test.each([[['a.svg', 'b.svg', 'a.svg']], [['-', '-']]])('named twice: %j', paths =>
    expect(() => findOutputs(paths, 'svg')).toThrow(expect.objectContaining({ code: 'usage', exitCode: 2 })),
  );

  test('pprof is not written to a terminal', () => {
    const before = Object.getOwnPropertyDescriptor(process.stdout, 'isTTY');
    Object.defineProperty(process.stdout, 'isTTY', { value: true, configurable: true });
    try {
      expect(() => findOutputs(['-'], 'pprof')).toThrow(expect.objectContaining({ code: 'terminal', exitCode: 2 }));
      expect(names(['-'], 'collapsed')).toEqual(['- collapsed']);
    } finally {
      if (before) Object.defineProperty(process.stdout, 'isTTY', before);
      else Reflect.deleteProperty(process.stdout, 'isTTY');
    }
  });
});

describe('without a name', () => {
  const before = process.cwd();
  beforeEach(() => process.chdir(path()));
  afterEach(() => process.chdir(before));

  test('a new name in the working directory, which replaces nothing', () => {
    expect(names([])).toEqual(['profile.svg svg']);
    writeFileSync('profile.svg', '');
    expect(names([])).toEqual(['profile-2.svg svg']);
    writeFileSync('profile-2.svg', '');
    writeFileSync('profile-4.svg', '');
    expect(names([])).toEqual(['profile-3.svg svg']);
    expect(names([], 'pprof')).toEqual(['profile.pb.gz pprof']);
    expect(names([], 'collapsed')).toEqual(['profile.collapsed collapsed']);
  });
});

describe('writing', () => {
  const options = { annotate: false, labels: [], title: '' };
  const collapsed = formatByName('collapsed');

  test('what can be written is written, and the rest is told', async () => {
    const outputs = [path('missing/a'), path('b.txt'), '/dev/full', path('c.svg')].map(name => ({
      path: name,
      format: name.endsWith('.svg') ? formatByName('svg') : collapsed,
    }));
    const { written, failures } = await writeOutputs(outputs, profile('a;f 3'), options);
    expect(written.map(output => output.path)).toEqual([path('b.txt'), path('c.svg')]);
    expect(failures.map(failure => failure.message)).toEqual([
      `cannot write "${path('missing/a')}": its directory does not exist.`,
      'cannot write "/dev/full": no space left on the device.',
    ]);
    expect(readFileSync(path('b.txt'), 'utf8')).toBe('a;f 3\n');
    expect(existsSync(path('c.svg'))).toBe(true);
  });
});
