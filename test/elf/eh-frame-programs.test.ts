import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { readUnwindRows } from '../../src/elf/eh-frame.ts';
import { parseElf } from '../../src/elf/elf.ts';
import type { UnwindRows } from '../../src/elf/unwind-rows.ts';
import { arm64Linker, has, Workshop } from './toolchain.ts';
import { differences, ownRows, readelfRows } from './unwind-text.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

function rowsIn(bytes: Buffer): UnwindRows {
  const source = new MemoryBytes(bytes);
  return readUnwindRows(parseElf(source), source)!;
}

/** The rows from a symbol on, by their distance from it. */
function rowsFrom(path: string, symbol: string, bytes = readFileSync(path)): string[] {
  const names = execFileSync('nm', [path], { encoding: 'utf8' });
  const start = Number.parseInt(new RegExp(`^([0-9a-f]+) . ${symbol}$`, 'm').exec(names)![1]!, 16);
  const rows = ownRows(rowsIn(bytes)).filter(({ address }) => address >= start);
  return rows.map(({ address, rule }) => `${(address - start).toString(16)} ${rule}`);
}

const assembled = [
  '0 sp+8 ra=c-8',
  '1 sp+16 fp=c-16 ra=c-8',
  '2 fp+16 fp=c-16 ra=c-8',
  '8 sp+8 fp=c-16 ra=c-8',
  '9 fp+16 fp=c-16 ra=c-8',
  '10 sp+8 ra=c-8',
  '14 r10+0 ra=c-8',
  '18 *(fp-8) fp=fp+0 ra=c-8',
  '20 plt+8 from 11 ra=c-8',
  '30 gap',
  '38 end',
  '40 signal',
  '50 gap',
];

describe('an assembled program', () => {
  const options = ['-shared', '-nostdlib', '-Wl,--eh-frame-hdr'];

  it('has the rows that its source describes', () => {
    expect(rowsFrom(workshop.compile('gcc', 'cfi.S', 'cfi.so', ...options), 'pushes')).toEqual(assembled);
  });

  it('has them without section headers', () => {
    const path = workshop.compile('gcc', 'cfi.S', 'headless.so', ...options);
    const bytes = readFileSync(path);
    bytes.writeBigUInt64LE(0n, 40);
    bytes.writeUInt16LE(0, 60);
    expect(rowsFrom(path, 'pushes', bytes)).toEqual(assembled);
  });
});

const targets = has('clang') ? execFileSync('clang', ['--print-targets'], { encoding: 'utf8' }) : '';
const linker = arm64Linker();

describe.skipIf(!targets.includes('aarch64') || linker === undefined)(
  'an arm64 program (needs clang with aarch64 and ld.lld)',
  () => {
    it('has the rows that its source describes, and those of a signal trampoline', () => {
      const object = workshop.compile('clang', 'cfi-arm64.S', 'cfi-arm64.o', '--target=aarch64-linux-gnu', '-c');
      const path = workshop.path('cfi-arm64.so');
      execFileSync(linker!, ['-shared', object, '-o', path]);
      expect(rowsFrom(path, 'signs')).toEqual([
        '0 sp+0',
        '8 sp+32 fp=c-32 ra=c-24',
        'c fp+32 fp=c-32 ra=c-24',
        '14 sp+0',
        '1c gap',
        '20 signal',
        '2c sp+0',
        '34 gap',
      ]);
    });
  },
);

describe.skipIf(!has('readelf'))('compiled programs (needs readelf)', () => {
  function compare(path: string): { rows: number; unequal: string[] } {
    const { stdout } = spawnSync('readelf', ['--debug-dump=frames-interp', path], {
      encoding: 'latin1',
      maxBuffer: 2 ** 28,
    });
    const own = ownRows(rowsIn(readFileSync(path)));
    return { rows: own.length, unequal: differences(own, readelfRows(stdout)) };
  }

  it.each([
    ['not optimized', ['-O0']],
    ['optimized', ['-O2']],
    ['without frame pointers', ['-O2', '-fomit-frame-pointer', '-static']],
    ['with marked branch targets', ['-O2', '-fcf-protection=full', '-Wl,-z,ibtplt', '-Wl,-z,lazy']],
    ['with .debug_frame', ['-O2', '-g', '-fno-asynchronous-unwind-tables']],
    ['with compressed .debug_frame', ['-O2', '-g', '-fno-asynchronous-unwind-tables', '-gz=zlib']],
    ['with .zdebug_frame', ['-O2', '-g', '-fno-asynchronous-unwind-tables', '-gz=zlib-gnu']],
  ])('have the same rows as readelf finds (%s)', (name, options) => {
    const path = workshop.compile('gcc', 'frames.c', `frames-${name.replaceAll(' ', '-')}`, ...options);
    const { rows, unequal } = compare(path);
    expect(unequal).toEqual([]);
    expect(rows).toBeGreaterThan(20);
  });

  it('have the same rows as readelf finds (the C library)', () => {
    const path = execFileSync('gcc', ['-print-file-name=libc.so.6'], { encoding: 'utf8' }).trim();
    const { rows, unequal } = compare(path);
    expect(unequal).toEqual([]);
    expect(rows).toBeGreaterThan(5000);
  });
});
