/** The mappings of a process as the stack walk reads them: struct profiler_unwind_mappings and its entries. */
import { Heap as Layout, sizeOf, UnwindMapping, UnwindMappings } from '../capture/records.gen.ts';
import type { Elf } from '../elf/format.ts';
import { executableSegment } from '../elf/format.ts';
import type { Mapping } from '../process/maps.ts';

/** A mapping with the file whose rules hold in it. */
export interface UnwindRange {
  readonly mapping: Mapping;
  /** Index of the file. */
  readonly file: number;
  /** What to subtract from an address for the ELF virtual address. */
  readonly bias: number;
}

const HEADER_WORDS = sizeOf.UnwindMappings / 4;
const ENTRY_WORDS = sizeOf.UnwindMapping / 4;

/** How far the mapping lies from where its file would have it; undefined when it maps none of the file's code. */
export function biasOf(elf: Elf, { start, end, fileOffset }: Mapping): number | undefined {
  const segment = executableSegment(elf, fileOffset, end - start);
  return segment && start - fileOffset + segment.offset - segment.address;
}

/**
 * Neighbours without files are one: a JIT compiler makes thousands. Beyond the limit of the map, those that have no file
 * are left out, and then the lowest: the libraries that everything begins in are the highest.
 */
export function mergeRanges(ranges: readonly UnwindRange[], noFile: number): UnwindRange[] {
  const merged: UnwindRange[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last?.file === noFile && range.file === noFile && last.mapping.end === range.mapping.start) {
      merged[merged.length - 1] = { ...last, mapping: { ...last.mapping, end: range.mapping.end } };
    } else {
      merged.push(range);
    }
  }
  if (merged.length <= Layout.PROFILER_MAX_MAPPINGS) return merged;
  return merged.filter(({ file }) => file !== noFile).slice(-Layout.PROFILER_MAX_MAPPINGS);
}

export function addressSpaceBytes(ranges: readonly UnwindRange[]): number {
  return sizeOf.UnwindMappings + ranges.length * sizeOf.UnwindMapping;
}

/** Writes the ranges, sorted by start, under the id of their piece. */
export function writeAddressSpace(words: Uint32Array, id: number, ranges: readonly UnwindRange[]): void {
  put64(words, UnwindMappings.id / 4, id);
  words[UnwindMappings.count / 4] = ranges.length;
  ranges.forEach(({ mapping, file, bias }, i) => {
    const at = HEADER_WORDS + i * ENTRY_WORDS;
    put64(words, at + UnwindMapping.start / 4, mapping.start);
    put64(words, at + UnwindMapping.end / 4, mapping.end);
    put64(words, at + UnwindMapping.bias / 4, bias);
    words[at + UnwindMapping.file / 4] = file;
  });
}

/** A signed double as 64 bits, in two's complement. */
function put64(words: Uint32Array, at: number, value: number): void {
  words[at] = value % 2 ** 32;
  words[at + 1] = Math.floor(value / 2 ** 32);
}
