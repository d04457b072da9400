/**
 * The header of .gopclntab and where its parts are (Go's runtime/symtab.go: pcHeader; debug/gosym/pclntab.go for those
 * before 1.16).
 */

import { type ByteSource, readSize, viewOf } from '../bytes.ts';

/** The first release that wrote a layout. */
export type PclnVersion = '1.2' | '1.16' | '1.18' | '1.20';

/** internal/abi/symtab.go. */
export const magics: ReadonlyMap<number, PclnVersion> = new Map([
  [0xfffffffb, '1.2'],
  [0xfffffffa, '1.16'],
  [0xfffffff0, '1.18'],
  [0xfffffff1, '1.20'],
]);

export interface PclnHeader {
  readonly version: PclnVersion;
  /** Bytes of the shortest instruction: what distances between program counters count. */
  readonly quantum: number;
  /** Bytes of a pointer. */
  readonly wordSize: 4 | 8;
  readonly functions: number;
  /** Address of runtime.text as 1.18 to 1.25 have it here, before relocation; 0 in others. */
  readonly textStart: number;
  /** Offsets of the parts from the table's first byte. */
  readonly names: number;
  /** Numbers of files by compile unit (cutab); undefined before 1.16, whose functions count the files of the program. */
  readonly units: number | undefined;
  readonly files: number;
  readonly pcValues: number;
  /** What offsets of function records count from. */
  readonly records: number;
  /** Pairs of entry and record for each function, and the end of the last one. */
  readonly functab: number;
  /** Bytes of each number in `functab`. */
  readonly functabWord: 4 | 8;
}

/** Magic, two zeros, quantum, size of a pointer, and eight words at most. */
const maxHeader = 8 + 8 * 8;
/** Kubernetes has 100,000 functions. */
const maxFunctions = 2 ** 22;

/** The header at `offset` of a table of at most `size` bytes; undefined when there is none that makes sense. */
export function readHeader(source: ByteSource, offset: number, size: number): PclnHeader | undefined {
  const length = Math.min(maxHeader, size, source.size - offset);
  if (!(length >= 16)) return undefined;
  const view = viewOf(source.read(offset, length));
  const version = magics.get(view.getUint32(0, true));
  const quantum = view.getUint8(6);
  const wordSize = view.getUint8(7);
  if (version === undefined || view.getUint16(4, true) !== 0) return undefined;
  if (![1, 2, 4].includes(quantum) || (wordSize !== 4 && wordSize !== 8)) return undefined;
  const word = (index: number) => {
    const at = 8 + index * wordSize;
    if (at + wordSize > length) return Number.NaN;
    return wordSize === 8 ? readSize(view, at) : view.getUint32(at, true);
  };
  const functions = word(0);
  const header = { version, quantum, wordSize, functions, ...parts(version, word, wordSize) } as const;
  const end = header.functab + (2 * functions + 1) * header.functabWord;
  const isSane = functions > 0 && functions <= maxFunctions && end <= size;
  const offsets = [header.names, header.units ?? 0, header.files, header.pcValues];
  return isSane && offsets.every(part => part < size) ? header : undefined;
}

type Parts = Omit<PclnHeader, 'version' | 'quantum' | 'wordSize' | 'functions'>;

function parts(version: PclnVersion, word: (index: number) => number, wordSize: 4 | 8): Parts {
  if (version === '1.2') {
    const functab = 8 + wordSize;
    const end = functab + (2 * word(0) + 1) * wordSize;
    // Everything counts from the table's first byte; `files` is where the offset of the file table is.
    return {
      textStart: 0,
      names: 0,
      units: undefined,
      files: end,
      pcValues: 0,
      records: 0,
      functab,
      functabWord: wordSize,
    };
  }
  const first = version === '1.16' ? 2 : 3;
  return {
    textStart: version === '1.16' ? 0 : word(2),
    names: word(first),
    units: word(first + 1),
    files: word(first + 2),
    pcValues: word(first + 3),
    records: word(first + 4),
    functab: word(first + 4),
    functabWord: version === '1.16' ? wordSize : 4,
  };
}
