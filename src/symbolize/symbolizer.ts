/** From addresses to functions: each address is looked up once, each name is decoded and demangled once. */

import type { DebugFiles } from '../debug-files/debug-files.ts';
import { orderByAddress } from '../elf/sort.ts';
import { FrameKind, type FunctionColumns, type LineColumns, Miss } from '../model/profile.ts';
import { type CodeMapping, type SymbolSource, symbolSources } from './index.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { LineIndexes } from './lines/line-indexes.ts';
import { type Found, MappingNames, Names, nothingFound } from './mapping-names.ts';

export type { CodeMapping } from './index.ts';

/** Addresses to look up. Return addresses come one byte before, so that they lie in the call; leaf addresses as they are. */
export interface AddressColumns {
  readonly length: number;
  /** Index into the mappings, −1 for none. */
  readonly mapping: Int32Array;
  /** As the file's program headers lay it out, as a signed double. */
  readonly address: Float64Array;
  /** A {@link Miss} that is known already, {@link Miss.none} to look the address up. */
  readonly miss: Uint8Array;
}

/** Columns for a profile. Of each address, in the order they came: kind, miss and lines. */
export interface Symbolized {
  /** The first is ''. */
  strings: string[];
  functions: FunctionColumns;
  lines: LineColumns;
  /** One more than there are addresses: the lines of address i are firstLine[i] … firstLine[i + 1] − 1. */
  firstLine: Uint32Array;
  /** {@link FrameKind}. */
  kind: Uint8Array;
  /** {@link Miss}; an address with a miss has no lines. */
  miss: Uint8Array;
  /** Index into `modules`. */
  module: Uint16Array;
  /** Parts of the kernel, as {@link SourceTable.moduleOf} calls them; the first is ''. */
  modules: string[];
  /** For each mapping. */
  found: Readonly<Found>[];
}

export interface SymbolizeOptions {
  /** Names of C++ and Rust functions without parameters, return types and template arguments. */
  readonly shortNames?: boolean;
  /** Names as llvm-symbolizer prints them, and the source file of a function where the symbol table alone tells it. */
  readonly llvmNames?: boolean;
  /** Inlined calls as lines of their own. Default true. */
  readonly inlines?: boolean;
  /** Source files and lines. Default true. */
  readonly lines?: boolean;
  /** Where /proc/kallsyms and /proc/modules are read; the running kernel is asked without it. */
  readonly kallsyms?: KernelFiles;
  /** Where debug files are found; none are looked for without it. */
  readonly debugFiles?: DebugFiles | undefined;
  /** Lines that earlier runs have found; its owner has them saved. Nothing is kept without it. */
  readonly lineIndexes?: LineIndexes | undefined;
  /** Other sources of names than the registered ones. */
  readonly sources?: readonly SymbolSource[];
}

/**
 * Names addresses. Symbol tables and names are kept with the mapping objects, so that the next call with the same ones
 * finds them. Damaged files are misses; only failed I/O throws.
 */
export function symbolize(
  addresses: AddressColumns,
  mappings: readonly CodeMapping[],
  options: SymbolizeOptions = {},
): Symbolized {
  const { shortNames = false, llvmNames = false, inlines = true, lines = true } = options;
  const sources = inOrder(options.sources ?? symbolSources(options), inlines || lines);
  const style = llvmNames ? 'llvm' : shortNames ? 'short' : 'readable';
  const names = new Names({ style, inlines, lines });
  const open = mappings.map(() => undefined as MappingNames | undefined);
  const length = addresses.length;
  const miss = addresses.miss.slice(0, length);
  const kind = new Uint8Array(length);
  const module = new Uint16Array(length);
  const modules = [''];
  /** In the order in which the addresses are looked up: the end of each one's lines. */
  const ends = new Uint32Array(length);
  const order = lookupOrder(addresses, mappings.length);
  for (let at = 0; at < length; at++) {
    const i = order[at]!;
    const index = addresses.mapping[i]!;
    const mapping = mappings[index];
    kind[i] = kindOfMapping(mapping);
    if (miss[i] === Miss.none && mapping === undefined) miss[i] = Miss.unmapped;
    if (miss[i] === Miss.none && mapping !== undefined) {
      open[index] ??= new MappingNames(mapping, sources, names);
      miss[i] = open[index].add(addresses.address[i]!);
      if (kind[i] === FrameKind.native || (kind[i] === FrameKind.jit && miss[i] === Miss.none))
        kind[i] = open[index].kind;
      if (kind[i] === FrameKind.kernel) module[i] = indexIn(modules, open[index].module);
    }
    ends[at] = names.functions.lines;
  }
  const { strings, functions, lines: found } = names.functions.done();
  return {
    strings,
    functions,
    ...asTheyCame(found, order, ends),
    kind,
    miss,
    module,
    modules,
    found: open.map(of => of?.found ?? nothingFound()),
  };
}

/** The number of a part of the kernel, which has room for fewer than 65,536. */
function indexIn(modules: string[], name: string): number {
  const index = modules.indexOf(name);
  return index < 0 ? modules.push(name) - 1 : index;
}

/** What is read for lines and inlined calls is asked last when these are not wanted: reading it costs more than the rest. */
function inOrder(sources: readonly SymbolSource[], isDetailed: boolean): readonly SymbolSource[] {
  if (isDetailed) return sources;
  return [...sources.filter(source => !source.isDetailed), ...sources.filter(source => source.isDetailed)];
}

/** Mapping after mapping, by address: what lies together in the file is read together, and once. */
function lookupOrder({ length, mapping, address }: AddressColumns, mappings: number): Uint32Array {
  const byAddress = orderByAddress(address, length);
  /** −1 comes first. */
  const next = new Uint32Array(mappings + 2);
  for (let i = 0; i < length; i++) next[slotOf(mapping[i]!, mappings) + 1]!++;
  for (let i = 1; i < next.length; i++) next[i]! += next[i - 1]!;
  const order = new Uint32Array(length);
  for (const i of byAddress) order[next[slotOf(mapping[i]!, mappings)]!++] = i;
  return order;
}

/** A mapping that does not exist is as good as none. */
function slotOf(mapping: number, mappings: number): number {
  return mapping >= 0 && mapping < mappings ? mapping + 1 : 0;
}

/** From the order of the lookups to the order of the addresses. */
function asTheyCame(
  lines: LineColumns,
  order: Uint32Array,
  ends: Uint32Array,
): { firstLine: Uint32Array; lines: LineColumns } {
  const length = order.length;
  const firstLine = new Uint32Array(length + 1);
  for (let at = 0; at < length; at++) firstLine[order[at]! + 1] = ends[at]! - (at === 0 ? 0 : ends[at - 1]!);
  for (let i = 0; i < length; i++) firstLine[i + 1]! += firstLine[i]!;
  const sorted = { length: lines.length, function: new Uint32Array(lines.length), line: new Uint32Array(lines.length) };
  for (let at = 0; at < length; at++) {
    // Most addresses have one line, of which a loop is done before a view of it is made.
    let into = firstLine[order[at]!]!;
    for (let line = at === 0 ? 0 : ends[at - 1]!; line < ends[at]!; line++, into++) {
      sorted.function[into] = lines.function[line]!;
      sorted.line[into] = lines.line[line]!;
    }
  }
  return { firstLine, lines: sorted };
}

function kindOfMapping(mapping: CodeMapping | undefined): FrameKind {
  switch (mapping?.kind) {
    case 'kernel':
      return FrameKind.kernel;
    case 'vdso':
      return FrameKind.vdso;
    case 'jit':
      return FrameKind.jit;
    default:
      return FrameKind.native;
  }
}
