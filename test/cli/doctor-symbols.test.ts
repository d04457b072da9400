import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { doctorSymbols } from '../../src/cli/doctor-symbols.ts';
import { Workshop } from '../elf/toolchain.ts';
import { testFolder } from '../support/folder.ts';

const path = testFolder();
const workshop = new Workshop();
afterAll(() => workshop.clear());
afterEach(() => vi.restoreAllMocks());

async function report(target: string): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await doctorSymbols(target, []);
  return write.mock.calls.map(([text]) => text).join('');
}

test('a program with debug information: sources in order, and what each has', async () => {
  const program = workshop.compile('g++', 'names.cpp', 'with-lines', '-g');
  const text = await report(program);
  const [sources = '', title, dwarf, elf] = text.split('\n');
  expect(sources).toMatch(/^Sources, in the order in which they are asked: .*dwarf.*elf.*kallsyms.*\.$/);
  expect(title).toMatch(/^lines {4}\/.*with-lines: x86-64, build id [0-9a-f]{40}$/);
  expect(dwarf).toMatch(/^ +\d dwarf +source lines, inlined calls and functions, from the file itself$/);
  expect(elf).toMatch(/^ +\d elf +\d+ symbols$/);
  expect(text).not.toContain('→');
});

test('a program without, and a stripped one: what can be done', async () => {
  const plain = workshop.compile('g++', 'names.cpp', 'plain');
  expect(await report(plain)).toMatch(/^names .*\n.* elf .*\n→ For source lines and inlined calls: install its debug/m);
  vi.restoreAllMocks();
  const stripped = workshop.compile('gcc', 'layout.S', 'stripped', '-nostdlib', '-no-pie', '-s', '-Wl,-e,outer');
  expect(await report(stripped)).toMatch(
    /^nothing .*\n.* elf +no symbols in the file\n→ For names: install its debug/m,
  );
});

test('a debug file is named', async () => {
  const program = workshop.compile('g++', 'names.cpp', 'split', '-g');
  spawnSync('objcopy', ['--only-keep-debug', program, `${program}.debug`]);
  spawnSync('objcopy', ['--strip-debug', `--add-gnu-debuglink=${program}.debug`, program]);
  expect(await report(program)).toContain(`inlined calls and functions, from ${program}.debug\n`);
});

test('this process: its files, the vdso, generated code, the kernel', async () => {
  const text = await report(String(process.pid));
  expect(text).toMatch(/^(lines|names) {4}\/.*node: /m);
  expect(text).toMatch(/^names {4}\[vdso\]: /m);
  expect(text).toMatch(/ {2}\[kernel\.kallsyms\]/);
});

test.each([
  ['/nonexistent', 'cannot read /nonexistent: no such regular file.'],
  ['/dev/null', 'cannot read /dev/null: no such regular file.'],
  ['4194304', 'cannot read the mappings of process 4194304.'],
])('%s: one sentence', async (target, message) => expect(report(target)).rejects.toThrow(message));

test('no ELF file: one sentence', async () => {
  writeFileSync(path('text'), 'text');
  await expect(report(path('text'))).rejects.toThrow('text is no ELF file, or is damaged.');
});
