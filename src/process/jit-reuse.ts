/**
 * Runtimes use the memory of functions again that they have thrown away, and then an address means something else than
 * in the samples before. Their files do not tell when that was, but they grow: what was written by the time of a drain
 * names the samples until then.
 */
import { ElfError } from '../elf/bytes.ts';
import { Jitdump } from '../jit/jitdump.ts';
import { PerfMap } from '../jit/perf-map.ts';
import { FileBytes } from './files.ts';
import { type JitDescriptors, type PerJitFile, sizeNow } from './jit-bytes.ts';

/** Of what was added between two looks. When it is more, some of it is taken to be where there was code before. */
const MAX_ADDED = 4 << 20;
const MAX_FUNCTIONS = 1 << 18;
/** Addresses beyond these are not watched. */
const MAX_SAMPLED = 1 << 16;

export class JitReuse {
  readonly #sampled = new Set<number>();
  /** How much of the files was compared with the samples. */
  #compared: PerJitFile<number> | undefined;

  saw(address: number): void {
    if (this.#sampled.size < MAX_SAMPLED) this.#sampled.add(address);
  }

  forget(): void {
    this.#sampled.clear();
  }

  /** What is written from now on is compared. */
  begin({ perfMap, jitdump }: JitDescriptors): void {
    this.#compared ??= { perfMap: sizeOf(perfMap), jitdump: sizeOf(jitdump) };
  }

  /** Whether code was generated, since the last call, where something was sampled before. */
  happened({ perfMap, jitdump }: JitDescriptors): boolean {
    const before = this.#compared;
    if (!before) return false;
    const map = this.#look(perfMap, before.perfMap, from => new PerfMap(MAX_FUNCTIONS, from));
    const dump = this.#look(jitdump, before.jitdump, from => new Jitdump(MAX_FUNCTIONS, from));
    this.#compared = { perfMap: map.end, jitdump: dump.end };
    return map.isReused || dump.isReused;
  }

  #look(fd: number | undefined, from: number, open: (from: number) => PerfMap | Jitdump) {
    const size = sizeOf(fd);
    if (fd === undefined || size <= from) return { end: size, isReused: false };
    if (size - from > MAX_ADDED) return { end: size, isReused: true };
    const added = open(from);
    try {
      added.append(new FileBytes(fd, size));
    } catch (error) {
      if (error instanceof ElfError) return { end: size, isReused: false }; // it was cut off
      throw error;
    }
    return { end: added.end, isReused: this.#isSampled(added) };
  }

  #isSampled(added: PerfMap | Jitdump): boolean {
    for (const address of this.#sampled) if (added.find(address) >= 0) return true;
    return false;
  }
}

function sizeOf(fd: number | undefined): number {
  return fd === undefined ? 0 : sizeNow(fd);
}
