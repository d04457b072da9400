/** What is kept of a mapping between two calls: its symbol tables and the names that were decoded. */

import { Miss } from '../model/profile.ts';
import type { Demangler } from './demangle.ts';
import { shortName } from './short-names.ts';
import type { CodeMapping, SourceTable, SymbolSource } from './source.ts';

/** A table and its names, each decoded and demangled once. */
export class NamedTable {
  readonly table: SourceTable;
  // Of the full length from the start: filled here and there, growing arrays would become hash tables.
  readonly #systemNames: (string | undefined)[];
  readonly #names: (string | undefined)[];
  #shortNames: (string | undefined)[] | undefined;

  constructor(table: SourceTable) {
    this.table = table;
    this.#systemNames = new Array(table.length);
    this.#names = new Array(table.length);
  }

  /** The linker's name; '' when it cannot be read. */
  systemName(symbol: number): string {
    let name = this.#systemNames[symbol];
    if (name === undefined) {
      name = this.table.nameOf(symbol);
      this.#systemNames[symbol] = name;
    }
    return name;
  }

  /** The readable name. */
  name(symbol: number, demangler: Demangler): string {
    let name = this.#names[symbol];
    if (name === undefined) {
      name = demangler.demangle(this.systemName(symbol));
      this.#names[symbol] = name;
    }
    return name;
  }

  /** The readable name without parameters, return type and template arguments. */
  shortName(symbol: number, demangler: Demangler): string {
    this.#shortNames ??= new Array(this.table.length) as (string | undefined)[];
    let short = this.#shortNames[symbol];
    if (short === undefined) {
      const name = this.name(symbol, demangler);
      short = name === this.systemName(symbol) ? name : shortName(name);
      this.#shortNames[symbol] = short;
    }
    return short;
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
