/** What pprof does not say: of which kind code is, and why a location has no name. */
import { FrameKind, Miss, type ProfileMapping } from '../model/profile.ts';

/** As perf, pprof and we write the kernel's mapping: `[kernel.kallsyms]`, `[kernel.kallsyms]_stext`, `[guest.kernel…`. */
const KERNEL = /^\[(?:guest\.)?kernel/;
/** A module, `[bpf]`, `[ftrace]`. The page of vsyscalls is the only other code up there. */
const KERNEL_PART = /^\[(?!vsyscall)/;
const VDSO = /^(?:\[vdso\]|linux-vdso\.so)/;
/** Memory without a file behind it (see isGenerated in process/code.ts); '' only where no name says otherwise. */
const GENERATED = /^(?:\[anon|\/\/anon|\/memfd:|\/dev\/zero)/;
const PLT = /@plt$/;

/** `name`: the linker's, of the outermost line; '' without one. */
export function guessKind(mapping: ProfileMapping | undefined, name: string): FrameKind {
  const filename = mapping?.filename ?? '';
  if (isKernel(mapping)) return FrameKind.kernel;
  if (VDSO.test(filename)) return FrameKind.vdso;
  if (isGenerated(mapping, name)) return FrameKind.jit;
  return PLT.test(name) ? FrameKind.plt : FrameKind.native;
}

function isKernel(mapping: ProfileMapping | undefined): boolean {
  if (mapping === undefined) return false;
  return KERNEL.test(mapping.filename) || (mapping.start < 0 && KERNEL_PART.test(mapping.filename));
}

function isGenerated(mapping: ProfileMapping | undefined, name: string): boolean {
  if (mapping === undefined) return false;
  return GENERATED.test(mapping.filename) || (mapping.filename === '' && name === '');
}

/** Of a location without a name. An address outside of every mapping is kept by some, and 0 with us. */
export function guessMiss(mapping: ProfileMapping | undefined, address: number): Miss {
  if (mapping === undefined) return address === 0 ? Miss.unmapped : Miss.unknownAddress;
  if (isGenerated(mapping, '')) return Miss.jit;
  if (mapping.hasFunctions) return Miss.unknownAddress;
  return isKernel(mapping) ? Miss.kernelHidden : Miss.noSymbols;
}
