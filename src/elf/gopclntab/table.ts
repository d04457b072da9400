/** Names, lines and inlined calls of a Go program, from the table that its runtime has for its own tracebacks. */

import { type ByteSource, ElfError } from '../bytes.ts';
import type { Elf } from '../format.ts';
import { Pieces } from '../pieces.ts';
import { RelocatedBytes } from '../relocated.ts';
import { StringTable } from '../strings.ts';
import { FunctionTable } from './functions.ts';
import type { PclnHeader } from './header.ts';
import { InlineTrees, type Sample } from './inline-trees.ts';
import { locatePclntab, type PclnTab } from './locate.ts';
import { findModuleData } from './module-data.ts';
import { PcValues } from './pc-values.ts';
import { FunctionRecords } from './records.ts';

/** Takes the lines of an address: offset of the function's name, file ('' when unknown), line (0 when unknown). */
export type AddGoLine = (name: number, file: string, line: number) => void;

/** Inlined calls within inlined calls; deeper than any compiler goes, and shallower than a tree that bites its tail. */
const maxDepth = 256;
const maxFiles = 1 << 14;
const none = 0xffffffff;
/** A package or a type, a dot and a name; U+FFFD stands for bytes that are no text. */
const goName = /^[^\p{Cc}\ufffd]+\.[^\p{Cc}\ufffd]+$/u;

/** Where the functions are in memory, and the rest of a table. */
interface Parts {
  readonly source: ByteSource;
  readonly tab: PclnTab;
  readonly functions: FunctionTable;
  /** Address of the first function. */
  readonly start: number;
  /** What funcdata may count from. */
  readonly bases: readonly number[];
}

/**
 * Reads where everything is; undefined when the file has no such table.
 * @throws ElfError when the table is damaged
 */
export function readGoTable(elf: Elf, source: ByteSource): GoTable | undefined {
  const tab = locatePclntab(elf, source);
  if (tab === undefined) return undefined;
  const { version } = tab.header;
  if (version === '1.18' || version === '1.20') {
    const functions = new FunctionTable(source, tab);
    const module = findModuleData(elf, source, tab, functions.size);
    const start = module?.firstPc ?? textStart(elf, tab.header) + functions.first;
    return new GoTable(elf, { source, tab, functions, start, bases: module?.pointers ?? [] });
  }
  // Full of pointers, which are not in the file when a linker of C has made a position-independent program of it.
  const relocated = new RelocatedBytes(elf, source, tab.address, tab.size);
  const functions = new FunctionTable(relocated, tab);
  return new GoTable(elf, { source: relocated, tab, functions, start: functions.first, bases: [0] });
}

/** Without moduledata: 1.18 to 1.25 have it in the header, but only where it needs no relocation. */
function textStart(elf: Elf, header: PclnHeader): number {
  return header.textStart || (elf.sections.find(({ name }) => name === '.text')?.address ?? Number.NaN);
}

export class GoTable {
  /** How many functions there are. */
  readonly length: number;
  readonly #functions: FunctionTable;
  readonly #start: number;
  readonly #names: StringTable;
  readonly #records: FunctionRecords;
  /** Of the addresses themselves, and of the calls around them: each goes on where it was. */
  readonly #atAddress: Positions;
  readonly #atCall: Positions;
  readonly #files: Files;
  readonly #trees: InlineTrees | undefined;
  // The chain at hand, innermost first.
  readonly #chainNames = new Uint32Array(maxDepth);
  readonly #chainDistances = new Float64Array(maxDepth);

  constructor(elf: Elf, { source, tab, functions, start, bases }: Parts) {
    const { header, offset, size } = tab;
    const part = (at: number) => new Pieces(source, offset + at, size - at);
    this.length = functions.length;
    this.#functions = functions;
    this.#start = start;
    this.#names = new StringTable(source, offset + header.names, size - header.names);
    this.#records = new FunctionRecords(part(header.records), header);
    const tables = part(header.pcValues);
    this.#atAddress = positions(tables, header.quantum);
    this.#atCall = positions(tables, header.quantum);
    this.#files = new Files(source, tab);
    const isName = (at: number) => goName.test(this.#names.nameAt(at));
    this.#trees = InlineTrees.find(elf, source, this.#records, header.version, bases, this.#samples(), isName);
  }

  /** The function that covers an address, −1 when none does. */
  find(address: number): number {
    return this.#functions.find(address - this.#start);
  }

  /** The offset of a function's name; 0, which is that of '' or of the first name, when its record is damaged. */
  nameOffset(index: number): number {
    return orElse(0, () => this.#records.name(this.#functions.recordOf(index)));
  }

  /** A name as the linker wrote it, '' when it lies outside. */
  nameAt(offset: number): string {
    return this.#names.nameAt(offset);
  }

  /**
   * Adds the lines of an address that function `index` covers, the innermost inlined call first. What is damaged is
   * left out, down to the function alone.
   */
  linesAt(index: number, address: number, add: AddGoLine): void {
    const record = this.#functions.recordOf(index);
    const distance = address - this.#start - this.#functions.startOf(index);
    const depth = orElse(0, () => this.#follow(record, distance));
    for (let i = 0; i < depth; i++) this.#addLine(record, i, this.#chainNames[i]!, add);
    this.#chainDistances[0] = distance;
    this.#addLine(record, depth, this.nameOffset(index), add);
  }

  /** Walks from the innermost call at a distance to the function itself; returns how many calls are inlined there. */
  #follow(record: number, distance: number): number {
    const table = this.#trees?.indexOf(record) ?? 0;
    for (let depth = 0; depth < maxDepth; depth++) {
      this.#chainDistances[depth] = distance;
      const { call: calls } = depth === 0 ? this.#atAddress : this.#atCall;
      const index = calls.valueAt(table, distance);
      if (index < 0 || this.#trees === undefined) return depth;
      const call = this.#trees.callAt(record, index);
      this.#chainNames[depth] = this.#trees.nameOf(call);
      distance = this.#trees.parentPcOf(call);
    }
    return 0;
  }

  /** The line at one depth of the chain at hand. */
  #addLine(record: number, depth: number, name: number, add: AddGoLine): void {
    const distance = this.#chainDistances[depth]!;
    const position = depth === 0 ? this.#atAddress : this.#atCall;
    const file = orElse(-1, () => position.file.valueAt(this.#records.pcFile(record), distance));
    const line = orElse(-1, () => position.line.valueAt(this.#records.pcLine(record), distance));
    if (file < 0 || line < 0) add(name, '', 0);
    else add(name, this.#files.nameOf(this.#records, record, file), line);
  }

  *#samples(): Generator<Sample> {
    for (let i = 0; i < Math.min(this.length, 4096); i++) {
      yield { record: this.#functions.recordOf(i), size: this.#functions.sizeOf(i) };
    }
  }
}

interface Positions {
  readonly call: PcValues;
  readonly file: PcValues;
  readonly line: PcValues;
}

function positions(tables: Pieces, quantum: number): Positions {
  const of = () => new PcValues(tables, quantum);
  return { call: of(), file: of(), line: of() };
}

/** Paths of source files by the numbers that functions know them by. */
class Files {
  readonly #numbers: Pieces;
  readonly #byUnit: boolean;
  readonly #paths: StringTable;
  readonly #known = new Map<number, string>();

  constructor(source: ByteSource, { header, offset, size }: PclnTab) {
    this.#byUnit = header.units !== undefined;
    const paths = this.#byUnit ? header.files : 0;
    this.#paths = new StringTable(source, offset + paths, size - paths);
    const table = new Pieces(source, offset, size);
    const numbers = header.units ?? orElse(size, () => table.uint32At(header.files));
    this.#numbers = new Pieces(source, offset + numbers, size - numbers);
  }

  /** '' for none, and where the table is damaged. */
  nameOf(records: FunctionRecords, record: number, file: number): string {
    const path = orElse(none, () => this.#numbers.uint32At(4 * (this.#byUnit ? records.unit(record) + file : file)));
    if (path === none) return '';
    let known = this.#known.get(path);
    if (known === undefined) {
      known = this.#paths.nameAt(path);
      if (this.#known.size >= maxFiles) this.#known.clear();
      this.#known.set(path, known);
    }
    return known;
  }
}

/** What `read` returns, or something else where the bytes are not what they should be. */
function orElse<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ElfError) return otherwise;
    throw error;
  }
}
