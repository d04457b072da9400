/** Finding the FDEs of a section (DWARF 5, 6.4.1; LSB Core, "Exception Frames"). */

import { type Elf, PF_X, PT_LOAD, type Segment } from '../format.ts';
import { type FrameSection, readCie } from './cie.ts';
import { Cursor } from './cursor.ts';
import type { FrameEntries } from './frame-entries.ts';
import { type PointerBases, readLength, readPointer } from './pointer-encoding.ts';

/** Programs have one executable segment, or a handful. */
const maxSegments = 64;

/** Where code can be. */
export class ExecutableSegments {
  readonly #segments: readonly Segment[];
  #last: Segment | undefined;

  constructor(elf: Elf) {
    const executable = elf.segments.filter(({ type, flags }) => type === PT_LOAD && (flags & PF_X) !== 0);
    this.#segments = executable.slice(0, maxSegments);
  }

  /** How many bytes of code there are from an address on; 0 when it is none. */
  sizeFrom(address: number): number {
    if (this.#last === undefined || !holds(this.#last, address)) {
      this.#last = this.#segments.find(segment => holds(segment, address));
    }
    return this.#last === undefined ? 0 : this.#last.address + this.#last.memorySize - address;
  }
}

function holds({ address: start, memorySize }: Segment, address: number): boolean {
  return address >= start && address < start + memorySize;
}

const dwarf64 = 0xffffffff;

/**
 * Adds the FDEs of a section. Those of functions that the linker has thrown away, which it leaves at address 0 or
 * elsewhere outside of the code, are only counted; so are damaged ones. A length that reaches out of the section ends
 * reading.
 */
export function collectEntries(section: FrameSection, code: ExecutableSegments, into: FrameEntries): FrameEntries {
  new Collector(section, code, into).collect();
  return into;
}

class Collector {
  readonly #section: FrameSection;
  readonly #code: ExecutableSegments;
  readonly #into: FrameEntries;
  readonly #cursor: Cursor;
  readonly #bases: PointerBases;
  /** Index in the CIEs by offset in the section, of those that can be used. */
  readonly #cies = new Map<number, number>();
  #lastOffset = -1;
  #lastCie = -1;

  constructor(section: FrameSection, code: ExecutableSegments, into: FrameEntries) {
    this.#section = section;
    this.#code = code;
    this.#into = into;
    this.#cursor = new Cursor(section.bytes, 0, section.bytes.length);
    this.#bases = { section: section.address, data: 0, function: 0 };
  }

  /**
   * CIEs first, since those of .debug_frame may stand after their FDEs. Only what starts where an entry starts is one:
   * else a hostile file could have each of its FDEs name another one that is as long as the file.
   */
  collect(): void {
    this.#walk(true);
    if (!this.#walk(false)) this.#into.damaged++;
  }

  /** Goes over the CIEs or the FDEs; false when the section breaks off. */
  #walk(cies: boolean): boolean {
    const cursor = this.#cursor;
    const { bytes, isEh, endsAtZero } = this.#section;
    for (let start = 0; start + 4 <= bytes.length; start = cursor.end) {
      cursor.moveTo(start, bytes.length);
      let length = cursor.u32();
      const wide = length === dwarf64;
      if (wide) length = cursor.u64();
      // Crt files and object files without frames each leave a terminator: what the linker put after it counts.
      if (length === 0 && endsAtZero) return true;
      const end = cursor.at + length;
      if (cursor.overrun || !(end <= bytes.length)) return false;
      cursor.moveTo(cursor.at, end);
      if (length === 0) continue;
      const field = cursor.at;
      // The id has 4 bytes in .eh_frame even after a length of 64 bits.
      const id = wide && !isEh ? cursor.u64() : cursor.u32();
      const isCie = isEh ? id === 0 : id === (wide ? 2 ** 64 : dwarf64);
      if (isCie) {
        if (cies) this.#addCie(start);
      } else if (!cies) this.#addEntry(isEh ? field - id : id);
      cursor.end = end;
    }
    return true;
  }

  #addCie(start: number): void {
    const { at, end } = this.#cursor;
    const cie = readCie(this.#section, at, end);
    const index = cie === undefined ? -1 : this.#into.addCie(cie);
    if (index >= 0) this.#cies.set(start, index);
  }

  #addEntry(cieOffset: number): void {
    const cursor = this.#cursor;
    const into = this.#into;
    if (cieOffset !== this.#lastOffset) {
      this.#lastOffset = cieOffset;
      this.#lastCie = this.#cies.get(cieOffset) ?? -1;
    }
    if (this.#lastCie < 0) {
      into.damaged++;
      return;
    }
    const { encoding, hasAugmentationLength } = into.cies[this.#lastCie]!;
    const pc = readPointer(cursor, encoding, this.#bases);
    const length = readLength(cursor, encoding);
    if (hasAugmentationLength) cursor.skip(cursor.uleb());
    const size = Math.min(length, pc === 0 ? 0 : this.#code.sizeFrom(pc));
    if (cursor.overrun || Number.isNaN(pc) || !(size >= 0)) into.damaged++;
    else if (size === 0) into.discarded++;
    else into.add(pc, Math.min(size, 0xffffffff), cursor.at, cursor.end, this.#lastCie);
  }
}
