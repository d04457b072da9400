/** Programs with their symbols and debug information in other files, made with the tools that distributions use. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { DebugFiles, DebuggedCode } from '../../src/debug-files/debug-files.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { readSymbols } from '../../src/elf/symbols.ts';
import { openPath } from '../../src/process/files.ts';
import { listed } from '../elf/toolchain.ts';

const source = join(import.meta.dirname, '../programs/elf/calls.c');

export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Compiles a program with symbols and debug information. `value` makes it another one with other contents. */
export function compile(output: string, ...options: readonly string[]): string {
  run('gcc', '-O1', '-g', source, ...options, '-o', output);
  return output;
}

/** The address of a function that only the symbol table knows. */
export function addressOf(program: string, name = 'local_function'): number {
  return listed(program).find(symbol => symbol.name === name)!.address;
}

/** The debug information of a program as a file of its own. */
export function keepDebug(program: string, output: string, ...options: readonly string[]): string {
  run('objcopy', '--only-keep-debug', ...options, program, output);
  return output;
}

export function strip(program: string, output: string, ...options: readonly string[]): string {
  run('objcopy', '--strip-all', ...options, program, output);
  return output;
}

export function buildIdOf(path: string): string {
  return codeOf(path).elf?.buildId ?? '';
}

/** Where a file with this build id lies below a folder of debug files. */
export function buildIdPath(buildId: string, suffix = '.debug'): string {
  return `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}${suffix}`;
}

/** A file as the process table knows it. */
export function codeOf(path: string, more: Partial<DebuggedCode> = {}): DebuggedCode {
  const { bytes } = openPath(path)!;
  return { kind: 'file', filename: path, bytes, elf: parseElf(bytes), ...more };
}

/** The name of an address, undefined without one: by the program's own symbols and those of its debug file. */
export function nameAt(files: DebugFiles, code: DebuggedCode, address: number): string | undefined {
  const symbols = readSymbols(code.elf!, code.bytes!, files.symbolsOf(code));
  const symbol = symbols.find(address);
  return symbol < 0 ? undefined : symbols.nameOf(symbol);
}
