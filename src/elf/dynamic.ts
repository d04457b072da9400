/** The dynamic linker's view of a file's symbols (gABI, Dynamic Section): it does without section headers. */

import { type ByteSource, readAddress, viewOf } from './bytes.ts';
import { type Elf, fileOffsetOfAddress, PT_DYNAMIC } from './format.ts';
import { StringTable } from './strings.ts';
import type { SymbolSection } from './symbol-section.ts';

const DT_HASH = 4;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_STRSZ = 10;
const DT_GNU_HASH = 0x6ffffef5;
/** Some hundred entries at most. */
const maxDynamic = 64 * 1024;
const maxBuckets = 2 ** 20;
const maxSymbols = 2 ** 24;
const maxChain = 2 ** 12;

/**
 * What the dynamic section says, by tag (addresses as signed doubles); undefined when the file has none.
 * @throws ElfError `truncated` when it reaches out of the file
 */
export function dynamicValues(elf: Elf, source: ByteSource): ReadonlyMap<number, number> | undefined {
  const segment = elf.segments.find(candidate => candidate.type === PT_DYNAMIC);
  if (segment === undefined) return undefined;
  const wide = elf.class === 64;
  const bytes = source.read(segment.offset, Math.min(segment.fileSize, maxDynamic));
  const view = viewOf(bytes);
  const values = new Map<number, number>();
  for (let at = 0; at + (wide ? 16 : 8) <= bytes.length; at += wide ? 16 : 8) {
    const tag = view.getUint32(at, true);
    if (tag === 0) break;
    values.set(tag, wide ? readAddress(view, at + 8) : view.getUint32(at + 4, true));
  }
  return values;
}

/**
 * The dynamic symbol table by PT_DYNAMIC; undefined when the file has none.
 * @throws ElfError `truncated` when it reaches out of the file
 */
export function dynamicSymbols(elf: Elf, source: ByteSource): SymbolSection | undefined {
  const values = dynamicValues(elf, source);
  if (values === undefined) return undefined;
  const symbols = offsetOf(elf, values.get(DT_SYMTAB));
  const strings = offsetOf(elf, values.get(DT_STRTAB));
  const count = symbolCount(elf, source, offsetOf(elf, values.get(DT_HASH)), offsetOf(elf, values.get(DT_GNU_HASH)));
  if (symbols === undefined || strings === undefined) return undefined;
  return {
    offset: symbols,
    size: count * (elf.class === 64 ? 24 : 16),
    strings: new StringTable(source, strings, values.get(DT_STRSZ) ?? 0),
    dynamic: true,
  };
}

function offsetOf(elf: Elf, address: number | undefined): number | undefined {
  return address === undefined ? undefined : fileOffsetOfAddress(elf, address, 1);
}

/** The dynamic section does not say how many symbols there are; the hash tables over them do. */
function symbolCount(elf: Elf, source: ByteSource, hash: number | undefined, gnuHash: number | undefined): number {
  if (hash !== undefined) return Math.min(maxSymbols, viewOf(source.read(hash, 8)).getUint32(4, true));
  return gnuHash === undefined ? 0 : gnuHashCount(source, gnuHash, elf.class === 64 ? 8 : 4);
}

/**
 * DT_GNU_HASH: four words (buckets, first hashed symbol, Bloom filter words, shift), the filter, the buckets with the
 * first symbol of each chain, and a word for each hashed symbol, of which bit 0 ends a chain. The last chain to begin
 * ends with the last symbol.
 */
function gnuHashCount(source: ByteSource, offset: number, wordSize: number): number {
  const header = viewOf(source.read(offset, 16));
  const buckets = Math.min(maxBuckets, header.getUint32(0, true));
  const firstHashed = header.getUint32(4, true);
  const table = offset + 16 + header.getUint32(8, true) * wordSize;
  const view = viewOf(source.read(table, buckets * 4));
  let last = 0;
  for (let i = 0; i < buckets; i++) last = Math.max(last, view.getUint32(i * 4, true));
  if (last < firstHashed) return Math.min(maxSymbols, firstHashed);
  const chains = table + buckets * 4;
  for (const limit = Math.min(maxSymbols, last + maxChain); last < limit; last++) {
    if (viewOf(source.read(chains + (last - firstHashed) * 4, 4)).getUint32(0, true) & 1) break;
  }
  return last + 1;
}
