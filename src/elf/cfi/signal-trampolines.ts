/**
 * Where signal handlers return to on arm64. The kernel's vdso has had no call frame information for it since Linux 5.8,
 * so that unwinders go by its instructions (arch/arm64/kernel/vdso/sigreturn.S).
 */

import { type ByteSource, viewOf } from '../bytes.ts';
import { type Elf, PF_X, PT_LOAD } from '../format.ts';

/** The vdso has 4 to 16 KiB. */
const maxFile = 64 * 1024;
const maxTrampolines = 16;
/** __NR_rt_sigreturn */
const MOV_X8_139 = 0xd2801168;
const SVC_0 = 0xd4000001;
const NOP = 0xd503201f;

export interface CodeRange {
  readonly start: number;
  readonly size: number;
}

/**
 * The instructions `mov x8, #139; svc #0` of a small arm64 file. A `nop` before them belongs to them: unwinders look
 * for the caller of a handler one byte before its return address, and the kernel has put it there for that.
 */
export function signalTrampolines(elf: Elf, source: ByteSource): CodeRange[] {
  const found: CodeRange[] = [];
  if (elf.machine !== 'arm64' || source.size > maxFile) return found;
  for (const { type, flags, offset, fileSize, address } of elf.segments) {
    if (type !== PT_LOAD || (flags & PF_X) === 0 || offset + fileSize > source.size) continue;
    const view = viewOf(source.read(offset, fileSize));
    for (let at = 0; at + 8 <= fileSize && found.length < maxTrampolines; at += 4) {
      if (view.getUint32(at, true) !== MOV_X8_139 || view.getUint32(at + 4, true) !== SVC_0) continue;
      const before = at >= 4 && view.getUint32(at - 4, true) === NOP ? 4 : 0;
      found.push({ start: address + at - before, size: 8 + before });
    }
  }
  return found;
}
