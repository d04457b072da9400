import { execFileSync, spawnSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { FrameKind } from '../../src/model/profile.ts';
import { arm64Linker, has, listed, load, nameAt, runs, section, Workshop } from './toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

const linker = arm64Linker();
const targets = has('clang') ? execFileSync('clang', ['--print-targets'], { encoding: 'utf8' }) : '';
const arm64 = targets.includes('aarch64') && linker !== undefined;

describe.skipIf(!arm64)('arm64 (needs clang with aarch64 and ld.lld)', () => {
  function shared(name: string, ...options: string[]) {
    const object = workshop.compile('clang', 'arm64.S', `${name}.o`, '--target=aarch64-linux-gnu', '-c');
    const path = workshop.path(name);
    execFileSync(linker!, ['-shared', '-z', 'lazy', '--build-id=0xabcdef', ...options, object, '-o', path]);
    return load(path);
  }

  it('has its functions and labels, without mapping symbols', () => {
    const file = shared('arm64.so');
    expect([file.elf.machine, file.elf.class, file.elf.buildId]).toEqual(['arm64', 64, 'abcdef']);
    const { start, end } = section(file, '.text');
    expect(runs(file, start, end)).toEqual(['0 caller', '10 label', '20 last', '24 -']);
    expect(execFileSync('readelf', ['-sW', file.path], { encoding: 'utf8' })).toMatch(/ \$d(\.\d+)?$/m);
  });

  it.each([
    ['plain', [], 16],
    ['with landing pads', ['-z', 'force-bti'], 16],
  ])('has the stubs of its linkage table (%s)', (name, options, size) => {
    const file = shared(`plt-${name.replaceAll(' ', '-')}.so`, ...options);
    const { start, end } = section(file, '.plt');
    const stubs = runs(file, start, end);
    expect(stubs.map(run => run.split(' ')[1])).toEqual(['-', 'imported@plt', 'second_import@plt']);
    const at = stubs.map(run => Number.parseInt(run, 16));
    expect(at[0]! + 32).toBe(at[1]);
    expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(size);
    expect(file.symbols.kindOf(file.symbols.find(start + at[1]!))).toBe(FrameKind.plt);
  });
});

const has32 = (() => {
  const input = '.text\n.globl f\n.type f, @function\nf: nop\n.size f, 1\n';
  return (
    spawnSync('gcc', ['-m32', '-nostdlib', '-shared', '-x', 'assembler', '-', '-o', workshop.path('probe')], { input })
      .status === 0
  );
})();

describe.skipIf(!has32)('32-bit x86 (needs gcc -m32)', () => {
  it('has its functions and labels', () => {
    const options = ['-m32', '-nostdlib', '-no-pie', '-static', '-Wl,-e,outer', '-Wl,--build-id=0x1234'];
    const file = load(workshop.compile('gcc', 'layout.S', 'layout32', ...options));
    expect([file.elf.class, file.elf.machine, file.elf.buildId]).toEqual([32, 'x86', '1234']);
    const { start } = section(file, '.text');
    const names = [0, 0x10, 0x20, 0x28, 0x60, 0x80, 0x90, 0xa0, 0xb0].map(offset => nameAt(file, start + offset));
    expect(names).toEqual(['outer', 'inner', 'outer', 'entry_inside', 'second', undefined, 'strong', 'small', 'large']);
    expect(listed(file.path).find(({ name }) => name === 'outer')?.address).toBe(start);
  });
});
