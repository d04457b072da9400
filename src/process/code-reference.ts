/** Code as another thread of ours can open it: what may be posted between threads, with open files by descriptor. */
import { type ByteSource, MemoryBytes } from '../elf/bytes.ts';
import { type Elf, parseElf } from '../elf/elf.ts';
import type { MappedCode } from './code.ts';
import { FileBytes } from './files.ts';

export interface CodeReference extends Omit<MappedCode, 'elf' | 'bytes' | 'cacheKey'> {
  /** Where its bytes are: an open file, which has to stay open, or the bytes themselves. */
  readonly from: { readonly fd: number; readonly size: number } | Uint8Array | undefined;
}

export function referTo({ elf: _, bytes, cacheKey: __, ...code }: MappedCode): CodeReference {
  if (bytes instanceof FileBytes) return { ...code, from: { fd: bytes.fd, size: bytes.size } };
  return { ...code, from: bytes?.read(0, bytes.size) };
}

export interface ReferredCode extends CodeReference {
  readonly elf: Elf | undefined;
  readonly bytes: ByteSource | undefined;
}

/** Throws ElfError when the file was damaged since. */
export function openReferred(reference: CodeReference): ReferredCode {
  const { from } = reference;
  if (from === undefined) return { ...reference, elf: undefined, bytes: undefined };
  const bytes = from instanceof Uint8Array ? new MemoryBytes(from) : new FileBytes(from.fd, from.size);
  return { ...reference, bytes, elf: parseElf(bytes) };
}
