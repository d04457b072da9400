/**
 * Inlined calls (Go's runtime/symtabinl.go: inlinedCall; runtime/symtab.go before 1.21). Each function with such calls
 * has a tree of them, and a table that says for each instruction to which of the calls it belongs.
 */

import { type ByteSource, ElfError } from '../bytes.ts';
import { type Elf, fileOffsetOfAddress } from '../format.ts';
import { Pieces } from '../pieces.ts';
import type { PclnVersion } from './header.ts';
import type { FunctionRecords } from './records.ts';

/** PCDATA_InlTreeIndex, from 1.13 on. */
const inlTreeIndex = 2;

/** How a release writes its trees. */
interface Layout {
  /** FUNCDATA_InlTree. */
  readonly funcdata: number;
  /** Bytes of a call, and where in it are the called function's name and the distance to the call. */
  readonly callSize: number;
  readonly name: number;
  readonly parentPc: number;
}

// parent, funcID, file, line, name, parentPc; and from 1.20 on funcID, name, parentPc, startLine.
const withParent = { callSize: 20, name: 12, parentPc: 16 } as const;
const layouts: Readonly<Record<PclnVersion, Layout>> = {
  // 1.13 to 1.15. Before 1.12 there is no parentPc.
  '1.2': { funcdata: 4, ...withParent },
  '1.16': { funcdata: 3, ...withParent },
  '1.18': { funcdata: 3, ...withParent },
  '1.20': { funcdata: 3, callSize: 16, name: 4, parentPc: 8 },
};

/** A function for which a tree can be tried. */
export interface Sample {
  /** Of the function. */
  readonly record: number;
  /** Bytes. */
  readonly size: number;
}

/** So many functions with trees decide where trees are. */
const maxTried = 32;

export class InlineTrees {
  readonly #elf: Elf;
  readonly #bytes: Pieces;
  readonly #records: FunctionRecords;
  readonly #layout: Layout;
  /** What funcdata counts from: gofunc, and 0 before 1.18. */
  readonly #base: number;

  private constructor(elf: Elf, bytes: Pieces, records: FunctionRecords, version: PclnVersion, base: number) {
    this.#elf = elf;
    this.#bytes = bytes;
    this.#records = records;
    this.#layout = layouts[version];
    this.#base = base;
  }

  /**
   * The trees under the one of the bases with which they make sense; undefined when there is none, or no tree at all.
   * Which word of moduledata is gofunc changes from release to release, and few words are pointers to trees by chance.
   */
  static find(
    elf: Elf,
    source: ByteSource,
    records: FunctionRecords,
    version: PclnVersion,
    bases: readonly number[],
    samples: Iterable<Sample>,
    isName: (offset: number) => boolean,
  ): InlineTrees | undefined {
    const bytes = new Pieces(source, 0, source.size);
    const withTrees: Sample[] = [];
    for (const sample of samples) {
      if (!hasTree(records, layouts[version], sample.record)) continue;
      if (withTrees.push(sample) === maxTried) break;
    }
    if (withTrees.length === 0) return undefined;
    return bases
      .map(base => new InlineTrees(elf, bytes, records, version, base))
      .find(trees => withTrees.every(sample => trees.#makesSense(sample, isName)));
  }

  /** The table that leads from instructions to calls, 0 when the function has none. */
  indexOf(record: number): number {
    return this.#records.pcdata(record, inlTreeIndex);
  }

  /**
   * The offset of a call in the file.
   * @throws ElfError `damaged` when it lies outside
   */
  callAt(record: number, index: number): number {
    const data = this.#records.funcdata(record, this.#layout.funcdata);
    const address = this.#base + data + index * this.#layout.callSize;
    const offset = data < 0 ? undefined : fileOffsetOfAddress(this.#elf, address, this.#layout.callSize);
    if (offset === undefined) throw new ElfError('damaged', 'a tree of inlined calls lies outside of the file');
    return offset;
  }

  /** Offset of the called function's name. */
  nameOf(call: number): number {
    return this.#bytes.uint32At(call + this.#layout.name);
  }

  /** The distance from the function's entry to an instruction with the file and line of the call. */
  parentPcOf(call: number): number {
    return this.#bytes.uint32At(call + this.#layout.parentPc);
  }

  #makesSense({ record, size }: Sample, isName: (offset: number) => boolean): boolean {
    try {
      const call = this.callAt(record, 0);
      return this.parentPcOf(call) < size && isName(this.nameOf(call));
    } catch (error) {
      if (error instanceof ElfError) return false;
      throw error;
    }
  }
}

function hasTree(records: FunctionRecords, { funcdata }: Layout, record: number): boolean {
  try {
    return records.pcdata(record, inlTreeIndex) !== 0 && records.funcdata(record, funcdata) >= 0;
  } catch (error) {
    if (error instanceof ElfError) return false;
    throw error;
  }
}
