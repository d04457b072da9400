/**
 * One compile unit as plain columns: all that a query for an address needs. Whoever keeps units elsewhere (on disk)
 * keeps these columns and the strings.
 */

/** Where each source line begins. Interval i is [starts[i], starts[i + 1]); the last one has no line. */
export interface LineIntervals {
  /** Ascending distances from the base of the table, bytes. */
  readonly starts: Uint32Array;
  /** Number of a file of the table, 0 when unknown. */
  readonly file: Uint32Array;
  /** From 1; 0 when the code belongs to no line. */
  readonly line: Uint32Array;
}

/** Where each innermost scope begins. Interval i is [starts[i], starts[i + 1]); the last one has no scope. */
export interface ScopeIntervals {
  /** Ascending distances from the base of the table, bytes. */
  readonly starts: Uint32Array;
  /** The innermost scope, −1 for none. */
  readonly scope: Int32Array;
}

/** Functions and inlined calls. */
export interface ScopeColumns {
  readonly length: number;
  /** The scope that an inlined call was inlined into, always a lower number; −1: the scope is a function. */
  readonly parent: Int32Array;
  /** Of an inlined call: the number of the file that it is called in, 0 when unknown. */
  readonly callFile: Uint32Array;
  /** Of an inlined call: the line that it is called at, 0 when unknown. */
  readonly callLine: Uint32Array;
}

export interface UnitTable {
  /** The address that `starts` count from, the same for all units of a program. */
  readonly base: number;
  readonly lines: LineIntervals;
  readonly innermost: ScopeIntervals;
  readonly scopes: ScopeColumns;
  /** The linkage name of a scope, else its plain name, else ''. */
  nameOf(scope: number): string;
  /** The path of a file, absolute where the unit says enough; '' for 0 and for what it does not know. */
  fileOf(file: number): string;
}

/** Addresses that lie in no unit: [start, end), distances from the same base as those of tables. */
export interface Gap {
  readonly base: number;
  readonly start: number;
  readonly end: number;
}

/** The units of a program. */
export interface UnitTables {
  /** The unit that an address lies in, −1 when it lies in none. */
  unitAt(address: number): number;
  /** The gap between units that an address lies in; undefined when it lies in a unit, or far from all code. */
  gapAt(address: number): Gap | undefined;
  /** The whole of a unit; undefined when it is damaged. Units that were asked for are kept, up to a limit. */
  tableOf(unit: number): UnitTable | undefined;
  /** A table that has what there is about one address; undefined when nothing is known of it. */
  tableAt(address: number): UnitTable | undefined;
}

/** Takes one line of an address; `scope` is −1 when no function is known. */
export type AddLine = (scope: number, file: number, line: number) => void;

/**
 * The lines of an address, the innermost inlined call first: it has the line of the address, each one around it the
 * line of the call. Nothing is added where the unit knows neither function nor line.
 */
export function linesAt(table: UnitTable, address: number, add: AddLine): void {
  const distance = address - table.base;
  const row = intervalAt(table.lines.starts, distance);
  let file = row < 0 ? 0 : table.lines.file[row]!;
  let line = row < 0 ? 0 : table.lines.line[row]!;
  const interval = intervalAt(table.innermost.starts, distance);
  let scope = interval < 0 ? -1 : table.innermost.scope[interval]!;
  if (scope < 0 && file === 0 && line === 0) return;
  const { parent, callFile, callLine } = table.scopes;
  for (;;) {
    add(scope, file, line);
    if (scope < 0 || parent[scope]! < 0) return;
    file = callFile[scope]!;
    line = callLine[scope]!;
    scope = parent[scope]!;
  }
}

/** The last of the ascending starts that is not above the distance, −1 when all are. */
export function intervalAt(starts: Uint32Array, distance: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= distance) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
