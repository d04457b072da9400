/** The sources of names, in the order in which they are asked: the first one that knows an address answers. */

import type { DebugFiles } from '../debug-files/debug-files.ts';
import { debugSymbols } from './debug-symbols.ts';
import { dwarfSymbols } from './dwarf.ts';
import { elfSymbols } from './elf-symbols.ts';
import { kernelSymbols } from './kallsyms.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { LineIndexes } from './lines/line-indexes.ts';
import type { SymbolSource } from './source.ts';

export type { CodeMapping, LineSink, SourceTable, SymbolSource } from './source.ts';

/**
 * A new source is one new file and one line here. `debugFiles`: nothing is looked for beside the mapped files without;
 * `lines`: what earlier runs have found in them, the same for the same debug files.
 */
export function symbolSources(
  kernelFiles: KernelFiles,
  debugFiles?: DebugFiles,
  lines?: LineIndexes,
): readonly SymbolSource[] {
  return [...separateSources(debugFiles, lines), elfSymbols, kernelSymbols(kernelFiles)];
}

const ownDwarf = dwarfSymbols();
const known = new WeakMap<DebugFiles, readonly SymbolSource[]>();

/** What is known of a mapping is kept by source: the same ones for the same debug files. */
function separateSources(files: DebugFiles | undefined, lines: LineIndexes | undefined): readonly SymbolSource[] {
  if (files === undefined) return [ownDwarf];
  let sources = known.get(files);
  if (sources === undefined) {
    sources = [dwarfSymbols(mapping => files.partsOf(mapping), lines), debugSymbols(files)];
    known.set(files, sources);
  }
  return sources;
}
