/** The sources of names, in the order in which they are asked: the first one that knows an address answers. */

import { openKernelNames } from '../capture/addon.ts';
import type { DebugFiles } from '../debug-files/debug-files.ts';
import { openVmlinux } from '../process/kernel.ts';
import { debugSymbols } from './debug-symbols.ts';
import { dwarfSymbols } from './dwarf.ts';
import { elfSymbols } from './elf-symbols.ts';
import { goSymbols } from './go.ts';
import { jitdumps } from './jitdump.ts';
import { kernelSymbols } from './kallsyms.ts';
import { type KernelFiles, runningKernel } from './kernel-files.ts';
import { kernelLookup } from './kernel-lookup.ts';
import type { LineIndexes } from './lines/line-indexes.ts';
import { perfMaps } from './perf-map.ts';
import type { SymbolSource } from './source.ts';
import { vmlinuxLines } from './vmlinux.ts';

export type { CodeMapping, LineSink, SourceTable, SymbolSource } from './source.ts';

const ofRunningKernel = [
  vmlinuxLines(runningKernel, openVmlinux),
  kernelLookup(runningKernel, openKernelNames),
  kernelSymbols(runningKernel),
];

export interface SourceOptions {
  /** The files of another kernel than the one that runs. */
  readonly kallsyms?: KernelFiles | undefined;
  /** Nothing is looked for beside the mapped files without. */
  readonly debugFiles?: DebugFiles | undefined;
  /** Lines that earlier runs have found; the same for the same debug files. */
  readonly lineIndexes?: LineIndexes | undefined;
}

/** A new source is one new file and one line here. */
export function symbolSources({ kallsyms, debugFiles, lineIndexes }: SourceOptions = {}): readonly SymbolSource[] {
  return [
    goSymbols,
    ...separateSources(debugFiles, lineIndexes),
    elfSymbols,
    ...(kallsyms === undefined ? ofRunningKernel : [kernelSymbols(kallsyms)]),
    jitdumps,
    perfMaps,
  ];
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
