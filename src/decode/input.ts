/** Streams of bytes: their beginning looked at, gzip undone, put together as one. All of it bounded. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { systemCode } from '../errors.ts';
import { DecodeError } from './error.ts';

/** Of one input, uncompressed: a gzip bomb ends here. */
const MAX_INFLATED = 2 ** 36;

export type Chunks = AsyncIterable<Uint8Array>;

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

export interface Peeked {
  /** The first bytes, as many as were asked for or are there. */
  readonly head: Uint8Array;
  /** Everything, the head too; for one use. */
  readonly all: Chunks;
  /** Ends the stream, however much of it was read. */
  close(): Promise<void>;
}

export async function peek(chunks: Chunks, count: number): Promise<Peeked> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < count) {
    const { done, value } = await iterator.next();
    if (done) break;
    first.push(value);
    length += value.length;
  }
  const rest = { [Symbol.asyncIterator]: () => iterator };
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* first;
    first.length = 0;
    yield* rest;
  }
  const close = async () => void (await iterator.return?.());
  return { head: Buffer.concat(first).subarray(0, count), all: all(), close };
}

/** @throws DecodeError when the compression is damaged or cut off */
export async function* gunzip(chunks: Chunks, maxBytes = MAX_INFLATED): AsyncGenerator<Uint8Array> {
  const inflated = createGunzip({ chunkSize: 2 ** 18 });
  pipeline(Readable.from(chunks), inflated, () => {}); // what goes wrong in either is thrown by the loop
  let total = 0;
  try {
    for await (const chunk of inflated as AsyncIterable<Uint8Array>) {
      total += chunk.length;
      if (total > maxBytes) throw new DecodeError(`it is larger than ${maxBytes} bytes.`);
      yield chunk;
    }
  } catch (error) {
    if (!systemCode(error).startsWith('Z_')) throw error;
    throw new DecodeError('its gzip compression is damaged or cut off.', { cause: error });
  }
}

/** @throws DecodeError when there are more than `maxBytes` */
export async function readAll(chunks: Chunks, maxBytes: number): Promise<Buffer> {
  const all: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > maxBytes) throw new DecodeError(`it is larger than ${maxBytes} bytes.`);
    all.push(chunk);
  }
  return all.length === 1 ? Buffer.from(all[0]!.buffer, all[0]!.byteOffset, total) : Buffer.concat(all, total);
}
