/** The stubs through which a file calls functions of other files: the procedure linkage table. */

import { type ByteSource, ElfError, readAddress, viewOf } from './bytes.ts';
import { type Candidates, rankOf } from './candidates.ts';
import { type Elf, type Section, SHF_ALLOC, SHF_EXECINSTR, SHT_DYNSYM, SHT_NOBITS, SHT_RELA } from './format.ts';
import { type StubSink, stubReaders } from './plt-stubs.ts';
import type { SymbolSection } from './symbol-section.ts';
import { isStub } from './symtab.ts';

/** How a machine marks its relocations (x86-64 psABI 4.4, ELF for the Arm 64-bit Architecture 5.7). */
interface RelocationTypes {
  readonly globDat: number;
  readonly jumpSlot: number;
  readonly irelative: number;
}

const relocationTypes: Readonly<Record<string, RelocationTypes>> = {
  'x86-64': { globDat: 6, jumpSlot: 7, irelative: 37 },
  arm64: { globDat: 1025, jumpSlot: 1026, irelative: 1032 },
};

/** .plt.sec holds what is called where .plt has branch targets marked (IBT); .plt.got what is bound without laziness. */
const stubSectionNames = ['.plt', '.plt.sec', '.plt.got', '.iplt'];
const maxStubSection = 16 * 2 ** 20;
/** The relocations of a large position-independent program, 24 bytes each. */
const maxRelocations = 128 * 2 ** 20;
const relocationSize = 24;
const relocationsAtOnce = 4096;

/** What the stubs jump to. */
interface Slots {
  /** Index in the symbol table by the address of the slot. */
  readonly symbols: Map<number, number>;
  /** Address of the function that resolves it, by the address of the slot (indirect functions). */
  readonly resolvers: Map<number, number>;
  /** Addresses of the slots in the order of .rela.plt, which is how lazy stubs number them. */
  readonly lazy: number[];
  /** Which of the file's symbol tables. */
  table: number;
}

/**
 * Adds the stubs of 64-bit x86-64 and arm64 files to the candidates. A stub is known by the slot of its jump, and the
 * slot by its relocation, so that it does not matter how the linker laid them out.
 * @throws ElfError when a section reaches out of the file or is too large
 */
export function collectStubs(
  elf: Elf,
  source: ByteSource,
  tables: readonly SymbolSection[],
  candidates: Candidates,
): void {
  const types = relocationTypes[elf.machine];
  const read = stubReaders[elf.machine];
  const code = SHF_ALLOC | SHF_EXECINSTR;
  const sections = elf.sections.filter(
    section =>
      stubSectionNames.includes(section.name) && (section.flags & code) === code && section.type !== SHT_NOBITS,
  );
  if (types === undefined || read === undefined || elf.class !== 64 || sections.length === 0) return;
  const slots: Slots = { symbols: new Map(), resolvers: new Map(), lazy: [], table: -1 };
  for (const section of elf.sections) {
    if (section.type === SHT_RELA && (section.flags & SHF_ALLOC) !== 0)
      readSlots(elf, source, section, types, tables, slots);
  }
  const stubs = new Stubs(source, tables, slots, candidates);
  for (const { address, offset, size } of sections) {
    if (size > maxStubSection) throw new ElfError('too-large', `a linkage table claims ${size} bytes`);
    read(viewOf(source.read(offset, size)), address, stubs);
    stubs.close(address + size);
  }
}

function readSlots(
  elf: Elf,
  source: ByteSource,
  section: Section,
  types: RelocationTypes,
  tables: readonly SymbolSection[],
  slots: Slots,
): void {
  if (section.size > maxRelocations) throw new ElfError('too-large', `relocations claim ${section.size} bytes`);
  const link = elf.sections[section.link];
  // What came from another file has no dynamic symbols, but may lie at the same offset there.
  const table = tables.findIndex(
    ({ offset, dynamic }) => offset === link?.offset && dynamic === (link.type === SHT_DYNSYM),
  );
  if (table >= 0) slots.table = table;
  const count = Math.floor(section.size / relocationSize);
  for (let first = 0; first < count; first += relocationsAtOnce) {
    const entries = Math.min(relocationsAtOnce, count - first);
    const view = viewOf(source.read(section.offset + first * relocationSize, entries * relocationSize));
    for (let at = 0; at < view.byteLength; at += relocationSize) {
      const type = view.getUint32(at + 8, true);
      if (type !== types.globDat && type !== types.jumpSlot && type !== types.irelative) continue;
      const slot = readAddress(view, at);
      if (section.name === '.rela.plt') slots.lazy.push(slot);
      if (type === types.irelative) slots.resolvers.set(slot, readAddress(view, at + 16));
      else slots.symbols.set(slot, view.getUint32(at + 12, true));
    }
  }
}

/** The largest stub in bytes: with landing pad and pointer authentication on arm64. */
const maxStub = 24;

/** Gives the stubs their names. */
class Stubs implements StubSink {
  readonly #source: ByteSource;
  readonly #tables: readonly SymbolSection[];
  readonly #slots: Slots;
  readonly #candidates: Candidates;
  readonly #resolvers: Map<number, number>;
  #start = 0;
  #slot: number | undefined;

  constructor(source: ByteSource, tables: readonly SymbolSection[], slots: Slots, candidates: Candidates) {
    this.#source = source;
    this.#tables = tables;
    this.#slots = slots;
    this.#candidates = candidates;
    this.#resolvers = bestAt(new Set(slots.resolvers.values()), candidates);
  }

  jump(start: number, slot: number): void {
    this.close(start);
    this.#start = start;
    this.#slot = slot;
  }

  push(start: number, relocation: number): void {
    this.close(start);
    this.#start = start;
    this.#slot = this.#slots.lazy[relocation];
  }

  /** Ends the stub before an address. */
  close(end: number): void {
    const slot = this.#slot;
    this.#slot = undefined;
    if (slot === undefined) return;
    const size = Math.min(end - this.#start, maxStub);
    const symbol = this.#slots.symbols.get(slot);
    const table = this.#tables[this.#slots.table];
    if (symbol !== undefined && table !== undefined) {
      const entry = symbol * 24;
      if (entry + 24 > table.size) return;
      this.#add(size, viewOf(this.#source.read(table.offset + entry, 4)).getUint32(0, true), this.#slots.table);
      return;
    }
    const resolver = this.#resolvers.get(this.#slots.resolvers.get(slot) ?? Number.NaN);
    if (resolver === undefined) return;
    this.#add(size, this.#candidates.name[resolver]!, this.#candidates.origin[resolver]!);
  }

  #add(size: number, name: number, table: number): void {
    if (name !== 0) this.#candidates.add(this.#start, size, name, table | isStub, rankOf(1, true, true, true));
  }
}

/** The candidate with the highest rank at each of the addresses. */
function bestAt(addresses: ReadonlySet<number>, { length, address, rank }: Candidates): Map<number, number> {
  const best = new Map<number, number>();
  if (addresses.size === 0) return best;
  for (let i = 0; i < length; i++) {
    if (!addresses.has(address[i]!)) continue;
    const other = best.get(address[i]!);
    if (other === undefined || rank[i]! > rank[other]!) best.set(address[i]!, i);
  }
  return best;
}
