/** The sources of names, in the order in which they are asked: the first one that knows an address answers. */

import { openKernelNames } from '../capture/addon.ts';
import { openVmlinux } from '../process/kernel.ts';
import { dwarfSymbols } from './dwarf.ts';
import { elfSymbols } from './elf-symbols.ts';
import { goSymbols } from './go.ts';
import { kernelSymbols } from './kallsyms.ts';
import { type KernelFiles, runningKernel } from './kernel-files.ts';
import { kernelLookup } from './kernel-lookup.ts';
import type { SymbolSource } from './source.ts';
import { vmlinuxLines } from './vmlinux.ts';

export type { CodeMapping, LineSink, SourceTable, SymbolSource } from './source.ts';

const dwarf = dwarfSymbols();
const ofRunningKernel = [
  vmlinuxLines(runningKernel, openVmlinux),
  kernelLookup(runningKernel, openKernelNames),
  kernelSymbols(runningKernel),
];

/** A new source is one new file and one line here. `kallsyms`: the files of another kernel than the one that runs. */
export function symbolSources(kallsyms?: KernelFiles): readonly SymbolSource[] {
  return [goSymbols, dwarf, elfSymbols, ...(kallsyms === undefined ? ofRunningKernel : [kernelSymbols(kallsyms)])];
}
