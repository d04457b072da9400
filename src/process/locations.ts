/** Locations: addresses of processes turned into addresses of code, each of them once. */
import { segmentOfFileOffset } from '../elf/elf.ts';
import { growFloat64, growInt32, growUint8 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';
import { MISSES, Miss } from '../model/profile.ts';
import type { CodeTable, MappedCode } from './code.ts';
import { findMapping } from './maps.ts';
import type { Image } from './table.ts';

const NO_MAPPING = -1;

/** Addresses [start, end) of an image that lie in one segment of a file. */
interface Stretch {
  readonly image: Image;
  readonly start: number;
  readonly end: number;
  /** Index into `mappings`. */
  readonly mapping: number;
  /** What to add for the address in the file. */
  readonly bias: number;
}

export class Locations {
  /** The code that locations lie in, each once. */
  readonly mappings: MappedCode[] = [];
  length = 0;
  /** Index into `mappings`, −1 for none. */
  mapping = new Int32Array(1024);
  /** In the address space of the mapping (see MappedCode.start). */
  address = new Float64Array(1024);
  /** Why there will be no name, as far as it is known already. */
  miss = new Uint8Array(1024);
  /** (image, address) → location; the kernel is image 0. */
  readonly #byAddress = new IntMap();
  /** (mapping and miss, address) → location. A file offset and an ELF address may be the same number. */
  readonly #byCode = new IntMap();
  readonly #index = new Map<MappedCode, number>();
  readonly #code: CodeTable;
  /** Where the last address was: frames next to each other mostly lie in one file. */
  #last: Stretch | undefined;

  constructor(code: CodeTable) {
    this.#code = code;
  }

  /** A kernel address, as the halves of 64 bits. */
  kernel(low: number, high: number): number {
    const known = this.#byAddress.get(0, low, high);
    if (known >= 0) return known;
    const location = this.#intern(this.#indexOf(this.#code.kernel()), (high | 0) * 2 ** 32 + (low >>> 0), Miss.none);
    this.#byAddress.set(0, low, high, location);
    return location;
  }

  /** A user address of a process, as the halves of 64 bits. */
  user(image: Image, low: number, high: number): number {
    const known = this.#byAddress.get(image.id, low, high);
    if (known >= 0) return known;
    const location = this.#resolve(image, (high | 0) * 2 ** 32 + (low >>> 0));
    // Where nothing is mapped now, something may be later.
    if (this.miss[location] !== Miss.unmapped) this.#byAddress.set(image.id, low, high, location);
    return location;
  }

  #resolve(image: Image, address: number): number {
    const last = this.#last;
    if (last?.image === image && address >= last.start && address < last.end) {
      return this.#intern(last.mapping, address + last.bias, Miss.none);
    }
    if (!image.mappings) return this.#intern(NO_MAPPING, 0, Miss.processGone);
    const mapping = findMapping(image.mappings, address);
    // Without a mapping the address says nothing: all such frames are one location.
    if (!mapping) return this.#intern(NO_MAPPING, 0, Miss.unmapped);
    const code = this.#code.of(image, mapping);
    const { elf, kind, miss } = code;
    const index = this.#indexOf(code);
    if (kind === 'jit') {
      code.jit?.owner.saw(address);
      return this.#intern(index, address, Miss.none); // the runtime may tell
    }
    const offset = address - mapping.start + mapping.fileOffset;
    if (!elf) return this.#intern(index, offset, miss);
    const segment = segmentOfFileOffset(elf, offset);
    if (segment === undefined) return this.#intern(index, offset, Miss.unknownAddress);
    const first = address - offset + segment.offset;
    this.#last = {
      image,
      start: Math.max(mapping.start, first),
      end: Math.min(mapping.end, first + segment.fileSize),
      mapping: index,
      bias: segment.address - first,
    };
    return this.#intern(index, address + this.#last.bias, Miss.none);
  }

  #indexOf(code: MappedCode): number {
    let index = this.#index.get(code);
    if (index === undefined) {
      index = this.mappings.push(code) - 1;
      this.#index.set(code, index);
    }
    return index;
  }

  #intern(mapping: number, address: number, miss: Miss): number {
    const low = (address % 2 ** 32) | 0;
    const high = Math.floor(address / 2 ** 32);
    const code = mapping * MISSES + miss;
    const known = this.#byCode.get(code, low, high);
    if (known >= 0) return known;
    if (this.length === this.mapping.length) {
      this.mapping = growInt32(this.mapping);
      this.address = growFloat64(this.address);
      this.miss = growUint8(this.miss);
    }
    const location = this.length++;
    this.mapping[location] = mapping;
    this.address[location] = address;
    this.miss[location] = miss;
    this.#byCode.set(code, low, high, location);
    return location;
  }
}
