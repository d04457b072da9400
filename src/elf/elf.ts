/**
 * ELF headers (System V gABI, chapters 4 and 5): the file header, program headers, section headers and the build id.
 * Segments are what the kernel maps and what counts; sections may be missing or wrong and are then left out.
 */

import { type ByteSource, ElfError, readAddress, readSize, viewOf } from './bytes.ts';
import { type Elf, type Machine, PF_X, PT_LOAD, type Section, type Segment, SHT_STRTAB } from './format.ts';
import { readBuildId } from './notes.ts';

export * from './format.ts';

/** e_phnum and e_shnum are 16 bits; what does not fit there (PN_XNUM, SHN_LORESERVE) is not believed beyond this. */
const maxHeaders = 65536;
/** Program and section headers have 32 to 64 bytes; with 16 bits of size, a table of 65,536 would be 4 GiB. */
const maxHeaderSize = 256;
const maxSectionNames = 16 * 2 ** 20;
const maxSectionName = 128;

const machines: Readonly<Record<number, Machine>> = { 3: 'x86', 40: 'arm', 62: 'x86-64', 183: 'arm64' };

/** Where the header tables are. */
interface HeaderTables {
  readonly wide: boolean;
  readonly programs: number;
  readonly programSize: number;
  readonly programCount: number;
  readonly sections: number;
  readonly sectionSize: number;
  readonly sectionCount: number;
  readonly nameSection: number;
}

/**
 * Reads headers and build id of a little-endian ELF file, a few kilobytes in all.
 * @throws ElfError `not-elf`, `unsupported` (big-endian, unknown class), `truncated`, `damaged` or `too-large`
 */
export function parseElf(source: ByteSource): Elf {
  const ident = source.read(0, Math.min(16, source.size));
  if (ident[0] !== 0x7f || ident[1] !== 0x45 || ident[2] !== 0x4c || ident[3] !== 0x46) {
    throw new ElfError('not-elf', 'no ELF file: the magic number is missing');
  }
  if (ident.length < 16) throw new ElfError('truncated', 'the ELF file ends inside of its identification');
  if (ident[4] !== 1 && ident[4] !== 2) throw new ElfError('unsupported', `ELF class ${ident[4]} is not known`);
  if (ident[5] !== 1) throw new ElfError('unsupported', 'only little-endian ELF files are read');
  const wide = ident[4] === 2;
  const header = viewOf(source.read(0, wide ? 64 : 52));
  const tables = headerTables(header, wide);
  const first = firstSection(source, tables);
  const segments = readSegments(source, tables, first);
  const sections = readSections(source, tables, first);
  return {
    class: wide ? 64 : 32,
    machine: machines[header.getUint16(18, true)] ?? 'other',
    type: header.getUint16(16, true),
    segments,
    sections,
    buildId: readBuildId(source, segments, sections),
  };
}

function headerTables(header: DataView, wide: boolean): HeaderTables {
  const at = wide ? 54 : 42;
  return {
    wide,
    programs: wide ? readSize(header, 32) : header.getUint32(28, true),
    sections: wide ? readSize(header, 40) : header.getUint32(32, true),
    programSize: header.getUint16(at, true),
    programCount: header.getUint16(at + 2, true),
    sectionSize: header.getUint16(at + 4, true),
    sectionCount: header.getUint16(at + 6, true),
    nameSection: header.getUint16(at + 8, true),
  };
}

/** Section header 0 holds the counts that do not fit the file header (gABI, ELF Header: e_phnum, e_shnum, e_shstrndx). */
function firstSection(source: ByteSource, tables: HeaderTables): Section | undefined {
  const least = tables.wide ? 64 : 40;
  if (tables.sections === 0 || tables.sectionSize < least || tables.sections + least > source.size) return undefined;
  return readSection(viewOf(source.read(tables.sections, least)), 0, tables.wide, '');
}

function readSegments(source: ByteSource, tables: HeaderTables, first: Section | undefined): Segment[] {
  const count = tables.programCount === 0xffff && first !== undefined ? first.info : tables.programCount;
  if (count === 0) return [];
  if (count > maxHeaders) throw new ElfError('too-large', `the file claims ${count} program headers`);
  if (tables.programSize < (tables.wide ? 56 : 32) || tables.programSize > maxHeaderSize) {
    throw new ElfError('damaged', `a program header has ${tables.programSize} bytes`);
  }
  const view = viewOf(source.read(tables.programs, count * tables.programSize));
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    segments.push(tables.wide ? segment64(view, i * tables.programSize) : segment32(view, i * tables.programSize));
  }
  return segments;
}

function segment64(view: DataView, at: number): Segment {
  return {
    type: view.getUint32(at, true),
    flags: view.getUint32(at + 4, true),
    offset: readSize(view, at + 8),
    address: readAddress(view, at + 16),
    fileSize: readSize(view, at + 32),
    memorySize: readSize(view, at + 40),
    align: readSize(view, at + 48),
  };
}

function segment32(view: DataView, at: number): Segment {
  return {
    type: view.getUint32(at, true),
    offset: view.getUint32(at + 4, true),
    address: view.getUint32(at + 8, true),
    fileSize: view.getUint32(at + 16, true),
    memorySize: view.getUint32(at + 20, true),
    flags: view.getUint32(at + 24, true),
    align: view.getUint32(at + 28, true),
  };
}

/** Sections are a help, not the truth: whatever is wrong with them, the file has none. */
function readSections(source: ByteSource, tables: HeaderTables, first: Section | undefined): Section[] {
  if (first === undefined) return [];
  const count = tables.sectionCount === 0 ? first.size : tables.sectionCount;
  const size = tables.sectionSize;
  if (count > maxHeaders || size > maxHeaderSize || tables.sections + count * size > source.size) return [];
  const view = viewOf(source.read(tables.sections, count * size));
  const nameSection = tables.nameSection === 0xffff ? first.link : tables.nameSection;
  const names =
    nameSection < count ? sectionNames(source, readSection(view, nameSection * size, tables.wide, '')) : noNames;
  const sections: Section[] = [];
  for (let i = 0; i < count; i++) {
    sections.push(readSection(view, i * size, tables.wide, nameIn(names, view.getUint32(i * size, true))));
  }
  return sections;
}

function readSection(view: DataView, at: number, wide: boolean, name: string): Section {
  const type = view.getUint32(at + 4, true);
  if (!wide) {
    return {
      name,
      type,
      flags: view.getUint32(at + 8, true),
      address: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
      size: view.getUint32(at + 20, true),
      link: view.getUint32(at + 24, true),
      info: view.getUint32(at + 28, true),
      align: view.getUint32(at + 32, true),
    };
  }
  return {
    name,
    type,
    flags: view.getUint32(at + 8, true),
    address: readAddress(view, at + 16),
    offset: readSize(view, at + 24),
    size: readSize(view, at + 32),
    link: view.getUint32(at + 40, true),
    info: view.getUint32(at + 44, true),
    align: readSize(view, at + 48),
  };
}

const noNames = new Uint8Array(0);

function sectionNames(source: ByteSource, section: Section): Uint8Array {
  const { type, offset, size } = section;
  return type === SHT_STRTAB && size <= maxSectionNames && offset + size <= source.size
    ? source.read(offset, size)
    : noNames;
}

/** A section's name; '' when it lies outside, has no end or is longer than any name that matters. */
function nameIn(names: Uint8Array, offset: number): string {
  let name = '';
  for (let at = offset; at < names.length && at - offset < maxSectionName; at++) {
    if (names[at] === 0) return name;
    name += String.fromCharCode(names[at]!);
  }
  return '';
}

/**
 * The PT_LOAD segment that maps a byte of the file; executable segments come first where two of them map the same byte
 * (linkers let neighbours share a page of the file). undefined when none maps it.
 */
export function segmentOfFileOffset(elf: Elf, fileOffset: number): Segment | undefined {
  let found: Segment | undefined;
  for (const segment of elf.segments) {
    if (segment.type !== PT_LOAD || fileOffset < segment.offset) continue;
    if (fileOffset >= segment.offset + segment.fileSize) continue;
    if ((segment.flags & PF_X) !== 0) return segment;
    found ??= segment;
  }
  return found;
}
