/**
 * Functions, inlined calls and lines from DWARF beside llvm-symbolizer's, at random addresses of programs of several
 * compilers, versions of DWARF and ways to store it. `node dist/benchmarks/dwarf-truth.js [-v] [PROGRAM…]`
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join, normalize } from 'node:path';
import type { DwarfFile, DwarfParts } from '../src/elf/dwarf/parts.ts';
import { readSymbols } from '../src/elf/symbols.ts';
import { Miss } from '../src/model/profile.ts';
import { packageRoot } from '../src/package.ts';
import { openPath } from '../src/process/files.ts';
import { dwarfSymbols } from '../src/symbolize/dwarf.ts';
import { elfSymbols } from '../src/symbolize/elf-symbols.ts';
import { type CodeMapping, symbolize } from '../src/symbolize/symbolizer.ts';
import { folder, has, table } from './support.ts';

const count = 20_000;

/** A function and where in it, of each call at an address, the innermost first. */
interface Frame {
  readonly name: string;
  readonly line: string;
}

interface Program {
  readonly name: string;
  readonly needs: readonly string[];
  /** Builds it in a folder of its own; returns the path. */
  build(inside: string): string;
  /** Where its .dwp, and the file that it shares with others, are. */
  readonly package?: string;
  readonly shared?: string;
  /** The same code in a file that llvm-symbolizer can read. */
  readonly plain?: string;
}

const sources = join(packageRoot, 'benchmarks/dwarf');

function run(directory: string, command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** C++, one object per source, so that split units have names. */
function cxx(compiler: string, ...options: readonly string[]): Program['build'] {
  return inside => {
    for (const file of ['main.cc', 'library.cc', 'shapes.h']) copyFileSync(join(sources, file), join(inside, file));
    run(inside, compiler, '-std=c++17', '-O2', '-g', ...options, '-c', 'main.cc');
    run(inside, compiler, '-std=c++17', '-O2', '-g', ...options, '-c', 'library.cc');
    run(inside, compiler, '-O2', '-g', ...options, '-o', 'program', 'main.o', 'library.o', '-lpthread');
    return join(inside, 'program');
  };
}

/** What is done to a program after it was built. */
function then(build: Program['build'], ...commands: readonly (readonly [string, ...string[]])[]): Program['build'] {
  return inside => {
    const path = build(inside);
    for (const [command, ...args] of commands) run(inside, command, ...args);
    return path;
  };
}

const programs: readonly Program[] = [
  { name: 'gcc, DWARF 5', needs: ['g++'], build: cxx('g++', '-gdwarf-5') },
  { name: 'gcc, DWARF 4', needs: ['g++'], build: cxx('g++', '-gdwarf-4') },
  { name: 'gcc, DWARF 3', needs: ['g++'], build: cxx('g++', '-gdwarf-3', '-gstrict-dwarf') },
  { name: 'gcc, LTO', needs: ['g++'], build: cxx('g++', '-flto') },
  { name: 'gcc, sections of functions', needs: ['g++'], build: cxx('g++', '-ffunction-sections', '-Wl,--gc-sections') },
  { name: 'gcc, 64-bit DWARF', needs: ['g++'], build: cxx('g++', '-gdwarf64') },
  { name: 'gcc, type units', needs: ['g++'], build: cxx('g++', '-fdebug-types-section') },
  { name: 'gcc, compressed', needs: ['g++'], build: cxx('g++', '-gz=zlib') },
  { name: 'clang, DWARF 5', needs: ['clang++'], build: cxx('clang++', '-gdwarf-5') },
  { name: 'clang, DWARF 4', needs: ['clang++'], build: cxx('clang++', '-gdwarf-4') },
  { name: 'clang, LTO', needs: ['clang++'], build: cxx('clang++', '-flto') },
  { name: 'gcc, split, DWARF 5', needs: ['g++'], build: cxx('g++', '-gsplit-dwarf', '-gdwarf-5') },
  { name: 'gcc, split, DWARF 4', needs: ['g++'], build: cxx('g++', '-gsplit-dwarf', '-gdwarf-4') },
  {
    name: 'clang, split, DWARF 5',
    needs: ['clang++'],
    build: cxx('clang++', '-gsplit-dwarf', '-gdwarf-5'),
  },
  {
    name: 'clang, split, DWARF 4',
    needs: ['clang++'],
    build: cxx('clang++', '-gsplit-dwarf', '-gdwarf-4'),
  },
  {
    name: 'gcc, package, DWARF 5',
    needs: ['g++', 'llvm-dwp'],
    build: then(
      cxx('g++', '-gsplit-dwarf', '-gdwarf-5'),
      ['llvm-dwp', '-e', 'program', '-o', 'program.dwp'],
      ['rm', 'main.dwo', 'library.dwo'],
    ),
    package: 'program.dwp',
  },
  {
    name: 'gcc, package, DWARF 4',
    needs: ['g++', 'dwp'],
    build: then(
      cxx('g++', '-gsplit-dwarf', '-gdwarf-4'),
      ['dwp', '-e', 'program', '-o', 'program.dwp'],
      ['rm', 'main.dwo', 'library.dwo'],
    ),
    package: 'program.dwp',
  },
  { name: 'gcc, DWZ', needs: ['g++', 'dwz'], build: then(cxx('g++'), ['dwz', 'program']) },
  {
    name: 'gcc, DWZ with a file for two',
    needs: ['g++', 'dwz'],
    build: then(
      cxx('g++'),
      ['cp', 'program', 'plain'],
      ['cp', 'program', 'other'],
      ['dwz', '-m', 'shared', '-M', 'shared', 'program', 'other'],
    ),
    shared: 'shared',
    plain: 'plain',
  },
  {
    name: 'Rust',
    needs: ['rustc'],
    build: inside => {
      run(inside, 'rustc', '-O', '-C', 'debuginfo=2', '-o', 'program', join(sources, 'main.rs'));
      return join(inside, 'program');
    },
  },
  {
    name: 'Go',
    needs: ['go'],
    build: inside => {
      run(inside, 'go', 'build', '-o', 'program', join(sources, 'main.go'));
      return join(inside, 'program');
    },
  },
];

/** In functions, not in the padding between them. The same in each run. */
function randomAddresses({ elf, bytes }: DwarfFile): Float64Array {
  const text = elf.sections.find(({ name }) => name === '.text');
  if (text === undefined) throw new Error('the program has no .text');
  const symbols = readSymbols(elf, bytes);
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return text.address + Math.floor((state / 2 ** 32) * text.size);
  };
  return Float64Array.from({ length: count }, () => {
    let address = next();
    while (symbols.find(address) < 0) address = next();
    return address;
  });
}

function open(path: string): DwarfFile | undefined {
  const opened = openPath(path);
  return opened?.elf && { elf: opened.elf, bytes: opened.bytes };
}

function partsOf(program: Program, main: DwarfFile, inside: string): DwarfParts {
  const { package: packed, shared } = program;
  const supplementary = shared === undefined ? undefined : open(join(inside, shared));
  const dwp = packed === undefined ? undefined : open(join(inside, packed));
  return {
    main,
    ...(supplementary && { supplementary }),
    ...(dwp && { package: dwp }),
    split: (name, directory) => open(name.startsWith('/') ? name : join(directory, name)),
  };
}

function ours(path: string, parts: DwarfParts, address: Float64Array): Frame[][] {
  const mapping: CodeMapping = { kind: 'file', filename: path, ...parts.main, miss: Miss.none };
  const columns = { length: count, mapping: new Int32Array(count), address, miss: new Uint8Array(count) };
  const result = symbolize(columns, [mapping], { sources: [dwarfSymbols(() => parts), elfSymbols] });
  const { strings, functions, lines, firstLine } = result;
  return Array.from(address, (_, i) => {
    const frames: Frame[] = [];
    for (let line = firstLine[i]!; line < firstLine[i + 1]!; line++) {
      const of = lines.function[line]!;
      const file = strings[functions.filename[of]!]!;
      frames.push({ name: strings[functions.systemName[of]!]!, line: `${file || '??'}:${lines.line[line]}` });
    }
    return frames;
  });
}

/** As llvm-symbolizer prints them: name and file:line:column in turns, an empty line behind each address. */
function theirs(path: string, address: Float64Array): Frame[][] {
  const input = Array.from(address, value => `0x${value.toString(16)}\n`).join('');
  const { stdout } = spawnSync('llvm-symbolizer', ['--inlines', '--no-demangle', `--obj=${path}`], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  return stdout
    .trimEnd()
    .split('\n\n')
    .map(block => {
      const lines = block.split('\n');
      const frames: Frame[] = [];
      for (let i = 0; i + 1 < lines.length; i += 2) {
        const line = lines[i + 1]!.replace(/:\d+$/, '');
        if (lines[i] !== '??' || line !== '??:0') frames.push({ name: lines[i]!, line });
      }
      return frames;
    });
}

/** The addresses of each symbol. */
type Symbols = ReadonlyMap<string, ReadonlySet<string>>;

function symbolsOf(path: string): Symbols {
  const symbols = new Map<string, Set<string>>();
  for (const line of execFileSync('nm', [path], { encoding: 'utf8', maxBuffer: 2 ** 30 }).split('\n')) {
    const [address = '', , name = ''] = line.split(' ');
    symbols.set(name, (symbols.get(name) ?? new Set()).add(address));
  }
  return symbols;
}

/** Identical functions are often folded to one that has several symbols: which of them is taken is chance. */
function sameNames(a: readonly Frame[], b: readonly Frame[], symbols: Symbols): boolean {
  const isAlias = (x: string, y: string) => [...(symbols.get(x) ?? [])].some(at => symbols.get(y)?.has(at));
  const isSame = (x: string, y: string, isLast: boolean) => x === y || (isLast && isAlias(x, y));
  return a.length === b.length && a.every(({ name }, i) => isSame(name, b[i]!.name, i === a.length - 1));
}

/** Without a line there may be a file from the symbol table, which is no place. */
function placeOf({ line }: Frame): string {
  return line.endsWith(':0') ? '' : normalize(line);
}

function sameLines(a: readonly Frame[], b: readonly Frame[]): boolean {
  return a.length === b.length && a.every((frame, i) => placeOf(frame) === placeOf(b[i]!));
}

function text(frames: readonly Frame[]): string {
  return frames.map(({ name, line }) => `${name.slice(0, 60)} ${line}`).join(' < ') || 'nothing';
}

function compare(program: Program, isVerbose: boolean): readonly string[] {
  const inside = join(folder, program.name.replaceAll(/\W+/g, '-'));
  mkdirSync(inside);
  const path = program.build(inside);
  const main = open(path)!;
  const address = randomAddresses(main);
  const found = ours(path, partsOf(program, main, inside), address);
  const expected = theirs(program.plain === undefined ? path : join(inside, program.plain), address);
  const symbols = symbolsOf(path);
  if (expected.length !== count) throw new Error(`llvm-symbolizer answered ${expected.length} times`);
  let [names, lines, calls, shown] = [0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    const [a, b] = [found[i]!, expected[i]!];
    const [isNamed, isPlaced] = [sameNames(a, b, symbols), sameLines(a, b)];
    if (isNamed) names++;
    if (isPlaced) lines++;
    calls += b.length;
    if (isVerbose && !(isNamed && isPlaced) && shown++ < 12) {
      console.log(`0x${address[i]!.toString(16)}\n  ours   ${text(a)}\n  theirs ${text(b)}`);
    }
  }
  const percent = (value: number) => `${((100 * value) / count).toFixed(2)} %`;
  return [program.name, percent(names), percent(lines), (calls / count).toFixed(2)];
}

const isVerbose = process.argv.includes('-v');
const wanted = process.argv.slice(2).filter(argument => argument !== '-v');
const rows = [['program', 'names and chains', 'lines', 'calls per address']];
for (const program of programs) {
  if (wanted.length > 0 && !wanted.some(name => program.name.includes(name))) continue;
  const missing = ['llvm-symbolizer', ...program.needs].filter(command => !has(command));
  if (missing.length > 0) rows.push([program.name, `needs ${missing.join(', ')}`, '', '']);
  else rows.push([...compare(program, isVerbose)]);
}
table(rows);
