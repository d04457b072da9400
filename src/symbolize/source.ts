/** What a source of names is: the seam between the symbolizer and the formats that hold names. */

import type { ByteSource } from '../elf/bytes.ts';
import type { Elf } from '../elf/elf.ts';
import type { SymbolTable } from '../elf/symbols.ts';
import type { Miss } from '../model/profile.ts';
import type { JitBytes } from '../process/jit-bytes.ts';

/** Code that addresses lie in. What is known about it is kept as long as this object is. */
export interface CodeMapping {
  readonly kind: 'file' | 'vdso' | 'kernel' | 'jit' | 'none';
  readonly filename: string;
  /** Descriptor of the root directory that `filename` begins at; undefined for our own. */
  readonly root?: number | undefined;
  readonly elf: Elf | undefined;
  readonly bytes: ByteSource | undefined;
  /** Why `elf` is undefined; {@link Miss.none} when it is not. */
  readonly miss: Miss;
  /** Of generated code: what its runtime has written about it. */
  readonly jit?: JitBytes | undefined;
}

/** Takes the lines of one address, the innermost inlined call first. */
export interface LineSink {
  /** `symbol` is one of the table's own; `filename` is '' and `line` (from 1) is 0 when unknown. */
  add(symbol: number, filename: string, line: number): void;
  /**
   * In the place of the last `add`: the function that the code lies in, as the source code calls it. Symbol tables call
   * it by its copy (`f.cold`, `f.constprop.0`): where a later source knows the address, it gives the name.
   */
  addFunction(symbol: number, filename: string, line: number): void;
}

/** The names of one mapping. Symbols may become more while addresses are looked up. */
export interface SourceTable extends SymbolTable {
  /**
   * Tables that know source lines and inlined calls add them here, for an address that `find` has found. Without it an
   * address has one line: the symbol.
   */
  linesAt?(address: number, lines: LineSink): void;
  /** What it has, in a few words for `profiler doctor --symbols`. Else its symbols are counted. */
  describe?(): string;
  /** The name to show, of tables whose names no demangler reads. */
  readableNameOf?(symbol: number): string;
  /** The part of the kernel that a symbol belongs to: a module, `bpf`, `__builtin__ftrace`; '' for the kernel itself. */
  moduleOf?(symbol: number): string;
}

/** One kind of place that names come from. */
export interface SymbolSource {
  readonly name: string;
  /** Lines and inlined calls are what it is read for: it comes last where they are not wanted. */
  readonly isDetailed?: boolean;
  /** A table, a Miss that says why there is none, or undefined when this source does not apply to the mapping. */
  open(mapping: CodeMapping): SourceTable | Miss | undefined;
}
