/** The mappings of processes in the heap. Forked children share those of their parent; each is there once. */
import type { ProcessEntry } from '../capture/unwind-maps.ts';
import { type CodeTable, isGenerated } from '../process/code.ts';
import type { Mapping, Mappings } from '../process/maps.ts';
import type { Image } from '../process/table.ts';
import { addressSpaceBytes, biasOf, mergeRanges, type UnwindRange, writeAddressSpace } from './address-space.ts';
import { NO_FILE, type UnwindFiles } from './files.ts';
import type { Heap, Piece } from './heap.ts';

export interface AddressSpace {
  readonly entry: ProcessEntry;
  /** Of each mapping, in their order. */
  readonly files: readonly number[];
}

interface Kept extends AddressSpace {
  readonly piece: Piece;
  users: number;
  /** The kernel knows, or knew, where it is. */
  told: boolean;
}

/** Samples of one process come one after the other. */
const VISITS = 8;

export class AddressSpaces {
  readonly #heap: Heap;
  readonly #files: UnwindFiles;
  readonly #code: CodeTable;
  readonly #spaces = new Map<Mappings, Kept>();
  /** Those that visit() keeps, oldest first. */
  readonly #visited: Mappings[] = [];
  #nextId = 1;

  constructor(heap: Heap, files: UnwindFiles, code: CodeTable) {
    this.#heap = heap;
    this.#files = files;
    this.#code = code;
  }

  /** The mappings for the kernel to know, until release(). undefined: there is no room, or nothing in them. */
  acquire(image: Image, mappings: Mappings): AddressSpace | undefined {
    const space = this.#acquire(image, mappings);
    if (space) space.told = true;
    return space;
  }

  /** The mappings for a look of our own, kept for some more of them. */
  visit(image: Image, mappings: Mappings): AddressSpace | undefined {
    if (this.#visited.includes(mappings)) return this.#spaces.get(mappings);
    const space = this.#acquire(image, mappings);
    if (!space) return undefined;
    this.#visited.push(mappings);
    if (this.#visited.length > VISITS) this.release(this.#visited.shift()!);
    return space;
  }

  /** The files that are mapped. */
  files(): Set<number> {
    return new Set([...this.#spaces.values()].flatMap(({ files }) => files));
  }

  release(mappings: Mappings): void {
    const space = this.#spaces.get(mappings);
    if (!space || --space.users > 0) return;
    this.#spaces.delete(mappings);
    space.piece.words[0] = 0; // no id is 0: whoever still points here finds nothing
    if (space.told) this.#heap.free(space.piece);
    else this.#heap.discard(space.piece);
  }

  #acquire(image: Image, mappings: Mappings): Kept | undefined {
    const space = this.#spaces.get(mappings) ?? this.#make(image, mappings);
    if (space) space.users++;
    return space;
  }

  #make(image: Image, mappings: Mappings): Kept | undefined {
    const user = mappings.filter(({ start }) => start >= 0); // not [vsyscall]
    const ranges = mergeRanges(
      user.map(mapping => this.#range(image, mapping)),
      NO_FILE,
    );
    const piece = ranges.length > 0 ? this.#heap.allocate(addressSpaceBytes(ranges)) : undefined;
    if (!piece) return undefined;
    const entry = { id: this.#nextId++, mappings: piece.address };
    writeAddressSpace(piece.words, entry.id, ranges);
    const space = { entry, piece, files: ranges.map(({ file }) => file), users: 0, told: false };
    this.#spaces.set(mappings, space);
    return space;
  }

  #range(image: Image, mapping: Mapping): UnwindRange {
    const none = { mapping, file: NO_FILE, bias: 0 };
    if (mapping.buildId === '' && isGenerated(mapping.path) && mapping.path !== '[vdso]') return none;
    const code = this.#code.of(image, mapping);
    const bias = code.elf && biasOf(code.elf, mapping);
    return bias === undefined ? none : { mapping, file: this.#files.id(code), bias };
  }
}
