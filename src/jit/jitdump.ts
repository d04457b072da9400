/**
 * jitdump files: what a runtime generated, with code, names and lines
 * (Linux, tools/perf/Documentation/jitdump-specification.txt). Code bytes and unwind information are passed over.
 */

import { type ByteSource, readAddress, readSize, viewOf } from '../elf/bytes.ts';
import { JitRanges } from './ranges.ts';
import { SparseOffsets } from './sparse-offsets.ts';

const MAGIC = 0x4a695444;
const HEADER_SIZE = 40;
const RECORD = { load: 0, move: 1, debugInfo: 2, close: 3 } as const;
/** `u32 id; u32 total_size; u64 timestamp` */
const PREFIX = 16;
/** Behind the prefix: `u32 pid, tid; u64 vma, code_addr, code_size, code_index; char name[]`. */
const LOAD = { address: 32, size: 40, name: 56 } as const;
/** `u32 pid, tid; u64 vma, old_code_addr, new_code_addr, code_size, code_index`. */
const MOVE = { from: 32, to: 40, size: 48, end: 64 } as const;
/** `u64 code_addr, nr_entry`, and for each entry `u64 addr; u32 line, discriminator; char file[]`. */
const DEBUG = { address: 16, count: 24, entries: 32, entry: 16 } as const;
/** The file of an entry that is the one of the entry before: "\xff\0". */
const SAME_FILE = 0xff;
const MAX_ADDRESS = 2 ** 47;
/** Of a name, and of a table of lines. */
const MAX_NAME = 4096;
const MAX_LINES = 1 << 22;

/** What the header says: this machine's byte order, the other one's (which is not read), or that it is no jitdump. */
export function jitdumpOrder(source: ByteSource): 'native' | 'swapped' | undefined {
  if (source.size < HEADER_SIZE) return undefined;
  const view = viewOf(source.read(0, HEADER_SIZE));
  if (view.getUint32(0, true) === MAGIC) return 'native';
  return view.getUint32(0, false) === MAGIC ? 'swapped' : undefined;
}

export interface JitLine {
  readonly filename: string;
  /** From 1. */
  readonly line: number;
}

/** A jitdump that grows. Functions are offsets of the records that loaded or moved them. */
export class Jitdump {
  readonly #ranges: JitRanges;
  /** Of loads with lines: the record of the lines. Of moves: the record that loaded the code. */
  readonly #lines = new SparseOffsets();
  readonly #moved = new SparseOffsets();
  #end = 0;
  /** Records of lines whose code is still to come, by its address. */
  readonly #coming = new Map<number, number>();
  #isClosed = false;

  /** `limit`: of functions that are kept, 16 bytes each. `from`: where to begin, for what is added from now on. */
  constructor(limit: number, from = 0) {
    this.#ranges = new JitRanges(limit);
    this.#end = from;
  }

  get length(): number {
    return this.#ranges.length;
  }

  /** Where the first record begins that was not read. */
  get end(): number {
    return this.#end;
  }

  /** Whether it can be the beginning of this file. */
  isPartOf(source: ByteSource): boolean {
    return source.size >= this.#end;
  }

  /**
   * Reads the records that were added, up to an offset; returns whether there are any. One that is not whole yet is left
   * for later.
   */
  append(source: ByteSource, until = source.size): boolean {
    const before = this.#end;
    const end = Math.min(source.size, until);
    if (this.#end === 0) this.#end = headerEnd(source);
    if (this.#end === 0) return false;
    while (!this.#isClosed && this.#end + PREFIX <= end) {
      const prefix = viewOf(source.read(this.#end, PREFIX));
      const size = prefix.getUint32(4, true);
      // Nothing can be said about what comes behind a record of an impossible size.
      if (size < PREFIX) this.#isClosed = true;
      if (size < PREFIX || this.#end + size > end) break;
      this.#record(source, prefix.getUint32(0, true), size);
      this.#end += size;
    }
    this.#ranges.flush();
    return this.#end > before;
  }

  find(address: number): number {
    return this.#ranges.find(address);
  }

  #record(source: ByteSource, id: number, size: number): void {
    if (id === RECORD.close) this.#isClosed = true;
    if (id === RECORD.load && size > LOAD.name) this.#load(viewOf(source.read(this.#end, LOAD.name)));
    if (id === RECORD.move && size >= MOVE.end) this.#move(viewOf(source.read(this.#end, MOVE.end)));
    if (id === RECORD.debugInfo && size >= DEBUG.entries) {
      const view = viewOf(source.read(this.#end, DEBUG.entries));
      // Each stands before the code that it belongs to.
      if (this.#coming.size >= 1024) this.#coming.clear();
      this.#coming.set(readSize(view, DEBUG.address), this.#end);
    }
  }

  #load(view: DataView): void {
    const address = readSize(view, LOAD.address);
    const lines = this.#coming.get(address);
    this.#coming.delete(address);
    if (!this.#add(address, readSize(view, LOAD.size))) return;
    if (lines !== undefined) this.#lines.add(this.#end, lines);
  }

  #move(view: DataView): void {
    this.#ranges.flush();
    const found = this.#ranges.find(readSize(view, MOVE.from));
    if (found < 0 || !this.#add(readSize(view, MOVE.to), readSize(view, MOVE.size))) return;
    this.#moved.add(this.#end, this.#moved.get(found) ?? found);
  }

  #add(address: number, size: number): boolean {
    const isValid = size > 0 && size < 2 ** 32 && address + size <= MAX_ADDRESS && this.#end < 2 ** 32;
    if (isValid) this.#ranges.add(address, size, this.#end);
    return isValid;
  }

  /** The name of a function that was found; '' when the file was cut off since. */
  nameOf(source: ByteSource, found: number): string {
    const record = this.#moved.get(found) ?? found;
    const size = recordSize(source, record);
    if (size <= LOAD.name) return '';
    return textAt(source.read(record + LOAD.name, Math.min(size - LOAD.name, MAX_NAME)), 0);
  }

  /** The line of an address of a function; `bias`: what the runtime adds to the addresses of its lines. */
  lineAt(source: ByteSource, found: number, address: number, bias: number): JitLine | undefined {
    const record = this.#moved.get(found) ?? found;
    const lines = this.#lines.get(record);
    if (lines === undefined || recordSize(source, record) <= LOAD.name) return undefined;
    const load = viewOf(source.read(record, LOAD.name));
    const loaded = readSize(load, LOAD.address);
    const code = { start: loaded, end: loaded + readSize(load, LOAD.size) + bias };
    const start = record === found ? loaded : readSize(viewOf(source.read(found, MOVE.end)), MOVE.to);
    const size = Math.min(recordSize(source, lines), MAX_LINES);
    return size < DEBUG.entries ? undefined : findLine(source.read(lines, size), address - start + loaded + bias, code);
  }
}

/** Where the records begin: newer versions may have a longer header. 0 when it is not there yet. */
function headerEnd(source: ByteSource): number {
  if (jitdumpOrder(source) !== 'native') return 0;
  return Math.max(viewOf(source.read(0, HEADER_SIZE)).getUint32(8, true), HEADER_SIZE);
}

/** 0 when it is not there any more. */
function recordSize(source: ByteSource, at: number): number {
  if (at + PREFIX > source.size) return 0;
  const size = viewOf(source.read(at, PREFIX)).getUint32(4, true);
  return at + size <= source.size ? size : 0;
}

function textAt(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, (end < 0 ? bytes.length : end) - at).toString('utf8');
}

/**
 * The last entry at the address or before it. Entries are in no order that the format promises. One that lies outside of
 * the code is damage (V8 writes names from memory that it has freed), and so is what follows.
 */
function findLine(
  record: Uint8Array,
  address: number,
  code: { readonly start: number; readonly end: number },
): JitLine | undefined {
  const view = viewOf(record);
  const count = readSize(view, DEBUG.count);
  let [at, file, bestFile, bestLine, best] = [DEBUG.entries as number, -1, -1, 0, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count && at + DEBUG.entry < record.length; i++) {
    const start = readAddress(view, at);
    const line = view.getUint32(at + 8, true);
    const name = at + DEBUG.entry;
    const end = record.indexOf(0, name);
    if (end < 0 || start < code.start || start > code.end) break;
    if (record[name] !== SAME_FILE || end !== name + 1) file = name;
    if (start <= address && start >= best && line > 0) [best, bestFile, bestLine] = [start, file, line];
    at = end + 1;
  }
  return bestFile < 0 ? undefined : { filename: textAt(record, bestFile).slice(0, MAX_NAME), line: bestLine };
}
