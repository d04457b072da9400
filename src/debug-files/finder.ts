/** Looks for debug files on the machine, opens them and believes only those that prove to be the right ones. */

import { crc32 } from 'node:zlib';
import { type ByteSource, ElfError } from '../elf/bytes.ts';
import { hasDebugInfo, hasSymbolTable, readAltLink, readDebugLink } from '../elf/debug-links.ts';
import type { DwarfFile } from '../elf/dwarf/parts.ts';
import { type Elf, parseElf } from '../elf/elf.ts';
import type { Notes } from './notes.ts';
import { byAltLink, byBuildId, byDebugLink, bySplitName, debugFolders, type Place } from './places.ts';
import { FilePool, type PooledFile } from './pool.ts';
import { resolveWithin } from './resolve.ts';

/** A file of which it is known where it lies: paths in it may start from there. */
export interface PlacedFile extends DwarfFile {
  /** Without links. */
  readonly place: Place;
}

/** Larger files are not read to the end for their checksum: at some GB/s this takes a second. */
const maxChecked = 4 * 2 ** 30;
const checkedAtOnce = 2 ** 20;
/** A debug package may be installed meanwhile. */
const missMs = 5 * 60_000;
const maxMisses = 10_000;

/** Why a file is not the right one; undefined when it is. */
type Check = (file: DwarfFile) => string | undefined;

export class Finder {
  readonly #folders: readonly string[];
  readonly #notes: Notes;
  readonly #pool: FilePool;
  /** For each root and build id: until when nothing is looked for again. */
  readonly #misses = new Map<string, number>();

  /** `folders`: further ones to look into, before /usr/lib/debug. */
  constructor(folders: readonly string[], notes: Notes, pool = new FilePool()) {
    this.#folders = folders;
    this.#notes = notes;
    this.#pool = pool;
  }

  /** The file that has what was stripped off a program. */
  separate(program: PlacedFile): PlacedFile | undefined {
    const { root } = program.place;
    const folders = debugFolders(root, this.#folders);
    const { buildId } = program.elf;
    const key = `${root}:${buildId}`;
    if (buildId !== '' && (this.#misses.get(key) ?? 0) > performance.now()) return undefined;
    const sameId = this.#first(byBuildId(folders, buildId), isDebugFileOf(program.elf));
    const found = sameId ?? this.#linked(program, folders);
    if (found === undefined && buildId !== '') this.#miss(key);
    return found;
  }

  #linked(program: PlacedFile, folders: readonly Place[]): PlacedFile | undefined {
    const link = readDebugLink(program.elf, program.bytes);
    if (link === undefined || !program.place.path.startsWith('/')) return undefined;
    const { root, path } = program.place;
    const places = byDebugLink(root, path, folders, link.name).filter(place => place.path !== path);
    const isDebugFile = isDebugFileOf(program.elf, link.crc);
    return this.#first(places, isDebugFile);
  }

  #miss(key: string): void {
    if (this.#misses.size >= maxMisses) this.#misses.clear();
    this.#misses.set(key, performance.now() + missMs);
  }

  /** A debug file at a known path, checked like any other. */
  at(program: PlacedFile, path: string): PlacedFile | undefined {
    return this.#first([{ root: '', path }], isDebugFileOf(program.elf));
  }

  /** What several debug files have in common, if this one shares (DWZ). The build id of what is missing without it. */
  supplementary(from: PlacedFile): PlacedFile | { readonly missing: string } | undefined {
    const link = readAltLink(from.elf, from.bytes);
    if (link === undefined) return undefined;
    const places = byAltLink(from.place, debugFolders(from.place.root, this.#folders), link.path, link.buildId);
    return this.#first(places, isFile(link.buildId)) ?? { missing: link.buildId };
  }

  /** The same at a known path. */
  supplementaryAt(path: string, buildId: string): PlacedFile | undefined {
    return this.#first([{ root: '', path }], isFile(buildId));
  }

  /** The package of split units beside a program or its debug file. */
  packageOf(program: PlacedFile, main: PlacedFile): PlacedFile | undefined {
    const places = [program, main].map(({ place: { root, path } }) => ({ root, path: `${path}.dwp` }));
    return this.#first(places, ({ elf }) => lacks(elf, '.debug_cu_index'));
  }

  /** A split unit. Its id is in its DWARF: whoever reads that has to compare it. */
  split(program: PlacedFile, name: string, directory: string): PlacedFile | undefined {
    const places = bySplitName(program.place, name, directory);
    const found = this.#first(places, ({ elf }) => lacks(elf, '.debug_info.dwo'));
    if (found === undefined) this.#notes.add(program.place.path, `split debug information is missing: ${name}`);
    return found;
  }

  #first(places: readonly Place[], check: Check): PlacedFile | undefined {
    const tried = new Set<string>();
    for (const { root, path } of places) {
      const resolved = resolveWithin(root, path);
      if (resolved === undefined || tried.has(root + resolved)) continue;
      tried.add(root + resolved);
      const file = this.#open({ root, path: resolved }, check);
      if (file !== undefined) return file;
    }
    return undefined;
  }

  #open(place: Place, check: Check): PlacedFile | undefined {
    const bytes = this.#pool.open(place.root + place.path);
    const file = bytes && placed(place, bytes, check);
    if (typeof file === 'object') return file;
    if (bytes !== undefined) this.#pool.close(bytes);
    this.#notes.add(place.path, file ?? 'no regular file that may be read');
    return undefined;
  }

  /** Gives all descriptors back; files that are read again are opened again. */
  closeFiles(): void {
    this.#pool.closeAll();
  }
}

/** The file, or what is wrong with it. */
function placed(place: Place, bytes: PooledFile, check: Check): PlacedFile | string {
  try {
    const file = { place, bytes, elf: parseElf(bytes) };
    return check(file) ?? file;
  } catch (error) {
    if (error instanceof ElfError) return error.message;
    throw error;
  }
}

function lacks({ sections }: Elf, name: string): string | undefined {
  return sections.some(section => section.name === name) ? undefined : `it has no ${name}`;
}

function isFile(buildId: string): Check {
  return ({ elf }) => (elf.buildId === buildId ? undefined : 'it has another build id');
}

/** By build id where both have one, and by checksum where one is told. */
function isDebugFileOf(program: Elf, crc?: number): Check {
  return ({ elf, bytes }) => {
    const isUnnamed = crc !== undefined && (program.buildId === '' || elf.buildId === '');
    if (elf.buildId !== program.buildId && !isUnnamed) return 'it has another build id';
    if (elf.machine !== program.machine || elf.class !== program.class) return 'it is for another machine';
    if (!hasDebugInfo(elf) && !hasSymbolTable(elf)) return 'it has neither symbols nor debug information';
    if (crc === undefined) return undefined;
    if (bytes.size > maxChecked) return `its ${bytes.size} bytes are too many to be checked`;
    return checksum(bytes) === crc ? undefined : 'its checksum is another one';
  };
}

function checksum(bytes: ByteSource): number {
  let crc = 0;
  for (let at = 0; at < bytes.size; at += checkedAtOnce) {
    crc = crc32(bytes.read(at, Math.min(checkedAtOnce, bytes.size - at)), crc);
  }
  return crc;
}
