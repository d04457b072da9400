/** Code as another thread of ours can open it: what may be posted between threads, with open files by descriptor. */
import { type ByteSource, MemoryBytes } from '../elf/bytes.ts';
import { type Elf, parseElf } from '../elf/elf.ts';
import type { MappedCode } from './code.ts';
import { FileBytes } from './files.ts';
import { type JitDescriptors, type JitOwner, JitView, type PerJitFile } from './jit-bytes.ts';

export interface CodeReference extends Omit<MappedCode, 'elf' | 'bytes' | 'cacheKey' | 'jit'> {
  /** Where its bytes are: an open file, which has to stay open, or the bytes themselves. */
  readonly from: { readonly fd: number; readonly size: number } | Uint8Array | undefined;
  readonly described: JitReference | undefined;
}

/** What a runtime writes about its code. */
interface JitReference {
  readonly id: number;
  /** What is open by now. */
  readonly descriptors: JitDescriptors;
  readonly limits: PerJitFile<number>;
}

export function referTo({ elf: _, bytes, cacheKey: __, jit, ...code }: MappedCode): CodeReference {
  const described = jit && { id: jit.owner.id, descriptors: jit.owner.descriptors, limits: jit.limits };
  if (bytes instanceof FileBytes) return { ...code, described, from: { fd: bytes.fd, size: bytes.size } };
  return { ...code, described, from: bytes?.read(0, bytes.size) };
}

export interface ReferredCode extends CodeReference {
  readonly elf: Elf | undefined;
  readonly bytes: ByteSource | undefined;
  readonly jit: JitView | undefined;
}

/** One for each process, of which several views may be known. */
const owners = new Map<number, WeakRef<{ descriptors: JitDescriptors }>>();

function ownerOf({ id, descriptors }: JitReference): JitOwner {
  for (const [other, owner] of owners) if (owner.deref() === undefined) owners.delete(other);
  const owner = owners.get(id)?.deref() ?? { descriptors };
  owner.descriptors = descriptors;
  owners.set(id, new WeakRef(owner));
  return owner;
}

/** Brings what is known up to date. */
export function renewReferred(code: ReferredCode, { described }: CodeReference): void {
  if (!described || !code.jit) return;
  ownerOf(described);
  code.jit.limits = described.limits;
}

/** Throws ElfError when the file was damaged since. */
export function openReferred(reference: CodeReference): ReferredCode {
  const { from, described } = reference;
  const jit = described && new JitView(ownerOf(described), described.limits);
  if (from === undefined) return { ...reference, jit, elf: undefined, bytes: undefined };
  const bytes = from instanceof Uint8Array ? new MemoryBytes(from) : new FileBytes(from.fd, from.size);
  return { ...reference, jit, bytes, elf: parseElf(bytes) };
}
