/** The sources of names, in the order in which they are asked: the first one that knows an address answers. */

import type { DebugFiles } from '../debug-files/debug-files.ts';
import { debugSymbols } from './debug-symbols.ts';
import { elfSymbols } from './elf-symbols.ts';
import { kernelSymbols } from './kallsyms.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { SymbolSource } from './source.ts';

export type { CodeMapping, LineSink, SourceTable, SymbolSource } from './source.ts';

/** A new source is one new file and one line here. `debugFiles`: nothing is looked for beside the mapped files without. */
export function symbolSources(kernelFiles: KernelFiles, debugFiles?: DebugFiles): readonly SymbolSource[] {
  return [...(debugFiles ? [debugSymbols(debugFiles)] : []), elfSymbols, kernelSymbols(kernelFiles)];
}
