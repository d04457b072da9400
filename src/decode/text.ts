/** Text as bytes, in blocks of whole lines, and runs of bytes that are found and hashed four at a time. */
import { SEED } from '../model/merge-stacks.ts';
import { DecodeError } from './error.ts';
import type { Chunks } from './input.ts';

export const TAB = 0x09;
export const NEWLINE = 0x0a;
export const RETURN = 0x0d;
export const SPACE = 0x20;

const MIN_BLOCK = 2 ** 18;
/** A stack of 1,000 frames with names of 64 KB. */
const MAX_LINE = 2 ** 26;

/** Not 0 when a byte of the word is: taking 1 from each byte borrows from its highest bit only then. */
function zeroBytes(word: number): number {
  return (word - 0x01010101) & ~word & 0x80808080;
}

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
    let [hash, other] = [SEED, ~SEED];
    let at = start;
    // Two hashes, whose multiplications do not wait for each other.
    for (; at + 8 <= end; at += 8) {
      const [word, next] = [view.getInt32(at, true), view.getInt32(at + 4, true)];
      if ((zeroBytes(word ^ separators) | zeroBytes(next ^ separators)) !== 0) break;
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      other = Math.imul(other ^ next, 0x85ebca6b);
      hash ^= hash >>> 15;
      other ^= other >>> 13;
    }
    for (; at < end && bytes[at] !== separator; at++) hash = Math.imul(hash ^ bytes[at]!, 0x85ebca6b);
    hash = Math.imul(hash ^ other ^ (at - start), 0x9e3779b1);
    this.hash = hash ^ (hash >>> 15);
    return at;
  }

  /** Whether `length` bytes are the same in both. */
  equals(start: number, other: Text, otherStart: number, length: number): boolean {
    const [view, otherView] = [this.#view, other.#view];
    let i = 0;
    // Equal mostly, so that one branch for four words is less work.
    for (; i + 16 <= length; i += 16) {
      const [a, b] = [start + i, otherStart + i];
      const differences =
        (view.getInt32(a, true) ^ otherView.getInt32(b, true)) |
        (view.getInt32(a + 4, true) ^ otherView.getInt32(b + 4, true)) |
        (view.getInt32(a + 8, true) ^ otherView.getInt32(b + 8, true)) |
        (view.getInt32(a + 12, true) ^ otherView.getInt32(b + 12, true));
      if (differences !== 0) return false;
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
  /** Where its first line begins and its last one ends; every line has a newline, the input's last one too. */
  readonly start: number;
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
      const whole = fill - count + end;
      yield { text, start: isFirst ? markLength(text.bytes) : 0, end: whole };
      isFirst = false;
      text.bytes.copyWithin(0, whole, fill);
      fill -= whole;
    }
  }
  if (fill === 0) return;
  if (fill === text.bytes.length) text = grown(text);
  text.bytes[fill] = NEWLINE;
  yield { text, start: isFirst ? markLength(text.bytes) : 0, end: fill + 1 };
}

function grown(text: Text): Text {
  const { length } = text.bytes;
  if (length >= MAX_LINE) throw new DecodeError(`it holds a line of more than ${MAX_LINE} bytes.`);
  const bytes = new Uint8Array(length * 2);
  bytes.set(text.bytes);
  return new Text(bytes);
}

function markLength(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}
