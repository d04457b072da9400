/** Symbol tables (gABI, Symbol Table): which of their entries can name code. */

import { type ByteSource, ElfError, wordsOf } from './bytes.ts';
import { type Candidates, dataRank, rankOf } from './candidates.ts';
import type { CodeRanges } from './code.ts';
import { dynamicSymbols } from './dynamic.ts';
import { type Elf, SHF_ALLOC, SHF_EXECINSTR, SHT_DYNSYM, SHT_STRTAB, SHT_SYMTAB } from './format.ts';
import { StringTable } from './strings.ts';
import type { SymbolSection } from './symbol-section.ts';

/** Set in the origin of a symbol that stands for a stub; the other bits are the number of its symbol table. */
export const isStub = 0x80;

const STB_LOCAL = 0;
const STT_NOTYPE = 0;
const STT_OBJECT = 1;
const STT_FUNC = 2;
const STT_FILE = 4;
const STT_GNU_IFUNC = 10;
const SHN_UNDEF = 0;
const SHN_LORESERVE = 0xff00;
const SHN_XINDEX = 0xffff;
/** The largest programs known have a million symbols, 24 bytes each. */
const maxTableSize = 256 * 2 ** 20;
const entriesAtOnce = 2048;

/**
 * The tables of the section headers, .symtab before .dynsym; sections that contradict themselves are left out. A file
 * without either may still have what the dynamic linker needs.
 * @throws ElfError `truncated`, as {@link dynamicSymbols}
 */
export function symbolSections(elf: Elf, source: ByteSource): SymbolSection[] {
  const found: SymbolSection[] = [];
  for (const type of [SHT_SYMTAB, SHT_DYNSYM]) {
    const section = elf.sections.find(candidate => candidate.type === type);
    const names = section && elf.sections[section.link];
    if (section === undefined || names?.type !== SHT_STRTAB) continue;
    const strings = new StringTable(source, names.offset, names.size);
    found.push({ offset: section.offset, size: section.size, strings, dynamic: type === SHT_DYNSYM });
  }
  if (found.length > 0) return found;
  const dynamic = dynamicSymbols(elf, source);
  return dynamic ? [dynamic] : [];
}

/**
 * Adds the functions, indirect functions, code labels and data among code of a table to the candidates, a piece of the
 * table at a time.
 * @throws ElfError `too-large`, or `truncated` when the table reaches out of the file
 */
export function collectSymbols(
  elf: Elf,
  source: ByteSource,
  section: SymbolSection,
  origin: number,
  code: CodeRanges,
  into: Candidates,
): void {
  if (section.size > maxTableSize) throw new ElfError('too-large', `a symbol table claims ${section.size} bytes`);
  if (section.offset + section.size > source.size) throw new ElfError('truncated', 'a symbol table is cut off');
  const entrySize = elf.class === 64 ? 24 : 16;
  const count = Math.floor(section.size / entrySize);
  const filter = new Filter(elf, section, origin, code, into);
  for (let first = 0; first < count; first += entriesAtOnce) {
    const entries = Math.min(entriesAtOnce, count - first);
    const words = wordsOf(source.read(section.offset + first * entrySize, entries * entrySize));
    if (elf.class === 64) for (let i = 0; i < entries; i++) entry64(words, i * 6, filter);
    else for (let i = 0; i < entries; i++) entry32(words, i * 4, filter);
  }
}

/** Elf64_Sym: name; info, other and section; value; size. */
function entry64(words: Uint32Array, at: number, filter: Filter): void {
  const facts = words[at + 1]!;
  if (!mayBeCode(facts & 15)) {
    if ((facts & 15) === STT_FILE) filter.file(words[at]!);
    return;
  }
  // The high word of an address is signed, so that kernel addresses are negative and every canonical one is exact.
  const address = (words[at + 3]! | 0) * 2 ** 32 + words[at + 2]!;
  filter.take(address, words[at + 5]! * 2 ** 32 + words[at + 4]!, words[at]!, facts & 0xff, facts >>> 16);
}

/** Elf32_Sym: name; value; size; info, other and section. */
function entry32(words: Uint32Array, at: number, filter: Filter): void {
  const facts = words[at + 3]!;
  if (!mayBeCode(facts & 15)) {
    if ((facts & 15) === STT_FILE) filter.file(words[at]!);
    return;
  }
  filter.take(words[at + 1]!, words[at + 2]!, words[at]!, facts & 0xff, facts >>> 16);
}

function mayBeCode(type: number): boolean {
  return type === STT_FUNC || type === STT_GNU_IFUNC || type === STT_NOTYPE || type === STT_OBJECT;
}

const dollar = 0x24;

class Filter {
  readonly #elf: Elf;
  readonly #section: SymbolSection;
  readonly #origin: number;
  readonly #code: CodeRanges;
  readonly #into: Candidates;
  readonly #isArm: boolean;
  #file = 0;

  constructor(elf: Elf, section: SymbolSection, origin: number, code: CodeRanges, into: Candidates) {
    this.#elf = elf;
    this.#section = section;
    this.#origin = origin;
    this.#code = code;
    this.#into = into;
    this.#isArm = elf.machine === 'arm' || elf.machine === 'arm64';
  }

  /** The source file of the local symbols that follow (gABI, Symbol Table: STT_FILE). */
  file(name: number): void {
    this.#file = name;
  }

  take(address: number, size: number, name: number, info: number, sectionIndex: number): void {
    if (sectionIndex === SHN_UNDEF || name === 0) return;
    const type = info & 15;
    if (type === STT_OBJECT && !this.#isAmongCode(size, sectionIndex)) return;
    const func = type !== STT_NOTYPE && type !== STT_OBJECT;
    // Bit 0 of a 32-bit ARM function says that it is Thumb code (ELF for the Arm Architecture, 5.5.3).
    if (this.#elf.machine === 'arm' && func) address -= address % 2;
    if (this.#code.endOf(address) === undefined) return;
    if (type === STT_NOTYPE && !this.#isLabel(address, name, info, sectionIndex)) return;
    const rank = type === STT_OBJECT ? dataRank : rankOf(info >>> 4, func, size > 0, this.#section.dynamic);
    this.#into.add(address, size, name, this.#origin, rank, info >>> 4 === STB_LOCAL ? this.#file : 0);
  }

  /** The tables of constants that hand-written assembly has between its functions. */
  #isAmongCode(size: number, section: number): boolean {
    return size > 0 && section < SHN_LORESERVE && ((this.#elf.sections[section]?.flags ?? 0) & SHF_EXECINSTR) !== 0;
  }

  /** Leaves out what marks and does not name: constants, the ends of sections (`_etext`), ARM mapping symbols (`$x`). */
  #isLabel(address: number, name: number, info: number, sectionIndex: number): boolean {
    if (sectionIndex >= SHN_LORESERVE && sectionIndex !== SHN_XINDEX) return false;
    const section = this.#elf.sections[sectionIndex];
    if (section !== undefined && sectionIndex < SHN_LORESERVE && (section.flags & SHF_ALLOC) !== 0) {
      if (address < section.address || address >= section.address + section.size) return false;
    }
    return !(this.#isArm && info >>> 4 === STB_LOCAL && this.#section.strings.firstByteAt(name) === dollar);
  }
}
