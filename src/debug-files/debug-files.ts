/** The debug files of what was sampled: the one object that sources of names ask. */

import { type ByteSource, ElfError } from '../elf/bytes.ts';
import { unpackedSize } from '../elf/compressed.ts';
import { hasDebugInfo, hasSymbolTable } from '../elf/debug-links.ts';
import type { DwarfFile, DwarfParts } from '../elf/dwarf/parts.ts';
import type { Elf } from '../elf/elf.ts';
import { hasMiniDebugInfo, unpackMiniDebugInfo } from '../elf/mini-debug-info.ts';
import { withoutDeleted } from '../process/files.ts';
import { Debuginfod, type DebuginfodOptions } from './debuginfod.ts';
import { Finder, type PlacedFile } from './finder.ts';
import { Notes } from './notes.ts';

/** What of mapped code says where its debug files are. */
export interface DebuggedCode {
  readonly kind: string;
  /** As the target sees it. */
  readonly filename: string;
  /** Descriptor of the target's root directory; undefined for our own. */
  readonly root?: number | undefined;
  readonly elf: Elf | undefined;
  readonly bytes: ByteSource | undefined;
}

export interface DebugFileOptions {
  /** Folders of debug files as /usr/lib/debug is one, looked into before it. */
  readonly folders?: readonly string[];
  /**
   * DWARF in compressed sections is in memory as a whole: beyond so many bytes a file's is left out, and its symbols
   * are not. Default 1 GiB.
   */
  readonly maxUnpackedBytes?: number;
  /** Servers to ask for what the machine does not have; none without it. */
  readonly debuginfod?: DebuginfodOptions | undefined;
}

/** Of one piece of code; what is left out was not looked for yet, and null was not found. */
interface Known {
  readonly program: PlacedFile;
  separate?: PlacedFile | null;
  supplementary?: PlacedFile | { readonly missing: string } | null;
  parts?: DwarfParts | null;
  mini?: DwarfFile | null;
  /** Until when a missing file is not looked for again, and servers are not asked again; as performance.now(). */
  lookAt: number;
  askAt: number;
}

/** A debug package may be installed, or published, while an agent runs. */
const AGAIN_MS = 15 * 60_000;

export class DebugFiles {
  readonly #notes = new Notes();
  readonly #finder: Finder;
  readonly #servers: Debuginfod | undefined;
  readonly #maxUnpacked: number;
  readonly #known = new WeakMap<DebuggedCode, Known>();
  /** Code whose debug file came after it was named. */
  readonly #late = new WeakSet<DebuggedCode>();

  constructor({ folders = [], debuginfod, maxUnpackedBytes = 2 ** 30 }: DebugFileOptions = {}) {
    this.#maxUnpacked = maxUnpackedBytes;
    this.#finder = new Finder(folders, this.#notes);
    this.#servers = debuginfod && new Debuginfod(debuginfod);
  }

  /**
   * Has ready what takes time: what servers have, for `waitMs` milliseconds at most, and what has to be unpacked. The
   * rest of this class does not wait.
   */
  async prepare(codes: readonly DebuggedCode[], waitMs: number): Promise<void> {
    await this.#fetchAll(codes, waitMs);
    for (const code of codes) await this.#unpack(code);
  }

  /** The code whose debug files came after it was named: it needs another object, since names are kept with the old one. */
  outdated<T extends DebuggedCode>(codes: readonly T[]): T[] {
    return codes.filter(code => this.#late.has(code) || this.#appeared(code));
  }

  /** The file whose symbols complete those of a stripped program: the debug file's, else MiniDebugInfo. */
  symbolsOf(code: DebuggedCode): DwarfFile | undefined {
    const known = this.#of(code);
    if (known === undefined || hasSymbolTable(known.program.elf)) return undefined;
    const separate = this.#separate(known);
    return separate && hasSymbolTable(separate.elf) ? separate : (known.mini ?? undefined);
  }

  /** The files that have its DWARF. */
  partsOf(code: DebuggedCode): DwarfParts | undefined {
    const known = this.#of(code);
    if (known === undefined) return undefined;
    if (known.parts === undefined) known.parts = this.#parts(known) ?? null;
    return known.parts ?? undefined;
  }

  /** What could not be used and why, as far as it was not told yet. */
  takeNotes(): string[] {
    return this.#notes.take();
  }

  /** Gives descriptors back that nobody may need for a while. */
  sweep(): void {
    this.#finder.closeFiles();
  }

  close(): void {
    this.#servers?.close();
    this.#finder.closeFiles();
  }

  #of(code: DebuggedCode): Known | undefined {
    let known = this.#known.get(code);
    const { elf, bytes, filename } = code;
    if (known === undefined && elf !== undefined && bytes !== undefined) {
      const root = code.root === undefined ? '' : `/proc/self/fd/${code.root}`;
      const program = { elf, bytes, place: { root, path: withoutDeleted(filename) } };
      known = { program, lookAt: 0, askAt: 0 };
      this.#known.set(code, known);
    }
    return known;
  }

  /** Whether a debug file lies there now that did not when it was looked for. */
  #appeared(code: DebuggedCode): boolean {
    const known = this.#known.get(code);
    if (known?.separate !== null || performance.now() < known.lookAt) return false;
    known.lookAt = performance.now() + AGAIN_MS;
    return this.#finder.separate(known.program) !== undefined;
  }

  #separate(known: Known): PlacedFile | undefined {
    if (known.separate === undefined) {
      known.separate = this.#finder.separate(known.program) ?? null;
      known.lookAt = performance.now() + AGAIN_MS;
    }
    return known.separate ?? undefined;
  }

  #main(known: Known): PlacedFile | undefined {
    if (hasDebugInfo(known.program.elf)) return known.program;
    const separate = this.#separate(known);
    return separate && hasDebugInfo(separate.elf) ? separate : undefined;
  }

  #supplementary(known: Known, main: PlacedFile): PlacedFile | { readonly missing: string } | undefined {
    if (known.supplementary === undefined) known.supplementary = this.#finder.supplementary(main) ?? null;
    return known.supplementary ?? undefined;
  }

  #parts(known: Known): DwarfParts | undefined {
    const main = this.#main(known);
    if (main === undefined || !this.#fits(main)) return undefined;
    const { program } = known;
    const shared = this.#supplementary(known, main);
    if (shared && 'missing' in shared) {
      this.#notes.add(main.place.path, `what it shares with other files is missing (build id ${shared.missing})`);
    }
    if (shared && 'elf' in shared && !this.#fits(shared)) return undefined;
    const units = this.#finder.packageOf(program, main);
    return {
      main,
      ...(shared && 'elf' in shared ? { supplementary: shared } : {}),
      ...(units ? { package: units } : {}),
      split: (name, directory) => this.#finder.split(program, name, directory),
    };
  }

  #fits({ elf, bytes, place }: PlacedFile): boolean {
    try {
      const size = unpackedSize(elf, bytes);
      if (size <= this.#maxUnpacked) return true;
      this.#notes.add(place.path, `its compressed debug information would take ${Math.ceil(size / 2 ** 20)} MiB`);
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      this.#notes.add(place.path, error.message);
    }
    return false;
  }

  async #fetchAll(codes: readonly DebuggedCode[], waitMs: number): Promise<void> {
    const servers = this.#servers;
    if (servers === undefined) return;
    let isOver = false;
    const fetched = codes.map(async code => {
      const found = await this.#fetch(code, servers);
      if (found && isOver) this.#late.add(code);
    });
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>(resolve => {
      timer = setTimeout(() => {
        isOver = true;
        this.#notes.add('debuginfod', `not everything came within ${waitMs / 1000} s`);
        resolve();
      }, waitMs);
    });
    await Promise.race([Promise.all(fetched), over]);
    clearTimeout(timer);
  }

  /** Whether something came. */
  async #fetch(code: DebuggedCode, servers: Debuginfod): Promise<boolean> {
    const known = this.#of(code);
    if (known === undefined || performance.now() < known.askAt) return false;
    known.askAt = performance.now() + AGAIN_MS;
    let came = false;
    if (this.#main(known) === undefined) {
      const path = await this.#download(known.program.elf.buildId, code.filename, servers);
      const file = path === undefined ? undefined : this.#finder.at(known.program, path);
      if (file !== undefined) {
        known.separate = file;
        came = true;
      }
    }
    const main = this.#main(known);
    const shared = main && this.#supplementary(known, main);
    if (shared && 'missing' in shared) {
      const path = await this.#download(shared.missing, code.filename, servers);
      const file = path === undefined ? undefined : this.#finder.supplementaryAt(path, shared.missing);
      if (file !== undefined) {
        known.supplementary = file;
        came = true;
      }
    }
    return came;
  }

  async #download(buildId: string, filename: string, servers: Debuginfod): Promise<string | undefined> {
    if (buildId === '') return undefined;
    const { path, failure } = await servers.fetch(buildId);
    if (failure !== undefined) this.#notes.add(filename, `its debug information was not fetched: ${failure}`);
    return path;
  }

  async #unpack(code: DebuggedCode): Promise<void> {
    const known = this.#of(code);
    if (known === undefined || known.mini !== undefined) return;
    const { elf, bytes } = known.program;
    if (!hasMiniDebugInfo(elf) || hasSymbolTable(elf) || this.symbolsOf(code) !== undefined) return;
    try {
      known.mini = await unpackMiniDebugInfo(elf, bytes);
    } catch (error) {
      known.mini = null;
      this.#notes.add(code.filename, `MiniDebugInfo: ${error instanceof Error ? error.message : error}`);
    }
  }
}
