/** Programs with debug information, and what is known of their addresses. */

import { execFileSync, spawnSync } from 'node:child_process';
import { openDwarf } from '../../src/elf/dwarf/dwarf.ts';
import type { DwarfFile, DwarfParts } from '../../src/elf/dwarf/parts.ts';
import { linesAt } from '../../src/elf/dwarf/unit-table.ts';
import { openPath } from '../../src/process/files.ts';

export function dwarfFile(path: string): DwarfFile {
  const { elf, bytes } = openPath(path) ?? {};
  if (elf === undefined || bytes === undefined) throw new Error(`${path} is no ELF file`);
  return { elf, bytes };
}

/**
 * The lines of an address, innermost first: `name file:line`, the file without its folders. From tables of functions,
 * or from those of whole units.
 */
export function framesAt(parts: DwarfParts, addresses: readonly number[], isWhole = false): string[][] {
  const dwarf = openDwarf(parts);
  return addresses.map(address => {
    const frames: string[] = [];
    const table = isWhole ? dwarf?.tableOf(dwarf.unitAt(address)) : dwarf?.tableAt(address);
    if (table === undefined) return frames;
    linesAt(table, address, (scope, file, line) => {
      const name = scope < 0 ? '??' : table.nameOf(scope);
      frames.push(`${name} ${table.fileOf(file).replace(/^.*\//, '') || '??'}:${line}`);
    });
    return frames;
  });
}

/** The same by llvm-symbolizer. */
export function llvmFramesAt(path: string, addresses: readonly number[]): string[][] {
  const input = addresses.map(address => `0x${address.toString(16)}\n`).join('');
  const options = ['--inlines', '--no-demangle', `--obj=${path}`];
  const { stdout } = spawnSync('llvm-symbolizer', options, { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  return stdout
    .trimEnd()
    .split('\n\n')
    .map(block => {
      const lines = block.split('\n');
      const frames: string[] = [];
      for (let i = 0; i + 1 < lines.length; i += 2) {
        const place = lines[i + 1]!.replace(/:\d+$/, '').replace(/^.*\//, '');
        frames.push(`${lines[i]} ${place}`);
      }
      return frames;
    });
}

/** Symbols of a program by name. */
export function symbolAddresses(path: string): Map<string, { readonly address: number; readonly size: number }> {
  const symbols = new Map<string, { address: number; size: number }>();
  for (const line of execFileSync('nm', ['-S', path], { encoding: 'utf8' }).split('\n')) {
    const [, address = '', size = '', name = ''] = /^(\w+)(?: (\w+))? \w (\S+)$/.exec(line) ?? [];
    if (name !== '')
      symbols.set(name, { address: Number.parseInt(address, 16), size: Number.parseInt(size || '0', 16) });
  }
  return symbols;
}
