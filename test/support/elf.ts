/** Small ELF files made by hand. */

export interface TestSegment {
  readonly offset: number;
  readonly address: number;
  readonly size: number;
  /** PF_X 1, PF_W 2, PF_R 4. */
  readonly flags?: number;
}

const HEADER = 64;
const PROGRAM_HEADER = 56;

/** A build id note (NT_GNU_BUILD_ID). */
function note(buildId: string): Buffer {
  const id = Buffer.from(buildId, 'hex');
  const head = Buffer.alloc(16);
  head.writeUInt32LE(4, 0);
  head.writeUInt32LE(id.length, 4);
  head.writeUInt32LE(3, 8);
  head.write('GNU', 12);
  return Buffer.concat([head, id]);
}

/** A 64-bit x86-64 file with these PT_LOAD segments, without sections and symbols; as long as its last segment. */
export function elfFile(segments: readonly TestSegment[], buildId = ''): Buffer {
  const notes = buildId === '' ? Buffer.alloc(0) : note(buildId);
  const count = segments.length + (buildId === '' ? 0 : 1);
  const noteOffset = HEADER + count * PROGRAM_HEADER;
  const ends = segments.map(segment => segment.offset + segment.size);
  const bytes = Buffer.alloc(Math.max(noteOffset + notes.length, ...ends));
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(3, 16); // ET_DYN
  bytes.writeUInt16LE(62, 18); // EM_X86_64
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(HEADER), 32);
  bytes.writeUInt16LE(HEADER, 52);
  bytes.writeUInt16LE(PROGRAM_HEADER, 54);
  bytes.writeUInt16LE(count, 56);
  const header = (index: number, type: number, { offset, address, size, flags = 5 }: TestSegment) => {
    const at = HEADER + index * PROGRAM_HEADER;
    bytes.writeUInt32LE(type, at);
    bytes.writeUInt32LE(flags, at + 4);
    for (const [i, value] of [offset, address, address, size, size, 0x1000].entries()) {
      bytes.writeBigUInt64LE(BigInt(value), at + 8 + 8 * i);
    }
  };
  for (const [i, segment] of segments.entries()) header(i, 1, segment);
  if (buildId !== '') {
    header(segments.length, 4, { offset: noteOffset, address: noteOffset, size: notes.length, flags: 4 });
    bytes.set(notes, noteOffset);
  }
  return bytes;
}
