/**
 * Signal trampolines. The kernel enters a signal handler as if the trampoline had called it, with the trampoline's first
 * byte as return address. A return address is looked up one byte before, at the call, and here that byte belongs to
 * whatever function happens to precede the trampoline.
 */

import { ElfError } from '../elf/bytes.ts';
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

/** Of each mapping: what is at the addresses that were looked at. A stripped program asks for each of its addresses. */
const looked = new WeakMap<CodeMapping, Map<number, string | undefined>>();
const maxLooked = 1 << 14;

/** The name of the signal trampoline that begins at an address, undefined when none does. */
export function trampolineAt(mapping: CodeMapping, address: number): string | undefined {
  let known = looked.get(mapping);
  if (known === undefined || known.size >= maxLooked) {
    known = new Map();
    looked.set(mapping, known);
  }
  if (known.has(address)) return known.get(address);
  const name = look(mapping, address);
  known.set(address, name);
  return name;
}

function look({ elf, bytes }: CodeMapping, address: number): string | undefined {
  const trampoline = elf && trampolines[elf.machine];
  if (elf === undefined || bytes === undefined || trampoline === undefined) return undefined;
  const { code, name } = trampoline;
  const offset = fileOffsetOfAddress(elf, address, code.length);
  if (offset === undefined) return undefined;
  try {
    const found = bytes.read(offset, code.length);
    return code.every((byte, i) => found[i] === byte) ? name : undefined;
  } catch (error) {
    if (error instanceof ElfError) return undefined;
    throw error;
  }
}
