import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { DebugFiles } from '../../src/debug-files/debug-files.ts';
import { FrameKind, Miss } from '../../src/model/profile.ts';
import { type CodeMapping, symbolize } from '../../src/symbolize/symbolizer.ts';
import { addressOf, buildIdOf, buildIdPath, codeOf, compile, keepDebug, run, strip } from '../debug-files/support.ts';
import { has } from '../elf/toolchain.ts';
import { testFolder } from '../support/folder.ts';

const path = testFolder();
const source = join(import.meta.dirname, '../programs/elf/calls.c');

/** Name, file and line of an address of a program. */
function lookUp(program: string, address: number, debugFiles: DebugFiles): string[] {
  const { elf, bytes, filename } = codeOf(program);
  const mapping: CodeMapping = { kind: 'file', filename, elf, bytes, miss: Miss.none };
  const columns = {
    length: 1,
    mapping: Int32Array.of(0),
    address: Float64Array.of(address),
    miss: Uint8Array.of(Miss.none),
  };
  const { strings, functions, lines, kind } = symbolize(columns, [mapping], { debugFiles });
  expect(kind[0]).toBe(FrameKind.native);
  return Array.from(lines.function, (index, i) => {
    const file = basename(strings[functions.filename[index]!]!);
    return `${strings[functions.name[index]!]} ${file}:${lines.line[i]}`;
  });
}

const expected = ['local_function calls.c:6'];
const without = ['shared_entry :0'];

/** Compiles, takes the debug information away, and says where it went. */
function separated(name: string, options: readonly string[] = [], ...objcopy: readonly string[]) {
  mkdirSync(path(name));
  const whole = compile(path(`${name}/whole`), ...options);
  const debug = path(`${name}/debug/${buildIdPath(buildIdOf(whole))}`);
  mkdirSync(dirname(debug), { recursive: true });
  keepDebug(whole, debug, ...objcopy);
  const files = new DebugFiles({ folders: [path(`${name}/debug`)] });
  return { whole, debug, files, program: strip(whole, path(`${name}/program`)) };
}

test('names and lines of a stripped program', () => {
  const { whole, files, program } = separated('stripped');
  expect(lookUp(program, addressOf(whole), files)).toEqual(expected);
  expect(lookUp(program, addressOf(whole), new DebugFiles())).toEqual([]);
});

test('names of a library whose debug file is missing: those that it exports', () => {
  const { whole, program } = separated('library', ['-shared', '-fPIC']);
  expect(lookUp(program, addressOf(whole, 'shared_entry'), new DebugFiles())).toEqual(without);
});

/** zstd came to objcopy with binutils 2.40. */
const methods = has('objcopy') && run('objcopy', '--help').includes('zstd') ? ['zlib', 'zstd', 'zlib-gnu'] : [];

test.skipIf(methods.length === 0).each(methods)('lines from a debug file compressed by %s (needs zstd)', method => {
  const { whole, files, program } = separated(method, [], `--compress-debug-sections=${method}`);
  expect(lookUp(program, addressOf(whole), files)).toEqual(expected);
});

test.skipIf(!has('dwz'))('lines from debug files that share, as distributions have them (needs dwz)', () => {
  const { whole, debug, files, program } = separated('shared');
  copyFileSync(debug, path('twin.debug'));
  run('dwz', '-m', path('common'), '-M', path('common'), debug, path('twin.debug'));
  expect(run('readelf', '-SW', debug)).toContain('.gnu_debugaltlink');
  expect(lookUp(program, addressOf(whole), files)).toEqual(expected);
});

test('lines from split units', () => {
  mkdirSync(path('split'));
  const cwd = path('split');
  execFileSync('gcc', ['-O1', '-g', '-gsplit-dwarf', '-c', source, '-o', 'calls.o'], { cwd });
  execFileSync('gcc', ['calls.o', '-o', 'program'], { cwd });
  expect(lookUp(path('split/program'), addressOf(path('split/program')), new DebugFiles())).toEqual(expected);
});

test.skipIf(!has('dwp'))('lines from a package of split units (needs dwp)', () => {
  mkdirSync(path('package'));
  const cwd = path('package');
  // dwp of binutils 2.40 crashes on DWARF 5.
  execFileSync('gcc', ['-O1', '-g', '-gdwarf-4', '-gsplit-dwarf', '-c', source, '-o', 'calls.o'], { cwd });
  execFileSync('gcc', ['calls.o', '-o', 'program'], { cwd });
  execFileSync('sh', ['-c', 'dwp -e program && rm *.dwo'], { cwd });
  const files = new DebugFiles();
  expect(lookUp(path('package/program'), addressOf(path('package/program')), files)).toEqual(expected);
  expect(files.takeNotes()).toEqual([]);
});
