/**
 * Signal trampolines. The kernel enters a signal handler as if the trampoline had called it, with the trampoline's first
 * byte as return address. A return address is looked up one byte before, at the call, and here that byte belongs to
 * whatever function happens to precede the trampoline.
 */

import { type ByteSource, ElfError } from '../elf/bytes.ts';
import { fileOffsetOfAddress, type Machine } from '../elf/elf.ts';
import type { CodeMapping } from './source.ts';

interface Trampoline {
  /** The instructions that call sigreturn: all there is in a trampoline. Unwinders of gcc and gdb know it by them. */
  readonly code: readonly number[];
  /** What the C library (x86-64) or the vdso (arm64) calls it. */
  readonly name: string;
}

const trampolines: Partial<Record<Machine, Trampoline>> = {
  // mov $15, %rax; syscall
  'x86-64': { code: [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05], name: '__restore_rt' },
  // mov x8, #139; svc #0
  arm64: { code: [0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4], name: '__kernel_rt_sigreturn' },
};

/** The piece of a file that was read last: addresses are asked for in ascending order, and a stripped program for all. */
interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

const pieces = new WeakMap<ByteSource, Piece>();
/** A read costs 2 µs and 0.1 µs for each KB. */
const pieceSize = 4096;

/** The name of the signal trampoline that begins at an address, undefined when none does. */
export function trampolineAt({ elf, bytes }: CodeMapping, address: number): string | undefined {
  const trampoline = elf && trampolines[elf.machine];
  if (elf === undefined || bytes === undefined || trampoline === undefined) return undefined;
  const { code, name } = trampoline;
  const offset = fileOffsetOfAddress(elf, address, code.length);
  if (offset === undefined) return undefined;
  const piece = pieceAt(bytes, offset, code.length);
  if (piece === undefined) return undefined;
  const at = offset - piece.start;
  for (let i = 0; i < code.length; i++) if (piece.bytes[at + i] !== code[i]) return undefined;
  return name;
}

/** A piece with `length` bytes from an offset on, undefined when they cannot be read. */
function pieceAt(source: ByteSource, offset: number, length: number): Piece | undefined {
  const known = pieces.get(source);
  if (known && offset >= known.start && offset + length <= known.start + known.bytes.length) return known;
  try {
    // The byte before is asked for next.
    const start = Math.max(0, offset - 1);
    const size = Math.max(offset - start + length, Math.min(pieceSize, source.size - start));
    const piece = { start, bytes: source.read(start, size) };
    pieces.set(source, piece);
    return piece;
  } catch (error) {
    if (error instanceof ElfError) return undefined;
    throw error;
  }
}
