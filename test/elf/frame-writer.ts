/** Call frame information made by hand, good and bad. */

import { type ByteSource, MemoryBytes } from '../../src/elf/bytes.ts';
import { readUnwindRows } from '../../src/elf/eh-frame.ts';
import type { Elf, Machine, Section, Segment } from '../../src/elf/format.ts';
import type { UnwindRows } from '../../src/elf/unwind-rows.ts';
import { ownRows } from './unwind-text.ts';

export function uleb(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

export function sleb(value: number): number[] {
  const bytes: number[] = [];
  for (; value < -64 || value > 63; value = Math.floor(value / 128)) bytes.push((((value % 128) + 128) % 128) + 128);
  return [...bytes, value & 0x7f];
}

/** Little-endian. */
export function word(value: number, size: number): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < size; i++) {
    bytes.push(((value % 256) + 256) % 256);
    value = Math.floor(value / 256);
  }
  return bytes;
}

/** Instructions by name. */
export const dw = {
  advance: (delta: number) => [0x40 + delta],
  offset: (register: number, factor: number) => [0x80 + register, ...uleb(factor)],
  restore: (register: number) => [0xc0 + register],
  remember: [0x0a],
  restoreState: [0x0b],
  defCfa: (register: number, offset: number) => [0x0c, ...uleb(register), ...uleb(offset)],
  defCfaRegister: (register: number) => [0x0d, ...uleb(register)],
  defCfaOffset: (offset: number) => [0x0e, ...uleb(offset)],
  defCfaExpression: (...operations: number[]) => [0x0f, ...uleb(operations.length), ...operations],
  expression: (register: number, ...operations: number[]) => [
    0x10,
    register,
    ...uleb(operations.length),
    ...operations,
  ],
} as const;

/** What a function has right after the call, on x86-64. */
export const entry = [...dw.defCfa(7, 8), ...dw.offset(16, 1)];

export interface CieOptions {
  readonly version?: number;
  readonly augmentation?: string;
  /** Augmentation data, without its length. */
  readonly data?: readonly number[];
  /** Stands where the augmentation data would, as it is. */
  readonly raw?: readonly number[];
  readonly codeAlign?: number;
  readonly dataAlign?: number;
  readonly returnColumn?: number;
  readonly instructions?: readonly number[];
  /** 64-bit length. */
  readonly wide?: boolean;
  readonly sizes?: readonly number[];
}

export class Frames {
  readonly bytes: number[] = [];
  readonly debug: boolean;
  /** Of .eh_frame. */
  readonly address = 0x200000;

  constructor(debug = false) {
    this.debug = debug;
  }

  /** Returns its offset. */
  cie(options: CieOptions = {}): number {
    const { version = 1, augmentation = this.debug ? '' : 'zR', data = [0x1b], wide = false } = options;
    const { codeAlign = 1, dataAlign = -8, returnColumn = 16, instructions = entry, raw = [], sizes } = options;
    const isZ = augmentation.startsWith('z');
    return this.add(wide, this.debug ? 0xffffffff : 0, [
      version,
      ...Buffer.from(`${augmentation}\0`),
      ...(augmentation.startsWith('eh') ? word(0, 8) : []),
      ...(version === 4 ? (sizes ?? [8, 0]) : []),
      ...uleb(codeAlign),
      ...sleb(dataAlign),
      ...uleb(returnColumn),
      ...(isZ ? [...uleb(data.length), ...data] : raw),
      ...instructions,
    ]);
  }

  /** An FDE whose addresses are 4 bytes from their place in .eh_frame, 8 bytes in .debug_frame. */
  fde(cie: number, pc: number, size: number, ...instructions: readonly (readonly number[])[]): void {
    const field = this.address + this.bytes.length + 8;
    const range = this.debug ? [...word(pc, 8), ...word(size, 8)] : [...word(pc - field, 4), ...word(size, 4), 0];
    this.rawFde(cie, [...range, ...instructions.flat()]);
  }

  rawFde(cie: number, body: readonly number[], wide = false): void {
    const idAt = this.bytes.length + (wide ? 12 : 4);
    this.add(wide, this.debug ? cie : idAt - cie, body);
  }

  add(wide: boolean, id: number, body: readonly number[]): number {
    const start = this.bytes.length;
    const ids = this.debug && wide ? word(id === 0xffffffff ? -1 : id, 8) : word(id, 4);
    const length = ids.length + body.length;
    this.bytes.push(...(wide ? [...word(0xffffffff, 4), ...word(length, 8)] : word(length, 4)), ...ids, ...body);
    return start;
  }
}

export interface FileOptions {
  readonly machine?: Machine;
  readonly name?: string;
  readonly type?: number;
}

const segment = { offset: 0, fileSize: 0x100000, memorySize: 0x100000, align: 1 };
const code: Segment = { ...segment, type: 1, flags: 5, address: 0x1000 };

/** A file that has code from 0x1000 to 0x101000 and these sections, one after the other from its start. */
export function fileOf(sections: readonly Frames[], options: FileOptions = {}): { elf: Elf; source: ByteSource } {
  const bytes = sections.flatMap(section => section.bytes);
  let offset = 0;
  const headers: Section[] = sections.map(section => {
    const name = options.name ?? (section.debug ? '.debug_frame' : '.eh_frame');
    const size = section.bytes.length;
    offset += size;
    return {
      ...{ name, type: 1, flags: 2, link: 0, info: 0, align: 1, size },
      address: section.debug ? 0 : section.address,
      offset: offset - size,
    };
  });
  const { machine = 'x86-64', type = 3 } = options;
  const elf: Elf = { class: 64, machine, type, segments: [code], sections: headers, buildId: '' };
  return { elf, source: new MemoryBytes(Uint8Array.from(bytes)) };
}

export function rowsOf(sections: readonly Frames[], options?: FileOptions): UnwindRows | undefined {
  const { elf, source } = fileOf(sections, options);
  return readUnwindRows(elf, source);
}

/** Each row as `hex rule`. */
export function textOf(rows: UnwindRows | undefined): string[] {
  return rows === undefined ? ['none'] : ownRows(rows).map(({ address, rule }) => `${address.toString(16)} ${rule}`);
}

/** The rows of one function at 0x1000, 64 bytes long, by its instructions; without the gap after it. */
export function rowsBy(...instructions: readonly (readonly number[])[]): string[] {
  const frames = new Frames();
  frames.fde(frames.cie(), 0x1000, 64, ...instructions);
  return textOf(rowsOf([frames])).filter(row => row !== '1040 gap');
}
