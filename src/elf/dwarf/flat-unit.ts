/** A unit of a file as tables: its lines, its scopes, and where their names are. */

import type { CodeSpace } from './code-space.ts';
import { type Functions, readFunctions } from './functions.ts';
import { type LineFiles, readLineHeader } from './line-header.ts';
import { runLineProgram } from './line-program.ts';
import type { Names } from './names.ts';
import { readScopes, type Scopes } from './scopes.ts';
import type { Unit } from './unit.ts';
import {
  intervalAt,
  type LineIntervals,
  type ScopeColumns,
  type ScopeIntervals,
  type UnitTable,
} from './unit-table.ts';

/** From here on reading a unit as a whole is cheaper than one function of it after the other. */
const maxFunctions = 64;

/** A unit that addresses fell into. */
export class FlatUnit {
  /** The memory it takes, about; grows with what is asked for. */
  bytes: number;
  readonly #entries: Unit;
  readonly #code: CodeSpace;
  readonly #names: Names;
  readonly #lines: Lines;
  readonly #functions: Functions | undefined;
  readonly #tables = new Map<number, UnitTable>();
  #whole: UnitTable | undefined;

  /**
   * `entries` is where its functions are: the unit itself, or what was split off.
   * @throws ElfError
   */
  constructor(unit: Unit, entries: Unit, code: CodeSpace, names: Names) {
    this.#entries = entries;
    this.#code = code;
    this.#names = names;
    // All of them, before the first entry asks for its own.
    unit.abbreviations();
    this.#lines = new Lines(unit, code);
    this.#functions = readFunctions(entries, code);
    this.bytes = 1000 + this.#lines.bytes + 16 * (this.#functions?.entry.length ?? 0);
  }

  /** @throws ElfError */
  get whole(): UnitTable {
    if (this.#whole === undefined) {
      const { entries, end } = this.#entries.header;
      this.#tables.clear();
      this.#whole = this.#read(entries, end);
    }
    return this.#whole;
  }

  /**
   * A table that has what there is about the address: that of its function, or of the whole.
   * @throws ElfError
   */
  tableAt(address: number): UnitTable {
    if (this.#whole !== undefined || this.#functions === undefined) return this.whole;
    const { painted, entry, end } = this.#functions;
    const interval = intervalAt(painted.starts, address - this.#code.base);
    const found = interval < 0 ? -1 : painted.owners[interval]!;
    let table = this.#tables.get(found);
    if (table !== undefined) return table;
    // Outside of all of them may be a function inside of a function, or a call that reaches out of its function.
    if (found < 0 || this.#tables.size >= maxFunctions) return this.whole;
    const { offset } = this.#entries.header;
    table = this.#read(offset + entry[found]!, offset + end[found]!);
    this.#tables.set(found, table);
    return table;
  }

  #read(from: number, to: number): UnitTable {
    const firstFile = this.#lines.firstFile;
    const scopes = readScopes(this.#entries, this.#code, firstFile, from, to);
    this.bytes += 500 + 8 * scopes.innermost.starts.length + 16 * scopes.length;
    return new Table(this.#code.base, this.#lines, this.#entries, scopes, this.#names);
  }
}

/** The line table of a unit. */
class Lines {
  readonly intervals: LineIntervals;
  readonly bytes: number;
  /** What the number of a file counts from. */
  readonly firstFile: number;
  readonly #files: LineFiles;
  readonly #unit: Unit;
  readonly #paths: (string | undefined)[] = [];

  constructor(unit: Unit, code: CodeSpace) {
    this.#unit = unit;
    const section = unit.file.sections.get('line');
    const offset = unit.root.lines;
    const header = section && offset >= 0 ? readLineHeader(section, offset, unit) : undefined;
    this.firstFile = header !== undefined && header.version >= 5 ? 1 : 0;
    this.#files = header?.files ?? { directories: [], names: [], directoryOf: [] };
    if (header !== undefined) unit.file.work.spend(header.end - offset);
    const none = new Uint32Array(0);
    this.intervals =
      section && header ? runLineProgram(section, header, code) : { starts: none, file: none, line: none };
    this.bytes = 12 * this.intervals.starts.length + 100 * this.#files.names.length;
  }

  fileOf(number: number): string {
    this.#paths[number] ??= this.#pathOf(number);
    return this.#paths[number];
  }

  /** The directory of DWARF 5's number 0 is the unit's own (6.2.4, item 15). */
  #pathOf(number: number): string {
    const { directories, names, directoryOf } = this.#files;
    const file = number - this.firstFile;
    if (number === 0 || file >= names.length) return '';
    const texts = this.#unit.file;
    const name = texts.text(names[file]!);
    const directory = texts.text(directories[directoryOf[file]!] ?? 0);
    if (this.firstFile === 1 && directoryOf[file] === 0) return join(directory, name);
    return join(join(this.#unit.directory, directory), name);
  }
}

function join(directory: string, name: string): string {
  if (directory === '' || name.startsWith('/')) return name;
  if (name === '') return directory;
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}

class Table implements UnitTable {
  readonly base: number;
  readonly lines: LineIntervals;
  readonly innermost: ScopeIntervals;
  readonly scopes: ScopeColumns;
  readonly #files: Lines;
  readonly #entries: Unit;
  readonly #entry: Uint32Array;
  readonly #names: Names;

  constructor(base: number, lines: Lines, entries: Unit, scopes: Scopes, names: Names) {
    this.base = base;
    this.lines = lines.intervals;
    this.innermost = { starts: scopes.innermost.starts, scope: scopes.innermost.owners };
    this.scopes = scopes;
    this.#files = lines;
    this.#entries = entries;
    this.#entry = scopes.entry;
    this.#names = names;
  }

  nameOf(scope: number): string {
    return this.#names.nameOf(this.#entries, this.#entries.header.offset + this.#entry[scope]!);
  }

  fileOf(file: number): string {
    return this.#files.fileOf(file);
  }
}
