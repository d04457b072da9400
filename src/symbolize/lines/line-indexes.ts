/** The answers that are kept of programs: one index each, of those that were used last. */

import { DiskCache, type DiskCacheOptions } from '../../cache/disk-cache.ts';
import { PooledFile } from '../../debug-files/pool.ts';
import type { DwarfFile, DwarfParts } from '../../elf/dwarf/parts.ts';
import { packageVersion } from '../../package.ts';
import { FileBytes, keyOfOpenFile } from '../../process/files.ts';
import { LineIndex } from './line-index.ts';

/** Each has a descriptor and up to 40 MB. */
const maxOpen = 32;
/** While others wait for names, an index is written when so much came new, as a share of what it has. */
const worthShare = 1 / 8;
const worthAnswers = 256;
/** At the end: to write an index anew takes about a 60th of the time that it took to find what is in it (0.3 of 20 µs). */
const lastShare = 1 / 64;

export class LineIndexes {
  readonly #disk: DiskCache;
  /** By key, the last one used last. */
  readonly #open = new Map<string, LineIndex>();

  constructor(options: DiskCacheOptions = {}) {
    this.#disk = new DiskCache({ folder: 'lines', extension: 'lines' }, options);
  }

  /** The index of a program's debug information. */
  of(parts: DwarfParts): LineIndex {
    const key = keyOf(parts);
    // Read from somebody's memory, or unpacked: nothing that can be known again.
    if (key === '') return new LineIndex('', undefined);
    const index = this.#open.get(key) ?? new LineIndex(key, this.#disk);
    this.#open.delete(key);
    this.#open.set(key, index);
    for (const longest of this.#open.keys()) {
      if (this.#open.size <= maxOpen) break;
      this.#drop(longest);
    }
    return index;
  }

  /** Writes what came new, where it is worth it. `isLast`: what is not written now has to be found again. */
  save(isLast: boolean): void {
    for (const index of this.#open.values()) {
      const worth = isLast ? Math.max(1, index.saved * lastShare) : Math.max(worthAnswers, index.saved * worthShare);
      if (index.unsaved >= worth) index.save();
    }
  }

  #drop(key: string): void {
    const index = this.#open.get(key);
    if (index !== undefined && index.unsaved >= worthAnswers) index.save();
    index?.close();
    this.#open.delete(key);
  }

  /** Gives all files and memory back; what is worth it has been written first. */
  close(): void {
    for (const key of this.#open.keys()) this.#drop(key);
  }
}

/** Tells the bytes that debug information is read from; '' when they cannot be told again. */
function keyOf({ main, supplementary, package: units }: DwarfParts): string {
  const keys = [main, supplementary, units].map(file => (file === undefined ? 'none' : keyOfFile(file)));
  return keys.includes('') ? '' : `${packageVersion()} ${keys.join(' ')}`;
}

function keyOfFile({ elf, bytes }: DwarfFile): string {
  if (bytes instanceof FileBytes) return keyOfOpenFile(bytes, elf);
  return bytes instanceof PooledFile ? bytes.keyOf(elf) : '';
}
