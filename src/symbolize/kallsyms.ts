/** Names of kernel addresses from /proc/kallsyms (kernel/kallsyms.c: `address type name[\t[module]]`). */

import { Intervals } from '../elf/intervals.ts';
import type { SymbolTable } from '../elf/symbols.ts';
import { FrameKind, Miss } from '../model/profile.ts';
import { parseKallsyms } from './kallsyms-parse.ts';
import { kernelIntervals } from './kallsyms-ranges.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { SymbolSource } from './source.ts';

const sources = new WeakMap<KernelFiles, SymbolSource>();

/** The source of kernel names that reads its files through `files`; the same one for the same function. */
export function kernelSymbols(files: KernelFiles): SymbolSource {
  let source = sources.get(files);
  if (source === undefined) {
    source = { name: 'kallsyms', open: mapping => (mapping.kind === 'kernel' ? readKallsyms(files) : undefined) };
    sources.set(files, source);
  }
  return source;
}

/** The functions of the running kernel and its modules; kernelHidden when the kernel does not show their addresses. */
export function readKallsyms(files: KernelFiles): SymbolTable | Miss {
  const symbols = readOr(files, '/proc/kallsyms', parseKallsyms);
  if (symbols === undefined || symbols.hidden || symbols.length === 0) return Miss.kernelHidden;
  // Without modules, or without the right to see where they are, there are none to bound.
  const modules = readOr(files, '/proc/modules', parseModules) ?? new Map<string, number>();
  const { starts, owners, offsets } = kernelIntervals(symbols, modules);
  const intervals = new Intervals(starts, owners);
  const names = symbols.names;
  return {
    length: offsets.length,
    find: address => intervals.find(address),
    nameOf(symbol) {
      const start = offsets[symbol]!;
      return names.toString('utf8', start, names.indexOf(0, start));
    },
    kindOf: () => FrameKind.kernel,
  };
}

/** What `parse` makes of a file, undefined when the file cannot be read. */
function readOr<T>(
  files: KernelFiles,
  path: '/proc/kallsyms' | '/proc/modules',
  parse: (pieces: Iterable<Uint8Array>) => T,
): T | undefined {
  try {
    return parse(files(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** Where each module ends, by name (kernel/module/procfs.c: `name size uses users state address`). */
function parseModules(pieces: Iterable<Uint8Array>): Map<string, number> {
  const text = Buffer.concat(Array.from(pieces, piece => Buffer.from(piece))).toString('latin1');
  const ends = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name, size, , , , address] = line.split(' ');
    if (name === undefined || address === undefined) continue;
    const start = Number(BigInt.asIntN(64, BigInt(/^0x[\da-f]{1,16}$/.test(address) ? address : 0)));
    if (start !== 0) ends.set(name, start + Number(size));
  }
  return ends;
}
