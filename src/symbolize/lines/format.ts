/**
 * Answers on disk: which lines the addresses of a program have, so that no DWARF is read for them again. Columns of
 * words in the machine's byte order, which are looked up where they lie:
 *
 *   starts, ends, firstFrame (one more)    of intervals whose addresses have the same answer, ascending and disjoint
 *   name, file, line                       of frames, the innermost call of an answer first
 *   nameAt, fileAt                         where in the texts names and files are
 *   texts                                  UTF-8, each with a NUL at its end
 *   key                                    whose answers these are
 *   checksums                              of all that, 64 KiB at a time
 *   trailer                                the counts, and the checksum of checksums and trailer
 */
import { crc32 } from 'node:zlib';
import { type ByteSource, ElfError } from '../../elf/bytes.ts';
import { StringTable } from '../../elf/strings.ts';
import { Blocks, blockChecksums } from './blocks.ts';

/** "lnsI" */
const MAGIC = 0x49736e6c;
/** To be raised with every change of the format, and of what DWARF is read as. */
export const VERSION = 1;

const TRAILER_WORDS = 16;
const TRAILER_BYTES = TRAILER_WORDS * 4;
const Word = {
  magic: 0,
  version: 1,
  answers: 2,
  frames: 3,
  names: 4,
  files: 5,
  texts: 6,
  key: 7,
  baseLow: 8,
  baseHigh: 9,
  checksum: 15,
} as const;

/** All answers of a program. Frames of answer i are firstFrame[i] … firstFrame[i + 1] − 1. */
export interface AnswerColumns {
  /** The address that starts and ends count from. */
  readonly base: number;
  readonly starts: Uint32Array;
  /** One after the last byte. */
  readonly ends: Uint32Array;
  readonly firstFrame: Uint32Array;
  /** Index into names. */
  readonly name: Uint32Array;
  /** Index into files. */
  readonly file: Uint32Array;
  readonly line: Uint32Array;
  readonly names: readonly string[];
  readonly files: readonly string[];
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Texts and where each begins. A NUL in a text would end it, and does. */
function encodeTexts(texts: readonly string[], start: number): { offsets: Uint32Array; bytes: Buffer } {
  const offsets = new Uint32Array(texts.length);
  const pieces = texts.map(text => `${text}\0`);
  let at = start;
  for (const [i, piece] of pieces.entries()) {
    offsets[i] = at;
    at += Buffer.byteLength(piece);
  }
  return { offsets, bytes: Buffer.from(pieces.join('')) };
}

/** The bytes of a file. */
export function encodeAnswers(key: string, columns: AnswerColumns): readonly Uint8Array[] {
  const { base, starts, ends, firstFrame, name, file, line } = columns;
  const names = encodeTexts(columns.names, 0);
  const files = encodeTexts(columns.files, names.bytes.length);
  const keyBytes = Buffer.from(key);
  const words = [starts, ends, firstFrame, name, file, line, names.offsets, files.offsets].map(bytesOf);
  const texts = names.bytes.length + files.bytes.length;
  const padding = new Uint8Array(-(texts + keyBytes.length) & 3);
  const data = Buffer.concat([...words, names.bytes, files.bytes, keyBytes, padding]);
  const sums = blockChecksums(data);
  const trailer = new Uint32Array(TRAILER_WORDS);
  trailer[Word.magic] = MAGIC;
  trailer[Word.version] = VERSION;
  trailer[Word.answers] = starts.length;
  trailer[Word.frames] = name.length;
  trailer[Word.names] = names.offsets.length;
  trailer[Word.files] = files.offsets.length;
  trailer[Word.texts] = texts;
  trailer[Word.key] = keyBytes.length;
  trailer[Word.baseLow] = base >>> 0;
  trailer[Word.baseHigh] = Math.floor(base / 2 ** 32);
  trailer[Word.checksum] = crc32(bytesOf(trailer.subarray(0, Word.checksum)), crc32(bytesOf(sums)));
  return [data, bytesOf(sums), bytesOf(trailer)];
}

/** Answers in a file. What is asked for beyond the counts throws ElfError, as damaged blocks do. */
export class StoredAnswers {
  readonly base: number;
  readonly length: number;
  readonly frames: number;
  readonly names: number;
  readonly files: number;
  readonly #blocks: Blocks;
  readonly #texts: StringTable;
  /** Where the columns begin. */
  readonly #ends: number;
  readonly #firstFrame: number;
  readonly #name: number;
  readonly #nameAt: number;
  readonly #fileAt: number;

  private constructor(blocks: Blocks, trailer: Uint32Array) {
    this.#blocks = blocks;
    this.base = (trailer[Word.baseHigh]! | 0) * 2 ** 32 + trailer[Word.baseLow]!;
    this.length = trailer[Word.answers]!;
    this.frames = trailer[Word.frames]!;
    this.names = trailer[Word.names]!;
    this.files = trailer[Word.files]!;
    this.#ends = 4 * this.length;
    this.#firstFrame = 8 * this.length;
    this.#name = 12 * this.length + 4;
    this.#nameAt = this.#name + 12 * this.frames;
    this.#fileAt = this.#nameAt + 4 * this.names;
    this.#texts = new StringTable(blocks, this.#fileAt + 4 * this.files, trailer[Word.texts]!);
  }

  /** undefined for what is not the bytes that this version writes for the key. */
  static open(key: string, source: ByteSource): StoredAnswers | undefined {
    try {
      return StoredAnswers.#open(key, source);
    } catch (error) {
      if (error instanceof ElfError) return undefined;
      throw error;
    }
  }

  static #open(key: string, source: ByteSource): StoredAnswers | undefined {
    const trailer = new Uint32Array(source.read(source.size - TRAILER_BYTES, TRAILER_BYTES).slice().buffer);
    if (trailer[Word.magic] !== MAGIC || trailer[Word.version] !== VERSION) return undefined;
    const { length: keyLength } = Buffer.from(key);
    const columns = 12 * trailer[Word.answers]! + 4 + 12 * trailer[Word.frames]!;
    const texts = columns + 4 * (trailer[Word.names]! + trailer[Word.files]!);
    const keyAt = texts + trailer[Word.texts]!;
    const size = Math.ceil((keyAt + keyLength) / 4) * 4;
    const blocks = Math.ceil(size / 2 ** 16);
    if (trailer[Word.key] !== keyLength || size + 4 * blocks + TRAILER_BYTES !== source.size) return undefined;
    const sums = new Uint32Array(source.read(size, 4 * blocks).slice().buffer);
    const sum = crc32(bytesOf(trailer.subarray(0, Word.checksum)), crc32(bytesOf(sums)));
    if (sum !== trailer[Word.checksum]) return undefined;
    const checked = new Blocks(source, size, sums);
    if (!Buffer.from(key).equals(checked.read(keyAt, keyLength))) return undefined;
    return new StoredAnswers(checked, trailer);
  }

  start(answer: number): number {
    return this.#blocks.word(4 * answer);
  }

  end(answer: number): number {
    return this.#blocks.word(this.#ends + 4 * answer);
  }

  firstFrame(answer: number): number {
    return this.#blocks.word(this.#firstFrame + 4 * answer);
  }

  name(frame: number): number {
    return this.#blocks.word(this.#name + 4 * frame);
  }

  file(frame: number): number {
    return this.#blocks.word(this.#name + 4 * (this.frames + frame));
  }

  line(frame: number): number {
    return this.#blocks.word(this.#name + 4 * (2 * this.frames + frame));
  }

  nameText(name: number): string {
    return name < this.names ? this.#texts.nameAt(this.#blocks.word(this.#nameAt + 4 * name)) : '';
  }

  fileText(file: number): string {
    return file < this.files ? this.#texts.nameAt(this.#blocks.word(this.#fileAt + 4 * file)) : '';
  }

  /** The answer of an address by its distance from the base, −1 when there is none. */
  find(distance: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.start(middle) <= distance) low = middle + 1;
      else high = middle;
    }
    return low > 0 && distance < this.end(low - 1) ? low - 1 : -1;
  }
}
