/** ELF as data: headers as they are read and the constants of the System V gABI that are looked at. */

/** Program header types (gABI, Program Header), e_type values and section header types (gABI, Section Header). */
export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_NOTE = 4;
export const PF_X = 1;
export const PF_W = 2;
export const ET_REL = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_DYNSYM = 11;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;

export type Machine = 'x86-64' | 'arm64' | 'x86' | 'arm' | 'other';

/** A program header. Offsets and sizes in bytes. */
export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  /** Virtual address as a signed double. */
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

/** A section header. Offsets and sizes in bytes. */
export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Virtual address as a signed double. */
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  /** Index of another section, by type: a symbol table's string table. */
  readonly link: number;
  readonly info: number;
  readonly align: number;
}

export interface Elf {
  readonly class: 32 | 64;
  readonly machine: Machine;
  /** e_type: 2 for a fixed-address executable, 3 for a shared object or position-independent executable. */
  readonly type: number;
  readonly segments: readonly Segment[];
  readonly sections: readonly Section[];
  /** Lower-case hex, or '' when the file has none. */
  readonly buildId: string;
}

/** The file offset of a virtual address that is followed by `length` mapped bytes; undefined when no segment has it. */
export function fileOffsetOfAddress(elf: Elf, address: number, length: number): number | undefined {
  for (const segment of elf.segments) {
    if (segment.type !== PT_LOAD || address < segment.address) continue;
    if (address + length > segment.address + segment.fileSize) continue;
    return address - segment.address + segment.offset;
  }
  return undefined;
}

/** The executable segment that most of the file's range [fileOffset, fileOffset + length) lies in: two may share a page. */
export function executableSegment(elf: Elf, fileOffset: number, length: number): Segment | undefined {
  let [found, most]: [Segment | undefined, number] = [undefined, 0];
  for (const segment of elf.segments) {
    if (segment.type !== PT_LOAD || (segment.flags & PF_X) === 0) continue;
    const end = Math.min(segment.offset + segment.fileSize, fileOffset + length);
    const overlap = end - Math.max(segment.offset, fileOffset);
    if (overlap > most) [found, most] = [segment, overlap];
  }
  return found;
}
