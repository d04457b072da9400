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
  const { address } = candidates;
  const order = orderByAddress(address, candidates.length);
  const sweep = new Sweep(candidates.length);
  const group: number[] = [];
  for (let i = 0; i < order.length; ) {
    const start = address[order[i]!]!;
    group.length = 0;
    for (; i < order.length && address[order[i]!] === start; i++) group.push(order[i]!);
    const limit = code.endOf(start);
    if (limit === undefined) continue;
    const next = i < order.length ? Math.min(limit, address[order[i]!]!) : limit;
    sweep.closeBefore(start);
    openGroup(candidates, group, sweep, start, next, limit);
  }
  sweep.closeBefore(Number.POSITIVE_INFINITY);
  return sweep.done();
}

/** Opens the best of the symbols that begin at one address; of sized ones of the same kind the larger encloses. */
function openGroup(
  candidates: Candidates,
  group: number[],
  sweep: Sweep,
  start: number,
  next: number,
  limit: number,
): void {
  const { rank, size } = candidates;
  let best = group[0]!;
  for (const item of group) if (rank[item]! > rank[best]!) best = item;
  if (size[best] === 0) {
    const enclosing = sweep.end();
    const inside = enclosing > start;
    if (inside && (rank[best]! & isFunction) === 0) return;
    sweep.open(start, inside ? Math.min(next, enclosing) : next, best);
    return;
  }
  if (group.length > 1) {
    const func = rank[best]! & isFunction;
    group = group.filter(item => size[item]! > 0 && (rank[item]! & isFunction) === func);
    group.sort((a, b) => size[b]! - size[a]! || rank[b]! - rank[a]! || a - b);
  }
  let before = -1;
  for (const item of group) {
    if (size[item] !== before) sweep.open(start, Math.min(start + size[item]!, limit), item);
    before = size[item]!;
  }
}

/** Goes up the addresses with the symbols that are open there, outermost first. */
class Sweep {
  #length = 0;
  #starts: Float64Array;
  #owners: Int32Array;
  readonly #ends: number[] = [];
  readonly #open: number[] = [];

  constructor(symbols: number) {
    this.#starts = new Float64Array(2 * symbols + 1);
    this.#owners = new Int32Array(2 * symbols + 1);
  }

  /** Where the innermost open symbol ends. */
  end(): number {
    return this.#ends.at(-1) ?? Number.NEGATIVE_INFINITY;
  }

  /** Ends the symbols that end at the address or before; each gives way to the one around it that still goes on. */
  closeBefore(address: number): void {
    while (this.#ends.length > 0 && this.end() <= address) {
      const end = this.end();
      while (this.#ends.length > 0 && this.end() <= end) {
        this.#ends.pop();
        this.#open.pop();
      }
      this.#emit(end, this.#open.at(-1) ?? -1);
    }
  }

  open(start: number, end: number, symbol: number): void {
    this.#ends.push(end);
    this.#open.push(symbol);
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
