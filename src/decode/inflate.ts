/** gzip, bounded. */
import { gunzipSync } from 'node:zlib';
import { systemCode } from '../errors.ts';
import { DecodeError } from './error.ts';

/** The bytes, uncompressed when they are gzipped. @throws DecodeError when they are damaged or more than `maxBytes` */
export function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const tooLarge = `it is larger than ${maxBytes} bytes.`;
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) {
    if (bytes.length > maxBytes) throw new DecodeError(tooLarge);
    return bytes;
  }
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') throw new DecodeError(tooLarge);
    throw new DecodeError('its gzip compression is damaged or cut off.', { cause: error });
  }
}
