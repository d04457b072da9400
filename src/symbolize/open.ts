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

/** A table and its names, each decoded and demangled once. */
export class NamedTable {
  readonly table: SourceTable;
  /** For each symbol: where its names are in the columns, plus one; 0 while it has none. */
  readonly #slots: Uint32Array;
  readonly #systemNames: string[] = [];
  readonly #texts: Record<NameStyle, (string | undefined)[]> = { readable: [], short: [], llvm: [] };

  constructor(table: SourceTable) {
    this.table = table;
    this.#slots = new Uint32Array(table.length);
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
    full[slot] ??= demangler.demangle(systemName);
    if (style !== 'short' || full[slot] === systemName) return full[slot];
    this.#texts.short[slot] ??= shortName(full[slot]);
    return this.#texts.short[slot];
  }

  #slotOf(symbol: number): number {
    if (this.#slots[symbol] === 0) {
      this.#slots[symbol] = this.#systemNames.push(this.table.nameOf(symbol));
    }
    return this.#slots[symbol]! - 1;
  }
}

/** The tables of a mapping, in the order in which they are asked. */
export interface OpenMapping {
  readonly tables: readonly NamedTable[];
  /** Why there is none, or what an address is that none of them has. */
  readonly miss: Miss;
}

const opened = new WeakMap<CodeMapping, Map<SymbolSource, NamedTable | Miss | undefined>>();

/** Opens each source once for a mapping, for as long as the mapping's object lives. */
export function openMapping(mapping: CodeMapping, sources: readonly SymbolSource[]): OpenMapping {
  let known = opened.get(mapping);
  if (known === undefined) {
    known = new Map();
    opened.set(mapping, known);
  }
  const tables: NamedTable[] = [];
  let miss = mapping.miss;
  for (const source of sources) {
    let result = known.get(source);
    if (result === undefined && !known.has(source)) {
      const table = source.open(mapping);
      result = typeof table === 'object' ? new NamedTable(table) : table;
      known.set(source, result);
    }
    if (result instanceof NamedTable) tables.push(result);
    else if (miss === Miss.none && result !== undefined) miss = result;
  }
  if (tables.length > 0) return { tables, miss: Miss.unknownAddress };
  return { tables, miss: miss === Miss.none ? missOfKind(mapping) : miss };
}

function missOfKind(mapping: CodeMapping): Miss {
  if (mapping.kind === 'jit') return Miss.jit;
  return mapping.kind === 'none' ? Miss.unmapped : Miss.noSymbols;
}
