/** Go programs made by hand: one segment each of text, tables and data, without section headers. */

import type { PclnVersion } from '../../../src/elf/gopclntab/header.ts';
import { elfFile } from '../../support/elf.ts';

/** From a distance from the function's entry on: a value. */
export type PcRows = readonly (readonly [from: number, value: number])[];

export interface TestFunction {
  readonly name: string;
  readonly size: number;
  readonly lines: PcRows;
  /** Calls that are inlined here, and which one each instruction belongs to. */
  readonly calls?: readonly { readonly name: string; readonly parentPc: number }[];
  readonly inlined?: PcRows;
}

export const text = 0x401000;
const tables = 0x500000;
const data = 0x600000;
const file = '/src/main.go';

/** Grows; everything that is appended begins at a multiple of 8. */
class Part {
  bytes: Buffer = Buffer.alloc(0);

  append(more: Uint8Array): number {
    const at = Math.ceil(this.bytes.length / 8) * 8;
    this.bytes = Buffer.concat([this.bytes, Buffer.alloc(at - this.bytes.length), more]);
    return at;
  }
}

function words(size: 4 | 8, values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * size);
  for (const [i, value] of values.entries()) {
    if (size === 8) bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), i * 8);
    else bytes.writeUInt32LE(value >>> 0, i * 4);
  }
  return bytes;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value >>> 0; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** golang.org/s/go12symtab: zigzag differences of values, then how far each reaches. */
export function pcTable(rows: PcRows, size: number): Buffer {
  let last = -1;
  const bytes = rows.flatMap(([from, value], i) => {
    const delta = value - last;
    last = value;
    return [...varint((delta << 1) ^ (delta >> 31)), ...varint((rows[i + 1]?.[0] ?? size) - from)];
  });
  return Buffer.from([...bytes, 0]);
}

const magic: Readonly<Record<PclnVersion, number>> = {
  '1.2': 0xfffffffb,
  '1.16': 0xfffffffa,
  '1.18': 0xfffffff0,
  '1.20': 0xfffffff1,
};

/** Everything behind the header counts from the same place, as before 1.16, where later releases may tell parts apart. */
export function goProgram(version: PclnVersion, functions: readonly TestFunction[]): Buffer {
  const old = version === '1.2';
  const pointers = old || version === '1.16';
  const table = new Part();
  const header = table.append(Buffer.alloc(old ? 16 : 72));
  const functab = table.append(Buffer.alloc((2 * functions.length + 1) * (pointers ? 8 : 4) + 4));
  const string = (value: string) => table.append(Buffer.from(`${value}\0`));
  const path = string(file);
  const files = table.append(words(4, old ? [2, path, path] : [path, path]));
  const trees = new Part();
  trees.append(Buffer.alloc(16));
  const treeAddress = tables + 0x10000;
  const entries: number[] = [];
  let at = 0;
  for (const { name, size, lines, calls, inlined } of functions) {
    const tree = calls && trees.append(Buffer.concat(calls.map(call => inlinedCall(version, string(call.name), call))));
    const pcFile = table.append(pcTable([[0, 1]], size));
    const pcLine = table.append(pcTable(lines, size));
    const index = inlined === undefined ? 0 : table.append(pcTable(inlined, size));
    const fields = [string(name), 0, 0, 0, pcFile, pcLine, 3];
    if (!old) fields.push(0);
    if (version === '1.20') fields.push(1);
    const count = old ? 5 : 4;
    const none = pointers ? 0 : 0xffffffff;
    const where = tree === undefined ? none : pointers ? treeAddress + tree : tree;
    const funcdata = Array.from({ length: count }, (_, i) => (i === count - 1 ? where : none));
    const record = [
      words(pointers ? 8 : 4, [pointers ? text + at : at]),
      words(4, [...fields, count << 24, 0, 0, index]),
    ];
    const length = record[0]!.length + record[1]!.length;
    if (pointers && length % 8 !== 0) record.push(Buffer.alloc(4));
    const offset = table.append(Buffer.concat([...record, words(pointers ? 8 : 4, funcdata)]));
    entries.push(pointers ? text + at : at, offset - (old ? 0 : functab));
    at += size;
  }
  entries.push(pointers ? text + at : at);
  table.bytes.set(words(pointers ? 8 : 4, entries), functab);
  if (old) table.bytes.set(words(4, [files]), functab + entries.length * 8);
  table.bytes.set([...words(4, [magic[version]]), 0, 0, 1, 8], header);
  const parts = [0, files, 0, 0, functab];
  const head = old ? [functions.length] : [functions.length, 2, ...(pointers ? [] : [0]), ...parts];
  table.bytes.set(words(8, head), header + 8);
  return program(table.bytes, trees.bytes, at, treeAddress);
}

function inlinedCall(version: PclnVersion, name: number, { parentPc }: { readonly parentPc: number }): Buffer {
  return version === '1.20' ? words(4, [0, name, parentPc, 1]) : words(4, [0xffff, 1, 1, name, parentPc]);
}

function program(table: Buffer, trees: Buffer, size: number, treeAddress: number): Buffer {
  const module = Array.from({ length: 80 }, () => 0);
  module[0] = tables;
  module[20] = text;
  module[21] = text + size;
  module[22] = text;
  module[38] = tables;
  module[41] = treeAddress;
  const bytes = elfFile([
    { offset: 0x1000, address: text, size: Math.max(size, 16), flags: 5 },
    { offset: 0x2000, address: tables, size: 0x10000 + trees.length, flags: 4 },
    { offset: 0x13000, address: data, size: 0x400, flags: 6 },
  ]);
  bytes.set(table, 0x2000);
  bytes.set(trees, 0x12000);
  bytes.set(words(8, module), 0x13000 + 0x40);
  return bytes;
}
