import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ElfError, MemoryBytes } from '../../src/elf/bytes.ts';
import type { DwarfFile, DwarfParts } from '../../src/elf/dwarf/parts.ts';
import { type Elf, parseElf } from '../../src/elf/elf.ts';
import { random } from '../support/random.ts';
import { dwarfFile, framesAt } from './dwarf-files.ts';
import {
  cString,
  dwarfFileOf,
  endSequence,
  lineTableOf,
  setAddress,
  text,
  unitHeader,
  unitOf,
} from './dwarf-writer.ts';
import { uleb, word } from './frame-writer.ts';
import { has, Workshop } from './toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

/** Runs within two seconds, whatever the bytes say. */
function bounded<T>(run: () => T): T {
  const start = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1000).toBeLessThan(2000);
  return result;
}

interface Sample {
  readonly bytes: Buffer;
  readonly elf: Elf;
  readonly addresses: readonly number[];
  readonly more: Omit<DwarfParts, 'main'>;
}

const samples: Record<string, readonly [string, ...string[]]> = {
  'gcc-5': ['g++', '-gdwarf-5'],
  'gcc-4': ['g++', '-gdwarf-4'],
  'gcc-64': ['g++', '-gdwarf64'],
  'gcc-split': ['g++', '-gsplit-dwarf'],
  'clang-5': ['clang++', '-gdwarf-5'],
  'clang-4': ['clang++', '-gdwarf-4'],
  'clang-split': ['clang++', '-gsplit-dwarf'],
};

function build(name: string): Sample {
  const [compiler, ...options] = samples[name]!;
  const inside = workshop.path(name);
  mkdirSync(inside);
  copyFileSync(join(import.meta.dirname, '../programs/elf/inlined.cc'), join(inside, 'inlined.cc'));
  const run = (...args: string[]) => execFileSync(compiler, ['-O2', '-g', ...options, ...args], { cwd: inside });
  run('-c', 'inlined.cc', '-o', 'inlined.o');
  run('inlined.o', '-o', 'program');
  const bytes = readFileSync(join(inside, 'program'));
  const elf = parseElf(new MemoryBytes(bytes));
  const code = elf.sections.find(section => section.name === '.text')!;
  const addresses = Array.from({ length: 60 }, (_, i) => code.address + Math.floor((i * code.size) / 60));
  const dwo = readdirSync(inside).find(file => file.endsWith('.dwo'));
  const split = (file: string) => (file === dwo ? dwarfFile(join(inside, file)) : undefined);
  return { bytes, elf, addresses, more: { split } };
}

/** All lines as one text; the code of an error when the file itself is refused. */
function outcome(bytes: Uint8Array, { addresses, more }: Sample): string {
  return bounded(() => {
    const source = new MemoryBytes(bytes);
    try {
      const parts = { main: { elf: parseElf(source), bytes: source }, ...more };
      return JSON.stringify([framesAt(parts, addresses), framesAt(parts, addresses, true)]);
    } catch (error) {
      if (error instanceof ElfError) return error.code;
      throw error;
    }
  });
}

const values = [0, 1, 2, 3, 4, 0x1d, 0x2e, 0x31, 0x47, 0x7f, 0x80, 0xff];

function damage(bytes: Uint8Array, start: number, end: number, next: (below: number) => number): void {
  for (let changes = 1 + next(6); changes > 0; changes--) {
    const at = start + next(end - start);
    bytes[at] = next(2) === 0 ? next(256) : values[next(values.length)]!;
    if (next(4) === 0) bytes.fill(next(2) * 0xff, at, Math.min(at + 8, end));
  }
}

for (const [name, [compiler]] of Object.entries(samples)) {
  it.skipIf(!has(compiler))(`a damaged file (${name}; needs ${compiler}) is read as far as it can be`, () => {
    const sample = build(name);
    const sections = sample.elf.sections.filter(section => section.name.startsWith('.debug_') && section.size > 0);
    const next = random(29);
    const outcomes = new Set<string>();
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(sample.bytes);
      const { offset, size } = sections[next(sections.length)]!;
      damage(bytes, offset, offset + size, next);
      outcomes.add(outcome(bytes, sample));
    }
    expect(outcomes.size).toBeGreaterThan(20);
    for (let length = 64; length < sample.bytes.length; length += 211) {
      outcome(sample.bytes.subarray(0, length), sample);
    }
  });
}

/** Tag, children, then attribute and form in turns. */
function abbreviation(code: number, tag: number, children: boolean, ...specs: number[]): number[] {
  return [...uleb(code), ...uleb(tag), children ? 1 : 0, ...specs, 0, 0];
}

const low = [0x11, 0x01];
const length = [0x12, 0x06];
const abbreviations = [
  // A unit; a function, an inlined call and a namespace with what is in them; an abstract function.
  ...abbreviation(1, 0x11, true, ...low, ...length, 0x10, 0x17),
  ...abbreviation(2, 0x2e, true, 0x31, 0x13, ...low, ...length),
  ...abbreviation(3, 0x1d, true, 0x31, 0x13, ...low, ...length, 0x58, 0x0b, 0x59, 0x0b),
  ...abbreviation(4, 0x2e, false, 0x03, 0x08, 0x47, 0x13),
  ...abbreviation(5, 0x39, true),
  // An inlined call whose code is in a list.
  ...abbreviation(6, 0x1d, true, 0x31, 0x13, 0x55, 0x17),
  0,
];
const address = text.address;
const wholeText = [...word(address, 8), ...word(text.size, 4)];
const root = [1, ...wholeText, ...word(0, 4)];
const line = lineTableOf([...setAddress(address), 3, 9, 1, 2, ...uleb(0x100), ...endSequence]);

function framesOf(entries: readonly number[], more: Readonly<Record<string, readonly number[]>> = {}): string[] {
  const file: DwarfFile = dwarfFileOf({ info: unitOf(entries), abbrev: abbreviations, line, ...more });
  const [frames] = bounded(() => framesAt({ main: file }, [address + 1]));
  expect(framesAt({ main: file }, [address + 1], true)).toEqual([frames]);
  return frames!;
}

describe('contradictions', () => {
  const origin = unitHeader + root.length;

  it('are none in what the others change', () => {
    const abstract = [4, ...cString('f'), ...word(origin, 4)];
    const call = [3, ...word(origin, 4), ...wholeText, 1, 7, 0];
    const entries = [...root, ...abstract, 2, ...word(origin, 4), ...wholeText, ...call, 0, 0];
    expect(framesOf(entries)).toEqual(['f a.c:10', 'f a.c:7']);
  });

  it('in circles of origins end, and what is outside of the unit has no name', () => {
    // The specification of the function is the function itself.
    const abstract = [4, ...cString(''), ...word(origin, 4)];
    expect(framesOf([...root, ...abstract, 2, ...word(origin, 4), ...wholeText, 0, 0])).toEqual([' a.c:10']);
    expect(framesOf([...root, 2, ...word(0xffffff, 4), ...wholeText, 0, 0])).toEqual([' a.c:10']);
    expect(framesOf([...root, 2, ...word(3, 4), ...wholeText, 0, 0])).toEqual([' a.c:10']);
  });

  it('of calls without end keep the innermost ones that count', () => {
    const call = [3, ...word(origin, 4), ...wholeText, 1, 7];
    const calls = Array.from({ length: 2000 }, () => call).flat();
    const abstract = [4, ...cString('f'), ...word(origin, 4)];
    const entries = [...root, ...abstract, 2, ...word(origin, 4), ...wholeText, ...calls];
    expect(framesOf(entries).length).toBe(251);
  });

  it('of namespaces without end leave the unit out', () => {
    const entries = [...root, ...Array.from({ length: 20_000 }, () => 5), 2, ...word(origin, 4), ...wholeText, 0, 0];
    expect(framesOf(entries)).toEqual([]);
  });

  it('of lists that a hundred thousand calls share do not read it each time', () => {
    const list = Array.from({ length: 50_000 }, (_, i) => [...word(i + 1, 8), ...word(i + 2, 8)]).flat();
    const call = [6, ...word(origin, 4), ...word(0, 4), 0];
    const calls = Array.from({ length: 20_000 }, () => call).flat();
    const abstract = [4, ...cString('f'), ...word(origin, 4)];
    const entries = [...root, ...abstract, 2, ...word(origin, 4), ...wholeText, ...calls, 0, 0];
    expect(framesOf(entries, { ranges: [...list, ...word(0, 16)] })).toEqual([]);
  });

  it('of a line program that a thousand units share do not run it each time', () => {
    const program = [...setAddress(address), ...Array.from({ length: 1_000_000 }, () => 0x20), ...endSequence];
    const units = Array.from({ length: 1000 }, (_, i) => {
      return unitOf([1, ...word(address + 16 * i, 8), ...word(16, 4), ...word(0, 4), 0]);
    });
    const file = dwarfFileOf({ info: units.flat(), abbrev: abbreviations, line: lineTableOf(program) });
    const addresses = units.map((_, i) => address + 16 * i);
    const found = bounded(() => framesAt({ main: file }, addresses));
    expect(found.filter(frames => frames.length > 0).length).toBeGreaterThan(10);
    expect(found.filter(frames => frames.length > 0).length).toBeLessThan(400);
  });

  it('of a number of entries that is claimed are not believed', () => {
    // DWARF 5: a directory format with one value of no bytes, and 2^28 directories.
    const header = [1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0x19, ...uleb(2 ** 28)];
    const rest = [...word(5, 2), 8, 0, ...word(header.length, 4), ...header];
    expect(framesOf([...root, 0], { line: [...word(rest.length, 4), ...rest] })).toEqual([]);
    expect(framesOf([...root, 0], { abbrev: abbreviation(2 ** 27, 0x11, false) })).toEqual([]);
    expect(framesOf([...root, 0], { aranges: [...word(0xffff_fff0, 4), 2, 0, 0] })).toEqual(['?? a.c:10']);
  });
});
