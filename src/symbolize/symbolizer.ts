/** From addresses to functions: each address is looked up once, each name is decoded and demangled once. */

import { FrameKind, type FunctionColumns, type LineColumns, Miss } from '../model/profile.ts';
import { Demangler } from './demangle.ts';
import { FunctionBuilder } from './functions.ts';
import { type CodeMapping, type SymbolSource, symbolSources } from './index.ts';
import { type KernelFiles, runningKernel } from './kernel-files.ts';
import { type NamedTable, type NameStyle, openMapping } from './open.ts';
import { trampolineAt } from './signal-frames.ts';

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
  /** For each mapping: whether one of its addresses has a name. */
  hasFunctions: boolean[];
}

export interface SymbolizeOptions {
  /** Names of C++ and Rust functions without parameters, return types and template arguments. */
  readonly shortNames?: boolean;
  /** Names as llvm-symbolizer prints them, and the source file of a function where the symbol table alone tells it. */
  readonly llvmNames?: boolean;
  /** Where /proc/kallsyms and /proc/modules are read; the running kernel's without it. */
  readonly kallsyms?: KernelFiles;
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
  const sources = options.sources ?? symbolSources(options.kallsyms ?? runningKernel);
  const names = new Names(options.llvmNames ? 'llvm' : options.shortNames ? 'short' : 'readable');
  const open = mappings.map(() => undefined as MappingNames | undefined);
  const length = addresses.length;
  const miss = addresses.miss.slice(0, length);
  const kind = new Uint8Array(length);
  const firstLine = new Uint32Array(length + 1);
  for (let i = 0; i < length; i++) {
    const index = addresses.mapping[i]!;
    const mapping = mappings[index];
    kind[i] = kindOfMapping(mapping);
    if (miss[i] === Miss.none && mapping === undefined) miss[i] = Miss.unmapped;
    if (miss[i] === Miss.none && mapping !== undefined) {
      open[index] ??= new MappingNames(mapping, sources, names);
      miss[i] = open[index].add(addresses.address[i]!);
      if (kind[i] === FrameKind.native) kind[i] = open[index].kind;
    }
    firstLine[i + 1] = names.functions.lines;
  }
  const hasFunctions = open.map(mapping => mapping?.hasFunctions ?? false);
  return { ...names.functions.done(), firstLine, kind, miss, hasFunctions };
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

/** What one call shares between its mappings. */
class Names {
  readonly functions = new FunctionBuilder();
  readonly #demangler: Demangler;
  readonly #style: NameStyle;

  constructor(style: NameStyle) {
    this.#style = style;
    this.#demangler = new Demangler({ llvm: style === 'llvm' });
  }

  /** The function of a table's symbol where nothing is known but the symbol. */
  functionOfSymbol(table: NamedTable, symbol: number): number {
    const file = this.#style === 'llvm' ? table.table.fileOf?.(symbol) : undefined;
    return this.functionOf(table, symbol, file ?? '');
  }

  /** The function of a table's symbol; −1 when its name cannot be read. */
  functionOf(table: NamedTable, symbol: number, filename: string): number {
    const systemName = table.systemName(symbol);
    if (systemName === '') return -1;
    return this.functions.functionOf(table.name(symbol, this.#style, this.#demangler), systemName, filename);
  }
}

/** The tables of one mapping during one call. */
class MappingNames {
  hasFunctions = false;
  /** Of the address that was added last. */
  kind: FrameKind = FrameKind.native;
  readonly #mapping: CodeMapping;
  readonly #names: Names;
  readonly #miss: Miss;
  readonly #tables: readonly NamedTable[];
  /** For each table: function + 1 of each symbol, 0 when it was not needed yet. */
  readonly #functions: readonly Uint32Array[];

  constructor(mapping: CodeMapping, sources: readonly SymbolSource[], names: Names) {
    const { tables, miss } = openMapping(mapping, sources);
    this.#mapping = mapping;
    this.#names = names;
    this.#miss = miss;
    this.#tables = tables;
    this.#functions = tables.map(({ table }) => new Uint32Array(table.length));
  }

  /** Adds the lines of an address, or returns why it has none. */
  add(address: number): Miss {
    this.kind = FrameKind.native;
    for (let i = 0; i < this.#tables.length; i++) {
      const { table } = this.#tables[i]!;
      const symbol = table.find(address);
      if (symbol < 0) continue;
      // The byte after the last one of a symbol may be where a signal handler returns to.
      if (table.find(address + 1) !== symbol && this.#addTrampoline(address + 1)) return Miss.none;
      return this.#addSymbol(i, symbol, address);
    }
    return this.#addTrampoline(address + 1) || this.#addTrampoline(address) ? Miss.none : this.#miss;
  }

  #addTrampoline(address: number): boolean {
    const name = trampolineAt(this.#mapping, address);
    if (name === undefined) return false;
    for (let i = 0; i < this.#tables.length; i++) {
      const symbol = this.#tables[i]!.table.find(address);
      if (symbol >= 0 && this.#addSymbol(i, symbol, address) === Miss.none) return true;
    }
    this.#names.functions.addLine(this.#names.functions.functionOf(name, name, ''), 0);
    this.hasFunctions = true;
    return true;
  }

  #addSymbol(tableIndex: number, symbol: number, address: number): Miss {
    const named = this.#tables[tableIndex]!;
    const before = this.#names.functions.lines;
    named.table.linesAt?.(address, {
      add: (inlined, filename, line) => this.#addLine(this.#names.functionOf(named, inlined, filename), line),
    });
    if (this.#names.functions.lines === before) this.#addLine(this.#functionOf(tableIndex, symbol), 0);
    if (this.#names.functions.lines === before) return Miss.noSymbols;
    this.kind = named.table.kindOf(symbol);
    this.hasFunctions = true;
    return Miss.none;
  }

  #addLine(functionIndex: number, line: number): void {
    if (functionIndex >= 0) this.#names.functions.addLine(functionIndex, line);
  }

  #functionOf(tableIndex: number, symbol: number): number {
    const functions = this.#functions[tableIndex]!;
    if (functions[symbol] === 0) {
      functions[symbol] = this.#names.functionOfSymbol(this.#tables[tableIndex]!, symbol) + 1;
    }
    return functions[symbol]! - 1;
  }
}
