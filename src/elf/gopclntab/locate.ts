/** Where a file has Go's table of functions. */

import type { ByteSource } from '../bytes.ts';
import { type Elf, PF_X, PT_LOAD, SHT_NOBITS } from '../format.ts';
import { occurrences } from '../search.ts';
import { magics, type PclnHeader, readHeader } from './header.ts';

export interface PclnTab {
  readonly header: PclnHeader;
  /** Virtual address and file offset of the first byte. */
  readonly address: number;
  readonly offset: number;
  /** Bytes; at least, as many as there are to its segment's end when no section says it. */
  readonly size: number;
}

/** Position-independent programs keep it where relocations are applied. */
const names = ['.gopclntab', '.data.rel.ro.gopclntab'];
/** Go's linker writes these; that of C keeps them, but not the names of sections of relocated data. */
const marks = ['.go.buildinfo', '.note.go.buildid'];
const maxSearched = 512 * 2 ** 20;
const maxAttempts = 4096;

/**
 * The table by its section; by its magic number in files without section headers, and in Go programs whose linker has
 * put it into another section. undefined when there is none.
 * @throws ElfError `truncated` when a segment reaches out of the file
 */
export function locatePclntab(elf: Elf, source: ByteSource): PclnTab | undefined {
  for (const { name, type, address, offset, size } of elf.sections) {
    if (!names.includes(name) || type === SHT_NOBITS) continue;
    const header = readHeader(source, offset, size);
    if (header !== undefined) return { header, address, offset, size };
  }
  const mayBeGo = elf.sections.length === 0 || elf.sections.some(({ name }) => marks.includes(name));
  return mayBeGo ? search(elf, source) : undefined;
}

/** Magic and two zeros, little-endian. */
const patterns = Array.from(magics.keys(), magic => {
  const pattern = new Uint8Array(6);
  new DataView(pattern.buffer).setUint32(0, magic, true);
  return pattern;
});

function search(elf: Elf, source: ByteSource): PclnTab | undefined {
  const loaded = elf.segments.filter(({ type }) => type === PT_LOAD);
  const data = loaded.filter(({ flags }) => (flags & PF_X) === 0);
  let searched = 0;
  let attempts = 0;
  for (const segment of [...data, ...loaded.filter(({ flags }) => (flags & PF_X) !== 0)]) {
    searched += segment.fileSize;
    if (searched > maxSearched) return undefined;
    const end = segment.offset + segment.fileSize;
    for (const offset of occurrences(source, segment.offset, end, patterns)) {
      if (++attempts > maxAttempts) return undefined;
      const header = readHeader(source, offset, end - offset);
      const address = segment.address + offset - segment.offset;
      if (header !== undefined) return { header, address, offset, size: end - offset };
    }
  }
  return undefined;
}
