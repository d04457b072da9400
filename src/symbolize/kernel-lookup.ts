/**
 * Names of kernel addresses, one by one, from the running kernel. A recording has some hundred of them: they take less
 * than a millisecond, and /proc/kallsyms as a whole takes 60.
 */

import type { KernelNames } from '../capture/addon.ts';
import { FrameKind } from '../model/profile.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { SourceTable, SymbolSource } from './source.ts';

/** Answers that are kept; then they are asked for again. */
const maxKnown = 1 << 17;

/**
 * `open` is undefined where the kernel cannot be asked, and it is not asked where it hides its addresses: who has
 * forbidden to see where symbols are (kernel.kptr_restrict) has not been asked about their names.
 */
export function kernelLookup(files: KernelFiles, open: () => KernelNames | undefined): SymbolSource {
  return {
    name: 'kernel',
    open(mapping) {
      if (mapping.kind !== 'kernel' || isHidden(files)) return undefined;
      const names = open();
      return names && new LookupTable(names);
    },
  };
}

/** Whether the first address is shown as zero. */
function isHidden(files: KernelFiles): boolean {
  try {
    for (const piece of files('/proc/kallsyms'))
      return /^0+ /.test(Buffer.from(piece.subarray(0, 17)).toString('latin1'));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return true;
    throw error;
  }
}

/** vsprintf of the kernel, %pS: name, distance from its beginning, size, and the module. */
const answer = /^(.*)\+0x([\da-f]+)\/0x([\da-f]+)(?: \[(.+)\])?$/;
/** Of kernel/bpf: what is compiled for a program, and what calls it. The kernel names no module for these. */
const ofBpf = /^bpf_(?:prog|trampoline|dispatcher)_/;

class LookupTable implements SourceTable {
  readonly #kernel: KernelNames;
  readonly #names: string[] = [];
  readonly #modules: string[] = [];
  readonly #symbolOfStart = new Map<number, number>();
  readonly #known = new Map<number, number>();
  /** Where the last answer holds: the next address is mostly in it. */
  #from = 0;
  #to = 0;
  #last = -1;

  constructor(kernel: KernelNames) {
    this.#kernel = kernel;
  }

  get length(): number {
    return this.#names.length;
  }

  describe(): string {
    return 'functions, asked from the kernel one by one';
  }

  find(address: number): number {
    if (address >= this.#from && address < this.#to) return this.#last;
    let symbol = this.#known.get(address);
    if (symbol === undefined) {
      symbol = this.#ask(address);
      if (this.#known.size >= maxKnown) this.#known.clear();
      this.#known.set(address, symbol);
    }
    return symbol;
  }

  nameOf(symbol: number): string {
    return this.#names[symbol] ?? '';
  }

  moduleOf(symbol: number): string {
    return this.#modules[symbol] ?? '';
  }

  kindOf(): FrameKind {
    return FrameKind.kernel;
  }

  #ask(address: number): number {
    const [, name, distance, size, module = ''] = answer.exec(this.#kernel.at(address)) ?? [];
    if (name === undefined || distance === undefined || size === undefined) return -1;
    const start = address - Number.parseInt(distance, 16);
    let symbol = this.#symbolOfStart.get(start);
    // A program may have made room for another one.
    if (symbol === undefined || this.#names[symbol] !== name) {
      symbol = this.#names.push(name) - 1;
      this.#modules.push(ofBpf.test(name) ? 'bpf' : module);
      this.#symbolOfStart.set(start, symbol);
    }
    [this.#from, this.#to, this.#last] = [start, start + Number.parseInt(size, 16), symbol];
    return symbol;
  }
}
