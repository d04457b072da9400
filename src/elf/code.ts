/** Where a file has code: the address ranges in which a symbol can name a function. */

import { type Elf, PF_X, PT_LOAD, SHF_ALLOC, SHF_EXECINSTR } from './format.ts';

/** Disjoint address ranges in ascending order. */
export class CodeRanges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #last = 0;

  /**
   * The executable sections, since a symbol without a size ends with its section at the latest; the executable segments
   * of a file that has no section headers. Contents are not needed: in a separate debug file they are SHT_NOBITS.
   */
  constructor(elf: Elf) {
    const code = SHF_ALLOC | SHF_EXECINSTR;
    const ranges = elf.sections
      .filter(section => (section.flags & code) === code)
      .map(s => [s.address, s.size] as const);
    const segments = elf.segments.filter(segment => segment.type === PT_LOAD && (segment.flags & PF_X) !== 0);
    if (ranges.length === 0) ranges.push(...segments.map(segment => [segment.address, segment.memorySize] as const));
    ranges.sort((a, b) => a[0] - b[0]);
    let limit = Number.NEGATIVE_INFINITY;
    for (const [address, size] of ranges) {
      const start = Math.max(address, limit);
      limit = Math.max(limit, address + size);
      if (limit > start) {
        this.#starts.push(start);
        this.#ends.push(limit);
      }
    }
  }

  /** The end of the range around an address, undefined when it is no code. */
  endOf(address: number): number | undefined {
    if (this.#holds(this.#last, address)) return this.#ends[this.#last];
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    if (!this.#holds(low - 1, address)) return undefined;
    this.#last = low - 1;
    return this.#ends[low - 1];
  }

  #holds(range: number, address: number): boolean {
    return address >= this.#starts[range]! && address < this.#ends[range]!;
  }
}
