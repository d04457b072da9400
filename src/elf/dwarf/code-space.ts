/** Where a program has code: addresses become distances that fit 32 bits. */

import { CodeRanges } from '../code.ts';
import { type Elf, PF_X, PT_LOAD, SHF_ALLOC, SHF_EXECINSTR } from '../format.ts';
import type { Ranges } from './painted.ts';

const code = SHF_ALLOC | SHF_EXECINSTR;
const maxDistance = 2 ** 32 - 1;

export class CodeSpace {
  /** The lowest address of code; 0 where the file says nothing. */
  readonly base: number;
  readonly #ranges: CodeRanges;

  constructor(elf: Elf) {
    const starts = [
      ...elf.sections.filter(({ flags }) => (flags & code) === code),
      ...elf.segments.filter(({ type, flags }) => type === PT_LOAD && (flags & PF_X) !== 0),
    ].map(({ address }) => address);
    this.base = starts.length === 0 ? 0 : Math.min(...starts);
    this.#ranges = new CodeRanges(elf);
  }

  /**
   * Adds [start, end) unless it begins outside of the code: linkers leave the debug information of functions that they
   * have thrown away, with addresses of 0 or −1.
   */
  add(start: number, end: number, owner: number, into: Ranges): void {
    if (!(end > start) || !this.holds(start)) return;
    into.add(start - this.base, Math.min(end - this.base, maxDistance), owner);
  }

  holds(address: number): boolean {
    return this.#ranges.endOf(address) !== undefined && address - this.base < maxDistance;
  }
}
