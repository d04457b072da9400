/** What is kept of a mapping between two calls: its symbol tables and the names that were decoded. */

import { Miss } from '../model/profile.ts';
import type { Demangler } from './demangle.ts';
import { shortName } from './short-names.ts';
import type { CodeMapping, SourceTable, SymbolSource } from './source.ts';

/** A table and its names, each decoded and demangled once. */
export class NamedTable {
  readonly table: SourceTable;
  /** For each symbol: where its names are in the columns, plus one; 0 while it has none. */
  #slots: Uint32Array;
  readonly #systemNames: string[] = [];
  readonly #names: (string | undefined)[] = [];
  readonly #shortNames: (string | undefined)[] = [];

  constructor(table: SourceTable) {
    this.table = table;
    this.#slots = new Uint32Array(table.length);
  }

  /** The linker's name; '' when it cannot be read. */
  systemName(symbol: number): string {
    return this.#systemNames[this.#slotOf(symbol)]!;
  }

  /** The readable name, without parameters, return type and template arguments when it is to be short. */
  name(symbol: number, short: boolean, demangler: Demangler): string {
    const slot = this.#slotOf(symbol);
    const systemName = this.#systemNames[slot]!;
    this.#names[slot] ??= this.table.readableNameOf?.(symbol) ?? demangler.demangle(systemName);
    const name = this.#names[slot];
    if (!short || name === systemName || this.table.readableNameOf !== undefined) return name;
    this.#shortNames[slot] ??= shortName(name);
    return this.#shortNames[slot];
  }

  #slotOf(symbol: number): number {
    // Functions that are known only inlined get their numbers when they are met.
    if (symbol >= this.#slots.length) {
      const larger = new Uint32Array(Math.max(this.table.length, 2 * this.#slots.length));
      larger.set(this.#slots);
      this.#slots = larger;
    }
    if (this.#slots[symbol] === 0) {
      this.#slots[symbol] = this.#systemNames.push(this.table.nameOf(symbol));
      this.#names.push(undefined);
      this.#shortNames.push(undefined);
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
