/** Common Information Entries: what the FDEs of many functions share (DWARF 5, 6.4.1; LSB Core, "Exception Frames"). */

import { Cursor } from './cursor.ts';
import { DW_EH_PE_absptr, type PointerBases, readPointer } from './pointer-encoding.ts';

/** .eh_frame or .debug_frame in memory. */
export interface FrameSection {
  readonly bytes: Uint8Array;
  /** Virtual address of the first byte. */
  readonly address: number;
  /** .eh_frame: other ids, encoded pointers. */
  readonly isEh: boolean;
  /** Found without a section header: its end is where a length of 0 says so. */
  readonly endsAtZero: boolean;
  /** By Go's own compiler: callers have frame pointers, and rules that forget about changes of stacks. */
  readonly isGo: boolean;
}

export interface Cie {
  readonly section: FrameSection;
  readonly codeAlign: number;
  readonly dataAlign: number;
  readonly returnColumn: number;
  /** DW_EH_PE_* of the addresses of its FDEs. */
  readonly encoding: number;
  /** Its FDEs have a length of augmentation data. */
  readonly hasAugmentationLength: boolean;
  /** Its functions are where the kernel lets signal handlers return to. */
  readonly isSignal: boolean;
  /** Initial instructions in the section. */
  readonly at: number;
  readonly end: number;
}

interface Augmentation {
  readonly encoding: number;
  readonly isSignal: boolean;
  readonly known: boolean;
}

const letters = { z: 0x7a, e: 0x65, h: 0x68, R: 0x52, P: 0x50, L: 0x4c, S: 0x53, B: 0x42, G: 0x47 } as const;
const versions = [1, 3, 4];
/** An augmentation has some five letters. */
const maxAugmentation = 64;

/** The CIE whose version field is at `at`; undefined when it is damaged or of a form that is not known. */
export function readCie(section: FrameSection, at: number, end: number): Cie | undefined {
  const cursor = new Cursor(section.bytes, at, end);
  const version = cursor.u8();
  if (!versions.includes(version)) return undefined;
  const letterStart = cursor.at;
  while (cursor.u8() !== 0) if (cursor.at - letterStart > maxAugmentation) return undefined;
  const letterEnd = cursor.at - 1;
  const old = section.bytes[letterStart] === letters.e && section.bytes[letterStart + 1] === letters.h;
  // GCC 2 kept the address of its exception table there.
  if (old) cursor.skip(8);
  // Address size and segment selector size.
  if (version === 4 && (cursor.u8() !== 8 || cursor.u8() !== 0)) return undefined;
  const codeAlign = cursor.uleb();
  const dataAlign = cursor.sleb();
  const returnColumn = version === 1 ? cursor.u8() : cursor.uleb();
  const hasAugmentationLength = !cursor.overrun && section.bytes[letterStart] === letters.z;
  const length = hasAugmentationLength ? cursor.uleb() : 0;
  const dataEnd = cursor.at + length;
  if (!(dataEnd <= end)) return undefined;
  const names = section.bytes.subarray(old ? letterStart + 2 : letterStart, letterEnd);
  const { encoding, isSignal, known } = readAugmentation(names, cursor, section.address);
  if (hasAugmentationLength) cursor.moveTo(dataEnd, end);
  if (cursor.overrun || !(known || hasAugmentationLength)) return undefined;
  const start = cursor.at;
  return {
    section,
    codeAlign,
    dataAlign,
    returnColumn,
    encoding,
    hasAugmentationLength,
    isSignal,
    at: start,
    end,
  };
}

/** Reads the data of each letter up to the first one that is not known: where its data ends cannot be told. */
function readAugmentation(names: Uint8Array, cursor: Cursor, address: number): Augmentation {
  const bases: PointerBases = { section: address, data: 0, function: 0 };
  let encoding = DW_EH_PE_absptr;
  let isSignal = false;
  for (const letter of names) {
    if (letter === letters.R) encoding = cursor.u8();
    else if (letter === letters.P) readPointer(cursor, cursor.u8(), bases);
    else if (letter === letters.L) cursor.skip(1);
    else if (letter === letters.S) isSignal = true;
    // B and G: arm64 pointer authentication with the second key, and memory tagging of the stack.
    else if (letter !== letters.z && letter !== letters.B && letter !== letters.G) {
      return { encoding, isSignal, known: false };
    }
  }
  return { encoding, isSignal, known: true };
}
