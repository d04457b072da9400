/** Programs compiled for tests, and the tools whose answers are compared. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { type Elf, parseElf } from '../../src/elf/elf.ts';
import { readSymbols, type SymbolTable } from '../../src/elf/symbols.ts';

const programs = join(import.meta.dirname, '../programs/elf');

/** Whether a command exists. */
export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

/** The first of the commands that exists. */
export function firstOf(...commands: string[]): string | undefined {
  return commands.find(has);
}

/** A linker for arm64: lld, or the one that comes with Rust. */
export function arm64Linker(): string | undefined {
  const lld = firstOf('ld.lld');
  if (lld !== undefined || !has('rustc')) return lld;
  const root = execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim();
  const hosts = readdirSync(join(root, 'lib/rustlib'));
  return hosts.map(host => join(root, 'lib/rustlib', host, 'bin/gcc-ld/ld.lld')).find(path => existsSync(path));
}

/** A folder for what is compiled. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'elf-'));

  /** Compiles a program of test/programs/elf; returns the path of the result. */
  compile(compiler: string, source: string, name: string, ...options: string[]): string {
    return this.compileWith({}, compiler, source, name, ...options);
  }

  compileWith(env: NodeJS.ProcessEnv, compiler: string, source: string, name: string, ...options: string[]): string {
    const output = this.path(name);
    const where = { stdio: 'pipe', env: { ...process.env, ...env } } as const;
    execFileSync(compiler, [join(programs, source), ...options, '-o', output], where);
    return output;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  clear(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface LoadedFile {
  readonly path: string;
  readonly bytes: MemoryBytes;
  readonly elf: Elf;
  readonly symbols: SymbolTable;
}

export function load(path: string): LoadedFile {
  const bytes = new MemoryBytes(readFileSync(path));
  const elf = parseElf(bytes);
  return { path, bytes, elf, symbols: readSymbols(elf, bytes) };
}

/** The name at an address, undefined when it has none. */
export function nameAt({ symbols }: LoadedFile, address: number): string | undefined {
  const symbol = symbols.find(address);
  return symbol < 0 ? undefined : symbols.nameOf(symbol);
}

/** Each change of the name from one address to the next, as `hex name` (`hex -` where a name ends). */
export function runs(file: LoadedFile, start: number, end: number): string[] {
  const found: string[] = [];
  let last: string | undefined = '';
  for (let address = start; address < end; address++) {
    const name = nameAt(file, address);
    if (name !== last) found.push(`${(address - start).toString(16)} ${name ?? '-'}`);
    last = name;
  }
  return found;
}

export function section({ elf }: LoadedFile, name: string): { start: number; end: number } {
  const found = elf.sections.find(candidate => candidate.name === name);
  if (found === undefined) throw new Error(`no section ${name}`);
  return { start: found.address, end: found.address + found.size };
}

/** A function of `nm`. */
export interface Listed {
  readonly address: number;
  readonly size: number;
  readonly name: string;
}

/** The functions that nm lists with a size, of .symtab or .dynsym. */
export function listed(path: string, ...options: string[]): Listed[] {
  const text = execFileSync('nm', ['-S', '--defined-only', ...options, path], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const found: Listed[] = [];
  for (const line of text.split('\n')) {
    const match = /^([0-9a-f]+) ([0-9a-f]+) [tTWi] (.+)$/.exec(line);
    if (match === null) continue;
    const name = match[3]!.replace(/@.*$/, '');
    found.push({ address: Number.parseInt(match[1]!, 16), size: Number.parseInt(match[2]!, 16), name });
  }
  return found;
}
