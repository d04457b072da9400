import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openDwarf } from '../../src/elf/dwarf/dwarf.ts';
import type { DwarfParts } from '../../src/elf/dwarf/parts.ts';
import { dwarfFile, framesAt, llvmFramesAt, symbolAddresses } from './dwarf-files.ts';
import { has, Workshop } from './toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

/** Compiles inlined.cc in a folder of its own: split units lie where the compiler ran. */
function build(name: string, compiler: string, ...options: string[]): { path: string; inside: string } {
  const inside = workshop.path(name.replaceAll(/\W+/g, '-'));
  mkdirSync(inside);
  copyFileSync(join(import.meta.dirname, '../programs/elf/inlined.cc'), join(inside, 'inlined.cc'));
  const run = (...args: string[]) => execFileSync(compiler, ['-O2', '-g', ...options, ...args], { cwd: inside });
  run('-c', 'inlined.cc', '-o', 'inlined.o');
  run('inlined.o', '-o', 'program');
  return { path: join(inside, 'program'), inside };
}

function partsOf(path: string, more: Partial<DwarfParts> = {}): DwarfParts {
  return {
    main: dwarfFile(path),
    split: (name, directory) => {
      const file = join(directory, name);
      return existsSync(file) ? dwarfFile(file) : undefined;
    },
    ...more,
  };
}

const expected: Record<string, string[]> = {
  mark_innermost: [
    '_Z9innermostILi3EEvi inlined.cc:10',
    '_ZN5calls6Caller6middleEi inlined.cc:18',
    '_ZN5calls5outerEi inlined.cc:25',
  ],
  mark_middle: ['_ZN5calls6Caller6middleEi inlined.cc:19', '_ZN5calls5outerEi inlined.cc:25'],
  mark_outer: ['_ZN5calls5outerEi inlined.cc:26'],
  mark_lambda: ['operator() inlined.cc:33', 'plain inlined.cc:36'],
};

function marks(path: string, parts: DwarfParts = partsOf(path)): Record<string, string[]> {
  const symbols = symbolAddresses(path);
  const names = Object.keys(expected);
  const addresses = names.map(name => symbols.get(name)!.address);
  const found = framesAt(parts, addresses);
  // gcc gives a lambda in an `extern "C"` function no linkage name, clang does.
  const plain = (frame: string) => frame.replace(/^_Z\S*clEi/, 'operator()');
  return Object.fromEntries(names.map((name, i) => [name, found[i]!.map(plain)]));
}

/** Every address of the functions of inlined.cc. */
function allAddresses(path: string): number[] {
  const symbols = symbolAddresses(path);
  return ['_ZN5calls5outerEi', 'plain', 'main'].flatMap(name => {
    const { address, size } = symbols.get(name)!;
    return Array.from({ length: size }, (_, i) => address + i);
  });
}

const gcc = 'g++';
const clang = 'clang++';

const ways: readonly (readonly [string, string, readonly string[]])[] = [
  ['gcc, DWARF 5', gcc, ['-gdwarf-5']],
  ['gcc, DWARF 4', gcc, ['-gdwarf-4']],
  ['gcc, DWARF 3', gcc, ['-gdwarf-3', '-gstrict-dwarf']],
  ['gcc, DWARF 2', gcc, ['-gdwarf-2']],
  ['gcc, 64-bit DWARF', gcc, ['-gdwarf64']],
  ['gcc, LTO', gcc, ['-flto']],
  ['gcc, compressed by zlib', gcc, ['-gz=zlib']],
  ['gcc, compressed the old way', gcc, ['-gz=zlib-gnu']],
  ['gcc, type units', gcc, ['-fdebug-types-section']],
  ['gcc, split, DWARF 5', gcc, ['-gsplit-dwarf', '-gdwarf-5']],
  ['gcc, split, DWARF 4', gcc, ['-gsplit-dwarf', '-gdwarf-4']],
  ['gcc, fixed addresses', gcc, ['-no-pie', '-fno-pie']],
  ['clang, DWARF 5', clang, ['-gdwarf-5']],
  ['clang, DWARF 4', clang, ['-gdwarf-4']],
  ['clang, sections of functions', clang, ['-ffunction-sections', '-Wl,--gc-sections']],
  ['clang, split, DWARF 5', clang, ['-gsplit-dwarf', '-gdwarf-5']],
  ['clang, split, DWARF 4', clang, ['-gsplit-dwarf', '-gdwarf-4']],
];

describe.skipIf(!has(gcc))('code without debug information (needs g++)', () => {
  it('is one gap from unit to unit', () => {
    const { path } = build('gaps', gcc);
    const symbols = symbolAddresses(path);
    const dwarf = openDwarf(partsOf(path))!;
    const gapOf = (name: string, offset = 0) => dwarf.gapAt(symbols.get(name)!.address + offset);
    // What the C library links to each program has none.
    const gap = gapOf('_start')!;
    expect(gapOf('_start', 1)).toEqual(gap);
    for (let at = gap.start; at < gap.end; at += 16) expect(dwarf.unitAt(gap.base + at)).toBe(-1);
    expect(dwarf.unitAt(gap.base + gap.end)).toBeGreaterThanOrEqual(0);
    expect(gapOf('main')).toBeUndefined();
    expect(dwarf.gapAt(gap.base - 1)).toBeUndefined();
  });
});

describe('inlined calls and lines', () => {
  for (const [name, compiler, options] of ways) {
    it.skipIf(!has(compiler))(`of ${name} (needs ${compiler})`, () => {
      const { path } = build(name, compiler, ...options);
      expect(marks(path)).toEqual(expected);
    });
  }

  for (const [name, compiler, options] of ways) {
    it.skipIf(!has(compiler) || !has('llvm-symbolizer'))(`of ${name} as llvm-symbolizer (needs ${compiler})`, () => {
      const { path } = build(`${name} beside`, compiler, ...options);
      // It would name code by them.
      execFileSync('objcopy', ['--wildcard', '--strip-symbol=mark_*', path]);
      const addresses = allAddresses(path);
      const frames = llvmFramesAt(path, addresses);
      expect(framesAt(partsOf(path), addresses)).toEqual(frames);
      expect(framesAt(partsOf(path), addresses, true)).toEqual(frames);
    });
  }
});

describe.skipIf(!has(gcc))('debug information elsewhere (needs g++)', () => {
  it('is that of a file of its own', () => {
    const { path, inside } = build('separate', gcc);
    const debug = join(inside, 'program.debug');
    execFileSync('objcopy', ['--only-keep-debug', path, debug]);
    const symbols = marks(path);
    execFileSync('objcopy', ['--strip-debug', path]);
    expect(marks(path, partsOf(debug))).toEqual(symbols);
    expect(framesAt(partsOf(path), [symbolAddresses(path).get('main')!.address])).toEqual([[]]);
  });

  it.each(['4', '5'])('is nowhere when a split unit of DWARF %s is gone: lines remain', version => {
    const { path, inside } = build(`gone ${version}`, gcc, '-gsplit-dwarf', `-gdwarf-${version}`);
    rmSync(join(inside, 'program-inlined.dwo'), { force: true });
    rmSync(join(inside, 'inlined.dwo'), { force: true });
    expect(marks(path).mark_middle).toEqual(['?? inlined.cc:19']);
  });

  it.skipIf(!has('dwp'))('is a package of DWARF 4 (needs dwp)', () => {
    const { path, inside } = build('package 4', gcc, '-gsplit-dwarf', '-gdwarf-4');
    execFileSync('dwp', ['-e', path, '-o', join(inside, 'program.dwp')], { cwd: inside });
    rmSync(join(inside, 'inlined.dwo'));
    expect(marks(path, partsOf(path, { package: dwarfFile(join(inside, 'program.dwp')) }))).toEqual(expected);
  });

  it.skipIf(!has('llvm-dwp'))('is a package of DWARF 5 (needs llvm-dwp)', () => {
    const { path, inside } = build('package 5', gcc, '-gsplit-dwarf', '-gdwarf-5');
    execFileSync('llvm-dwp', ['-e', path, '-o', join(inside, 'program.dwp')], { cwd: inside });
    rmSync(join(inside, 'inlined.dwo'));
    expect(marks(path, partsOf(path, { package: dwarfFile(join(inside, 'program.dwp')) }))).toEqual(expected);
  });

  it.skipIf(!has('dwz'))('is shared with another program (needs dwz)', () => {
    const { path, inside } = build('shared', gcc);
    const supplementary = join(inside, 'shared');
    copyFileSync(path, join(inside, 'other'));
    execFileSync('dwz', ['-m', supplementary, path, join(inside, 'other')], { stdio: 'pipe' });
    expect(marks(path, partsOf(path, { supplementary: dwarfFile(supplementary) }))).toEqual(expected);
    // Without the other file what it names has no name, and lines are lines.
    expect(marks(path).mark_outer).toEqual([expect.stringMatching(/ inlined.cc:26$/)]);
  });
});
