/** Frame Description Entries: which functions have call frame instructions, and where. */

import { orderByAddress } from '../sort.ts';
import type { Cie } from './cie.ts';
import { DW_EH_PE_omit } from './pointer-encoding.ts';

/** 24 bytes each. The largest programs known have a million. */
const maxEntries = 4 * 2 ** 20;
/** Linkers merge equal ones of .eh_frame; .debug_frame has one for each compilation unit. */
const maxCies = 256 * 1024;

const signalCie: Cie = {
  section: { bytes: new Uint8Array(0), address: 0, isEh: true, endsAtZero: false, isGo: false },
  codeAlign: 0,
  dataAlign: 0,
  returnColumn: 0,
  encoding: DW_EH_PE_omit,
  hasAugmentationLength: false,
  isSignal: true,
  at: 0,
  end: 0,
};

/** FDEs as columns. */
export class FrameEntries {
  length = 0;
  /** First instruction. */
  pc = new Float64Array(64);
  /** Bytes of code. */
  size = new Uint32Array(64);
  /** Its call frame instructions in the section of its CIE. */
  at = new Uint32Array(64);
  end = new Uint32Array(64);
  /** Index in `cies`. */
  cie = new Uint32Array(64);
  readonly cies: Cie[] = [];
  damaged = 0;
  discarded = 0;
  /** Whether there were more than fit. */
  cut = false;
  #sorted = true;

  add(pc: number, size: number, at: number, end: number, cie: number): void {
    const index = this.length;
    if (index === maxEntries) {
      this.cut = true;
      return;
    }
    if (index === this.pc.length) this.#grow();
    if (index > 0 && pc < this.pc[index - 1]!) this.#sorted = false;
    this.pc[index] = pc;
    this.size[index] = size;
    this.at[index] = at;
    this.end[index] = end;
    this.cie[index] = cie;
    this.length = index + 1;
  }

  /** Adds code that signal handlers return to, known by other means. */
  addSignal(pc: number, size: number): void {
    if (this.cies.length === 0) this.addCie(signalCie);
    this.add(pc, size, 0, 0, 0);
  }

  /** Adds a CIE; −1 when there are too many. */
  addCie(cie: Cie): number {
    if (this.cies.length < maxCies) return this.cies.push(cie) - 1;
    this.cut = true;
    return -1;
  }

  /** By address, those with the same one in the order of the file; undefined when they are in order already. */
  order(): Uint32Array | undefined {
    return this.#sorted ? undefined : orderByAddress(this.pc, this.length);
  }

  /** Takes over the entries of others for the code that these do not cover. */
  fill(others: FrameEntries): void {
    this.damaged += others.damaged;
    this.discarded += others.discarded;
    this.cut ||= others.cut;
    const firstCie = this.cies.length;
    for (const cie of others.cies) this.cies.push(cie);
    const count = this.length;
    const [own, theirs] = [this.order(), others.order()];
    let next = 0;
    for (let i = 0; i < others.length; i++) {
      const other = theirs === undefined ? i : theirs[i]!;
      const pc = others.pc[other]!;
      while (next < count && this.pc[own === undefined ? next : own[next]!]! <= pc) next++;
      if (next > 0 && this.#covers(own === undefined ? next - 1 : own[next - 1]!, pc)) continue;
      const free = next < count ? this.pc[own === undefined ? next : own[next]!]! - pc : others.size[other]!;
      const size = Math.min(others.size[other]!, free);
      this.add(pc, size, others.at[other]!, others.end[other]!, firstCie + others.cie[other]!);
    }
  }

  #covers(entry: number, address: number): boolean {
    return address < this.pc[entry]! + this.size[entry]!;
  }

  #grow(): void {
    const capacity = 2 * this.pc.length;
    const [pc, size, at, end, cie] = [this.pc, this.size, this.at, this.end, this.cie];
    this.pc = new Float64Array(capacity);
    this.pc.set(pc);
    this.size = longer(size, capacity);
    this.at = longer(at, capacity);
    this.end = longer(end, capacity);
    this.cie = longer(cie, capacity);
  }
}

function longer(column: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(capacity);
  copy.set(column);
  return copy;
}
