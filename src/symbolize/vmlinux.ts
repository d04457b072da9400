/** Lines and inlined calls of the kernel, from the vmlinux of its debug package. Names stay those of kallsyms. */

import type { ByteSource } from '../elf/bytes.ts';
import type { Elf } from '../elf/format.ts';
import { FrameKind } from '../model/profile.ts';
import { dwarfSymbols } from './dwarf.ts';
import { kernelTable } from './kallsyms.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { LineSink, SourceTable, SymbolSource } from './source.ts';

/** The file that the running kernel was made from, unpacked and with DWARF. */
export interface Vmlinux {
  readonly elf: Elf;
  readonly bytes: ByteSource;
}

/**
 * `find` opens the file; it is undefined when there is none. The kernel runs elsewhere than it was linked (KASLR): by as
 * much as its text, which begins with `_stext` (arch/x86 and arch/arm64, kernel/vmlinux.lds.S).
 */
export function vmlinuxLines(files: KernelFiles, find: () => Vmlinux | undefined): SymbolSource {
  return {
    name: 'vmlinux',
    isDetailed: true,
    open(mapping) {
      const vmlinux = mapping.kind === 'kernel' ? find() : undefined;
      const linked = vmlinux?.elf.sections.find(({ name }) => name === '.text')?.address;
      const kernel = linked === undefined ? undefined : kernelTable(mapping, files);
      if (vmlinux === undefined || linked === undefined || typeof kernel !== 'object') return undefined;
      const table = dwarfSymbols().open({ ...mapping, ...vmlinux, kind: 'file' });
      if (typeof table !== 'object' || kernel.textStart === undefined) return undefined;
      return new Moved(table, kernel.textStart - linked);
    },
  };
}

/** A table whose code lies some bytes above where the file says. */
class Moved implements SourceTable {
  readonly #table: SourceTable;
  readonly #distance: number;

  constructor(table: SourceTable, distance: number) {
    this.#table = table;
    this.#distance = distance;
  }

  get length(): number {
    return this.#table.length;
  }

  find(address: number): number {
    return this.#table.find(address - this.#distance);
  }

  nameOf(symbol: number): string {
    return this.#table.nameOf(symbol);
  }

  kindOf(): FrameKind {
    return FrameKind.kernel;
  }

  linesAt(address: number, lines: LineSink): void {
    this.#table.linesAt?.(address - this.#distance, lines);
  }
}
