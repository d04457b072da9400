/** Names of kernel addresses from /proc/kallsyms (kernel/kallsyms.c: `address type name[\t[module]]`). */

import { FrameKind, Miss } from '../model/profile.ts';
import { parseKallsyms, symbolAt } from './kallsyms-parse.ts';
import { KernelRanges } from './kallsyms-ranges.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { CodeMapping, SourceTable, SymbolSource } from './source.ts';

/** Symbols are numbered as their lines are, of which some name no address. */
interface KernelTable extends SourceTable {
  /** `_stext`, undefined when the kernel does not tell. */
  readonly textStart: number | undefined;
}

const sources = new WeakMap<KernelFiles, SymbolSource>();
const tables = new WeakMap<CodeMapping, KernelTable | Miss>();

/** The source of kernel names that reads its files through `files`; the same one for the same function. */
export function kernelSymbols(files: KernelFiles): SymbolSource {
  let source = sources.get(files);
  if (source === undefined) {
    source = {
      name: 'kallsyms',
      open: mapping => (mapping.kind === 'kernel' ? kernelTable(mapping, files) : undefined),
    };
    sources.set(files, source);
  }
  return source;
}

/** Read once for as long as the mapping's object lives. */
export function kernelTable(mapping: CodeMapping, files: KernelFiles): KernelTable | Miss {
  let table = tables.get(mapping);
  if (table === undefined) {
    table = readKallsyms(files);
    tables.set(mapping, table);
  }
  return table;
}

/** The functions of the running kernel and its modules; kernelHidden when the kernel does not show their addresses. */
export function readKallsyms(files: KernelFiles): KernelTable | Miss {
  const lines = readOr(files, '/proc/kallsyms', parseKallsyms);
  if (lines === undefined || lines.hidden || lines.length === 0) return Miss.kernelHidden;
  // Without modules, or without the right to see where they are, there are none to bound.
  const ranges = new KernelRanges(lines, readOr(files, '/proc/modules', parseModules) ?? new Map<string, number>());
  return {
    length: lines.length,
    textStart: lines.textStart,
    find: address => ranges.find(address),
    nameOf: symbol => symbolAt(lines, lines.offset[symbol]!).name,
    moduleOf: symbol => symbolAt(lines, lines.offset[symbol]!).module,
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
