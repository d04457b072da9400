/** What is kept of a mapping between two calls: its symbol tables and the names that were decoded. */

import { Miss } from '../model/profile.ts';
import type { Demangler } from './demangle.ts';
import { shortName } from './short-names.ts';
import type { CodeMapping, SourceTable, SymbolSource } from './source.ts';

/**
 * How names are shown: in full, but without what template functions return; without parameters and template arguments;
 * as LLVM shows them.
 */
export type NameStyle = 'readable' | 'short' | 'llvm';

/** Numbers by symbol, 0 at first. Tables may find more symbols while they are used. */
export class SymbolColumn {
  #values: Uint32Array;

  constructor(length: number) {
    this.#values = new Uint32Array(length);
  }

  get(symbol: number): number {
    return this.#values[symbol] ?? 0;
  }

  set(symbol: number, value: number): void {
    if (symbol >= this.#values.length) {
      const larger = new Uint32Array(Math.max(64, 2 * symbol));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[symbol] = value;
  }
}

/** A table and its names, each decoded and demangled once. */
export class NamedTable {
  readonly table: SourceTable;
  /** For each symbol: where its names are in the columns, plus one; 0 while it has none. */
  readonly #slots: SymbolColumn;
  readonly #systemNames: string[] = [];
  readonly #texts: Record<NameStyle, (string | undefined)[]> = { readable: [], short: [], llvm: [] };

  constructor(table: SourceTable) {
    this.table = table;
    this.#slots = new SymbolColumn(table.length);
  }

  /** The linker's name; '' when it cannot be read. */
  systemName(symbol: number): string {
    return this.#systemNames[this.#slotOf(symbol)]!;
  }

  /** The name in a style; `demangler` is of the same. */
  name(symbol: number, style: NameStyle, demangler: Demangler): string {
    const slot = this.#slotOf(symbol);
    const systemName = this.#systemNames[slot]!;
    const full = this.#texts[style === 'short' ? 'readable' : style];
    full[slot] ??= this.table.readableNameOf?.(symbol) ?? demangler.demangle(systemName);
    if (style !== 'short' || full[slot] === systemName || this.table.readableNameOf !== undefined) return full[slot];
    this.#texts.short[slot] ??= shortName(full[slot]);
    return this.#texts.short[slot];
  }

  #slotOf(symbol: number): number {
    const slot = this.#slots.get(symbol);
    if (slot !== 0) return slot - 1;
    const length = this.#systemNames.push(this.table.nameOf(symbol));
    this.#slots.set(symbol, length);
    return length - 1;
  }
}

const opened = new WeakMap<CodeMapping, Map<SymbolSource, NamedTable | Miss | undefined>>();

/** The tables of a mapping. Each source is opened when it is first asked, once for as long as the mapping's object lives. */
export class OpenMapping {
  readonly #mapping: CodeMapping;
  readonly #sources: readonly SymbolSource[];
  readonly #before: Map<SymbolSource, NamedTable | Miss | undefined> | undefined;
  readonly #known: Map<SymbolSource, NamedTable | Miss | undefined>;
  /** Of the sources that were asked: every address looks here. */
  readonly #tables: (NamedTable | undefined)[] = [];

  constructor(mapping: CodeMapping, sources: readonly SymbolSource[]) {
    this.#mapping = mapping;
    this.#sources = sources;
    this.#before = opened.get(mapping);
    // A process goes on to generate code: its sources are asked again.
    this.#known = (mapping.kind === 'jit' ? undefined : this.#before) ?? new Map();
    opened.set(mapping, this.#known);
  }

  /** How many sources there are. */
  get length(): number {
    return this.#sources.length;
  }

  /** The table of a source, undefined when it has none. */
  table(index: number): NamedTable | undefined {
    while (this.#tables.length <= index) {
      const result = this.#open(this.#sources[this.#tables.length]!);
      this.#tables.push(result instanceof NamedTable ? result : undefined);
    }
    return this.#tables[index];
  }

  /** Why there is no table, or what an address is that none of them has. */
  get miss(): Miss {
    let { miss } = this.#mapping;
    for (const source of this.#sources) {
      const result = this.#open(source);
      if (result instanceof NamedTable) return this.#mapping.kind === 'jit' ? Miss.jit : Miss.unknownAddress;
      if (miss === Miss.none && result !== undefined) miss = result;
    }
    return miss === Miss.none ? missOfKind(this.#mapping) : miss;
  }

  #open(source: SymbolSource): NamedTable | Miss | undefined {
    const known = this.#known.get(source);
    if (known !== undefined || this.#known.has(source)) return known;
    const table = source.open(this.#mapping);
    const before = this.#before?.get(source);
    const isSame = before instanceof NamedTable && before.table === table;
    const result = isSame ? before : typeof table === 'object' ? new NamedTable(table) : table;
    this.#known.set(source, result);
    return result;
  }
}

function missOfKind(mapping: CodeMapping): Miss {
  if (mapping.kind === 'jit') return Miss.jit;
  return mapping.kind === 'none' ? Miss.unmapped : Miss.noSymbols;
}
