/** Text as bytes, in blocks of whole lines, and runs of bytes that are found and hashed four at a time. */
import { SEED } from '../model/merge-stacks.ts';
import { DecodeError } from './error.ts';
import type { Chunks } from './input.ts';

export const NEWLINE = 0x0a;
export const RETURN = 0x0d;
export const SPACE = 0x20;

const MIN_BLOCK = 2 ** 18;
/** A stack of 1,000 frames with names of 64 KB. */
const MAX_LINE = 2 ** 26;

/** Bytes that can be read by fours. */
export class Text {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** Of the last {@link scan}. */
  hash = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /**
   * Where the first `separator` in start … end−1 is, or `end`; the bytes before it are hashed.
   * @param separators the byte, four times
   */
  scan(start: number, end: number, separators: number): number {
    const view = this.#view;
    const bytes = this.bytes;
    const separator = separators & 0xff;
    let hash = SEED;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word = view.getInt32(at, true);
      // A byte of it is zero where the word has the separator; taking 1 from each byte borrows for that one only.
      const marked = word ^ separators;
      if (((marked - 0x01010101) & ~marked & 0x80808080) !== 0) break;
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; at < end && bytes[at] !== separator; at++) hash = Math.imul(hash ^ bytes[at]!, 0x85ebca6b);
    this.hash = hash ^ (hash >>> 13) ^ (at - start);
    return at;
  }

  /** Whether `length` bytes are the same in both. */
  equals(start: number, other: Text, otherStart: number, length: number): boolean {
    const [view, otherView] = [this.#view, other.#view];
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      if (view.getInt32(start + i, true) !== otherView.getInt32(otherStart + i, true)) return false;
    }
    for (; i < length; i++) if (this.bytes[start + i] !== other.bytes[otherStart + i]) return false;
    return true;
  }

  /** The text, with what is no UTF-8 replaced. */
  string(start: number, end: number): string {
    const { buffer, byteOffset } = this.bytes;
    return Buffer.from(buffer, byteOffset, this.bytes.length).toString('utf8', start, end);
  }
}

/** A byte as {@link Text.scan} wants it. */
export function separators(byte: number): number {
  return Math.imul(byte, 0x01010101);
}

export interface Block {
  readonly text: Text;
  /** Where the last of its lines ends; every line has a newline, the input's last one too. */
  readonly end: number;
}

/** The lines of the input in blocks, each valid until the next is asked for. A byte order mark is left out. */
export async function* textBlocks(chunks: Chunks): AsyncGenerator<Block> {
  let text = new Text(new Uint8Array(MIN_BLOCK));
  let fill = 0;
  let isFirst = true;
  for await (const chunk of chunks) {
    for (let taken = 0; taken < chunk.length; ) {
      if (fill === text.bytes.length) text = grown(text);
      const count = Math.min(chunk.length - taken, text.bytes.length - fill);
      text.bytes.set(chunk.subarray(taken, taken + count), fill);
      taken += count;
      const end = text.bytes.subarray(fill, fill + count).lastIndexOf(NEWLINE) + 1;
      fill += count;
      if (end === 0) continue;
      if (isFirst) dropMark(text.bytes);
      isFirst = false;
      const whole = fill - count + end;
      yield { text, end: whole };
      text.bytes.copyWithin(0, whole, fill);
      fill -= whole;
    }
  }
  if (fill === 0) return;
  if (fill === text.bytes.length) text = grown(text);
  text.bytes[fill] = NEWLINE;
  if (isFirst) dropMark(text.bytes);
  yield { text, end: fill + 1 };
}

function grown(text: Text): Text {
  const { length } = text.bytes;
  if (length >= MAX_LINE) throw new DecodeError(`it holds a line of more than ${MAX_LINE} bytes.`);
  const bytes = new Uint8Array(length * 2);
  bytes.set(text.bytes);
  return new Text(bytes);
}

/** As an empty line. */
function dropMark(bytes: Uint8Array): void {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes.copyWithin(0, 3).fill(0, bytes.length - 3);
}
