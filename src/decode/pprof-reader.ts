/** pprof as an input format: a whole message, because its parts may come in any order. */
import type { Profile } from '../model/profile.ts';
import { type Chunks, readAll } from './input.ts';
import { decodePprof } from './pprof.ts';
import type { Reader } from './reader.ts';
import { NEWLINE, RETURN, TAB } from './text.ts';
import { Wire, WireReader } from './wire.ts';

const MAX_BYTES = 2 ** 30;
/** The wire type of each field of message Profile; comments are packed or not. */
const WIRES = [
  -1,
  ...Array<number>(6).fill(Wire.bytes),
  ...Array<number>(4).fill(Wire.varint),
  Wire.bytes,
  Wire.varint,
  -1,
  ...[Wire.varint, Wire.varint],
];
const COMMENT = 13;

function isControl(byte: number): boolean {
  return byte < 0x20 && byte !== TAB && byte !== NEWLINE && byte !== RETURN;
}

/** Text can begin as a field does: all that is there has to be fields, and some of it no text. */
function detect(head: Uint8Array): boolean {
  if (!head.some(isControl)) return false;
  const reader = new WireReader(head);
  let fields = 0;
  try {
    for (; reader.at < head.length; fields++) {
      reader.varint();
      const [field, wire] = [reader.low >>> 3, reader.low & 7];
      if (wire !== WIRES[field] && !(field === COMMENT && (wire === Wire.varint || wire === Wire.bytes))) return false;
      reader.varint();
      if (wire === Wire.bytes) reader.at += reader.low >>> 0;
    }
  } catch {
    // Cut off within a number.
  }
  return fields > 0;
}

async function read(chunks: Chunks): Promise<Profile> {
  return decodePprof(await readAll(chunks, MAX_BYTES), MAX_BYTES);
}

export const pprof: Reader = {
  name: 'pprof',
  description: 'pprof protocol buffer, gzipped or not, of any tool; also what this profiler records',
  detect,
  read,
};
