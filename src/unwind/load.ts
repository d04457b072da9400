/** Tables in the heap. */
import { Heap as Layout, UnwindPage, UnwindTableHeader } from '../capture/records.gen.ts';
import { type Heap, type Piece, slotted } from './heap.ts';
import { headerBytes, pageBytes, pageRun, tableBytes, type UnwindTable } from './table.ts';

/** A table that the BPF side can read. */
export interface LoadedTable {
  /** Heap address of its struct profiler_unwind_table. */
  readonly address: number;
  /** Bytes that it takes in the heap. */
  readonly bytes: number;
  /** Once, when no entry of `files` leads to it any more. */
  free(): void;
}

function writeHeader(words: Uint32Array, { start, pageRows, rules }: UnwindTable): void {
  words[UnwindTableHeader.start / 4] = start >>> 0;
  words[UnwindTableHeader.start / 4 + 1] = Math.floor(start / 2 ** 32);
  words[UnwindTableHeader.pages / 4] = pageRows.length;
  words[UnwindTableHeader.rules / 4] = rules.length / 2;
  words.set(rules, headerBytes(pageRows.length, 0) / 4);
}

/**
 * Copies the rows, whole pages in a piece, and enters their addresses into the header. Starts with pieces of a whole
 * chunk and goes on with smaller ones where the heap has only smaller gaps left.
 * @returns false when there is no room
 */
function writeRows(heap: Heap, { pageRows, rows }: UnwindTable, header: Uint32Array, pieces: Piece[]): boolean {
  let limit: number = Layout.PROFILER_CHUNK_BYTES;
  let row = 0;
  for (let page = 0; page < pageRows.length; ) {
    const { end, bytes } = pageRun(pageRows, page, limit);
    const piece = heap.allocate(bytes);
    if (!piece) {
      if (end === page + 1) return false;
      limit = bytes / 2;
      continue;
    }
    pieces.push(piece);
    for (let at = 0; page < end; page++) {
      const count = pageRows[page]!;
      const entry = headerBytes(page, 0) / 4;
      header[entry + UnwindPage.rows / 4] = piece.address + at / 8;
      header[entry + UnwindPage.count / 4] = count;
      piece.words.set(rows.subarray(row, row + count), (at / 4) | 0);
      row += count;
      at += pageBytes(count);
    }
  }
  return true;
}

/** Copies a table into the heap; undefined, with nothing kept, when there is no room. */
export function loadTable(heap: Heap, table: UnwindTable): LoadedTable | undefined {
  heap.reserve(tableBytes(table));
  const header = heap.allocate(headerBytes(table.pageRows.length, table.rules.length / 2));
  if (!header) return undefined;
  const pieces = [header];
  writeHeader(header.words, table);
  if (!writeRows(heap, table, header.words, pieces)) {
    for (const piece of pieces) heap.discard(piece);
    return undefined;
  }
  const bytes = pieces.reduce((sum, piece) => sum + slotted(piece.bytes.length), 0);
  const free = () => {
    for (const piece of pieces.splice(0)) heap.free(piece);
  };
  return { address: header.address, bytes, free };
}
