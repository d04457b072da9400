/** Contents of sections, decompressed where they are compressed (gABI, Section Compression). */

import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { type ByteSource, ElfError, readSize, viewOf } from './bytes.ts';
import { type Elf, type Section, SHT_NOBITS } from './format.ts';

const SHF_COMPRESSED = 0x800;
const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
/** Before gABI had compression: .zdebug_*, "ZLIB", the size as 8 bytes with the highest first. */
const oldHeaderSize = 12;
/** Elf64_Chdr. */
const widestHeader = 24;
const oldMagic = 0x5a4c4942;

/**
 * Debug information shrinks to a third, and strings and location lists to a tenth; what claims to have been more than
 * 100 times as large is there to fill memory. Zlib cannot pack tighter than 1032 to 1, zstd can without end.
 */
const maxRatio = 100;
/** Below this no ratio is looked at, in bytes. */
const alwaysAllowed = 2 ** 20;

/**
 * The contents of a section, `limit` bytes at most; undefined when it is compressed by a method that is not known.
 * @throws ElfError `truncated`, `damaged` or `too-large`
 */
export function readContents(elf: Elf, source: ByteSource, section: Section, limit: number): Uint8Array | undefined {
  if (section.size > limit) throw new ElfError('too-large', `${section.name} claims ${section.size} bytes`);
  const bytes = source.read(section.offset, section.size);
  const packed = headerOf(elf, section, bytes);
  return packed === undefined
    ? bytes
    : inflate(packed.method, bytes.subarray(packed.header), packed.size, section.name, limit);
}

/**
 * Bytes of memory that the compressed debug sections of a file claim to take: compressed contents are there as a whole.
 * Without the location lists, which say where variables are.
 * @throws ElfError `truncated` or `damaged`
 */
export function unpackedSize(elf: Elf, source: ByteSource): number {
  let sum = 0;
  for (const section of elf.sections) {
    if (section.type === SHT_NOBITS || !/^\.z?debug_(?!loc)/.test(section.name)) continue;
    const start = source.read(section.offset, Math.min(section.size, widestHeader));
    sum += headerOf(elf, section, start)?.size ?? 0;
  }
  return sum;
}

interface Packed {
  readonly method: number;
  /** Bytes before what is compressed. */
  readonly header: number;
  readonly size: number;
}

/** undefined when the section is not compressed. `bytes` are its first ones at least. */
function headerOf(elf: Elf, { name, flags }: Section, bytes: Uint8Array): Packed | undefined {
  const view = viewOf(bytes);
  if ((flags & SHF_COMPRESSED) !== 0) {
    const header = elf.class === 64 ? widestHeader : 12;
    if (bytes.length < header) throw new ElfError('damaged', `${name} is too short to be compressed`);
    const size = elf.class === 64 ? readSize(view, 8) : view.getUint32(4, true);
    return { method: view.getUint32(0, true), header, size };
  }
  const isOld = name.startsWith('.zdebug_') && bytes.length >= oldHeaderSize && view.getUint32(0) === oldMagic;
  if (!isOld) return undefined;
  return { method: ELFCOMPRESS_ZLIB, header: oldHeaderSize, size: view.getUint32(4) * 2 ** 32 + view.getUint32(8) };
}

/** Decompresses to at most `size` bytes. Throws whatever it likes. */
type Decompressor = (bytes: Uint8Array, size: number) => Uint8Array;

type ZlibFunction = (bytes: Uint8Array, options: zlib.ZlibOptions) => Uint8Array;

/** Into one buffer: with chunks of the default size all of them would be there twice when they are joined. */
function byZlib(call: ZlibFunction): Decompressor {
  return (bytes, size) => call(bytes, { maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size + 1) });
}

/** Node.js has zstd from 22.15 on. */
const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: ZlibFunction };

/** For versions of Node.js without zstd: by a library in JavaScript, at some 100 MB/s. */
export const zstdByScript: Decompressor = (bytes, size) => {
  const result = new Uint8Array(size);
  let length = 0;
  const stream = new Decompress(chunk => {
    if (length + chunk.length > size) throw new RangeError('more than was claimed');
    result.set(chunk, length);
    length += chunk.length;
  });
  const step = 2 ** 16;
  for (let at = 0; at < bytes.length; at += step) {
    stream.push(bytes.subarray(at, at + step), at + step >= bytes.length);
  }
  return result.subarray(0, length);
};

const methods: Readonly<Record<number, Decompressor | undefined>> = {
  [ELFCOMPRESS_ZLIB]: byZlib(zlib.inflateSync),
  [ELFCOMPRESS_ZSTD]: zstdDecompressSync ? byZlib(zstdDecompressSync) : zstdByScript,
};

function inflate(method: number, bytes: Uint8Array, size: number, name: string, limit: number): Uint8Array | undefined {
  const most = Math.min(limit, Math.max(alwaysAllowed, bytes.length * maxRatio));
  if (size > most) throw new ElfError('too-large', `${name} claims ${size} bytes when decompressed`);
  const decompressor = methods[method];
  if (decompressor === undefined) return undefined;
  const result = decompressOrNone(decompressor, bytes, size);
  if (result?.length !== size) throw new ElfError('damaged', `${name} cannot be decompressed`);
  return result;
}

/** Whatever a decompressor does not like about the bytes: they come from a file that nobody vouches for. */
function decompressOrNone(decompressor: Decompressor, bytes: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return decompressor(bytes, size);
  } catch {
    return undefined;
  }
}
