/**
 * Collapsed (folded) stacks, as flamegraph.pl reads them (https://github.com/brendangregg/FlameGraph) and all
 * stackcollapse programs and we write them: a line is `outermost;…;innermost count`, and its last space separates.
 */
import { FrameKind, type Profile } from '../model/profile.ts';
import { ProfileBuilder, SAMPLES } from './builder.ts';
import { ByteCache } from './byte-cache.ts';
import { DecodeError } from './error.ts';
import type { Chunks } from './input.ts';
import { beginsJson } from './json.ts';
import { HEAD_BYTES, headText, type Reader } from './reader.ts';
import { type Block, NEWLINE, RETURN, SPACE, separators, type Text, textBlocks } from './text.ts';

const SEMICOLONS = separators(0x3b);
/** Digits that make an exact number. */
const MAX_DIGITS = 15;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const ANNOTATION = /_\[([kji])\]$/;
const KINDS: Readonly<Record<string, FrameKind>> = { k: FrameKind.kernel, j: FrameKind.jit, i: FrameKind.inlined };

class CollapsedReader {
  readonly #builder = new ProfileBuilder(1);
  readonly #labels = this.#builder.labels([]);
  readonly #locations = new ByteCache((text, start, end) => this.#location(text.string(start, end)));
  #lines = 0;
  /** Lines that end with two numbers. */
  #pairs = 0;
  #invalid = 0;

  read({ text, start, end }: Block): void {
    const { bytes } = text;
    for (let at = start; at < end; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      let last = newline;
      while (last > at && (bytes[last - 1] === RETURN || bytes[last - 1] === SPACE)) last--;
      if (last > at) this.#line(text, at, last);
      at = newline + 1;
    }
  }

  #line(text: Text, start: number, end: number): void {
    const space = lastSpace(text.bytes, start, end);
    const count = space < 0 ? Number.NaN : numberAt(text, space + 1, end);
    if (!Number.isFinite(count)) {
      this.#invalid++;
      return;
    }
    this.#lines++;
    if (this.#pairs === this.#lines - 1 && endsWithNumber(text, start, space)) this.#pairs++;
    let stack = -1;
    for (let at = start; at < space; ) {
      stack = this.#builder.stacks.push(stack, this.#locations.next(text, at, space, SEMICOLONS));
      at = this.#locations.end + 1;
    }
    this.#builder.add(this.#builder.row(stack, this.#labels), 0, count);
  }

  #location(whole: string): number {
    const annotation = ANNOTATION.exec(whole);
    return this.#builder.location({
      name: annotation ? whole.slice(0, annotation.index) : whole,
      kind: KINDS[annotation?.[1] ?? ''] ?? FrameKind.native,
    });
  }

  done(): Profile {
    if (this.#lines === 0) throw new DecodeError('it holds no line that is a stack and a count.');
    if (this.#pairs === this.#lines) {
      throw new DecodeError('each line has two counts, as of a difference: "profiler diff" makes one of two profiles.');
    }
    return this.#builder.build({
      sampleTypes: [SAMPLES],
      periodType: SAMPLES,
      period: 1,
      losses: this.#invalid > 0 ? { 'lines without a count': this.#invalid } : {},
    });
  }
}

/** −1 when there is none. */
function lastSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at >= start && bytes[at] !== SPACE) at--;
  return at < start ? -1 : at;
}

/** NaN when it is no number. */
function numberAt(text: Text, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.bytes[at]! - 0x30;
    if (digit < 0 || digit > 9 || end - start > MAX_DIGITS) return otherNumber(text, start, end);
    value = value * 10 + digit;
  }
  return start < end ? value : Number.NaN;
}

function otherNumber(text: Text, start: number, end: number): number {
  if (end - start > 64) return Number.NaN;
  const word = text.string(start, end);
  return NUMBER.test(word) ? Number(word) : Number.NaN;
}

function endsWithNumber(text: Text, start: number, end: number): boolean {
  const space = lastSpace(text.bytes, start, end);
  return space >= start && Number.isFinite(numberAt(text, space + 1, end));
}

/** A line with a count, or one that does not end within the head. */
function detect(head: Uint8Array): boolean {
  if (head.includes(0)) return false;
  const lines = headText(head).split('\n');
  if (lines.length === 1 && head.length === HEAD_BYTES) return !beginsJson(lines[0]!);
  return lines.some(line => NUMBER.test(/ (\S+)\s*$/.exec(line)?.[1] ?? ''));
}

async function read(chunks: Chunks): Promise<Profile> {
  const reader = new CollapsedReader();
  for await (const block of textBlocks(chunks)) reader.read(block);
  return reader.done();
}

export const collapsed: Reader = {
  name: 'collapsed stacks',
  description: 'collapsed stacks (a;b;c 12)',
  detect,
  read,
};
