/** From symbols that overlap to disjoint intervals, of which a lookup takes one binary search. */

import { type Candidates, isFunction } from './candidates.ts';
import type { CodeRanges } from './code.ts';
import { orderByAddress } from './sort.ts';

/** Interval i is [starts[i], starts[i + 1]) and belongs to owners[i], or to nobody when that is −1. */
export class Intervals {
  readonly starts: Float64Array;
  readonly owners: Int32Array;
  /** The last answer: neighbouring addresses are asked for together. */
  #from = 0;
  #to = 0;
  #owner = -1;

  constructor(starts: Float64Array, owners: Int32Array) {
    this.starts = starts;
    this.owners = owners;
  }

  /** The owner of an address, −1 when it has none. */
  find(address: number): number {
    if (address >= this.#from && address < this.#to) return this.#owner;
    const starts = this.starts;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    this.#from = low === 0 ? Number.NEGATIVE_INFINITY : starts[low - 1]!;
    this.#to = low === starts.length ? Number.POSITIVE_INFINITY : starts[low]!;
    this.#owner = low === 0 ? -1 : this.owners[low - 1]!;
    return this.#owner;
  }
}

/**
 * Flattens symbols to the innermost one at each address: the last to begin of those that cover it. Where it ends, the
 * symbol around it goes on.
 *
 * A symbol without a size runs to the next symbol, and to the end of what it lies in at the latest. A label (NOTYPE
 * without a size) inside of a function of known size is a jump target and names nothing; addr2line sees it likewise.
 */
export function flatten(candidates: Candidates, code: CodeRanges): Intervals {
  const { address, rank, size } = candidates;
  const order = orderByAddress(address, candidates.length);
  const sweep = new Sweep(candidates.length);
  for (let first = 0, after = 0; first < order.length; first = after) {
    let best = order[first]!;
    let sizesDiffer = false;
    const start = address[best]!;
    for (after = first + 1; after < order.length && address[order[after]!] === start; after++) {
      const item = order[after]!;
      if (size[item] !== size[best]) sizesDiffer = true;
      if (rank[item]! >= rank[best]!) best = item;
    }
    const limit = code.endOf(start);
    if (limit === undefined) continue;
    sweep.closeBefore(start);
    if (size[best] === 0) {
      const next = after < order.length ? Math.min(limit, address[order[after]!]!) : limit;
      openUnsized(sweep, start, next, best, (rank[best]! & isFunction) !== 0);
    } else if (sizesDiffer) openNested(candidates, order.subarray(first, after), best, sweep, limit);
    else sweep.open(start, Math.min(start + size[best]!, limit), best);
  }
  sweep.closeBefore(Number.POSITIVE_INFINITY);
  return sweep.done();
}

function openUnsized(sweep: Sweep, start: number, next: number, symbol: number, mayNest: boolean): void {
  const enclosing = sweep.end;
  if (enclosing <= start) sweep.open(start, next, symbol);
  else if (mayNest) sweep.open(start, Math.min(next, enclosing), symbol);
}

/** Of the sized symbols that begin at one address and are of the same kind as the best, the larger encloses. */
function openNested(candidates: Candidates, items: Uint32Array, best: number, sweep: Sweep, limit: number): void {
  const { address, rank, size } = candidates;
  const kind = rank[best]! & isFunction;
  const nested = items.filter(item => size[item]! > 0 && (rank[item]! & isFunction) === kind);
  nested.sort((a, b) => size[b]! - size[a]! || rank[b]! - rank[a]! || a - b);
  let before = 0;
  for (const item of nested) {
    if (size[item] !== before) sweep.open(address[item]!, Math.min(address[item]! + size[item]!, limit), item);
    before = size[item]!;
  }
}

const NOWHERE = Number.NEGATIVE_INFINITY;

/** Goes up the addresses with the symbols that are open there, outermost first. */
class Sweep {
  /** Where the innermost open symbol ends. */
  end = NOWHERE;
  #length = 0;
  #starts: Float64Array;
  #owners: Int32Array;
  readonly #ends: number[] = [];
  readonly #open: number[] = [];

  constructor(symbols: number) {
    this.#starts = new Float64Array(2 * symbols + 1);
    this.#owners = new Int32Array(2 * symbols + 1);
  }

  /** Ends the symbols that end at the address or before; each gives way to the one around it that still goes on. */
  closeBefore(address: number): void {
    while (this.end !== NOWHERE && this.end <= address) {
      const { end } = this;
      while (this.end !== NOWHERE && this.end <= end) {
        this.#ends.pop();
        this.#open.pop();
        this.end = this.#ends.at(-1) ?? NOWHERE;
      }
      this.#emit(end, this.#open.at(-1) ?? -1);
    }
  }

  open(start: number, end: number, symbol: number): void {
    this.#ends.push(end);
    this.#open.push(symbol);
    this.end = end;
    this.#emit(start, symbol);
  }

  done(): Intervals {
    const length = this.#length;
    return new Intervals(this.#starts.slice(0, length), this.#owners.slice(0, length));
  }

  #emit(start: number, owner: number): void {
    const last = this.#length - 1;
    if (last >= 0 && this.#starts[last] === start) {
      this.#owners[last] = owner;
      return;
    }
    if (last >= 0 && this.#owners[last] === owner) return;
    this.#starts[this.#length] = start;
    this.#owners[this.#length++] = owner;
  }
}
