/** The bytes of one debug section, read where they are needed. */

import { type ByteSource, ElfError, MemoryBytes } from '../bytes.ts';
import { Cursor } from '../cfi/cursor.ts';
import { readContents } from '../compressed.ts';
import { SHT_NOBITS } from '../format.ts';
import { StringTable } from '../strings.ts';
import type { DwarfFile } from './parts.ts';

const blockBits = 16;
const blockSize = 1 << blockBits;
/** 4 MB of each section; then they are dropped and read again. */
const maxBlocks = 64;
/** What is compressed has to be held as a whole. The largest that was seen had 350 MB (.debug_info of ceph-osd). */
const maxDecompressed = 512 * 2 ** 20;
const SHF_COMPRESSED = 0x800;

/**
 * A section in blocks. What lies outside reads as nothing: cursors are then over their end.
 * Reading a program of a gigabyte here and there holds some blocks of it, not the sections.
 */
export class DwarfSection {
  readonly size: number;
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #isMemory: boolean;
  #strings: StringTable | undefined;
  #last = -1;
  #lastBlock: Uint8Array = nothing;
  #whole: Uint8Array | undefined;

  /** `size` bytes at `offset` of the source. */
  constructor(source: ByteSource, offset: number, size: number) {
    this.#source = source;
    this.#offset = offset;
    this.size = Math.max(0, Math.min(size, source.size - offset));
    this.#isMemory = source instanceof MemoryBytes;
  }

  /** @throws ElfError `truncated` */
  read(offset: number, length: number): Uint8Array {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      throw new ElfError('truncated', `bytes ${offset} to ${offset + length} lie outside of a debug section`);
    }
    return this.#source.read(this.#offset + offset, length);
  }

  /** A cursor at an offset, with at least `length` bytes before its end where the section has them. */
  cursorAt(offset: number, length: number): Cursor {
    if (!(offset >= 0 && offset < this.size)) return new Cursor(nothing, 0, 0);
    if (this.#isMemory) {
      this.#whole ??= this.read(0, this.size);
      return new Cursor(this.#whole, offset, this.size);
    }
    const enough = Math.min(length, this.size - offset);
    const inside = offset % blockSize;
    const block = this.#block(Math.floor(offset / blockSize));
    if (inside + enough <= block.length) return new Cursor(block, inside, block.length);
    return new Cursor(this.read(offset, enough), 0, enough);
  }

  /** The text at an offset, '' outside. */
  textAt(offset: number): string {
    this.#strings ??= new StringTable(this.#source, this.#offset, this.size);
    return this.#strings.nameAt(offset);
  }

  #block(index: number): Uint8Array {
    if (index === this.#last) return this.#lastBlock;
    let block = this.#blocks.get(index);
    if (block === undefined) {
      const start = index * blockSize;
      block = this.read(start, Math.min(blockSize, this.size - start));
      if (this.#blocks.size >= maxBlocks) this.#blocks.clear();
      this.#blocks.set(index, block);
    }
    this.#last = index;
    this.#lastBlock = block;
    return block;
  }
}

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
