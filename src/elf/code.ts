/** Where a file has code: the address ranges in which a symbol can name a function. */

import { type Elf, PF_X, PT_LOAD, SHF_ALLOC, SHF_EXECINSTR } from './format.ts';

/** Disjoint address ranges in ascending order. */
export class CodeRanges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  /** The last answer: neighbouring symbols are asked for together. */
  #from = 0;
  #to = 0;

  /**
   * The executable sections, since a symbol without a size ends with its section at the latest, and what the executable
   * segments have besides: all of it in a file without section headers or with wrong ones. Contents are not needed, so
   * that separate debug files, whose sections are SHT_NOBITS, have code as well.
   */
  constructor(elf: Elf) {
    const code = SHF_ALLOC | SHF_EXECINSTR;
    // At each edge of a section or segment: how many begin there, less how many end.
    const edges = new Map<number, number>();
    const add = (address: number, size: number) => {
      edges.set(address, (edges.get(address) ?? 0) + 1);
      edges.set(address + size, (edges.get(address + size) ?? 0) - 1);
    };
    for (const { flags, address, size } of elf.sections) if ((flags & code) === code) add(address, size);
    for (const { type, flags, address, memorySize } of elf.segments) {
      if (type === PT_LOAD && (flags & PF_X) !== 0) add(address, memorySize);
    }
    const sorted = Float64Array.from(edges.keys()).sort();
    let depth = 0;
    for (let i = 0; i + 1 < sorted.length; i++) {
      depth += edges.get(sorted[i]!)!;
      if (depth === 0) continue;
      this.#starts.push(sorted[i]!);
      this.#ends.push(sorted[i + 1]!);
    }
  }

  /** The end of the range around an address, undefined when it is no code. */
  endOf(address: number): number | undefined {
    if (address >= this.#from && address < this.#to) return this.#to;
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || address >= this.#ends[low - 1]!) return undefined;
    this.#from = this.#starts[low - 1]!;
    this.#to = this.#ends[low - 1]!;
    return this.#to;
  }
}
