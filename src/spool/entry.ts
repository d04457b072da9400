/**
 * One spooled upload as the bytes of a file. Five little-endian words of 32 bits, then what they announce:
 *
 *   magic "pspl", version, bytes of the header, bytes of the pprof, crc32 of everything else
 *   header (JSON, UTF-8: the Upload without its pprof), pprof
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { Upload } from '../sinks/sink.ts';

const MAGIC = 0x6c707370;
const VERSION = 1;
const PREFIX_BYTES = 20;
const CHECKSUM_AT = 16;
const MAX_HEADER_BYTES = 1 << 20;
/** No entry is larger: the largest upload that a backend takes is 64 MiB before compression. */
export const MAX_ENTRY_BYTES = 64 << 20;

/** What is wrong with an entry. */
export type SpoolErrorCode =
  /** The bytes end too early, or too late. */
  | 'truncated'
  /** Another kind of file, or one of a later version. */
  | 'not-an-entry'
  /** The checksum or the header is wrong. */
  | 'damaged'
  /** More than an entry may have. */
  | 'too-large'
  /** The file is gone, is no regular file or cannot be read. */
  | 'unreadable';

/** An entry cannot be made of this upload, or an upload of these bytes. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly code: SpoolErrorCode;

  constructor(code: SpoolErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** A part of a file's name: nothing in it leads out of a folder. */
export const ID = /^[A-Za-z0-9-]{1,64}$/;

const valueType = z.strictObject({ type: z.string(), unit: z.string() });
const headerSchema = z.strictObject({
  id: z.string().regex(ID),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  startMs: z.number(),
  durationMs: z.number(),
  sampleTypes: z.array(valueType),
  periodType: valueType,
  period: z.number(),
  samples: z.number(),
  rawBytes: z.number(),
});

/** zlib takes no bytes for a request to begin anew. */
function checksum(sum: number, bytes: Uint8Array): number {
  return bytes.length === 0 ? sum : crc32(bytes, sum);
}

/**
 * The file's bytes, in pieces; the last one is the pprof itself, not a copy.
 * @throws SpoolError `too-large`
 */
export function encodeEntry({ pprof, ...rest }: Upload): Uint8Array[] {
  const header = Buffer.from(JSON.stringify(rest));
  if (header.length > MAX_HEADER_BYTES || PREFIX_BYTES + header.length + pprof.length > MAX_ENTRY_BYTES) {
    throw new SpoolError('too-large', `${header.length} + ${pprof.length} bytes are too many for one entry`);
  }
  const prefix = Buffer.alloc(PREFIX_BYTES);
  for (const [i, word] of [MAGIC, VERSION, header.length, pprof.length].entries()) prefix.writeUInt32LE(word, 4 * i);
  const sum = [prefix.subarray(0, CHECKSUM_AT), header, pprof].reduce(checksum, 0);
  prefix.writeUInt32LE(sum, CHECKSUM_AT);
  return [prefix, header, pprof];
}

function parseHeader(bytes: Uint8Array): Omit<Upload, 'pprof'> {
  try {
    return headerSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (cause) {
    throw new SpoolError('damaged', 'the header is not that of an upload', { cause });
  }
}

/**
 * The upload that {@link encodeEntry} was given; its pprof shares the memory of `bytes`.
 * @throws SpoolError for all other bytes
 */
export function decodeEntry(bytes: Uint8Array): Upload {
  if (bytes.length > MAX_ENTRY_BYTES) throw new SpoolError('too-large', `${bytes.length} bytes are no entry`);
  if (bytes.length < PREFIX_BYTES) throw new SpoolError('truncated', `${bytes.length} bytes are no entry`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (index: number) => view.getUint32(4 * index, true);
  if (word(0) !== MAGIC || word(1) !== VERSION) throw new SpoolError('not-an-entry', 'it does not begin like an entry');
  const pprofAt = PREFIX_BYTES + word(2);
  if (word(2) > MAX_HEADER_BYTES) throw new SpoolError('too-large', `a header of ${word(2)} bytes`);
  if (pprofAt + word(3) !== bytes.length) {
    throw new SpoolError('truncated', `${bytes.length} bytes instead of ${pprofAt + word(3)}`);
  }
  const sum = checksum(checksum(0, bytes.subarray(0, CHECKSUM_AT)), bytes.subarray(PREFIX_BYTES));
  if (sum !== view.getUint32(CHECKSUM_AT, true)) throw new SpoolError('damaged', 'the checksum is wrong');
  return { ...parseHeader(bytes.subarray(PREFIX_BYTES, pprofAt)), pprof: bytes.subarray(pprofAt) };
}
