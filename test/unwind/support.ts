/** Worlds for the stack walk: code with rules, mappings and stacks, without a kernel and without a process. */

import { loadAddon } from '../../src/capture/addon.ts';
import { FrameMark, RuleKind, Saved, TableState, UnwindEnd, UnwindFile } from '../../src/capture/records.gen.ts';
import type { ProcessEntry, UnwindMaps } from '../../src/capture/unwind-maps.ts';
import { readUnwindRows } from '../../src/elf/eh-frame.ts';
import { CodeTable, type MappedCode } from '../../src/process/code.ts';
import type { Mappings } from '../../src/process/maps.ts';
import { addressSpaceBytes, biasOf, type UnwindRange, writeAddressSpace } from '../../src/unwind/address-space.ts';
import { NO_FILE } from '../../src/unwind/files.ts';
import { Heap } from '../../src/unwind/heap.ts';
import { loadTable } from '../../src/unwind/load.ts';
import { compileTable, type RowColumns, type UnwindTable } from '../../src/unwind/table.ts';
import { image, mapping } from '../support/mappings.ts';
import { CHUNK, MemoryChunks } from './memory.ts';

/** struct profiler_unwind_rule; offsets in words of 8 bytes. */
export interface Rule {
  readonly kind: number;
  readonly saved?: number;
  readonly cfa?: number;
  readonly fp?: number;
  readonly ra?: number;
}

const RA = Saved.PROFILER_SAVED_RA;

/** Rules as compilers need them; `cfa` counts words, and the return address lies below it, as on x86-64. */
export const rules = {
  none: { kind: RuleKind.PROFILER_RULE_NONE },
  unsupported: { kind: RuleKind.PROFILER_RULE_UNSUPPORTED },
  end: { kind: RuleKind.PROFILER_RULE_END },
  signal: { kind: RuleKind.PROFILER_RULE_SIGNAL },
  sp: (cfa: number): Rule => ({ kind: RuleKind.PROFILER_RULE_SP, cfa, saved: RA, ra: -1 }),
  fp: (cfa: number): Rule => ({ kind: RuleKind.PROFILER_RULE_FP, cfa, saved: RA, ra: -1 }),
  deref: (cfa: number): Rule => ({ kind: RuleKind.PROFILER_RULE_FP_DEREF, cfa, saved: RA, ra: -1 }),
  extra: (cfa: number): Rule => ({ kind: RuleKind.PROFILER_RULE_EXTRA, cfa, saved: RA, ra: -1 }),
  plt: (cfa: number, threshold: number): Rule => ({
    kind: RuleKind.PROFILER_RULE_PLT,
    cfa,
    fp: threshold,
    saved: RA,
    ra: -1,
  }),
};

/** A rule of Go's code. */
export function exactOnly(rule: Rule): Rule {
  return { ...rule, saved: (rule.saved ?? 0) | Saved.PROFILER_EXACT_ONLY };
}

/** The frame pointer is saved too, at this word from the CFA. */
export function savingFp(rule: Rule, fp: number): Rule {
  return { ...rule, saved: (rule.saved ?? 0) | Saved.PROFILER_SAVED_FP, fp };
}

/** The frame pointer is saved too, at this word from where it points. */
export function savingFpAtFp(rule: Rule, fp: number): Rule {
  return { ...rule, saved: (rule.saved ?? 0) | Saved.PROFILER_SAVED_FP_AT_FP, fp };
}

function ruleWords({ kind, saved = 0, cfa = 0, fp = 0, ra = 0 }: Rule): [number, number] {
  return [kind | (saved << 8) | ((cfa & 0xffff) << 16), (fp & 0xffff) | ((ra & 0xffff) << 16)];
}

/** From each address on its rule holds; sorted. The last should be `none`. */
export type Rows = readonly (readonly [address: number, rule: Rule])[];

export function rowColumns(rows: Rows): RowColumns {
  const words = [ruleWords(rules.none), ruleWords(rules.unsupported)];
  const index = rows.map(([, rule]) => {
    const wanted = ruleWords(rule);
    const known = words.findIndex(([low, high]) => low === wanted[0] && high === wanted[1]);
    return known >= 0 ? known : words.push(wanted) - 1;
  });
  const base = rows[0]![0];
  return {
    length: rows.length,
    base,
    offset: Uint32Array.from(rows, ([address]) => address - base),
    rule: Uint16Array.from(index),
    rules: Uint32Array.from(words.flat()),
  };
}

export function tableOf(rows: Rows): UnwindTable {
  const table = compileTable(rowColumns(rows));
  if (!table) throw new Error('no table');
  return table;
}

export interface Registers {
  readonly pc: number;
  readonly sp?: number;
  readonly fp?: number;
  readonly extra?: number;
  /** 1 after a system call. */
  readonly kernel?: number;
}

/** Where stacks of tests begin. */
export const STACK = 0x7ffc_0000_0000;

const END_NAMES = new Map(
  Object.entries(UnwindEnd).map(([name, end]) => [end as number, name.slice('PROFILER_END_'.length)]),
);

/** A snapshot as the BPF program takes it: registers, and the words of the stack from sp on. */
export function snapshotOf(
  { pc, sp = STACK, fp = 0, extra = 0, kernel = 0 }: Registers,
  stack: Iterable<number | bigint>,
) {
  return new Uint8Array(
    BigUint64Array.from([pc, sp, fp, extra, kernel, ...stack], word => BigInt.asUintN(64, BigInt(word))).buffer,
  );
}

/** `400010!` an exact address, `400020~` one by the frame pointer, `400030` a return address. */
function frameText(frame: bigint): string {
  const marks = Number(frame >> BigInt(FrameMark.PROFILER_FRAME_SHIFT));
  const address = BigInt.asUintN(FrameMark.PROFILER_FRAME_SHIFT, frame).toString(16);
  const exact = (marks & FrameMark.PROFILER_FRAME_EXACT) !== 0 ? '!' : '';
  return address + exact + ((marks & FrameMark.PROFILER_FRAME_FRAME_POINTER) !== 0 ? '~' : '');
}

/** Tables, files and the mappings of one process. */
export class World {
  readonly chunks = new MemoryChunks();
  readonly heap = new Heap(this.chunks, 256 * CHUNK, { now: () => 0 });
  readonly files = new Uint32Array(2 * 4200);
  #ranges: UnwindRange[] = [];
  #mappings = 0;
  #fileCount = 0;

  /** Adds a file with these rules, or in this state; its index. */
  file(of: Rows | UnwindTable | number): number {
    const index = this.#fileCount++;
    const table = typeof of === 'number' ? undefined : 'pageRows' in of ? of : tableOf(of);
    const state = table ? loadTable(this.heap, table)!.address : (of as number);
    this.files[2 * index + UnwindFile.table / 4] = state;
    return index;
  }

  state(file: number, state: number): void {
    this.files[2 * file + UnwindFile.table / 4] = state;
  }

  /** Whether a walk has needed the file; no more after this. */
  takeUsed(file: number): boolean {
    const at = 2 * file + UnwindFile.used / 4;
    const used = this.files[at] === 1;
    this.files[at] = 0;
    return used;
  }

  /** Adds mappings, in ascending order. */
  map(start: number, end: number, file: number = NO_FILE, bias = 0): this {
    this.#ranges.push({ mapping: mapping(start, end), file, bias });
    this.#mappings = 0;
    return this;
  }

  /** Heap address of the mappings, and how many. */
  mappings(): [address: number, count: number] {
    if (this.#mappings === 0) {
      const piece = this.heap.allocate(addressSpaceBytes(this.#ranges))!;
      piece.bytes.fill(0xff); // what was there before must not matter
      writeAddressSpace(piece.words, 1, this.#ranges);
      this.#mappings = piece.address;
    }
    return [this.#mappings, this.#ranges.length];
  }

  chunkList(): (Uint8Array | undefined)[] {
    const count = Math.max(0, ...this.chunks.chunks.keys()) + 1;
    return Array.from({ length: count }, (_, index) => this.chunks.chunks.get(index));
  }

  /** How the walk ends, and its frames: `COMPLETE 400010! 400020`. The stack is given as words from sp on. */
  walk(registers: Registers, stack: readonly (number | bigint)[] = [], framePointers = true): string {
    return this.walkSnapshot(snapshotOf(registers, stack), framePointers);
  }

  walkSnapshot(snapshot: Uint8Array, framePointers = true): string {
    const [mappings, count] = this.mappings();
    const files = new Uint8Array(this.files.buffer);
    const result = loadAddon().walk(snapshot, this.chunkList(), files, mappings, count, framePointers);
    const frames = new BigUint64Array(snapshot.buffer, snapshot.byteOffset, result >>> 8);
    return [END_NAMES.get(result & 0xff), ...Array.from(frames, frameText)].join(' ');
  }
}

/** A world with one file, mapped where its ELF virtual addresses are. */
export function worldOf(rows: Rows): World {
  const world = new World();
  return world.map(Math.floor(rows[0]![0] / 4096) * 4096, rows.at(-1)![0] + 0x10000, world.file(rows));
}

/** A spot that snapshot.cc tells of. */
export interface Capture {
  readonly spot: number;
  readonly snapshot: Uint8Array;
  /** What backtrace() says, hex. */
  readonly frames: readonly string[];
}

export function readCaptures(output: Buffer): Capture[] {
  const words = new BigUint64Array(Uint8Array.from(output).buffer);
  const captures: Capture[] = [];
  for (let at = 0; at < words.length; ) {
    const [spot, pc, sp, fp, count, length] = Array.from(words.subarray(at, at + 6), Number);
    const stack = at + 6 + count!;
    captures.push({
      spot: spot!,
      snapshot: snapshotOf({ pc: pc!, sp: sp!, fp: fp! }, words.subarray(stack, stack + length!)),
      frames: Array.from(words.subarray(at + 6, stack), frame => frame.toString(16)),
    });
    at = stack + length!;
  }
  return captures;
}

/** A process of a program that has ended: the tables of its files, and its mappings. */
export function worldOfProcess(mappings: Mappings): World {
  const world = new World();
  const code = new CodeTable();
  const files = new Map<MappedCode, number>();
  for (const mapping of mappings) {
    const mapped = code.of(image(), mapping);
    const { elf, bytes } = mapped;
    const bias = elf && biasOf(elf, mapping);
    if (bias !== undefined && !files.has(mapped)) {
      const rows = readUnwindRows(elf!, bytes!);
      files.set(mapped, world.file((rows && compileTable(rows)) ?? TableState.PROFILER_TABLE_ABSENT));
    }
    world.map(mapping.start, mapping.end, bias === undefined ? NO_FILE : files.get(mapped)!, bias);
  }
  code.close();
  return world;
}

/** A mapping as the walk on the BPF side finds it. */
export interface ToldMapping {
  readonly start: number;
  readonly end: number;
  readonly file: number;
  readonly bias: number;
}

/** The maps that userspace shares with the kernel, and what the kernel does to them. */
export class TestMaps extends MemoryChunks {
  readonly files = new Uint32Array(2 * NO_FILE);
  readonly processes = new Map<number, ProcessEntry>();
  readonly wanted: number[] = [];
  /** Changes of `processes` by userspace: `insert 7`, `replace 7 refused`. */
  readonly updates: string[] = [];
  walks = 0;

  /** For what takes the class, which has private members. */
  get asMaps(): UnwindMaps {
    return this as unknown as UnwindMaps;
  }

  insertProcess(pid: number, entry: ProcessEntry): boolean {
    return this.#update('insert', pid, entry, !this.processes.has(pid));
  }

  replaceProcess(pid: number, entry: ProcessEntry): boolean {
    return this.#update('replace', pid, entry, this.processes.has(pid));
  }

  #update(how: string, pid: number, entry: ProcessEntry, allowed: boolean): boolean {
    if (allowed) this.processes.set(pid, entry);
    this.updates.push(`${how} ${pid}${allowed ? '' : ' refused'}`);
    return allowed;
  }

  deleteProcess(pid: number): void {
    this.processes.delete(pid);
    this.updates.push(`delete ${pid}`);
  }

  walk(snapshot: Uint8Array, { mappings }: ProcessEntry, count: number, framePointers: boolean) {
    this.walks++;
    const chunks = Array.from({ length: Math.max(0, ...this.chunks.keys()) + 1 }, (_, i) => this.chunks.get(i));
    const files = new Uint8Array(this.files.buffer);
    const result = loadAddon().walk(snapshot, chunks, files, mappings, count, framePointers);
    return { end: result & 0xff, frames: result >>> 8 };
  }

  takeWanted(): Uint32Array {
    return Uint32Array.from(this.wanted.splice(0));
  }

  /** What the kernel does at the fork itself, and at the exec. */
  fork(parent: number, child: number): void {
    const entry = this.processes.get(parent);
    if (entry) this.processes.set(child, entry);
  }

  exec(pid: number): void {
    this.processes.delete(pid);
  }

  /** The id in a piece. */
  idAt(address: number): number {
    return this.word(address, 0) + this.word(address, 4) * 2 ** 32;
  }

  /** The mappings that a walk in this process finds; undefined where there are none, or their piece is another's. */
  told(pid: number): ToldMapping[] | undefined {
    const entry = this.processes.get(pid);
    if (!entry || !this.chunks.has(Math.floor((entry.mappings * 8) / CHUNK))) return undefined;
    if (this.idAt(entry.mappings) !== entry.id) return undefined;
    return Array.from({ length: this.word(entry.mappings, 8) }, (_, i) => {
      const at = (offset: number) => this.word(entry.mappings, 32 + 32 * i + offset);
      const address = (offset: number) => (at(offset + 4) | 0) * 2 ** 32 + at(offset);
      return { start: address(0), end: address(8), bias: address(16), file: at(24) };
    });
  }

  /** The state or the table of a file. */
  table(file: number): number {
    return this.files[2 * file]!;
  }

  /** A walk needs the file. */
  use(...files: readonly number[]): void {
    for (const file of files) this.files[2 * file + 1] = 1;
  }
}
