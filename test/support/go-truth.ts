/** What a stripped Go program is called, beside what llvm-symbolizer says of its twin with symbols and DWARF. */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { Miss } from '../../src/model/profile.ts';
import { packageRoot } from '../../src/package.ts';
import { goSymbols } from '../../src/symbolize/go.ts';
import type { CodeMapping, SourceTable } from '../../src/symbolize/source.ts';
import { random } from './random.ts';

const programs = join(packageRoot, 'test/programs/go');

export interface Twins {
  readonly full: string;
  readonly stripped: string;
}

/** Builds a program of test/programs/go with and without symbols; `go` may be that of another release. */
export function buildTwins(folder: string, source: string, flags: readonly string[] = [], go = 'go'): Twins {
  const name = join(folder, [source, ...flags, go].join('').replace(/[^\w.]/g, '_'));
  const local = { GOFLAGS: '', GO111MODULE: 'off', GOENV: 'off', GOTOOLCHAIN: 'local' };
  // Before 1.10 go does not find its own root.
  const env = { ...process.env, ...local, ...(go === 'go' ? {} : { GOROOT: join(go, '../..') }) };
  const build = (output: string, ...more: string[]) => {
    execFileSync(go, ['build', ...flags, ...more, '-o', output, join(programs, source)], { env, stdio: 'pipe' });
    return output;
  };
  return { full: build(`${name}.full`), stripped: build(`${name}.stripped`, '-ldflags=-s -w') };
}

export function mappingOf(bytes: Uint8Array): CodeMapping {
  const source = new MemoryBytes(bytes);
  return { kind: 'file', filename: 'program', elf: parseElf(source), bytes: source, miss: Miss.none };
}

/** The names of a program's bytes. */
export function openGo(bytes: Uint8Array): SourceTable {
  const table = goSymbols.open(mappingOf(bytes));
  if (typeof table !== 'object') throw new Error('no Go program');
  return table;
}

export interface Line {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** The lines of an address, innermost first; none when no function covers it. */
export function linesAt(table: SourceTable, address: number): Line[] {
  const lines: Line[] = [];
  if (table.find(address) < 0) return lines;
  const add = (symbol: number, file: string, line: number) => lines.push({ name: table.nameOf(symbol), file, line });
  table.linesAt?.(address, { add, addFunction: add });
  return lines;
}

/** What llvm-symbolizer says of addresses. */
export function llvmLines(path: string, addresses: readonly number[]): Line[][] {
  const args = ['--output-style=JSON', '--no-demangle', `--obj=${path}`];
  const input = addresses.map(address => `0x${address.toString(16)}\n`).join('');
  const { stdout } = spawnSync('llvm-symbolizer', args, { input, maxBuffer: 2 ** 30, encoding: 'utf8' });
  type Answer = { readonly Symbol?: readonly Record<'FunctionName' | 'FileName' | 'Line', string | number>[] };
  return stdout
    .trim()
    .split('\n')
    .map(text => {
      const symbols = (JSON.parse(text) as Answer).Symbol ?? [];
      const named = symbols.filter(symbol => symbol.FunctionName !== '');
      return named.map(symbol => ({
        name: String(symbol.FunctionName),
        file: String(symbol.FileName),
        line: Number(symbol.Line),
      }));
    });
}

/** Random addresses of the text section, which is the same in both twins. */
export function textAddresses(path: string, count: number, seed: number): number[] {
  const text = parseElf(new MemoryBytes(readFileSync(path))).sections.find(({ name }) => name === '.text');
  if (text === undefined) throw new Error(`${path} has no .text`);
  const number = random(seed);
  return Array.from({ length: count }, () => text.address + number(text.size));
}

/** Counts of addresses. */
export interface Agreement {
  /** In Go functions, other than between two of them. */
  go: number;
  /** Of those: with the same names, and with the same files and lines as well. */
  names: number;
  lines: number;
  /** Of those: with inlined calls. */
  inlined: number;
  /** Within a Go function for its runtime, but between two functions for DWARF, which knows where they end. */
  padding: number;
  /** In C functions of a program that has both. */
  foreign: number;
  /** In no function at all. */
  nothing: number;
  readonly differences: string[];
}

export function agreement(twins: Twins, addresses: readonly number[]): Agreement {
  const table = openGo(readFileSync(twins.stripped));
  const counts: Agreement = {
    go: 0,
    names: 0,
    lines: 0,
    inlined: 0,
    padding: 0,
    foreign: 0,
    nothing: 0,
    differences: [],
  };
  const truths = llvmLines(twins.full, addresses);
  for (const [i, address] of addresses.entries()) {
    const found = linesAt(table, address);
    const truth = truths[i]!.map((line, depth) => asGo(line, found[depth]));
    if (found.length === 0) counts[truth.length === 0 ? 'nothing' : 'foreign']++;
    else if (truth.length === 0 && found[0]!.line === 0) counts.padding++;
    else compare(found, truth, address, counts);
  }
  return counts;
}

function compare(found: readonly Line[], truth: readonly Line[], address: number, counts: Agreement): void {
  const [names, linesToo] = [found, truth].map(lines => [
    lines.map(({ name }) => name).join(' < '),
    lines.map(({ name, file, line }) => `${name} ${file}:${line}`).join(' < '),
  ]) as [string[], string[]];
  counts.go++;
  if (found.length > 1) counts.inlined++;
  if (names[0] === linesToo[0]) counts.names++;
  if (names[1] === linesToo[1]) counts.lines++;
  else counts.differences.push(`${address.toString(16)}: ${names[1]}\n  DWARF: ${linesToo[1]}`);
}

/**
 * The same as Go has it: symbols of assembly are marked with their calling convention, and code without a source has a
 * file below the folder of its unit, or line 0.
 */
function asGo({ name, file, line }: Line, found: Line | undefined): Line {
  const plain = name.replace(/\.abi0$/, '');
  if (line === 0 && found?.file === '<autogenerated>') return { ...found, name: plain };
  const generated = /(^|\/)(<autogenerated>|_cgo_gotypes\.go)$/.exec(file)?.[2];
  return { name: plain, file: generated ?? file, line };
}
