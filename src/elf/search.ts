/** Finding bytes in a file without reading all of it at once. */

import type { ByteSource } from './bytes.ts';

const pieceSize = 1 << 20;

/** The offsets in [start, end) at which one of the patterns stands, which are all as long as the first. */
export function* occurrences(
  source: ByteSource,
  start: number,
  end: number,
  patterns: readonly Uint8Array[],
): Generator<number> {
  const limit = Math.min(end, source.size);
  const overlap = patterns[0]!.length - 1;
  for (let offset = start; offset + overlap < limit; offset += pieceSize) {
    const bytes = source.read(offset, Math.min(pieceSize + overlap, limit - offset));
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const pattern of patterns) {
      for (let at = piece.indexOf(pattern); at >= 0; at = piece.indexOf(pattern, at + 1)) yield offset + at;
    }
  }
}
