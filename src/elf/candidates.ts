/** The symbols of a file that can name code, as columns. */

/** The weights of a candidate's rank, heaviest last: at one address the higher rank names it. See {@link rankOf}. */
const fromSymtab = 1;
const bindingShift = 1;
export const isFunction = 8;
const isSized = 16;

/** Symbol bindings (gABI, Symbol Table: st_info), and STB_GNU_UNIQUE of the GNU extensions. */
const STB_LOCAL = 0;
const STB_WEAK = 2;

/** Data names what no code does. */
export const dataRank = 0;

/**
 * Which of several symbols at one address is the one to show.
 * - sized over unsized: an extent that the compiler wrote over one that is guessed (perf and addr2line as well);
 * - FUNC over NOTYPE: a function over a label;
 * - GLOBAL over WEAK over LOCAL: perf's order. The weak name is the alias that others may replace (`write` for
 *   `__write`), the local one is the compiler's;
 * - .symtab over .dynsym: the same symbol, without its version.
 */
export function rankOf(binding: number, func: boolean, sized: boolean, dynamic: boolean): number {
  const bound = binding === STB_LOCAL ? 0 : binding === STB_WEAK ? 1 : 2;
  return (sized ? isSized : 0) + (func ? isFunction : 0) + (bound << bindingShift) + (dynamic ? 0 : fromSymtab);
}

/** No more than this is believed before it is seen. */
const maxExpected = 2 ** 20;

/** Columns that grow. */
export class Candidates {
  length = 0;
  address: Float64Array;
  /** In bytes, 0 when unknown. */
  size: Float64Array;
  /** Offset in the string table. */
  name: Uint32Array;
  /** Which string table, and whether it is the stub of a function and not itself. */
  origin: Uint8Array;
  /** {@link rankOf}. */
  rank: Uint8Array;
  /** Offset of the source file's name in the string table, 0 when it is not told. */
  file: Uint32Array;

  /** `expected`: how many there will be, at a guess. */
  constructor(expected: number) {
    const capacity = Math.max(64, Math.min(expected, maxExpected));
    this.address = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.name = new Uint32Array(capacity);
    this.origin = new Uint8Array(capacity);
    this.rank = new Uint8Array(capacity);
    this.file = new Uint32Array(capacity);
  }

  add(address: number, size: number, name: number, origin: number, rank: number, file = 0): void {
    const at = this.length++;
    if (at === this.address.length) this.#grow();
    this.address[at] = address;
    this.size[at] = size;
    this.name[at] = name;
    this.origin[at] = origin;
    this.rank[at] = rank;
    this.file[at] = file;
  }

  #grow(): void {
    const length = this.address.length * 2;
    this.address = copy(this.address, new Float64Array(length));
    this.size = copy(this.size, new Float64Array(length));
    this.name = copy(this.name, new Uint32Array(length));
    this.origin = copy(this.origin, new Uint8Array(length));
    this.rank = copy(this.rank, new Uint8Array(length));
    this.file = copy(this.file, new Uint32Array(length));
  }
}

function copy<T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
