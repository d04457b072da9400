/** Names of stripped programs: their own symbols completed by those of the debug file, or by MiniDebugInfo. */

import type { DebugFiles } from '../debug-files/debug-files.ts';
import { ElfError } from '../elf/bytes.ts';
import { readSymbols } from '../elf/symbols.ts';
import type { SourceTable, SymbolSource } from './source.ts';

/** The source of names that finds debug files through `files`. */
export function debugSymbols(files: DebugFiles): SymbolSource {
  return {
    name: 'debug-file',
    open(mapping): SourceTable | undefined {
      const { elf, bytes } = mapping;
      const separate = files.symbolsOf(mapping);
      if (elf === undefined || bytes === undefined || separate === undefined) return undefined;
      try {
        const symbols = readSymbols(elf, bytes, separate);
        return symbols.length === 0 ? undefined : symbols;
      } catch (error) {
        if (error instanceof ElfError) return undefined;
        throw error;
      }
    },
  };
}
