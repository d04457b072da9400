import type { StringTable } from './strings.ts';

/** A symbol table and its names, wherever they were found. */
export interface SymbolSection {
  readonly offset: number;
  readonly size: number;
  readonly strings: StringTable;
  readonly dynamic: boolean;
}
