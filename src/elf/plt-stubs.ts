/** How the stubs of a procedure linkage table look, by machine. */

/** Takes the stubs of a section in ascending order. */
export interface StubSink {
  /** A stub that jumps to where a slot points. */
  jump(start: number, slot: number): void;
  /** A stub that passes the number of its relocation to the resolver. */
  push(start: number, relocation: number): void;
}

type StubReader = (code: DataView, address: number, stubs: StubSink) => void;

/**
 * x86-64 psABI 5.2 and, with landing pads, the IBT layout of binutils and lld:
 * `[endbr64] [bnd] jmp *slot(%rip)`, or in the lazy half of a split table `[endbr64] push $n; [bnd] jmp .plt`.
 * Stubs have 8 or 16 bytes; the first of a section, which calls the resolver, begins with another push.
 */
function x86Stubs(code: DataView, address: number, stubs: StubSink): void {
  for (let at = 0; at + 8 <= code.byteLength; at += 8) {
    let jump = at;
    if (code.getUint32(jump, true) === 0xfa1e0ff3) jump += 4;
    if (code.getUint8(jump) === 0x68 && jump + 6 <= code.byteLength) {
      const next = code.getUint8(jump + 5);
      if (next === 0xe9 || next === 0xf2) stubs.push(address + at, code.getUint32(jump + 1, true));
      continue;
    }
    if (code.getUint8(jump) === 0xf2) jump++;
    if (jump + 6 > code.byteLength || code.getUint16(jump, true) !== 0x25ff) continue;
    stubs.jump(address + at, address + jump + 6 + code.getInt32(jump + 2, true));
  }
}

const btiC = 0xd503245f;

/** `[bti c]; adrp x16, slot; ldr x17, [x16, :lo12:slot]; …; br x17`, as binutils and lld write it. */
function arm64Stubs(code: DataView, address: number, stubs: StubSink): void {
  for (let at = 0; at + 8 <= code.byteLength; at += 4) {
    const adrp = code.getUint32(at, true);
    const load = code.getUint32(at + 4, true);
    if ((adrp & 0x9f00001f) >>> 0 !== 0x90000010 || (load & 0xffc003ff) >>> 0 !== 0xf9400211) continue;
    // 21 bits of pages: the low two in bits 29 and 30, the others in bits 5 to 23, of which the last is the sign.
    const pages = ((adrp << 8) >> 13) * 4 + ((adrp >>> 29) & 3);
    const page = Math.floor((address + at) / 4096) + pages;
    const start = at >= 4 && code.getUint32(at - 4, true) === btiC ? at - 4 : at;
    stubs.jump(address + start, page * 4096 + ((load >>> 10) & 0xfff) * 8);
  }
}

export const stubReaders: Readonly<Record<string, StubReader>> = { 'x86-64': x86Stubs, arm64: arm64Stubs };
