/** Debug information made by hand: one text section, and whatever the tests put into the debug sections. */

import { MemoryBytes } from '../../src/elf/bytes.ts';
import type { DwarfFile } from '../../src/elf/dwarf/parts.ts';
import type { Section } from '../../src/elf/format.ts';
import { word } from './frame-writer.ts';

export const text = { address: 0x1000, size: 0x10000 };

/** Bytes of sections by the name behind `.debug_`. */
export function dwarfFileOf(sections: Readonly<Record<string, readonly number[]>>): DwarfFile {
  const bytes: number[] = [];
  const common = { flags: 0, address: 0, link: 0, info: 0, align: 1, type: 1 };
  const headers: Section[] = [{ ...common, name: '.text', flags: 6, offset: 0, ...text }];
  for (const [name, contents] of Object.entries(sections)) {
    headers.push({ ...common, name: `.debug_${name}`, offset: bytes.length, size: contents.length });
    for (const byte of contents) bytes.push(byte);
  }
  const elf = { class: 64, machine: 'x86-64', type: 3, segments: [], sections: headers, buildId: '' } as const;
  return { elf, bytes: new MemoryBytes(Uint8Array.from(bytes)) };
}

/** A compile unit of DWARF 4 around entries that are bytes already; its header has {@link unitHeader} of them. */
export function unitOf(entries: readonly number[], abbreviations = 0): number[] {
  const rest = [...word(4, 2), ...word(abbreviations, 4), 8, ...entries];
  return [...word(rest.length, 4), ...rest];
}

export const unitHeader = 11;

/** Text with its end. */
export function cString(value: string): number[] {
  return [...Buffer.from(value, 'latin1'), 0];
}

/** The header of a line table of DWARF 4 with one file, and its program. */
export function lineTableOf(program: readonly number[], file = 'a.c'): number[] {
  const operands = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
  const header = [1, 1, 1, 0xfb, 14, 13, ...operands, 0, ...cString(file), 0, 0, 0, 0];
  const rest = [...word(4, 2), ...word(header.length, 4), ...header, ...program];
  return [...word(rest.length, 4), ...rest];
}

/** DW_LNE_set_address. */
export function setAddress(address: number): number[] {
  return [0, 9, 2, ...word(address, 8)];
}

export const endSequence = [0, 1, 1];
