import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DebugFiles } from '../../src/debug-files/debug-files.ts';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { unpackMiniDebugInfo } from '../../src/elf/mini-debug-info.ts';
import { has } from '../elf/toolchain.ts';
import { testFolder } from '../support/folder.ts';
import { random } from '../support/random.ts';
import { addressOf, codeOf, compile, keepDebug, nameAt, run, strip } from './support.ts';

const path = testFolder();
const hasXz = has('xz');
/** With dynamic symbols, as a library has them. */
const whole = compile(path('library'), '-shared', '-fPIC', '-Wl,--build-id=none');

/**
 * As find-debuginfo of rpm makes it: the functions that .dynsym does not have, in a file without contents, packed by xz.
 */
function withMiniDebugInfo(name: string): string {
  const symbols = (option: string) => run('nm', option, '--format=posix', '--defined-only', whole).split('\n');
  const dynamic = new Set(symbols('-D').map(line => line.split(' ')[0]));
  const functions = symbols('-a').filter(line => /^\S+ [Tt] /.test(line));
  const kept = functions.map(line => line.split(' ')[0]!).filter(symbol => !dynamic.has(symbol));
  writeFileSync(path('symbols'), kept.join('\n'));
  const debug = keepDebug(whole, path('debug'));
  run('objcopy', '-S', '--remove-section=.comment', `--keep-symbols=${path('symbols')}`, debug, path('mini'));
  run('xz', '-f', '-k', path('mini'));
  return strip(whole, path(name), `--add-section=.gnu_debugdata=${path('mini.xz')}`);
}

async function lookUp(program: string, names: readonly string[]): Promise<{ found: unknown[]; notes: string[] }> {
  const files = new DebugFiles();
  const code = codeOf(program);
  await files.prepare([code], 0);
  const found = names.map(name => nameAt(files, code, addressOf(whole, name)));
  return { found, notes: files.takeNotes() };
}

const names = ['local_function', 'shared_entry'];

test.skipIf(!hasXz)('local functions have their names from it, the others from .dynsym (needs xz)', async () => {
  expect(await lookUp(strip(whole, path('without')), names)).toEqual({ found: [undefined, 'shared_entry'], notes: [] });
  expect(await lookUp(withMiniDebugInfo('with'), names)).toEqual({ found: names, notes: [] });
});

test.skipIf(!hasXz)('a debug file is better (needs xz)', async () => {
  const debug = keepDebug(whole, path('linked.debug'));
  const program = strip(withMiniDebugInfo('unlinked'), path('linked'), `--add-gnu-debuglink=${debug}`);
  const files = new DebugFiles();
  const code = codeOf(program);
  await files.prepare([code], 0);
  expect(files.symbolsOf(code)?.bytes.size).toBe(readFileSync(debug).length);
});

test.skipIf(!hasXz)('what cannot be unpacked is told once, and costs its names only (needs xz)', async () => {
  const bytes = readFileSync(withMiniDebugInfo('whole'));
  const section = parseElf(new MemoryBytes(bytes)).sections.find(({ name }) => name === '.gnu_debugdata')!;
  bytes[section.offset + (section.size >> 1)]! ^= 0xff;
  writeFileSync(path('damaged'), bytes);
  const { found, notes } = await lookUp(path('damaged'), names);
  expect(found).toEqual([undefined, 'shared_entry']);
  expect(notes).toEqual([expect.stringContaining(`${path('damaged')}: MiniDebugInfo: `)]);
});

test.skipIf(!hasXz)('a bomb is not unpacked to its end (needs xz)', async () => {
  run('truncate', '-s', '32M', path('zeros'));
  run('xz', '-f', '-0', path('zeros'));
  const program = strip(whole, path('bomb'), `--add-section=.gnu_debugdata=${path('zeros.xz')}`);
  const { found, notes } = await lookUp(program, names);
  expect(found).toEqual([undefined, 'shared_entry']);
  expect(notes).toEqual([`${program}: MiniDebugInfo: it unpacks to more than ${2 ** 20} bytes`]);
});

test.skipIf(!hasXz)('any damage ends in an error or in a file (needs xz)', async () => {
  const bytes = readFileSync(withMiniDebugInfo('fuzzed'));
  const elf = parseElf(new MemoryBytes(bytes));
  const section = elf.sections.find(({ name }) => name === '.gnu_debugdata')!;
  const next = random(9);
  for (let i = 0; i < 200; i++) {
    const copy = Buffer.from(bytes);
    const at = section.offset + next(section.size);
    if (i % 2 === 0) copy[at] = next(256);
    else copy.fill(0, at, section.offset + section.size);
    await unpackMiniDebugInfo(elf, new MemoryBytes(copy)).catch(error => expect(error).toBeInstanceOf(Error));
  }
});
