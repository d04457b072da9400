/** Names of stripped programs: their own symbols completed by those of the debug file, or by MiniDebugInfo. */

import type { DebugFiles } from '../debug-files/debug-files.ts';
import { ElfError } from '../elf/bytes.ts';
import { readSymbols } from '../elf/symbols.ts';
import type { SymbolSource } from './source.ts';

const sources = new WeakMap<DebugFiles, SymbolSource>();

/** The source of names that finds debug files through `files`; the same one for the same object. */
export function debugSymbols(files: DebugFiles): SymbolSource {
  let source = sources.get(files);
  if (source === undefined) {
    source = { name: 'debug-file', open: mapping => readSeparate(files, mapping) };
    sources.set(files, source);
  }
  return source;
}

function readSeparate(
  files: DebugFiles,
  mapping: Parameters<SymbolSource['open']>[0],
): ReturnType<SymbolSource['open']> {
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
}
