/** The rows of a file as the compact table that the BPF side searches: 4 bytes a row, an index of 64 KiB pages. */
import { Heap, RuleKind, sizeOf, UnwindRow } from '../capture/records.gen.ts';
import type { UnwindRows } from '../elf/unwind-rows.ts';
import { slotted } from './heap.ts';

/** The unwind table of a file, as it goes into the heap and into the cache. */
export interface UnwindTable {
  /** ELF virtual address of page 0, a multiple of 64 KiB. */
  readonly start: number;
  /** Rows of each 64 KiB page of code. Every page has at least one, and its first one has pc 0. */
  readonly pageRows: Uint32Array;
  /** struct profiler_unwind_row as words (pc | rule << 16), page after page. */
  readonly rows: Uint32Array;
  /** struct profiler_unwind_rule, two words each. */
  readonly rules: Uint32Array;
  /** Rows of the file that are described in terms that the walk does not know. */
  readonly unsupported: number;
}

/** What is compiled of them. */
export type RowColumns = Omit<UnwindRows, 'statistics'>;

/** Bytes of code that a page covers. */
export const PAGE_BYTES = 1 << Heap.PROFILER_PAGE_SHIFT;
/** Of a row's word: where its rule's index begins. */
export const RULE_SHIFT = 8 * UnwindRow.rule;

/** Bytes of the piece that describes a table: its header, its pages, its rules. */
export function headerBytes(pages: number, rules: number): number {
  return sizeOf.UnwindTableHeader + pages * sizeOf.UnwindPage + rules * sizeOf.UnwindRule;
}

/** Whether the heap's format can hold as much. */
export function isWithinLimits(pages: number, rules: number): boolean {
  return rules <= Heap.PROFILER_MAX_RULES && headerBytes(pages, rules) <= Heap.PROFILER_CHUNK_BYTES;
}

/**
 * The rows, page by page. Rows that repeat the rule before them are left out, and the rule in force is repeated where a
 * page begins: what the last row says holds up to the end of its page.
 * @returns the number of words written; 0 when none of the rows can be unwound by
 */
function splitPages(rows: RowColumns, start: number, words: Uint32Array, pageRows: Uint32Array): number {
  const { length, offset, rule } = rows;
  const shift = (rows.base - start) | 0; // positions are below 2^31, as pages are limited: exact modulo 2^32
  let usable = false;
  let inForce: number = RuleKind.PROFILER_RULE_NONE;
  let page = -1;
  let pageEnd = 0;
  let pageFirst = 0;
  let at = 0;
  for (let i = 0; i < length; i++) {
    const position = (offset[i]! + shift) | 0;
    while (position >= pageEnd) {
      if (page >= 0) pageRows[page] = at - pageFirst;
      page++;
      pageEnd += PAGE_BYTES;
      pageFirst = at;
      words[at++] = inForce << RULE_SHIFT;
    }
    const next = rule[i]!;
    if (next === inForce) continue;
    inForce = next;
    if (next > RuleKind.PROFILER_RULE_UNSUPPORTED) usable = true;
    const pc = position & (PAGE_BYTES - 1);
    if (pc === 0) at--; // in place of the repeated one
    words[at++] = pc | (next << RULE_SHIFT);
  }
  pageRows[page] = at - pageFirst;
  return usable ? at : 0;
}

function countUnsupported({ length, rule }: RowColumns): number {
  let count = 0;
  for (let i = 0; i < length; i++) if (rule[i] === RuleKind.PROFILER_RULE_UNSUPPORTED) count++;
  return count;
}

/**
 * The table of a file's rows.
 * @returns undefined when there is nothing to unwind by, or more than the format holds: PROFILER_MAX_RULES,
 * PROFILER_MAX_PAGE_ROWS, or more pages than a chunk describes (2 GiB of code)
 */
export function compileTable(rows: RowColumns): UnwindTable | undefined {
  const { length, base, offset } = rows;
  if (length === 0) return undefined;
  const start = Math.floor((base + offset[0]!) / PAGE_BYTES) * PAGE_BYTES;
  if (!Number.isSafeInteger(start)) return undefined; // no address of a program; page borders would be inexact
  const pages = Math.floor((base + offset[length - 1]! - start) / PAGE_BYTES) + 1;
  if (!isWithinLimits(pages, rows.rules.length / 2)) return undefined;
  const pageRows = new Uint32Array(pages);
  const words = new Uint32Array(length + pages);
  const used = splitPages(rows, start, words, pageRows);
  if (used === 0 || pageRows.some(count => count > Heap.PROFILER_MAX_PAGE_ROWS)) return undefined;
  return {
    start,
    pageRows,
    rows: words.subarray(0, used),
    rules: rows.rules,
    unsupported: countUnsupported(rows),
  };
}

/** Pages whose rows lie in one piece of the heap. */
export interface PageRun {
  /** The page after the last one. */
  readonly end: number;
  readonly bytes: number;
}

/** Bytes of a page's rows in the heap: an address counts 8 bytes, so an odd row leaves a gap behind it. */
export function pageBytes(rows: number): number {
  return Math.ceil((rows * sizeOf.UnwindRow) / 8) * 8;
}

/** As many pages from `first` on as fit into `limit` bytes, and never none. */
export function pageRun(pageRows: Uint32Array, first: number, limit: number): PageRun {
  let end = first;
  let bytes = 0;
  do {
    bytes += pageBytes(pageRows[end]!);
    end++;
  } while (end < pageRows.length && bytes + pageBytes(pageRows[end]!) <= limit);
  return { end, bytes };
}

/** Bytes in the heap (what it costs under the memory cap) when there are whole chunks to put it into. */
export function tableBytes({ pageRows, rules }: UnwindTable): number {
  let sum = slotted(headerBytes(pageRows.length, rules.length / 2));
  for (let page = 0; page < pageRows.length; ) {
    const { end, bytes } = pageRun(pageRows, page, Heap.PROFILER_CHUNK_BYTES);
    sum += slotted(bytes);
    page = end;
  }
  return sum;
}
