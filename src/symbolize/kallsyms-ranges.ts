/** How far kernel symbols reach. The kernel shows where they begin, not where they end. */

import { orderByAddress } from '../elf/sort.ts';
import type { KernelSymbolColumns } from './kallsyms-parse.ts';

/** The last symbol of a region whose end is not known reaches this far, in bytes. */
const page = 4096;
/** BPF programs lie apart, each with one symbol, and larger ones than this are not known. */
const maxProgram = 2 ** 20;

export interface KernelIntervals {
  /** As in `Intervals`; owners are numbers of symbols by address. */
  readonly starts: Float64Array;
  readonly owners: Int32Array;
  /** Of each symbol's name. */
  readonly offsets: Uint32Array;
}

/**
 * Each symbol runs to the next one of its module, to the end of the kernel's text, or to the end of its module
 * (`moduleEnds`, from /proc/modules), and a page at most where that is not known.
 */
export function kernelIntervals(
  symbols: KernelSymbolColumns,
  moduleEnds: ReadonlyMap<string, number>,
): KernelIntervals {
  const { address, rank, module } = symbols;
  const order = orderByAddress(address, symbols.length);
  const limits = Float64Array.from(symbols.ends).sort();
  const ends = symbols.modules.map(name => moduleEnds.get(name));
  const bpf = symbols.modules.indexOf('bpf');
  const starts = new Float64Array(2 * order.length);
  const owners = new Int32Array(2 * order.length);
  const offsets = new Uint32Array(order.length);
  let length = 0;
  let count = 0;
  let limit = 0;
  for (let i = 0; i < order.length; ) {
    let best = order[i]!;
    const start = address[best]!;
    for (; i < order.length && address[order[i]!] === start; i++) if (rank[order[i]!]! > rank[best]!) best = order[i]!;
    while (limit < limits.length && limits[limit]! < start) limit++;
    // Nothing begins where text ends.
    if (limits[limit] === start) continue;
    const own = module[best]!;
    const next = order[i];
    const follows = next !== undefined && module[next] === own;
    const known = own === 0 ? limits[limit] : ends[own];
    let end = follows ? address[next]! : known !== undefined && known > start ? known : start + page;
    if (own === bpf) end = Math.min(end, start + maxProgram);
    if (next !== undefined) end = Math.min(end, address[next]!);
    if (limit < limits.length) end = Math.min(end, limits[limit]!);
    starts[length] = start;
    owners[length++] = count;
    offsets[count++] = symbols.offset[best]!;
    // A gap, unless the next symbol begins there and takes its place.
    if (next !== undefined && address[next] === end && limits[limit] !== end) continue;
    starts[length] = end;
    owners[length++] = -1;
  }
  return { starts: starts.slice(0, length), owners: owners.slice(0, length), offsets: offsets.slice(0, count) };
}
