/** Functions, inlined calls and source lines from DWARF. */

import { PooledFile } from '../debug-files/pool.ts';
import { openDwarf } from '../elf/dwarf/dwarf.ts';
import type { DwarfParts } from '../elf/dwarf/parts.ts';
import { intervalAt, linesAt, type UnitTable, type UnitTables } from '../elf/dwarf/unit-table.ts';
import { FrameKind, type Miss } from '../model/profile.ts';
import { LineIndex } from './lines/line-index.ts';
import type { LineIndexes } from './lines/line-indexes.ts';
import type { CodeMapping, LineSink, SourceTable, SymbolSource } from './source.ts';

/** `partsOf` finds the debug information of a mapping; undefined when there is none. `indexes`: what is known of it. */
export function dwarfSymbols(
  partsOf: (mapping: CodeMapping) => DwarfParts | undefined = ownParts,
  indexes?: LineIndexes,
): SymbolSource {
  return {
    name: 'dwarf',
    isDetailed: true,
    open(mapping): SourceTable | Miss | undefined {
      const parts = partsOf(mapping);
      if (parts === undefined) return undefined;
      const index = indexes?.of(parts) ?? new LineIndex('', undefined);
      // What is split off has its addresses there, whatever the compiler.
      const isSplit = parts.main.elf.sections.some(({ name }) => name === '.debug_addr');
      if (index.hasStored) return new DwarfTable(index, () => openDwarf(parts), isSplit, placeOf(parts));
      const units = openDwarf(parts);
      return units && new DwarfTable(index, () => units, isSplit, placeOf(parts));
    },
  };
}

/** What the mapped file itself has. */
function ownParts({ elf, bytes }: CodeMapping): DwarfParts | undefined {
  return elf && bytes && { main: { elf, bytes } };
}

/** The path of the file that it is in, '' for the mapped file itself. */
function placeOf({ main: { bytes } }: DwarfParts): string {
  return bytes instanceof PooledFile ? bytes.path : '';
}

/** Where an address lies in ascending starts: the beginning of its interval, and that of the next. */
function boundsAt(starts: Uint32Array, distance: number): [number, number] {
  const interval = intervalAt(starts, distance);
  return [starts[interval] ?? 0, starts[interval + 1] ?? 2 ** 32 - 1];
}

class DwarfTable implements SourceTable {
  readonly #index: LineIndex;
  readonly #open: () => UnitTables | undefined;
  readonly #isSplit: boolean;
  readonly #place: string;
  #units: UnitTables | undefined;
  #isOpen = false;
  /** Of each unit's table: symbol + 1 of each scope. */
  readonly #known = new WeakMap<UnitTable, Uint32Array>();
  /** Of the last two addresses: each is asked for its function first, with the one behind it, and then for its lines. */
  #last = Number.NaN;
  #lastAnswer = -1;
  #previous = Number.NaN;
  #previousAnswer = -1;

  /** `isSplit`: units may be in files of their own. `place`: path of a debug file, '' for the mapped file. */
  constructor(index: LineIndex, open: () => UnitTables | undefined, isSplit: boolean, place: string) {
    this.#isSplit = isSplit;
    this.#place = place;
    this.#index = index;
    this.#open = open;
  }

  get length(): number {
    return this.#index.length;
  }

  /** The function that the code lies in. */
  find(address: number): number {
    const answer = this.#answerOf(address);
    return answer < 0 ? -1 : this.#index.functionOf(answer);
  }

  nameOf(symbol: number): string {
    return this.#index.nameOf(symbol);
  }

  kindOf(): FrameKind {
    return FrameKind.native;
  }

  describe(): string {
    return `source lines, inlined calls and functions, from ${this.#place || 'the file itself'}`;
  }

  linesAt(address: number, lines: LineSink): void {
    const answer = this.#answerOf(address);
    if (answer >= 0) this.#index.frames(answer, lines);
  }

  /** −1 when nothing is known. */
  #answerOf(address: number): number {
    if (address === this.#last) return this.#lastAnswer;
    if (address === this.#previous) return this.#previousAnswer;
    const stored = this.#index.find(address);
    const answer = stored >= 0 ? stored : this.#look(address);
    if (this.#index.isPassing(answer)) return answer;
    this.#previous = this.#last;
    this.#previousAnswer = this.#lastAnswer;
    this.#last = address;
    this.#lastAnswer = answer;
    return answer;
  }

  #look(address: number): number {
    const table = this.#tableAt(address);
    if (table === undefined) return this.#answerWithout(address);
    const distance = address - table.base;
    const [lineStart, lineEnd] = boundsAt(table.lines.starts, distance);
    const [scopeStart, scopeEnd] = boundsAt(table.innermost.starts, distance);
    const start = Math.max(lineStart, scopeStart);
    const known = this.#index.known(start, distance);
    if (known >= 0) return known;
    // A unit without functions: its file may be missing only now.
    const isKept = !this.#isSplit || table.scopes.length > 0;
    let answer = -1;
    linesAt(table, address, (scope, file, line) => {
      if (answer < 0) answer = this.#index.begin(table.base, start, Math.min(lineEnd, scopeEnd), isKept);
      this.#index.add(this.#symbol(table, scope), table.fileOf(file), line);
    });
    if (answer < 0 && isKept) this.#index.addUnknown(address);
    return answer;
  }

  #tableAt(address: number): UnitTable | undefined {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#units = this.#open();
    }
    return this.#units?.tableAt(address);
  }

  /** Code without debug information is one answer from unit to unit. Most of a program may be such code. */
  #answerWithout(address: number): number {
    const gap = this.#units?.gapAt(address);
    if (gap === undefined) {
      if (this.#units !== undefined) this.#index.addUnknown(address);
      return -1;
    }
    const { base, start, end } = gap;
    const known = this.#index.known(start, address - base);
    return known >= 0 ? known : this.#index.begin(base, start, end, true);
  }

  #symbol(table: UnitTable, scope: number): number {
    // Code with lines that lies in no function: assembly.
    if (scope < 0) return this.#index.symbolOf('');
    let known = this.#known.get(table);
    if (known === undefined) {
      known = new Uint32Array(table.scopes.length);
      this.#known.set(table, known);
    }
    if (known[scope] === 0) known[scope] = this.#index.symbolOf(table.nameOf(scope)) + 1;
    return known[scope]! - 1;
  }
}
