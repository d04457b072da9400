/** A unit of a file as a table: its lines, its scopes, and where their names are. */

import type { CodeSpace } from './code-space.ts';
import type { InfoFile } from './info-file.ts';
import { type LineFiles, readLineHeader } from './line-header.ts';
import { runLineProgram } from './line-program.ts';
import type { Names } from './names.ts';
import { readScopes, type Scopes } from './scopes.ts';
import type { Unit } from './unit.ts';
import type { LineIntervals, ScopeColumns, ScopeIntervals, UnitTable } from './unit-table.ts';

/** A line table as it is used. */
interface Lines {
  readonly intervals: LineIntervals;
  readonly version: number;
  readonly files: LineFiles;
  /** Whose texts and directory the files have. */
  readonly unit: Unit | undefined;
}

/**
 * Flattens a unit; `entries` is where its functions are, the unit itself or what was split off.
 * @throws ElfError
 */
export function flattenUnit(unit: Unit, entries: Unit, code: CodeSpace, names: Names): UnitTable & { bytes: number } {
  const lines = readLines(unit, code);
  const scopes = readScopes(entries, code, lines.version >= 5 ? 1 : 0);
  return new FlatUnit(code.base, lines, entries, scopes, names);
}

function readLines(unit: Unit, code: CodeSpace): Lines {
  const section = unit.file.sections.get('line');
  const offset = unit.root.lines;
  const header = section && offset >= 0 ? readLineHeader(section, offset, unit) : undefined;
  if (section === undefined || header === undefined) {
    const none = new Uint32Array(0);
    const files = { directories: [], names: [], directoryOf: [] };
    return { intervals: { starts: none, file: none, line: none }, version: 0, files, unit: undefined };
  }
  const { version, files } = header;
  return { intervals: runLineProgram(section, header, code), version, files, unit };
}

class FlatUnit implements UnitTable {
  readonly base: number;
  readonly lines: LineIntervals;
  readonly innermost: ScopeIntervals;
  readonly scopes: ScopeColumns;
  /** How much memory it takes, about. */
  readonly bytes: number;
  readonly #entry: Uint32Array;
  readonly #entries: Unit;
  readonly #names: Names;
  readonly #files: Lines;
  readonly #paths: (string | undefined)[] = [];

  constructor(base: number, lines: Lines, entries: Unit, scopes: Scopes, names: Names) {
    this.base = base;
    this.lines = lines.intervals;
    this.innermost = { starts: scopes.innermost.starts, scope: scopes.innermost.owners };
    this.scopes = scopes;
    this.bytes =
      1000 +
      12 * this.lines.starts.length +
      8 * this.innermost.starts.length +
      16 * scopes.length +
      100 * lines.files.names.length;
    this.#entry = scopes.entry;
    this.#entries = entries;
    this.#names = names;
    this.#files = lines;
  }

  nameOf(scope: number): string {
    return this.#names.nameOf(this.#entries, this.#entries.header.offset + this.#entry[scope]!);
  }

  fileOf(file: number): string {
    this.#paths[file] ??= this.#pathOf(file);
    return this.#paths[file];
  }

  /** The directory of DWARF 5's number 0 is the unit's own (6.2.4, item 15). */
  #pathOf(number: number): string {
    const { files, version, unit } = this.#files;
    const isFive = version >= 5;
    const file = isFive ? number - 1 : number;
    if (unit === undefined || number === 0 || file >= files.names.length) return '';
    const texts: InfoFile = unit.file;
    const name = texts.text(files.names[file]!);
    const index = files.directoryOf[file]!;
    const directory = texts.text(files.directories[index] ?? 0);
    if (isFive && index === 0) return join(directory, name);
    return join(join(unit.directory, directory), name);
  }
}

function join(directory: string, name: string): string {
  if (directory === '' || name.startsWith('/')) return name;
  if (name === '') return directory;
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}
