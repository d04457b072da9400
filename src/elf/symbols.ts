/** Names of addresses from the symbol tables of an ELF file. */

import { FrameKind } from '../model/profile.ts';
import { type ByteSource, ElfError } from './bytes.ts';
import { Candidates } from './candidates.ts';
import { CodeRanges } from './code.ts';
import { type Elf, ET_REL } from './format.ts';
import { flatten, Intervals } from './intervals.ts';
import { collectStubs } from './plt.ts';
import type { StringTable } from './strings.ts';
import type { SymbolSection } from './symbol-section.ts';
import { collectSymbols, isStub, symbolSections } from './symtab.ts';

/** Names by address. Symbols are numbers; nothing is decoded until a name is asked for. */
export interface SymbolTable {
  /** How many symbols there are. */
  readonly length: number;
  /** The symbol that covers an address (as the file's program headers lay it out), −1 when none does. */
  find(address: number): number;
  /**
   * The linker's name without its version, `name@plt` for the stub of an imported function. Cut at 16 KiB; bytes that
   * are no UTF-8 become U+FFFD; '' when the file has shrunk meanwhile.
   */
  nameOf(symbol: number): string;
  /** The source file of a function that is local to it, without a folder as a rule; '' when it is not told. */
  fileOf?(symbol: number): string;
  kindOf(symbol: number): FrameKind;
}

/** A file of the same program, with symbols that were stripped off: addresses are the same in both. */
export interface SeparateSymbols {
  readonly elf: Elf;
  readonly bytes: ByteSource;
}

/**
 * The functions of .symtab and .dynsym and the stubs of the procedure linkage table, and those of the .symtab of
 * `separate`. A table that is damaged or too large is left out, and the result of a file without any usable one has no
 * symbols.
 * @throws ElfError `unsupported` for a relocatable object, whose symbols have no addresses
 */
export function readSymbols(elf: Elf, source: ByteSource, separate?: SeparateSymbols): SymbolTable {
  if (elf.type === ET_REL) throw new ElfError('unsupported', 'a relocatable object has no addresses');
  const code = new CodeRanges(elf);
  const stripped = separate ? tablesOf(separate).filter(({ section }) => !section.dynamic) : [];
  const tables = [...stripped, ...tablesOf({ elf, bytes: source })];
  const sections = tables.map(({ section }) => section);
  // 24 bytes each, of which some are data.
  const candidates = new Candidates(sections.reduce((sum, { size }) => sum + Math.ceil(size / 24), 0));
  tables.forEach(({ file, section }, origin) => {
    orNone(() => collectSymbols(file.elf, file.bytes, section, origin, code, candidates));
  });
  orNone(() => collectStubs(elf, source, sections, candidates));
  const strings = sections.map(section => section.strings);
  for (const table of strings) table.forget();
  return new ElfSymbols(candidates, flatten(candidates, code), strings);
}

/** The symbol tables of a file, each with the file that it lies in. */
function tablesOf(file: SeparateSymbols): { file: SeparateSymbols; section: SymbolSection }[] {
  const sections = orNone(() => symbolSections(file.elf, file.bytes)) ?? [];
  return sections.map(section => ({ file, section }));
}

/** undefined where the bytes are not what they should be. */
function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ElfError) return undefined;
    throw error;
  }
}

class ElfSymbols implements SymbolTable {
  readonly length: number;
  readonly #intervals: Intervals;
  readonly #names: Uint32Array;
  readonly #files: Uint32Array;
  readonly #fileNames = new Map<number, string>();
  readonly #origins: Uint8Array;
  readonly #strings: readonly StringTable[];

  /** Keeps the symbols that own an interval, numbered by address; aliases and labels go. */
  constructor(candidates: Candidates, { starts, owners }: Intervals, strings: readonly StringTable[]) {
    const renumbered = new Int32Array(candidates.length).fill(-1);
    let length = 0;
    for (let i = 0; i < owners.length; i++) {
      const owner = owners[i]!;
      if (owner < 0) continue;
      if (renumbered[owner] === -1) renumbered[owner] = length++;
      owners[i] = renumbered[owner]!;
    }
    this.length = length;
    this.#names = new Uint32Array(length);
    this.#files = new Uint32Array(length);
    this.#origins = new Uint8Array(length);
    for (let i = 0; i < candidates.length; i++) {
      const symbol = renumbered[i]!;
      if (symbol < 0) continue;
      this.#names[symbol] = candidates.name[i]!;
      this.#files[symbol] = candidates.file[i]!;
      this.#origins[symbol] = candidates.origin[i]!;
    }
    this.#intervals = new Intervals(starts, owners);
    this.#strings = strings;
  }

  find(address: number): number {
    return this.#intervals.find(address);
  }

  nameOf(symbol: number): string {
    const origin = this.#origins[symbol]!;
    const name = withoutVersion(this.#strings[origin & ~isStub]?.nameAt(this.#names[symbol]!) ?? '');
    return origin & isStub && name !== '' ? `${name}@plt` : name;
  }

  fileOf(symbol: number): string {
    const offset = this.#files[symbol]!;
    // Only .symtab, the first of the tables, has files.
    let name = offset === 0 ? '' : this.#fileNames.get(offset);
    if (name === undefined) {
      name = this.#strings[0]!.nameAt(offset);
      this.#fileNames.set(offset, name);
    }
    return name;
  }

  kindOf(symbol: number): FrameKind {
    return this.#origins[symbol]! & isStub ? FrameKind.plt : FrameKind.native;
  }
}

const version = /(?<=.)@@?[\w.]*$/;

/** `memcpy@@GLIBC_2.14` and `memcpy@GLIBC_2.2.5` are how linkers write the version of a symbol into .symtab. */
function withoutVersion(name: string): string {
  return name.includes('@') && !name.startsWith('?') ? name.replace(version, '') : name;
}
