/**
 * The bytes of a file with its relative relocations applied, as the dynamic linker does for a position-independent
 * program that is loaded where its program headers say. Linkers leave zeros in the file where those are (psABI, RELA).
 */

import { type ByteSource, readAddress, viewOf } from './bytes.ts';
import { dynamicValues } from './dynamic.ts';
import { type Elf, fileOffsetOfAddress, type Machine } from './format.ts';
import { orderByAddress } from './sort.ts';

const DT_RELA = 7;
const DT_RELASZ = 8;
/** R_X86_64_RELATIVE and R_AARCH64_RELATIVE. */
const relative: Partial<Record<Machine, number>> = { 'x86-64': 8, arm64: 1027 };
const entrySize = 24;
const entriesAtOnce = 2048;
/** 16 bytes of columns each: the largest position-independent Go programs have half a million. */
const maxRelocations = 2 ** 22;

/** Calls `take` for each relative relocation of a 64-bit file: where, as an address, and what is written there. */
function eachRelative(elf: Elf, source: ByteSource, take: (slot: number, value: number) => void): void {
  const type = relative[elf.machine];
  const values = type === undefined || elf.class !== 64 ? undefined : dynamicValues(elf, source);
  const offset = fileOffsetOfAddress(elf, values?.get(DT_RELA) ?? Number.NaN, 1);
  if (values === undefined || offset === undefined) return;
  const count = Math.min(maxRelocations, Math.floor((values.get(DT_RELASZ) ?? 0) / entrySize));
  for (let first = 0; first < count; first += entriesAtOnce) {
    const entries = Math.min(entriesAtOnce, count - first);
    const view = viewOf(source.read(offset + first * entrySize, entries * entrySize));
    for (let at = 0; at < entries * entrySize; at += entrySize) {
      if (view.getUint32(at + 8, true) === type) take(readAddress(view, at), readAddress(view, at + 16));
    }
  }
}

/** The addresses of the words that point to an address, 64 at most. */
export function pointersTo(elf: Elf, source: ByteSource, address: number): number[] {
  const found: number[] = [];
  eachRelative(elf, source, (slot, value) => {
    if (value === address && found.length < 64) found.push(slot);
  });
  return found;
}

/** A file whose words in the `size` bytes at `address` are as the dynamic linker leaves them. */
export class RelocatedBytes implements ByteSource {
  readonly size: number;
  readonly #source: ByteSource;
  /** Ascending offsets in the file, and what is written there. */
  readonly #offsets: Float64Array;
  readonly #values: Float64Array;

  /** @throws ElfError `truncated` when the relocations reach out of the file */
  constructor(elf: Elf, source: ByteSource, address: number, size: number) {
    this.size = source.size;
    this.#source = source;
    const start = fileOffsetOfAddress(elf, address, size) ?? Number.NaN;
    const offsets: number[] = [];
    const values: number[] = [];
    eachRelative(elf, source, (slot, value) => {
      const distance = slot - address;
      if (!(distance >= 0 && distance + 8 <= size && start >= 0)) return;
      offsets.push(start + distance);
      values.push(value);
    });
    const order = orderByAddress(Float64Array.from(offsets), offsets.length);
    this.#offsets = Float64Array.from(order, index => offsets[index]!);
    this.#values = Float64Array.from(order, index => values[index]!);
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = this.#source.read(offset, length);
    let index = this.#firstFrom(offset - 7);
    if (index === this.#offsets.length || this.#offsets[index]! >= offset + length) return bytes;
    const patched = bytes.slice();
    for (; index < this.#offsets.length && this.#offsets[index]! < offset + length; index++) {
      this.#write(patched, this.#offsets[index]! - offset, this.#values[index]!);
    }
    return patched;
  }

  /** A word that may begin before the bytes and end after them. */
  #write(bytes: Uint8Array, at: number, value: number): void {
    const [low, high] = [value >>> 0, Math.floor(value / 2 ** 32)];
    for (let i = 0; i < 8; i++) bytes[at + i] = (i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4))) & 0xff;
  }

  #firstFrom(offset: number): number {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
