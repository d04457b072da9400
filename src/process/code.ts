/**
 * The code that addresses lie in: one entry for each file (however many processes map it), for the kernel, the vdso,
 * and the generated code of each process.
 */
import type { ByteSource } from '../elf/bytes.ts';
import { type Elf, PF_X, PT_LOAD } from '../elf/format.ts';
import { Miss } from '../model/profile.ts';
import { type FileBytes, type OpenedFile, openMapped, openPath, openVdso } from './files.ts';
import type { JitView } from './jit-bytes.ts';
import { JitFiles } from './jit-files.ts';
import { kernelBuildId } from './kernel.ts';
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
  /** Of generated code: what its runtime writes about it. */
  readonly jit?: JitView<JitFiles> | undefined;
}

/** Nobody profiles this many files; a target that maps more gets unnamed frames instead of all our descriptors. */
const MAX_FILES = 8192;
/** Processes whose generated code is described: three descriptors each. */
const MAX_JITS = 1024;
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

/** A file as mappings tell of it, and what it is. */
interface KnownFile {
  readonly mapping: Mapping;
  code: MappedCode;
  /** The process that it was looked for through. */
  program: number;
}

/** Of all tables: one thread may know the code of several. */
let nextId = 1;

export class CodeTable {
  /** Files, by path. */
  readonly #byPath = new Map<string, KnownFile[]>();
  readonly #byKey = new Map<string, MappedCode>();
  readonly #files = new Map<MappedCode, FileBytes>();
  /** By program. */
  readonly #jits = new Map<number, JitFiles>();
  /** Of processes with samples since the last drain. */
  readonly #touched = new Set<JitFiles>();
  /** Asked for since the last sweep. */
  readonly #used = new Set<MappedCode>();
  readonly #roots = new TargetRoots();
  readonly #warn: (sentence: string) => void;

  /** `warn`: takes sentences about files that are not believed. */
  constructor(warn: (sentence: string) => void = () => {}) {
    this.#warn = warn;
  }

  /** What is known at present, each once. */
  get codes(): Set<MappedCode> {
    const files = [...this.#byPath.values()].flatMap(known => known.map(({ code }) => code));
    return new Set([...this.#byKey.values(), ...files]);
  }

  kernel(): MappedCode {
    return this.#intern('kernel', () => ({
      kind: 'kernel',
      filename: '[kernel.kallsyms]',
      buildId: kernelBuildId(),
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
    const code = this.#knownFile(image, mapping) ?? this.#find(image, mapping);
    this.#used.add(code);
    return code;
  }

  /** Forgets and closes what nobody asked for since the last sweep, unless `isKept`. Returns the ids of what went. */
  sweep(isKept: (code: MappedCode) => boolean): number[] {
    const gone = new Set<MappedCode>();
    for (const code of this.codes) {
      if (code.kind !== 'kernel' && code.kind !== 'vdso' && !this.#used.has(code) && !isKept(code)) gone.add(code);
    }
    this.#used.clear();
    for (const [key, code] of this.#byKey) if (gone.has(code)) this.#byKey.delete(key);
    for (const [path, files] of this.#byPath) {
      const left = files.filter(({ code }) => !gone.has(code));
      if (left.length === 0) this.#byPath.delete(path);
      else if (left.length < files.length) this.#byPath.set(path, left);
    }
    for (const code of gone) {
      this.#files.get(code)?.close();
      this.#files.delete(code);
    }
    if (gone.size > 0) this.#roots.sweep(new Set(Array.from(this.codes, ({ root }) => root)));
    this.#closeJits();
    return Array.from(gone, ({ id }) => id);
  }

  #knownFile(image: Image, mapping: Mapping): MappedCode | undefined {
    const files = this.#byPath.get(mapping.path);
    if (files === undefined) return undefined;
    for (const known of files) if (isSameFile(known.mapping, mapping)) return this.#reached(known, image, mapping);
    return undefined;
  }

  /** What was out of reach through a process that is gone may be in reach through this one. */
  #reached(known: KnownFile, image: Image, mapping: Mapping): MappedCode {
    if (known.code.miss !== Miss.unreadableFile || known.program === image.program) return known.code;
    known.program = image.program;
    const code = this.#file(image, mapping);
    if (code.miss !== Miss.unreadableFile) known.code = code;
    return known.code;
  }

  #find(image: Image, mapping: Mapping): MappedCode {
    if (mapping.path === '[vdso]') return this.#vdso(image, mapping);
    if (isGenerated(mapping.path)) return this.#generated(image, mapping);
    const code = this.#file(image, mapping);
    const known = { mapping, code, program: image.program };
    const files = this.#byPath.get(mapping.path);
    if (files) files.push(known);
    else this.#byPath.set(mapping.path, [known]);
    return code;
  }

  /** Before the samples of a drain: whether code of this process means something else than in the samples before. */
  isReused({ program }: Image): boolean {
    const jit = this.#jits.get(program);
    if (!jit || this.#touched.has(jit)) return false;
    this.#touched.add(jit);
    return jit.follow();
  }

  /** After the samples of a drain. */
  mark(): void {
    for (const jit of this.#touched) jit.mark();
    this.#touched.clear();
  }

  /** No window knows any address. */
  forgetAddresses(): void {
    for (const jit of this.#jits.values()) jit.forget();
  }

  /** One for each program, whose address space is its own, as long as it uses no memory for other code. */
  #generated(image: Image, mapping: Mapping): MappedCode {
    const jit = this.#jitOf(image);
    if (!jit) return this.#intern(`jit:${image.program}`, () => absent(mapping, 'jit', Miss.jit));
    jit.image = image;
    return this.#intern(`jit:${jit.id}:${jit.uses}`, () => ({ ...absent(mapping, 'jit', Miss.jit), jit: jit.current }));
  }

  #jitOf(image: Image): JitFiles | undefined {
    let jit = this.#jits.get(image.program);
    if (jit || this.#jits.size >= MAX_JITS) return jit;
    jit = JitFiles.of(image, this.#warn);
    if (!jit) return undefined;
    jit.look();
    this.#jits.set(image.program, jit);
    this.#touched.add(jit);
    return jit;
  }

  /** Of programs that no code is left of. */
  #closeJits(): void {
    const left = new Set([...this.#byKey.values()].map(({ jit }) => jit?.owner));
    for (const [program, jit] of this.#jits) {
      if (left.has(jit)) continue;
      jit.close();
      this.#jits.delete(program);
      this.#touched.delete(jit);
    }
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
    for (const jit of this.#jits.values()) jit.close();
    this.#jits.clear();
  }
}

function isSameFile(a: Mapping, b: Mapping): boolean {
  return a.buildId === b.buildId && a.inode === b.inode && a.device === b.device;
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
