/** Build ids from ELF notes (gABI, Note Section; NT_GNU_BUILD_ID in the kernel's include/uapi/linux/elf.h). */

import { type ByteSource, MemoryBytes, viewOf } from './bytes.ts';
import { PT_NOTE, type Section, type Segment, SHT_NOTE } from './format.ts';

const NT_GNU_BUILD_ID = 3;
/** Real note segments have some hundred bytes; annobin's can have megabytes and never come first. */
const maxNotes = 64 * 1024;
/** SHA-1 has 20 bytes; `ld --build-id=0x…` takes any length. */
const maxBuildId = 64;

/** The GNU build id as lower-case hex, '' when there is none: from PT_NOTE segments, else from SHT_NOTE sections. */
export function readBuildId(source: ByteSource, segments: readonly Segment[], sections: readonly Section[]): string {
  for (const segment of segments) {
    if (segment.type !== PT_NOTE) continue;
    const id = buildIdIn(source, segment.offset, segment.fileSize, segment.align);
    if (id !== '') return id;
  }
  for (const section of sections) {
    if (section.type !== SHT_NOTE || section.name !== '.note.gnu.build-id') continue;
    const id = buildIdIn(source, section.offset, section.size, section.align);
    if (id !== '') return id;
  }
  return '';
}

/** The build id among notes, as the kernel shows its own in /sys/kernel/notes; '' when there is none. */
export function buildIdOfNotes(notes: Uint8Array): string {
  return buildIdIn(new MemoryBytes(notes), 0, notes.length, 4);
}

function buildIdIn(source: ByteSource, offset: number, size: number, align: number): string {
  const length = Math.min(size, maxNotes, source.size - offset);
  if (!(length >= 12)) return '';
  const bytes = source.read(offset, length);
  const view = viewOf(bytes);
  const pad = align === 8 ? 8 : 4;
  for (let at = 0; at + 12 <= length; ) {
    const nameSize = view.getUint32(at, true);
    const descSize = view.getUint32(at + 4, true);
    const desc = at + padded(12 + nameSize, pad);
    if (desc + descSize > length) return '';
    if (view.getUint32(at + 8, true) === NT_GNU_BUILD_ID && nameSize === 4 && view.getUint32(at + 12, true) === gnu) {
      if (descSize > 0 && descSize <= maxBuildId) return hex(bytes.subarray(desc, desc + descSize));
    }
    at = desc + padded(descSize, pad);
  }
  return '';
}

/** "GNU\0" as a little-endian word. */
const gnu = 0x00554e47;

function padded(size: number, to: number): number {
  return Math.ceil(size / to) * to;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
