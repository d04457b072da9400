/** The names of one mapping's addresses during one call. */

import { FrameKind, Miss } from '../model/profile.ts';
import { Demangler } from './demangle.ts';
import { FunctionBuilder } from './functions.ts';
import { type NamedTable, type NameStyle, OpenMapping, SymbolColumn } from './open.ts';
import { trampolineAt } from './signal-frames.ts';
import type { CodeMapping, LineSink, SymbolSource } from './source.ts';

/** What is wanted of an address. */
export interface Detail {
  readonly style: NameStyle;
  readonly inlines: boolean;
  readonly lines: boolean;
}

/** What at least one address of a mapping has. */
export interface Found {
  hasFunctions: boolean;
  hasFilenames: boolean;
  hasLineNumbers: boolean;
  hasInlineFrames: boolean;
}

export function nothingFound(): Found {
  return { hasFunctions: false, hasFilenames: false, hasLineNumbers: false, hasInlineFrames: false };
}

/** What one call shares between its mappings. */
export class Names {
  readonly functions = new FunctionBuilder();
  readonly detail: Detail;
  readonly #demangler: Demangler;

  constructor(detail: Detail) {
    this.detail = detail;
    this.#demangler = new Demangler({ llvm: detail.style === 'llvm' });
  }

  /** The function of a table's symbol; −1 when its name cannot be read. */
  functionOf(table: NamedTable, symbol: number, filename: string): number {
    const systemName = table.systemName(symbol);
    if (systemName === '') return -1;
    const name = table.name(symbol, this.detail.style, this.#demangler);
    return this.functions.functionOf(name, systemName, filename);
  }
}

/** The lines of one address, innermost first. */
class Lines implements LineSink {
  length = 0;
  readonly symbols: number[] = [];
  readonly filenames: string[] = [];
  readonly lines: number[] = [];
  /** Whether the last one is a function that later sources may name. */
  hasFunction = false;

  clear(): void {
    this.length = 0;
    this.hasFunction = false;
  }

  add(symbol: number, filename: string, line: number): void {
    const at = this.length++;
    this.symbols[at] = symbol;
    this.filenames[at] = filename;
    this.lines[at] = line;
  }

  addFunction(symbol: number, filename: string, line: number): void {
    this.add(symbol, filename, line);
    this.hasFunction = true;
  }
}

export class MappingNames {
  readonly found = nothingFound();
  /** Of the address that was added last. */
  kind: FrameKind = FrameKind.native;
  /** Of the address that was added last: see {@link SourceTable.moduleOf}. */
  module = '';
  readonly #mapping: CodeMapping;
  readonly #names: Names;
  readonly #tables: OpenMapping;
  /** For each table: function + 1 of each symbol, 0 when it was not needed yet. */
  readonly #functions: SymbolColumn[] = [];
  /** For each table: the file that each symbol was in last, and the function that this made. */
  readonly #recent: { readonly files: string[]; readonly functions: number[] }[] = [];
  readonly #lines = new Lines();

  constructor(mapping: CodeMapping, sources: readonly SymbolSource[], names: Names) {
    this.#mapping = mapping;
    this.#names = names;
    this.#tables = new OpenMapping(mapping, sources);
  }

  /** Adds the lines of an address, or returns why it has none. */
  add(address: number): Miss {
    this.kind = FrameKind.native;
    this.module = '';
    for (let i = 0; i < this.#tables.length; i++) {
      const table = this.#tables.table(i)?.table;
      const symbol = table?.find(address) ?? -1;
      if (table === undefined || symbol < 0) continue;
      // The byte after the last one of a symbol may be where a signal handler returns to.
      if (table.find(address + 1) !== symbol && this.#addTrampoline(address + 1)) return Miss.none;
      if (this.#addSymbol(i, symbol, address)) return Miss.none;
    }
    return this.#addTrampoline(address + 1) || this.#addTrampoline(address) ? Miss.none : this.#tables.miss;
  }

  #addTrampoline(address: number): boolean {
    const name = trampolineAt(this.#mapping, address);
    if (name === undefined) return false;
    for (let i = 0; i < this.#tables.length; i++) {
      const symbol = this.#tables.table(i)?.table.find(address) ?? -1;
      if (symbol >= 0 && this.#addSymbol(i, symbol, address)) return true;
    }
    this.#names.functions.addLine(this.#names.functions.functionOf(name, name, ''), 0);
    this.found.hasFunctions = true;
    return true;
  }

  /** False when nothing about the address has a name. */
  #addSymbol(index: number, symbol: number, address: number): boolean {
    const { table } = this.#tables.table(index)!;
    const { inlines, lines } = this.#names.detail;
    const before = this.#names.functions.lines;
    this.#lines.clear();
    if (inlines || lines) table.linesAt?.(address, this.#lines);
    this.kind = table.kindOf(symbol);
    this.module = table.moduleOf?.(symbol) ?? '';
    if (this.#lines.length === 0) this.#addFunction(index, symbol, '', 0);
    else this.#addLines(index, address);
    const added = this.#names.functions.lines - before;
    if (added > 0) this.found.hasFunctions = true;
    if (added > 1) this.found.hasInlineFrames = true;
    return added > 0;
  }

  #addLines(index: number, address: number): void {
    const { inlines, lines } = this.#names.detail;
    const { length, symbols, filenames, hasFunction, lines: numbers } = this.#lines;
    for (let i = inlines ? 0 : length - 1; i < length; i++) {
      const filename = lines ? filenames[i]! : '';
      const line = lines ? numbers[i]! : 0;
      if (i === length - 1 && hasFunction && this.#addLater(index, address, filename, line)) return;
      this.#addFunction(index, symbols[i]!, filename, line);
    }
  }

  /** By the first of the later sources that knows the address. */
  #addLater(index: number, address: number, filename: string, line: number): boolean {
    for (let i = index + 1; i < this.#tables.length; i++) {
      const table = this.#tables.table(i)?.table;
      const symbol = table?.find(address) ?? -1;
      if (table === undefined || symbol < 0 || !this.#addFunction(i, symbol, filename, line)) continue;
      this.kind = table.kindOf(symbol);
      return true;
    }
    return false;
  }

  #addFunction(index: number, symbol: number, filename: string, line: number): boolean {
    const functionIndex = filename === '' ? this.#functionOf(index, symbol) : this.#functionIn(index, symbol, filename);
    if (functionIndex < 0) return false;
    if (filename !== '') this.found.hasFilenames = true;
    if (line > 0) this.found.hasLineNumbers = true;
    this.#names.functions.addLine(functionIndex, line);
    return true;
  }

  /** The code of a function is in one file as a rule, and asked for many times. */
  #functionIn(index: number, symbol: number, filename: string): number {
    this.#recent[index] ??= { files: [], functions: [] };
    const { files, functions } = this.#recent[index];
    if (files[symbol] === filename) return functions[symbol]!;
    const functionIndex = this.#names.functionOf(this.#tables.table(index)!, symbol, filename);
    files[symbol] = filename;
    functions[symbol] = functionIndex;
    return functionIndex;
  }

  #functionOf(index: number, symbol: number): number {
    this.#functions[index] ??= new SymbolColumn(this.#tables.table(index)!.table.length);
    const functions = this.#functions[index];
    const known = functions.get(symbol);
    if (known !== 0) return known - 1;
    const { table } = this.#tables.table(index)!;
    const file = this.#names.detail.style === 'llvm' ? table.fileOf?.(symbol) : undefined;
    const functionIndex = this.#names.functionOf(this.#tables.table(index)!, symbol, file ?? '');
    functions.set(symbol, functionIndex + 1);
    return functionIndex;
  }
}
