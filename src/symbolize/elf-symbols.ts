/** Names from the symbol tables of the mapped file itself. */

import { ElfError } from '../elf/bytes.ts';
import { readSymbols } from '../elf/symbols.ts';
import { Miss } from '../model/profile.ts';
import type { SourceTable, SymbolSource } from './source.ts';

export const elfSymbols: SymbolSource = {
  name: 'elf',
  open({ elf, bytes }): SourceTable | Miss | undefined {
    if (elf === undefined || bytes === undefined) return undefined;
    try {
      const symbols = readSymbols(elf, bytes);
      return symbols.length === 0 ? Miss.noSymbols : symbols;
    } catch (error) {
      if (error instanceof ElfError) return Miss.noSymbols;
      throw error;
    }
  },
};
