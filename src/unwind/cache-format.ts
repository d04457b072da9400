/**
 * The bytes of a cached table: a header of 16 words, then what the counts in it say, and the key at the end:
 *
 *   magic, VERSION, LAYOUT, state, bytes of the key, pages, rows, rules, start (2 words), unsupported, 4 × 0, crc32
 *   pageRows, rules (2 words each), rows, key (UTF-8)
 *
 * All of it is in the machine's byte order, which the magic number tells, and aligned, so that a table read back is
 * views on the file's bytes. The checksum is that of everything else.
 */
import { crc32 } from 'node:zlib';
import { Heap, RuleKind, sizeOf } from '../capture/records.gen.ts';
import { isWithinLimits, PAGE_BYTES, RULE_SHIFT, type UnwindTable } from './table.ts';

/** "unwT" */
const MAGIC = 0x54776e75;
/**
 * To be raised with every change after which the same file gives another table, or is no longer, or newly, absent: in
 * what readUnwindRows makes of it, in compileTable, in what a rule means (`bpf/records.h`), and in the format itself.
 */
export const VERSION = 4;
/** Changes by itself when sizes in `bpf/records.h` do. */
const LAYOUT =
  sizeOf.UnwindRow |
  (RULE_SHIFT << 8) |
  (sizeOf.UnwindRule << 16) |
  (RuleKind.PROFILER_RULE_EXTRA << 20) |
  (Heap.PROFILER_PAGE_SHIFT << 24);

const HEADER_WORDS = 16;
const HEADER_BYTES = HEADER_WORDS * 4;
const Word = {
  magic: 0,
  version: 1,
  layout: 2,
  state: 3,
  key: 4,
  pages: 5,
  rows: 6,
  rules: 7,
  startLow: 8,
  startHigh: 9,
  unsupported: 10,
  checksum: 15,
} as const;
const State = { absent: 0, table: 1 } as const;

const NOTHING: UnwindTable = {
  start: 0,
  pageRows: new Uint32Array(),
  rows: new Uint32Array(),
  rules: new Uint32Array(),
  unsupported: 0,
};

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Of `bytes` behind what `sum` is of. zlib takes no bytes for a request to begin anew. */
function checksum(sum: number, bytes: Uint8Array): number {
  return bytes.length === 0 ? sum : crc32(bytes, sum);
}

/** The file's bytes, in pieces that share the table's memory. `absent`: the file has nothing to unwind by. */
export function encodeCached(key: string, table: UnwindTable | 'absent'): readonly Uint8Array[] {
  const { start, pageRows, rows, rules, unsupported } = table === 'absent' ? NOTHING : table;
  const keyBytes = Buffer.from(key);
  const header = new Uint32Array(HEADER_WORDS);
  header[Word.magic] = MAGIC;
  header[Word.version] = VERSION;
  header[Word.layout] = LAYOUT;
  header[Word.state] = table === 'absent' ? State.absent : State.table;
  header[Word.key] = keyBytes.length;
  header[Word.pages] = pageRows.length;
  header[Word.rows] = rows.length;
  header[Word.rules] = rules.length / 2;
  header[Word.startLow] = start >>> 0;
  header[Word.startHigh] = Math.floor(start / 2 ** 32);
  header[Word.unsupported] = unsupported;
  const payload = [bytesOf(pageRows), bytesOf(rules), bytesOf(rows), keyBytes];
  const head = bytesOf(header);
  header[Word.checksum] = payload.reduce(checksum, checksum(0, head.subarray(0, 4 * Word.checksum)));
  return [head, ...payload];
}

/** Whether the pages are what compileTable makes. For the rules of rows the checksum is enough: walks check where they read. */
function isSound({ start, pageRows, rows, rules }: UnwindTable): boolean {
  if (start % PAGE_BYTES !== 0 || !Number.isSafeInteger(start)) return false;
  if (pageRows.length === 0 || !isWithinLimits(pageRows.length, rules.length / 2)) return false;
  let first = 0;
  for (let page = 0; page < pageRows.length; page++) {
    const count = pageRows[page]!;
    if (count === 0 || count > Heap.PROFILER_MAX_PAGE_ROWS || first + count > rows.length) return false;
    if ((rows[first]! & (PAGE_BYTES - 1)) !== 0) return false;
    first += count;
  }
  return first === rows.length;
}

function isIntact(bytes: Uint8Array, header: Uint32Array): boolean {
  const head = checksum(0, bytes.subarray(0, 4 * Word.checksum));
  return checksum(head, bytes.subarray(HEADER_BYTES)) === header[Word.checksum];
}

/**
 * The table that was written for `key`, sharing the memory of `bytes`, which begin at a multiple of 4 in their buffer.
 * @returns undefined for anything but the bytes that {@link encodeCached} of this version makes for this key
 */
export function decodeCached(key: string, bytes: Uint8Array): UnwindTable | 'absent' | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const header = new Uint32Array(bytes.buffer, bytes.byteOffset, HEADER_WORDS);
  if (header[Word.magic] !== MAGIC || header[Word.version] !== VERSION || header[Word.layout] !== LAYOUT)
    return undefined;
  const counts = [header[Word.pages]!, 2 * header[Word.rules]!, header[Word.rows]!];
  const keyAt = counts.reduce((at, words) => at + 4 * words, HEADER_BYTES);
  if (keyAt + header[Word.key]! !== bytes.length) return undefined;
  if (!Buffer.from(key).equals(bytes.subarray(keyAt)) || !isIntact(bytes, header)) return undefined;
  if (header[Word.state] === State.absent && keyAt === HEADER_BYTES) return 'absent';
  if (header[Word.state] !== State.table) return undefined;
  let at = bytes.byteOffset + HEADER_BYTES;
  const [pageRows, rules, rows] = counts.map(words => {
    at += 4 * words;
    return new Uint32Array(bytes.buffer, at - 4 * words, words);
  }) as [Uint32Array, Uint32Array, Uint32Array];
  const start = (header[Word.startHigh]! | 0) * 2 ** 32 + header[Word.startLow]!;
  const table = { start, pageRows, rows, rules, unsupported: header[Word.unsupported]! };
  return isSound(table) ? table : undefined;
}
