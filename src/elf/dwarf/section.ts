/** The bytes of one debug section, read where they are needed. */

import { type ByteSource, ElfError, MemoryBytes } from '../bytes.ts';
import { Cursor, smallInteger } from '../cfi/cursor.ts';
import { readContents } from '../compressed.ts';
import { SHT_NOBITS } from '../format.ts';
import { decode, maxNameLength } from '../strings.ts';
import { Blocks, blockSize, overlap } from './blocks.ts';
import type { DwarfFile } from './parts.ts';

/** Most names are shorter. */
const shortName = 256;
/** What is compressed has to be held as a whole. The largest that was seen had 350 MB (.debug_info of ceph-osd). */
const maxDecompressed = 512 * 2 ** 20;
/** Larger units are rare, and the memory would be kept. */
const maxScratch = 1 << 23;
const SHF_COMPRESSED = 0x800;

/**
 * A section in blocks. What lies outside reads as nothing: cursors are then over their end.
 * Reading a program of a gigabyte here and there holds some blocks of it, not the sections.
 */
export class DwarfSection {
  readonly size: number;
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #blocks: Blocks;
  /** What is in memory anyway. */
  #whole: Uint8Array | undefined;

  /** `size` bytes at `offset` of the source. */
  constructor(source: ByteSource, offset: number, size: number) {
    this.#source = source;
    this.#offset = offset;
    this.size = Math.max(0, Math.min(size, source.size - offset));
    this.#blocks = new Blocks(source, offset, this.size);
    if (source instanceof MemoryBytes) this.#whole = source.read(offset, this.size);
  }

  /** @throws ElfError `truncated` */
  read(offset: number, length: number): Uint8Array {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      throw new ElfError('truncated', `bytes ${offset} to ${offset + length} lie outside of a debug section`);
    }
    return this.#source.read(this.#offset + offset, length);
  }

  /**
   * As {@link read}, for bytes that are done with before the next call for any section: they are read into the same
   * memory each time. A walk over a unit needs megabytes for a moment, and a program has thousands of units. What is
   * still there is not read again: the functions of a unit, and their names.
   * @throws ElfError `truncated`
   */
  readForNow(offset: number, length: number): Uint8Array {
    const source = this.#source;
    if (source.readInto === undefined || length > maxScratch || !(offset >= 0 && offset + length <= this.size)) {
      return this.read(offset, length);
    }
    if (!this.#isAtHand(offset, length)) {
      if (scratch.length < length) scratch = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
      atHand = undefined;
      source.readInto(scratch, this.#offset + offset, length);
      atHand = { section: this, start: offset, end: offset + length };
    }
    const start = offset - atHand!.start;
    return scratch.subarray(start, start + length);
  }

  #isAtHand(offset: number, length: number): boolean {
    return atHand?.section === this && offset >= atHand.start && offset + length <= atHand.end;
  }

  /**
   * A cursor at an offset, with at least `length` bytes before its end where the section has them. Good until the next
   * call for this section, and the next {@link readForNow} of any.
   */
  cursorAt(offset: number, length: number): Cursor {
    if (!(offset >= 0 && offset < this.size)) return new Cursor(nothing, 0, 0);
    if (this.#whole !== undefined) return cursorIn(this.#whole, offset, this.size);
    const enough = Math.min(length, this.size - offset);
    if (this.#isAtHand(offset, enough)) return cursorIn(scratch, offset - atHand!.start, atHand!.end - atHand!.start);
    const inside = offset % blockSize;
    if (inside + enough > blockSize + overlap) return cursorIn(this.read(offset, enough), 0, enough);
    const start = offset - inside;
    return cursorIn(this.#blocks.get(start / blockSize), inside, Math.min(blockSize + overlap, this.size - start));
  }

  /** The text at an offset, at most {@link maxNameLength} bytes of it; '' outside, or when the file has shrunk. */
  textAt(offset: number): string {
    try {
      return this.#readText(offset);
    } catch (error) {
      if (error instanceof ElfError) return '';
      throw error;
    }
  }

  #readText(offset: number): string {
    for (let length = shortName; ; length = maxNameLength) {
      const { bytes, at, end } = this.cursorAt(offset, length);
      const limit = Math.min(end, at + maxNameLength);
      const found = bytes.indexOf(0, at);
      const isWhole = found >= 0 && found <= limit;
      if (isWhole || length === maxNameLength) {
        return decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), at, isWhole ? found : limit);
      }
    }
  }
}

function cursorIn(bytes: Uint8Array, at: number, end: number): Cursor {
  return new Cursor(bytes, smallInteger(at), smallInteger(end));
}

let scratch = new Uint8Array(1 << 16);
/** What is in it. */
let atHand: { readonly section: DwarfSection; readonly start: number; readonly end: number } | undefined;
const nothing: Uint8Array = new Uint8Array(0);

/** The debug sections of one file by the name that follows `.debug_`, each opened when it is first asked for. */
export class DwarfSections {
  readonly #file: DwarfFile;
  /** '' or '.dwo'. */
  readonly #suffix: string;
  readonly #known = new Map<string, DwarfSection | undefined>();

  constructor(file: DwarfFile, suffix: '' | '.dwo') {
    this.#file = file;
    this.#suffix = suffix;
  }

  /** undefined when the file does not have it, or has it compressed in a way that cannot be read. */
  get(name: string): DwarfSection | undefined {
    if (this.#known.has(name)) return this.#known.get(name);
    const section = this.#open(name + this.#suffix);
    this.#known.set(name, section);
    return section;
  }

  /** Sections without the suffix: the indexes of a package. */
  getPlain(name: string): DwarfSection | undefined {
    return this.#open(name);
  }

  #open(name: string): DwarfSection | undefined {
    const { elf, bytes } = this.#file;
    const section = elf.sections.find(candidate => candidate.name === `.debug_${name}`);
    const old = elf.sections.find(candidate => candidate.name === `.zdebug_${name}`);
    if (section !== undefined && section.type !== SHT_NOBITS && (section.flags & SHF_COMPRESSED) === 0) {
      return new DwarfSection(bytes, section.offset, section.size);
    }
    const compressed = section?.type === SHT_NOBITS ? old : (section ?? old);
    const contents = compressed && readContents(elf, bytes, compressed, maxDecompressed);
    return contents && new DwarfSection(new MemoryBytes(contents), 0, contents.length);
  }
}
