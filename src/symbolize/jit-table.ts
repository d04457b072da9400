/** The functions of a perf map or a jitdump as a table of symbols. */

import type { FrameKind } from '../model/profile.ts';
import { type JitName, parseJitName } from './jit-names.ts';
import type { LineSink, SourceTable } from './source.ts';

/** What a format knows. Functions are numbers of its own, mostly offsets in its file. */
export interface JitFunctions {
  /** The function at an address, −1 when there is none. */
  find(address: number): number;
  /** As the runtime has written it; '' when it cannot be read any more. */
  nameOf(found: number): string;
  /** The source line of an address; undefined where the format has none. */
  lineAt?(found: number, address: number, name: JitName): { filename: string; line: number } | undefined;
}

/** Numbers functions in the order in which they are asked for, and takes their names apart once. */
export function jitTable(functions: JitFunctions): SourceTable {
  return new JitTable(functions);
}

class JitTable implements SourceTable {
  readonly #functions: JitFunctions;
  readonly #symbolOf = new Map<number, number>();
  readonly #names: JitName[] = [];

  constructor(functions: JitFunctions) {
    this.#functions = functions;
  }

  /** Until now. */
  get length(): number {
    return this.#names.length;
  }

  find(address: number): number {
    const found = this.#functions.find(address);
    if (found < 0) return -1;
    let symbol = this.#symbolOf.get(found);
    if (symbol === undefined) {
      symbol = this.#names.push(parseJitName(this.#functions.nameOf(found))) - 1;
      this.#symbolOf.set(found, symbol);
    }
    return symbol;
  }

  nameOf(symbol: number): string {
    return this.#names[symbol]!.systemName;
  }

  readableNameOf(symbol: number): string {
    return this.#names[symbol]!.name;
  }

  kindOf(symbol: number): FrameKind {
    return this.#names[symbol]!.kind;
  }

  linesAt(address: number, lines: LineSink): void {
    const symbol = this.find(address);
    const name = this.#names[symbol];
    if (name === undefined || name.systemName === '') return;
    const found = this.#functions.lineAt?.(this.#functions.find(address), address, name);
    const { filename, line } = found ?? name;
    lines.add(symbol, filename, line);
  }
}
