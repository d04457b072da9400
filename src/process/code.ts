/**
 * The code that addresses lie in: one entry for each file (however many processes map it), for the kernel, the vdso,
 * and the generated code of each process.
 */
import type { ByteSource } from '../elf/bytes.ts';
import { type Elf, PF_X, PT_LOAD } from '../elf/format.ts';
import { Miss } from '../model/profile.ts';
import { type FileBytes, type OpenedFile, openMapped, openPath, openVdso } from './files.ts';
import type { Mapping } from './maps.ts';
import { ownRoot, pathWithin, type TargetRoot, TargetRoots } from './roots.ts';
import type { Image } from './table.ts';

/** Code that addresses lie in. What is known about it is kept as long as this object is. */
export interface MappedCode {
  /** Never given twice. */
  readonly id: number;
  readonly kind: 'file' | 'vdso' | 'kernel' | 'jit';
  /** As the target sees it. */
  readonly filename: string;
  /** Descriptor of the root directory that `filename` begins at, open as long as the file; undefined for our own. */
  readonly root?: number | undefined;
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

/** Of all tables: one thread may know the code of several. */
let nextId = 1;

export class CodeTable {
  readonly #byMapping = new WeakMap<Mapping, MappedCode>();
  readonly #byKey = new Map<string, MappedCode>();
  readonly #files = new Map<MappedCode, FileBytes>();
  /** Asked for since the last sweep. */
  readonly #used = new Set<MappedCode>();
  /** Swept: known by a mapping still, and no more to be read. */
  readonly #swept = new WeakSet<MappedCode>();
  readonly #roots = new TargetRoots();

  /** What is known at present, each once. */
  get codes(): Set<MappedCode> {
    return new Set(this.#byKey.values());
  }

  kernel(): MappedCode {
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

  /** The code of a process's mapping. Opens the file when it is seen for the first time. */
  of(image: Image, mapping: Mapping): MappedCode {
    const known = this.#byMapping.get(mapping);
    // Generated code is a process's own, though a fork shares the mapping object.
    const isValid = known !== undefined && known.kind !== 'jit' && !this.#swept.has(known);
    const code = isValid ? known : this.#find(image, mapping);
    if (!isValid) this.#byMapping.set(mapping, code);
    this.#used.add(code);
    return code;
  }

  /** Forgets and closes what nobody asked for since the last sweep, unless `isKept`. Returns the ids of what went. */
  sweep(isKept: (code: MappedCode) => boolean): number[] {
    const gone = new Set<number>();
    for (const [key, code] of this.#byKey) {
      if (code.kind === 'kernel' || code.kind === 'vdso' || this.#used.has(code) || isKept(code)) continue;
      this.#byKey.delete(key);
      this.#swept.add(code);
      this.#files.get(code)?.close();
      this.#files.delete(code);
      gone.add(code.id);
    }
    this.#used.clear();
    if (gone.size > 0) this.#roots.sweep(new Set(Array.from(this.codes, ({ root }) => root)));
    return [...gone];
  }

  #find(image: Image, mapping: Mapping): MappedCode {
    if (mapping.path === '[vdso]') return this.#vdso(image, mapping);
    if (isGenerated(mapping.path)) {
      return this.#intern(`jit:${image.id}`, () => absent(mapping, 'jit', Miss.jit));
    }
    const key = `${mapping.buildId || `${mapping.device}:${mapping.inode}`}:${mapping.path}`;
    const known = this.#byKey.get(key);
    if (known !== undefined && known.miss !== Miss.unreadableFile) return known;
    // What was out of reach through a process that is gone may be in reach through this one.
    const code = this.#file(image, mapping);
    const found = code.miss === Miss.unreadableFile && known ? known : code;
    this.#byKey.set(key, found);
    return found;
  }

  #intern(key: string, make: () => Omit<MappedCode, 'id'>): MappedCode {
    let code = this.#byKey.get(key);
    if (code === undefined) {
      code = this.#new(make());
      this.#byKey.set(key, code);
    }
    return code;
  }

  #new(code: Omit<MappedCode, 'id'>): MappedCode {
    return { id: nextId++, ...code };
  }

  #file(image: Image, mapping: Mapping): MappedCode {
    const opened = this.#files.size < MAX_FILES ? openMapped(image, mapping) : undefined;
    if (!opened) return this.#new(absent(mapping, 'file', Miss.unreadableFile));
    return (
      this.#opened(opened, mapping.path, this.#roots.of(image)) ?? this.#new(absent(mapping, 'file', Miss.noSymbols))
    );
  }

  /** A file that the user names; undefined when it cannot be read, `not-elf` when it is no ELF file. */
  open(path: string): MappedCode | 'not-elf' | undefined {
    const opened = openPath(path);
    return opened && (this.#opened(opened, path, ownRoot) ?? 'not-elf');
  }

  #opened({ identity, cacheKey, elf, bytes }: OpenedFile, path: string, root: TargetRoot): MappedCode | undefined {
    // Reached before by another path, or told by inode then and by build id now; or in another container.
    const shared = sharedKey(cacheKey, bytes.size, pathWithin(root, path));
    const known = this.#byKey.get(identity) ?? (shared === '' ? undefined : this.#byKey.get(shared));
    if (known !== undefined || !elf) {
      bytes.close();
      return known;
    }
    const common = { kind: 'file', filename: pathWithin(root, path), root: root.fd, miss: Miss.none } as const;
    const code = this.#new({ ...common, buildId: elf.buildId, cacheKey, elf, bytes, ...codeRange(elf) });
    this.#files.set(code, bytes);
    this.#byKey.set(identity, code);
    if (shared !== '') this.#byKey.set(shared, code);
    return code;
  }

  /** The kernel has one for 64-bit programs and one for 32-bit programs, which it maps low. */
  #vdso(image: Image, mapping: Mapping): MappedCode {
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
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
    this.#roots.close();
  }
}

/** Of containers of one image: the same build id, size and path. '' where the build id is not believed. */
function sharedKey(cacheKey: string, size: number, path: string): string {
  return cacheKey.startsWith('build-id:') ? `${cacheKey}:${size}:${path}` : '';
}

function absent(mapping: Mapping, kind: MappedCode['kind'], miss: Miss): Omit<MappedCode, 'id'> {
  const { path: filename, buildId } = mapping;
  const common = { filename: filename || '[anon]', buildId, cacheKey: '', elf: undefined, bytes: undefined, miss };
  return { ...common, kind, start: 0, limit: MAX_ADDRESS, fileOffset: 0 };
}
