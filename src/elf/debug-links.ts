/** What a file says of the files that hold its debug information. */

import { type ByteSource, ElfError, viewOf } from './bytes.ts';
import { type Elf, type Section, SHT_NOBITS, SHT_SYMTAB } from './format.ts';

/** `.gnu_debuglink` (GDB manual, Separate Debug Files): a file name and the checksum of the file's contents. */
export interface DebugLink {
  readonly name: string;
  readonly crc: number;
}

/** `.gnu_debugaltlink` (DWZ): a path, absolute or from the folder of the debug file, and the build id of the file. */
export interface AltLink {
  readonly path: string;
  /** Lower-case hex. */
  readonly buildId: string;
}

/** A path and some bytes. */
const maxLink = 8192;

/** undefined where there is none, or it is not one. A name with a slash would lead out of the folders to look into. */
export function readDebugLink(elf: Elf, source: ByteSource): DebugLink | undefined {
  const link = readLink(elf, source, '.gnu_debuglink');
  if (link === undefined) return undefined;
  const { text: name, bytes } = link;
  // The name is padded with NULs to a multiple of four bytes.
  const at = Math.ceil((Buffer.byteLength(name) + 1) / 4) * 4;
  if (at + 4 > bytes.length || name.includes('/') || name === '.' || name === '..') return undefined;
  return { name, crc: viewOf(bytes).getUint32(at, true) };
}

/** undefined where there is none, or it is not one. */
export function readAltLink(elf: Elf, source: ByteSource): AltLink | undefined {
  const link = readLink(elf, source, '.gnu_debugaltlink');
  if (link === undefined) return undefined;
  const { text: path, bytes } = link;
  const id = bytes.subarray(Buffer.byteLength(path) + 1);
  if (id.length < 2 || id.length > 64) return undefined;
  return { path, buildId: Buffer.from(id).toString('hex') };
}

/** The text at the begin of a section, and all of its bytes. */
function readLink(elf: Elf, source: ByteSource, name: string): { text: string; bytes: Uint8Array } | undefined {
  const section = elf.sections.find(candidate => candidate.name === name && candidate.type !== SHT_NOBITS);
  if (section === undefined || section.size > maxLink) return undefined;
  const bytes = readOrNone(source, section);
  const end = bytes?.indexOf(0) ?? -1;
  if (bytes === undefined || end <= 0) return undefined;
  // Paths that are no UTF-8 cannot be opened by a string.
  const text = Buffer.from(bytes.subarray(0, end)).toString();
  return Buffer.byteLength(text) === end ? { text, bytes } : undefined;
}

function readOrNone(source: ByteSource, { offset, size }: Section): Uint8Array | undefined {
  try {
    return source.read(offset, size);
  } catch (error) {
    if (error instanceof ElfError) return undefined;
    throw error;
  }
}

/** Whether a file has a symbol table of its own, not only what the dynamic linker needs. */
export function hasSymbolTable({ sections }: Elf): boolean {
  return sections.some(({ type, size }) => type === SHT_SYMTAB && size > 0);
}

/** Whether a file has DWARF information. In a file without it the section is missing, or is SHT_NOBITS. */
export function hasDebugInfo({ sections }: Elf): boolean {
  return sections.some(
    ({ name, type, size }) => (name === '.debug_info' || name === '.zdebug_info') && type !== SHT_NOBITS && size > 0,
  );
}
