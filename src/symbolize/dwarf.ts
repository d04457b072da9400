/** Functions, inlined calls and source lines from DWARF. */

import { openDwarf } from '../elf/dwarf/dwarf.ts';
import type { DwarfParts } from '../elf/dwarf/parts.ts';
import { linesAt, type UnitTable, type UnitTables } from '../elf/dwarf/unit-table.ts';
import { FrameKind, type Miss } from '../model/profile.ts';
import type { CodeMapping, LineSink, SourceTable, SymbolSource } from './source.ts';

/** `partsOf` finds the debug information of a mapping; undefined when there is none. */
export function dwarfSymbols(partsOf: (mapping: CodeMapping) => DwarfParts | undefined = ownParts): SymbolSource {
  return {
    name: 'dwarf',
    isDetailed: true,
    open(mapping): SourceTable | Miss | undefined {
      const parts = partsOf(mapping);
      const units = parts && openDwarf(parts);
      return units && new DwarfTable(units);
    },
  };
}

/** What the mapped file itself has. */
function ownParts({ elf, bytes }: CodeMapping): DwarfParts | undefined {
  return elf && bytes && { main: { elf, bytes } };
}

/** Code with lines that lies in no function: assembly. */
const nameless = 0;

class DwarfTable implements SourceTable {
  readonly #units: UnitTables;
  /** Of each symbol; several functions may have one name. */
  readonly #names = [''];
  readonly #symbolOf = new Map<string, number>([['', nameless]]);
  /** Of each unit's table: symbol + 1 of each scope. */
  readonly #known = new WeakMap<UnitTable, Uint32Array>();

  constructor(units: UnitTables) {
    this.#units = units;
  }

  get length(): number {
    return this.#names.length;
  }

  /** The function that the code lies in. */
  find(address: number): number {
    const table = this.#units.tableAt(address);
    let found = -1;
    if (table === undefined) return found;
    linesAt(table, address, scope => {
      const isFunction = scope < 0 || table.scopes.parent[scope]! < 0;
      if (isFunction) found = this.#symbol(table, scope);
    });
    return found;
  }

  nameOf(symbol: number): string {
    return this.#names[symbol] ?? '';
  }

  kindOf(): FrameKind {
    return FrameKind.native;
  }

  linesAt(address: number, lines: LineSink): void {
    const table = this.#units.tableAt(address);
    if (table === undefined) return;
    linesAt(table, address, (scope, file, line) => {
      const symbol = this.#symbol(table, scope);
      if (scope < 0 || table.scopes.parent[scope]! < 0) lines.addFunction(symbol, table.fileOf(file), line);
      else lines.add(symbol, table.fileOf(file), line);
    });
  }

  #symbol(table: UnitTable, scope: number): number {
    if (scope < 0) return nameless;
    let known = this.#known.get(table);
    if (known === undefined) {
      known = new Uint32Array(table.scopes.length);
      this.#known.set(table, known);
    }
    if (known[scope] === 0) known[scope] = this.#intern(table.nameOf(scope)) + 1;
    return known[scope]! - 1;
  }

  #intern(name: string): number {
    let symbol = this.#symbolOf.get(name);
    if (symbol === undefined) {
      symbol = this.#names.push(name) - 1;
      this.#symbolOf.set(name, symbol);
    }
    return symbol;
  }
}
