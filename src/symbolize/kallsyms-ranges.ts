/** Which kernel symbol covers an address. The kernel shows where symbols begin, not where they end. */

import { orderByAddress } from '../elf/sort.ts';
import { type KallsymsLines, type KernelSymbol, symbolAt } from './kallsyms-parse.ts';

/** The last symbol of a region whose end is not known reaches this far, in bytes. */
const page = 4096;
/** BPF programs lie apart, each with one symbol, and larger ones than this are not known. */
const maxProgram = 2 ** 20;

/**
 * Each symbol runs to the next one of its module, to the end of the kernel's text, or to the end of its module
 * (from /proc/modules), and a page at most where that is not known. Ranges are worked out when they are asked for.
 */
export class KernelRanges {
  readonly #lines: KallsymsLines;
  readonly #moduleEnds: ReadonlyMap<string, number>;
  /** Lines by address. */
  readonly #order: Uint32Array;
  readonly #address: Float64Array;
  /** The last answer: neighbouring addresses are asked for together. */
  #from = 0;
  #to = 0;
  #line = -1;

  constructor(lines: KallsymsLines, moduleEnds: ReadonlyMap<string, number>) {
    this.#lines = lines;
    this.#moduleEnds = moduleEnds;
    this.#order = orderOf(lines);
    this.#address = new Float64Array(lines.length);
    for (let i = 0; i < lines.length; i++) this.#address[i] = lines.address[this.#order[i]!]!;
  }

  /** The line of the symbol that covers an address, −1 when none does. */
  find(address: number): number {
    if (!(address >= this.#from && address < this.#to)) this.#look(address);
    return this.#line;
  }

  #look(address: number): void {
    const after = firstAbove(this.#address, this.#lines.length, address);
    const start = this.#address[after - 1];
    this.#from = start ?? Number.NEGATIVE_INFINITY;
    this.#to = after < this.#lines.length ? this.#address[after]! : Number.POSITIVE_INFINITY;
    this.#line = -1;
    if (start === undefined) return;
    const limit = this.#lines.ends.find(end => end >= start);
    // Nothing begins where text ends.
    if (limit === start) return;
    const [line, symbol] = this.#bestOf(start, after);
    const end = Math.min(this.#endOf(symbol, start, after, limit), this.#to, limit ?? Number.POSITIVE_INFINITY);
    if (address >= end) this.#from = end;
    else [this.#line, this.#to] = [line, end];
  }

  /** Of the symbols that begin at an address, the one to show. */
  #bestOf(start: number, after: number): readonly [line: number, KernelSymbol] {
    let best: readonly [number, KernelSymbol] | undefined;
    for (let i = after - 1; i >= 0 && this.#address[i] === start; i--) {
      const symbol = this.#symbol(i);
      // The first one of the file among equals.
      if (best === undefined || symbol.rank >= best[1].rank) best = [this.#order[i]!, symbol];
    }
    return best!;
  }

  #endOf({ module }: KernelSymbol, start: number, after: number, limit: number | undefined): number {
    let end = start + page;
    if (after < this.#lines.length && this.#symbol(after).module === module) end = this.#to;
    else {
      const known = module === '' ? limit : this.#moduleEnds.get(module);
      if (known !== undefined && known > start) end = known;
    }
    return module === 'bpf' ? Math.min(end, start + maxProgram) : end;
  }

  #symbol(i: number): KernelSymbol {
    return symbolAt(this.#lines, this.#lines.offset[this.#order[i]!]!);
  }
}

/**
 * The order of the lines by address. The kernel's own are in order and nearly all there are: only the others, and what
 * lies above the lowest of them, are sorted. To sort all of them costs as much as to read them.
 */
function orderOf({ address, length, ascending }: KallsymsLines): Uint32Array {
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = ascending; i < length; i++) lowest = Math.min(lowest, address[i]!);
  const kept = firstAbove(address, ascending, lowest);
  const others = orderByAddress(address.subarray(kept, length), length - kept);
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i < kept ? i : kept + others[i - kept]!;
  return order;
}

/** The first of `length` ascending addresses that is above an address. */
function firstAbove(addresses: Float64Array, length: number, address: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (addresses[middle]! <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}
