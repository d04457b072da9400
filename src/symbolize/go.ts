/** Names, lines and inlined calls of Go programs, stripped or not, from .gopclntab: it is always there. */

import { ElfError } from '../elf/bytes.ts';
import { type GoTable, readGoTable } from '../elf/gopclntab/table.ts';
import { FrameKind, Miss } from '../model/profile.ts';
import type { LineSink, SourceTable, SymbolSource } from './source.ts';

export const goSymbols: SymbolSource = {
  name: 'go',
  open({ kind, elf, bytes }): SourceTable | Miss | undefined {
    if (kind !== 'file' || elf === undefined || bytes === undefined) return undefined;
    try {
      const table = readGoTable(elf, bytes);
      return table && new GoSymbols(table);
    } catch (error) {
      if (error instanceof ElfError) return Miss.noSymbols;
      throw error;
    }
  },
};

/** Functions in the order of their addresses, then those that are only known inlined, in the order they were met. */
class GoSymbols implements SourceTable {
  readonly #table: GoTable;
  /** Offsets of the names of the latter. */
  readonly #inlined: number[] = [];
  readonly #symbolOf = new Map<number, number>();

  constructor(table: GoTable) {
    this.#table = table;
  }

  get length(): number {
    return this.#table.length + this.#inlined.length;
  }

  find(address: number): number {
    return this.#table.find(address);
  }

  nameOf(symbol: number): string {
    const { length } = this.#table;
    const offset = symbol < length ? this.#table.nameOffset(symbol) : this.#inlined[symbol - length]!;
    return this.#table.nameAt(offset);
  }

  /** As Go's own tracebacks print it: `main.Map[go.shape.int,go.shape.string]` is `main.Map[...]`. */
  readableNameOf(symbol: number): string {
    return withoutTypeArguments(this.nameOf(symbol));
  }

  kindOf(): FrameKind {
    return FrameKind.native;
  }

  linesAt(address: number, lines: LineSink): void {
    const symbol = this.find(address);
    if (symbol < 0) return;
    const own = this.#table.nameOffset(symbol);
    this.#table.linesAt(symbol, address, (name, file, line) => {
      lines.add(name === own ? symbol : this.#symbolOfName(name), file, line);
    });
  }

  #symbolOfName(offset: number): number {
    let symbol = this.#symbolOf.get(offset);
    if (symbol === undefined) {
      symbol = this.#table.length + this.#inlined.push(offset) - 1;
      this.#symbolOf.set(offset, symbol);
    }
    return symbol;
  }
}

/** Go's runtime/symtab.go: funcNamePiecesForPrint. */
function withoutTypeArguments(name: string): string {
  const first = name.indexOf('[');
  const last = name.lastIndexOf(']');
  return first < 0 || last <= first ? name : `${name.slice(0, first)}[...]${name.slice(last + 1)}`;
}
