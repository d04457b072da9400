/** The sources of names, in the order in which they are asked: the first one that knows an address answers. */

import { openVmlinux } from '../process/kernel.ts';
import { dwarfSymbols } from './dwarf.ts';
import { elfSymbols } from './elf-symbols.ts';
import { goSymbols } from './go.ts';
import { jitdumps } from './jitdump.ts';
import { kernelSymbols } from './kallsyms.ts';
import type { KernelFiles } from './kernel-files.ts';
import { perfMaps } from './perf-map.ts';
import type { SymbolSource } from './source.ts';
import { vmlinuxLines } from './vmlinux.ts';

export type { CodeMapping, LineSink, SourceTable, SymbolSource } from './source.ts';

/** A new source is one new file and one line here. */
export function symbolSources(kernelFiles: KernelFiles): readonly SymbolSource[] {
  return [
    goSymbols,
    dwarfSymbols(),
    elfSymbols,
    vmlinuxLines(kernelFiles, openVmlinux),
    kernelSymbols(kernelFiles),
    jitdumps,
    perfMaps,
  ];
}
