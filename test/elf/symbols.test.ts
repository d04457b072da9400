import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { parseElf, segmentOfFileOffset } from '../../src/elf/elf.ts';
import type { Elf } from '../../src/elf/format.ts';
import { readSymbols } from '../../src/elf/symbols.ts';
import { FrameKind } from '../../src/model/profile.ts';
import { random } from '../support/random.ts';
import { type Listed, type LoadedFile, listed, load, nameAt, runs, section, Workshop } from './toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

function program(name: string, ...options: string[]): LoadedFile {
  return load(workshop.compile('gcc', 'calls.c', name, '-O1', ...options));
}

function readelf(option: string, file: LoadedFile): string {
  return execFileSync('readelf', [option, '-W', file.path], { encoding: 'utf8' });
}

/** The virtual address of a byte of the file. */
function addressAt(elf: Elf, fileOffset: number): number | undefined {
  const segment = segmentOfFileOffset(elf, fileOffset);
  return segment && fileOffset - segment.offset + segment.address;
}

describe('headers', () => {
  it.each([
    ['pie', ['-pie', '-fPIE']],
    ['fixed', ['-no-pie']],
    ['static', ['-static']],
    ['shared', ['-shared', '-fPIC']],
    ['stripped', ['-s']],
    ['prelinked', ['-shared', '-fPIC', '-Wl,-Ttext-segment=0x7f0000000000']],
  ])('of a %s file are those that readelf shows', (name, options) => {
    const file = program(`headers-${name}`, ...options);
    expect(file.elf.class).toBe(64);
    expect(file.elf.machine).toBe('x86-64');
    expect(file.elf.buildId).toBe(/Build ID: ([0-9a-f]+)/.exec(readelf('-n', file))?.[1]);
    expect(file.elf.buildId).toHaveLength(40);
    const names = Array.from(readelf('-S', file).matchAll(/^ +\[ *\d+\] (\S+) +[A-Z_]+ +([0-9a-f]{16})/gm));
    const theirs = names.map(match => [match[1], Number.parseInt(match[2]!, 16)]);
    expect(file.elf.sections.slice(1).map(({ name, address }) => [name, address])).toEqual(theirs);
  });

  it('translate file offsets by the segment that maps them, executable ones first', () => {
    const file = program('offsets', '-shared', '-fPIC', '-Wl,-Ttext-segment=0x7f0000000000');
    const text = file.elf.sections.find(({ name }) => name === '.text')!;
    const data = file.elf.sections.find(({ name }) => name === '.data')!;
    expect(addressAt(file.elf, text.offset)).toBe(text.address);
    expect(addressAt(file.elf, text.offset + 7)).toBe(text.address + 7);
    expect(addressAt(file.elf, data.offset)).toBe(data.address);
    expect(text.address - text.offset).not.toBe(data.address - data.offset);
    expect(addressAt(file.elf, file.bytes.size - 1)).toBeUndefined();
    const segment = { flags: 4, offset: 0, fileSize: 0x1000, memorySize: 0x1000, align: 0x1000, type: 1 };
    const shared = {
      ...file.elf,
      segments: [
        { ...segment, address: 0x10000 },
        { ...segment, address: 0x20000, flags: 5, offset: 0x800 },
      ],
    };
    expect(addressAt(shared, 0x7ff)).toBe(0x107ff);
    expect(addressAt(shared, 0x800)).toBe(0x20000);
    expect(addressAt(shared, 0x17ff)).toBe(0x20fff);
    expect(addressAt(shared, 0x1800)).toBeUndefined();
  });
});

/** For some thousand addresses: the answer is one of the functions that begin last of those that cover the address. */
function compareWithNm(file: LoadedFile, functions: readonly Listed[], count: number): void {
  const inOrder = [...functions].sort((a, b) => a.address - b.address);
  const end = Math.max(...inOrder.map(({ address, size }) => address + size));
  const next = random(7);
  let named = 0;
  for (let i = 0; i < count; i++) {
    const near = inOrder[next(inOrder.length)]!;
    const address = Math.min(end - 1, near.address + next(near.size + 8));
    const covering = inOrder.filter(({ address: start, size }) => start <= address && address < start + size);
    if (covering.length === 0) continue;
    const start = covering.at(-1)!.address;
    const names = covering.filter(candidate => candidate.address === start).map(({ name }) => name);
    expect(names, `address ${address.toString(16)}`).toContain(nameAt(file, address));
    named++;
  }
  expect(named).toBeGreaterThan(count / 2);
}

describe('symbols', () => {
  it.each([
    ['pie', ['-pie', '-fPIE']],
    ['fixed', ['-no-pie']],
    ['static', ['-static']],
    ['static-pie', ['-static-pie']],
    ['prelinked', ['-shared', '-fPIC', '-Wl,-Ttext-segment=0x7f0000000000']],
  ])('of a %s file are those of nm', (name, options) => {
    const file = program(`symbols-${name}`, ...options);
    compareWithNm(file, listed(file.path), 3000);
  });

  it('of a stripped library are the dynamic ones', () => {
    const file = program('library', '-shared', '-fPIC', '-s');
    compareWithNm(file, listed(file.path, '-D'), 500);
    const local = listed(program('library-full', '-shared', '-fPIC').path).find(
      ({ name }) => name === 'local_function',
    )!;
    expect(nameAt(file, local.address)).toBeUndefined();
  });

  it('of the C library have no versions', () => {
    const maps = execFileSync('cat', ['/proc/self/maps'], { encoding: 'utf8' });
    const file = load(/\S+\/libc\.so\.6$/m.exec(maps)![0]);
    compareWithNm(file, listed(file.path, '-D'), 3000);
    const names = Array.from({ length: file.symbols.length }, (_, symbol) => file.symbols.nameOf(symbol));
    expect(names.filter(name => name.includes('@') && !name.endsWith('@plt'))).toEqual([]);
  });

  it('of a program with a hundred thousand of them are those of nm', () => {
    const file = load(process.execPath);
    const functions = listed(file.path);
    expect(functions.length).toBeGreaterThan(50_000);
    compareWithNm(file, functions, 300);
  });

  it('of a file without section headers are the dynamic ones', () => {
    const file = program('headless', '-shared', '-fPIC', '-s');
    const bytes = Buffer.from(file.bytes.read(0, file.bytes.size));
    // e_shoff and e_shnum
    bytes.writeBigUInt64LE(0n, 40);
    bytes.writeUInt16LE(0, 60);
    const source = new MemoryBytes(bytes);
    const elf = parseElf(source);
    expect(elf.sections).toEqual([]);
    expect(elf.buildId).toBe(file.elf.buildId);
    const headless = { ...file, elf, symbols: readSymbols(elf, source) };
    compareWithNm(headless, listed(file.path, '-D'), 500);
  });

  it('agree with addr2line on every address of the code', () => {
    const file = program('addr2line', '-no-pie');
    const { start, end } = section(file, '.text');
    const input = Array.from({ length: end - start }, (_, i) => (start + i).toString(16)).join('\n');
    const lines = execFileSync('addr2line', ['-f', '-e', file.path], { input, encoding: 'utf8' }).split('\n');
    const aliases = new Map(listed(file.path).map(({ name, address }) => [name, address]));
    const sized = listed(file.path).filter(({ size }) => size > 0);
    for (let address = start; address < end; address++) {
      // Where no extent is known, addr2line names what comes before.
      if (!sized.some(symbol => symbol.address <= address && address < symbol.address + symbol.size)) continue;
      const theirs = lines[(address - start) * 2]!;
      expect(aliases.get(nameAt(file, address) ?? ''), address.toString(16)).toBe(aliases.get(theirs));
    }
  });

  it('are resolved one inside of the other, without sizes, and with several names', () => {
    const file = load(workshop.compile('gcc', 'layout.S', 'layout', '-nostdlib', '-no-pie', '-Wl,-e,outer'));
    const { start, end } = section(file, '.text');
    expect(runs(file, start, end + 0x10)).toEqual([
      '0 outer',
      '10 inner',
      '20 outer',
      '28 entry_inside',
      '40 gap',
      '50 first',
      '60 second',
      '80 -',
      '88 table',
      '90 strong',
      'a0 small',
      'b0 large',
      'c0 last_label',
      'd0 text_end', // the last of two that are alike, as llvm-symbolizer has it
      'e0 -',
    ]);
  });
});

describe('stubs', () => {
  let oracle: (file: LoadedFile) => Map<number, string>;
  beforeAll(() => {
    oracle = file => {
      const text = execFileSync('objdump', ['-d', file.path], { encoding: 'utf8' });
      return new Map(
        Array.from(text.matchAll(/^([0-9a-f]+) <(\w+@plt)>:$/gm), match => [Number.parseInt(match[1]!, 16), match[2]!]),
      );
    };
  });

  it.each([
    ['lazy', ['-Wl,-z,lazy', '-fcf-protection=none']],
    ['now', ['-Wl,-z,now']],
    ['ibt', ['-Wl,-z,lazy', '-fcf-protection=full', '-Wl,-z,ibtplt']],
    ['fixed', ['-no-pie', '-Wl,-z,lazy']],
    ['shared', ['-shared', '-fPIC', '-Wl,-z,lazy']],
    ['shared-ibt', ['-shared', '-fPIC', '-Wl,-z,lazy', '-fcf-protection=full', '-Wl,-z,ibtplt']],
    ['stripped', ['-s', '-Wl,-z,lazy']],
  ])('of a %s file are those of objdump', (name, options) => {
    const file = program(`plt-${name}`, ...options);
    const stubs = oracle(file);
    expect(stubs.size).toBeGreaterThanOrEqual(5);
    for (const [address, stub] of stubs) {
      expect([nameAt(file, address), nameAt(file, address + 6)]).toEqual([stub, stub]);
      expect(file.symbols.kindOf(file.symbols.find(address))).toBe(FrameKind.plt);
    }
  });

  it('of the lazy half of a split table have the name that their other half has', () => {
    const file = program('plt-halves', '-shared', '-fPIC', '-Wl,-z,lazy', '-fcf-protection=full', '-Wl,-z,ibtplt');
    const lazy = section(file, '.plt');
    const second = section(file, '.plt.sec');
    const names = runs(file, second.start, second.end).map(run => run.split(' ')[1]);
    expect(runs(file, lazy.start + 16, lazy.end).map(run => run.split(' ')[1])).toEqual(names);
    expect(names).toContain('strlen@plt');
    expect(nameAt(file, lazy.start)).toBeUndefined();
  });

  it('of indirect functions of a static file have the name of the function', () => {
    const file = program('plt-static', '-static');
    const { start, end } = section(file, '.plt');
    const names = runs(file, start, end).map(run => run.split(' ')[1]);
    expect(names).toContain('indirect_function@plt');
    expect(names).toContain('strlen@plt');
  });
});
