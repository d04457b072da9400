/** Contents of sections, decompressed where they are compressed (gABI, Section Compression). */

import * as zlib from 'node:zlib';
import { type ByteSource, ElfError, readSize, viewOf } from './bytes.ts';
import type { Elf, Section } from './format.ts';

const SHF_COMPRESSED = 0x800;
const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
/** Before gABI had compression: .zdebug_*, "ZLIB", the size as 8 bytes with the highest first. */
const oldHeaderSize = 12;
const oldMagic = 0x5a4c4942;

/**
 * The contents of a section, `limit` bytes at most; undefined when it is compressed by a method that this Node.js does
 * not have.
 * @throws ElfError `truncated`, `damaged` or `too-large`
 */
export function readContents(elf: Elf, source: ByteSource, section: Section, limit: number): Uint8Array | undefined {
  if (section.size > limit) throw new ElfError('too-large', `${section.name} claims ${section.size} bytes`);
  const bytes = source.read(section.offset, section.size);
  if ((section.flags & SHF_COMPRESSED) !== 0) return decompress(bytes, section.name, elf.class === 64, limit);
  if (!section.name.startsWith('.zdebug_')) return bytes;
  const view = viewOf(bytes);
  if (bytes.length < oldHeaderSize || view.getUint32(0) !== oldMagic) return bytes;
  const size = view.getUint32(4) * 2 ** 32 + view.getUint32(8);
  return inflate(ELFCOMPRESS_ZLIB, bytes.subarray(oldHeaderSize), size, section.name, limit);
}

function decompress(bytes: Uint8Array, name: string, wide: boolean, limit: number): Uint8Array | undefined {
  const header = wide ? 24 : 12;
  if (bytes.length < header) throw new ElfError('damaged', `${name} is too short to be compressed`);
  const view = viewOf(bytes);
  const size = wide ? readSize(view, 8) : view.getUint32(4, true);
  return inflate(view.getUint32(0, true), bytes.subarray(header), size, name, limit);
}

type Decompressor = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

/** Node.js has zstd from 22.15 on. */
const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: Decompressor };

const methods: Readonly<Record<number, Decompressor | undefined>> = {
  [ELFCOMPRESS_ZLIB]: zlib.inflateSync,
  [ELFCOMPRESS_ZSTD]: zstdDecompressSync,
};

function inflate(method: number, bytes: Uint8Array, size: number, name: string, limit: number): Uint8Array | undefined {
  if (size > limit) throw new ElfError('too-large', `${name} claims ${size} bytes when decompressed`);
  const decompressor = methods[method];
  if (decompressor === undefined) return undefined;
  const result = decompressOrNone(decompressor, bytes, size);
  if (result?.length !== size) throw new ElfError('damaged', `${name} cannot be decompressed`);
  return result;
}

/** Whatever zlib does not like about the bytes: they come from a file that nobody vouches for. */
function decompressOrNone(decompressor: Decompressor, bytes: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return decompressor(bytes, { maxOutputLength: Math.max(1, size) });
  } catch {
    return undefined;
  }
}
