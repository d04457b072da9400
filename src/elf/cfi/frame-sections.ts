/** Where a file keeps its call frame information. */

import { type ByteSource, ElfError } from '../bytes.ts';
import { readContents } from '../compressed.ts';
import { type Elf, fileOffsetOfAddress, PT_LOAD, type Section, SHT_NOBITS } from '../format.ts';
import type { FrameSection } from './cie.ts';
import { Cursor } from './cursor.ts';
import { readPointer } from './pointer-encoding.ts';

const PT_GNU_EH_FRAME = 0x6474e550;
/** libLLVM-14 has 5 MB, the largest programs known some 100 MB. */
const maxSection = 256 * 2 ** 20;
/** A version, three encodings and one pointer. */
const maxHeader = 16;

/**
 * .eh_frame: by its section header, else by what the program's own unwinder goes by.
 * @throws ElfError `truncated` or `too-large`
 */
export function ehFrame(elf: Elf, source: ByteSource): FrameSection | undefined {
  const section = elf.sections.find(({ name }) => name === '.eh_frame');
  if (section === undefined || (section.type !== SHT_NOBITS && section.offset + section.size > source.size)) {
    return ehFrameByHeader(elf, source);
  }
  // A separate debug file.
  if (section.type === SHT_NOBITS) return undefined;
  const bytes = readContents(elf, source, section, maxSection);
  return bytes && { bytes: plain(bytes), address: section.address, isEh: true, endsAtZero: false, isGo: false };
}

/**
 * .debug_frame, which Go writes in place of .eh_frame, and compilers when told not to write that.
 * @throws ElfError `truncated`, `damaged` or `too-large`
 */
export function debugFrame(elf: Elf, source: ByteSource): FrameSection | undefined {
  const section = elf.sections.find(isDebugFrame);
  const bytes = section && readContents(elf, source, section, maxSection);
  return bytes && { bytes: plain(bytes), address: 0, isEh: false, endsAtZero: false, isGo: isGo(elf) };
}

/** Whether Go's own compiler has made a part of the file. */
export function isGo(elf: Elf): boolean {
  return elf.sections.some(({ name }) => name === '.gopclntab' || name === '.data.rel.ro.gopclntab');
}

function isDebugFrame({ name, type }: Section): boolean {
  return (name === '.debug_frame' || name === '.zdebug_frame') && type !== SHT_NOBITS;
}

/** .eh_frame_hdr (LSB Core, "The .eh_frame_hdr section"): version, encodings of pointer, count and table; the pointer. */
function ehFrameByHeader(elf: Elf, source: ByteSource): FrameSection | undefined {
  const header = elf.segments.find(({ type }) => type === PT_GNU_EH_FRAME);
  if (header === undefined || header.fileSize === 0) return undefined;
  const bytes = source.read(header.offset, Math.min(header.fileSize, maxHeader));
  const cursor = new Cursor(bytes, 0, bytes.length);
  if (cursor.u8() !== 1) return undefined;
  const encoding = cursor.u8();
  cursor.skip(2);
  const address = readPointer(cursor, encoding, { section: header.address, data: header.address, function: 0 });
  const offset = cursor.overrun ? undefined : fileOffsetOfAddress(elf, address, 4);
  const segment = elf.segments.find(
    ({ type, address: start, fileSize }) => type === PT_LOAD && address >= start && address < start + fileSize,
  );
  if (offset === undefined || segment === undefined) return undefined;
  const size = segment.address + segment.fileSize - address;
  if (size > maxSection) throw new ElfError('too-large', `the segment of .eh_frame claims ${segment.fileSize} bytes`);
  return { bytes: plain(source.read(offset, size)), address, isEh: true, endsAtZero: true, isGo: false };
}

/** Not a Buffer: the loops over the bytes are compiled for one kind of array. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
