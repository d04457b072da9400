/**
 * MiniDebugInfo (GDB manual, "Debugging information in a special section"): `.gnu_debugdata` holds a whole ELF file,
 * packed by xz, with the symbols that .dynsym lacks. Fedora and its relatives ship it in every program.
 */

import { type ByteSource, MemoryBytes } from './bytes.ts';
import { parseElf } from './elf.ts';
import { type Elf, SHT_NOBITS } from './format.ts';

/** In bytes. Symbol tables shrink to a quarter; what claims to have been 40 times as large is there to fill memory. */
const maxPacked = 32 * 2 ** 20;
const maxUnpacked = 128 * 2 ** 20;
const maxRatio = 40;
/** Below this no ratio is looked at. */
const alwaysAllowed = 2 ** 20;

export function hasMiniDebugInfo({ sections }: Elf): boolean {
  return sections.some(({ name, type, size }) => name === '.gnu_debugdata' && type !== SHT_NOBITS && size > 0);
}

/**
 * Unpacks the file in the section. The decompressor refuses dictionaries above 64 MiB by itself.
 * @throws Error whatever is wrong: no such section, damaged, too large, no ELF file inside
 */
export async function unpackMiniDebugInfo(elf: Elf, source: ByteSource): Promise<{ elf: Elf; bytes: MemoryBytes }> {
  const section = elf.sections.find(({ name, type }) => name === '.gnu_debugdata' && type !== SHT_NOBITS);
  if (section === undefined) throw new Error('there is no .gnu_debugdata');
  if (section.size > maxPacked) throw new Error(`it claims ${section.size} bytes`);
  const limit = Math.min(maxUnpacked, Math.max(alwaysAllowed, section.size * maxRatio));
  const bytes = new MemoryBytes(await unxz(source.read(section.offset, section.size), limit));
  return { elf: parseElf(bytes), bytes };
}

/** Decompresses xz. @throws Error when the data is damaged or there would be more than `limit` bytes */
async function unxz(packed: Uint8Array, limit: number): Promise<Uint8Array> {
  // Loaded when it is needed first: few systems have such sections.
  const { default: xz } = await import('xz-decompress');
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(packed);
      controller.close();
    },
  });
  const reader = new xz.XzReadableStream(stream).getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts, size);
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Error(`it unpacks to more than ${limit} bytes`);
    }
    parts.push(value);
  }
}
