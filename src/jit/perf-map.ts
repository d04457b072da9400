/**
 * Perf maps: `/tmp/perf-PID.map`, to which a runtime adds a line for each function that it generates, `START SIZE NAME`
 * with both numbers in hex (Linux, tools/perf/Documentation/jit-interface.txt).
 */

import type { ByteSource } from '../elf/bytes.ts';
import { JitRanges } from './ranges.ts';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const CHUNK = 1 << 20;
/** Addresses beyond it are the kernel's. */
const MAX_ADDRESS = 2 ** 47;
/** Of a name, bytes. A line that is longer than a chunk names nothing. */
const MAX_NAME = 4096;
/** So many of the last bytes tell whether a file has only grown. */
const TAIL = 64;

/** A perf map that grows: what was read is kept, and only what is new is read. */
export class PerfMap {
  readonly #ranges: JitRanges;
  /** Where the first line that is not read begins. */
  #end = 0;
  /** What stands before it. */
  #tail: Uint8Array = new Uint8Array(0);
  /** In the middle of a line that is too long. */
  #skips = false;

  /** `limit`: of functions that are kept, 16 bytes each. `from`: where to begin, for what is added from now on. */
  constructor(limit: number, from = 0) {
    this.#ranges = new JitRanges(limit);
    this.#end = from;
  }

  /** Of live functions, and parts of them. */
  get length(): number {
    return this.#ranges.length;
  }

  /** Where the first line begins that was not read. */
  get end(): number {
    return this.#end;
  }

  /** Whether it holds the beginning of this file: it may have been written anew, as a JVM does. */
  isPartOf(source: ByteSource): boolean {
    if (source.size < this.#end) return false;
    const { length } = this.#tail;
    const now = source.read(this.#end - length, length);
    return this.#tail.every((byte, i) => now[i] === byte);
  }

  /** Reads the lines that were added, up to an offset; returns whether there are any. Others than these are skipped. */
  append(source: ByteSource, until = source.size): boolean {
    const before = this.#end;
    const size = Math.min(source.size, until);
    while (this.#end < size) {
      const chunk = source.read(this.#end, Math.min(CHUNK, size - this.#end));
      const end = chunk.lastIndexOf(NEWLINE) + 1;
      if (end > 0) this.#lines(chunk, end);
      else if (chunk.length < CHUNK) break; // the runtime is writing it
      this.#skips = end === 0;
      this.#end += end || chunk.length;
    }
    this.#ranges.flush();
    const tail = Math.min(TAIL, this.#end);
    this.#tail = source.read(this.#end - tail, tail).slice();
    return this.#end > before;
  }

  /** Where in the file the name of the function at an address is, −1 when none is there. */
  find(address: number): number {
    return this.#ranges.find(address);
  }

  #lines(chunk: Uint8Array, end: number): void {
    let at = this.#skips ? chunk.indexOf(NEWLINE) + 1 : 0;
    while (at < end) {
      const next = chunk.indexOf(NEWLINE, at);
      this.#line(chunk, at, next);
      at = next + 1;
    }
  }

  #line(chunk: Uint8Array, from: number, end: number): void {
    const first = numberEnd(chunk, from, end);
    const second = numberEnd(chunk, first + 1, end);
    if (first < 0 || second < 0 || second + 1 >= end) return;
    const start = readHex(chunk, from, first);
    const size = readHex(chunk, first + 1, second);
    if (!(size > 0 && size < 2 ** 32 && start + size <= MAX_ADDRESS)) return;
    this.#ranges.add(start, size, this.#end + second + 1);
  }
}

/** Where the space behind a hex number is; −1 when there is none, or the number has none or too many digits. */
function numberEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = skipPrefix(bytes, from);
  const first = at;
  while (at < end && hexDigit(bytes[at]!) >= 0) at++;
  return at > first && at - first <= 16 && at < end && bytes[at] === SPACE ? at : -1;
}

/** Some runtimes write 0x, which perf accepts. */
function skipPrefix(bytes: Uint8Array, from: number): number {
  return bytes[from] === 0x30 && bytes[from + 1] === 0x78 ? from + 2 : from;
}

function readHex(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  for (let at = skipPrefix(bytes, from); at < end; at++) value = value * 16 + hexDigit(bytes[at]!);
  return value;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

/** The name at an offset that {@link PerfMap.find} gave; '' when the file was cut off since. */
export function nameAt(source: ByteSource, offset: number): string {
  if (offset >= source.size) return '';
  const bytes = source.read(offset, Math.min(MAX_NAME, source.size - offset));
  const end = bytes.indexOf(NEWLINE);
  return Buffer.from(bytes.buffer, bytes.byteOffset, end < 0 ? bytes.length : end).toString('utf8');
}
