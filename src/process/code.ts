/**
 * The code that addresses lie in: one entry for each file (however many processes map it), for the kernel, the vdso,
 * and the generated code of each process.
 */
import type { ByteSource } from '../elf/bytes.ts';
import { type Elf, PF_X, PT_LOAD } from '../elf/format.ts';
import { Miss } from '../model/profile.ts';
import { type FileBytes, openMapped, openVdso } from './files.ts';
import type { Mapping } from './maps.ts';
import type { Image } from './table.ts';

/** Code that addresses lie in. What is known about it is kept as long as this object is. */
export interface MappedCode {
  readonly kind: 'file' | 'vdso' | 'kernel' | 'jit';
  readonly filename: string;
  /** Lower-case hex, '' when unknown. */
  readonly buildId: string;
  /** What is worked out from the file's bytes may be kept under this name; '' for nothing that can be kept. */
  readonly cacheKey: string;
  readonly elf: Elf | undefined;
  readonly bytes: ByteSource | undefined;
  /** Why `elf` is undefined; Miss.none when it is not. */
  readonly miss: Miss;
  /** First and last-plus-one address: ELF virtual addresses for files, file offsets where there is no ELF. */
  readonly start: number;
  readonly limit: number;
  /** File offset of `start`, bytes. */
  readonly fileOffset: number;
}

/** Nobody profiles this many files; a target that maps more gets unnamed frames instead of all our descriptors. */
const MAX_FILES = 8192;
const MAX_ADDRESS = 2 ** 47;

/** The address range of the executable segments. */
function codeRange(elf: Elf): { start: number; limit: number; fileOffset: number } {
  const segments = elf.segments.filter(s => s.type === PT_LOAD && (s.flags & PF_X) !== 0);
  const first = segments[0];
  if (!first) return { start: 0, limit: 0, fileOffset: 0 };
  return {
    start: first.address,
    limit: Math.max(...segments.map(s => s.address + s.memorySize)),
    fileOffset: first.offset,
  };
}

/** Whether the path of a mapping says that it holds what a runtime generated (or the kernel: `[vdso]`). */
export function isGenerated(path: string): boolean {
  return (
    !path.startsWith('/') || path.startsWith('//anon') || path.startsWith('/memfd:') || path.startsWith('/dev/zero')
  );
}

export class CodeTable {
  /** By index. */
  readonly mappings: MappedCode[] = [];
  readonly #byMapping = new WeakMap<Mapping, number>();
  readonly #byKey = new Map<string, number>();
  readonly #files: FileBytes[] = [];

  /** Index of the kernel's code. */
  kernel(): number {
    return this.#intern('kernel', () => ({
      kind: 'kernel',
      filename: '[kernel.kallsyms]',
      buildId: '',
      cacheKey: '',
      elf: undefined,
      bytes: undefined,
      miss: Miss.none,
      start: -MAX_ADDRESS,
      limit: 0,
      fileOffset: 0,
    }));
  }

  /** Index of the code of a process's mapping. Opens the file when it is seen for the first time. */
  of(image: Image, mapping: Mapping): number {
    const known = this.#byMapping.get(mapping);
    // Generated code is a process's own, though a fork shares the mapping object.
    if (known !== undefined && this.mappings[known]!.kind !== 'jit') return known;
    const index = this.#find(image, mapping);
    this.#byMapping.set(mapping, index);
    return index;
  }

  #find(image: Image, mapping: Mapping): number {
    if (mapping.path === '[vdso]') return this.#vdso(image, mapping);
    if (isGenerated(mapping.path)) {
      return this.#intern(`jit:${image.id}`, () => absent(mapping, 'jit', Miss.jit));
    }
    const key = `${mapping.buildId || `${mapping.device}:${mapping.inode}`}:${mapping.path}`;
    const known = this.#byKey.get(key);
    if (known !== undefined && this.mappings[known]!.miss !== Miss.unreadableFile) return known;
    // What was out of reach through a process that is gone may be in reach through this one.
    const made = this.#file(image, mapping);
    const stillMissing = typeof made !== 'number' && made.miss === Miss.unreadableFile;
    return stillMissing && known !== undefined ? known : this.#store(key, made);
  }

  #intern(key: string, make: () => MappedCode | number): number {
    return this.#byKey.get(key) ?? this.#store(key, make());
  }

  #store(key: string, made: MappedCode | number): number {
    const index = typeof made === 'number' ? made : this.mappings.push(made) - 1;
    this.#byKey.set(key, index);
    return index;
  }

  #file(image: Image, mapping: Mapping): MappedCode | number {
    const opened = this.#files.length < MAX_FILES ? openMapped(image, mapping) : undefined;
    if (!opened) return absent(mapping, 'file', Miss.unreadableFile);
    // Reached before by another path, or told by inode then and by build id now.
    const known = this.#byKey.get(opened.identity);
    if (known !== undefined || !opened.elf) {
      opened.bytes.close();
      return known ?? absent(mapping, 'file', Miss.noSymbols);
    }
    this.#files.push(opened.bytes);
    this.#byKey.set(opened.identity, this.mappings.length);
    const { elf, bytes } = opened;
    const common = { kind: 'file', filename: mapping.path, miss: Miss.none } as const;
    return { ...common, buildId: elf.buildId, cacheKey: opened.cacheKey, elf, bytes, ...codeRange(elf) };
  }

  /** The kernel has one for 64-bit programs and one for 32-bit programs, which it maps low. */
  #vdso(image: Image, mapping: Mapping): number {
    const size = mapping.end - mapping.start;
    return this.#intern(`vdso:${size}:${mapping.start < 2 ** 32}`, () => {
      const opened = openVdso(image, mapping);
      if (!opened) return absent(mapping, 'vdso', Miss.unreadableFile);
      const { elf, bytes } = opened;
      return {
        kind: 'vdso',
        filename: '[vdso]',
        miss: Miss.none,
        buildId: elf.buildId,
        cacheKey: '', // small, and read from somebody's memory
        elf,
        bytes,
        ...codeRange(elf),
      };
    });
  }

  close(): void {
    for (const file of this.#files) file.close();
    this.#files.length = 0;
  }
}

function absent(mapping: Mapping, kind: MappedCode['kind'], miss: Miss): MappedCode {
  const { path: filename, buildId } = mapping;
  const common = { filename: filename || '[anon]', buildId, cacheKey: '', elf: undefined, bytes: undefined, miss };
  return { ...common, kind, start: 0, limit: MAX_ADDRESS, fileOffset: 0 };
}
