/** Records as the BPF program and the kernel write them, for the code that reads them. */

import {
  Limit,
  PerfComm,
  PerfLost,
  PerfMmap2,
  PerfRecord,
  PerfTask,
  Sample,
  sizeOf,
} from '../../src/capture/records.gen.ts';

/** An address, read as the two halves that records hold. */
export function halves(address: bigint): readonly [low: number, high: number] {
  const bits = BigInt.asUintN(64, address);
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

export interface TestSample {
  readonly time?: bigint;
  readonly weight?: bigint;
  readonly cgroup?: bigint;
  readonly pid?: number;
  readonly tid?: number;
  readonly cpu?: number;
  readonly comm?: string | Uint8Array;
  /** Innermost first, as in the record. */
  readonly kernel?: readonly bigint[];
  readonly user?: readonly bigint[];
  /** enum profiler_unwind_end */
  readonly unwind?: number;
  /** The user frames have marks. */
  readonly walked?: boolean;
  /** What is to be walked yet, in place of user frames: a multiple of 8 bytes. */
  readonly snapshot?: Uint8Array;
}

/** Samples laid end to end. */
export function sampleRecords(...samples: readonly TestSample[]): Uint32Array {
  return new Uint32Array(Uint8Array.from(Buffer.concat(samples.map(sampleBytes))).buffer);
}

function sampleBytes(sample: TestSample): Uint8Array {
  const { time = 0n, weight = 1n, cgroup = 0n, pid = 1, tid = 1, cpu = 0 } = sample;
  const { comm = 'test', kernel = [], user = [], unwind = 0, walked = false, snapshot = new Uint8Array() } = sample;
  const frames = [...kernel, ...user];
  const view = new DataView(new ArrayBuffer(sizeOf.Sample + 8 * frames.length + snapshot.length));
  view.setBigUint64(Sample.time, time, true);
  view.setBigUint64(Sample.weight, weight, true);
  view.setBigUint64(Sample.cgroup_id, cgroup, true);
  view.setUint32(Sample.pid, pid, true);
  view.setUint32(Sample.tid, tid, true);
  view.setUint32(Sample.cpu, cpu, true);
  view.setUint8(Sample.kernel_frames, kernel.length);
  view.setUint8(Sample.unwind, unwind);
  view.setUint16(Sample.user_frames, user.length, true);
  view.setUint16(Sample.snapshot, snapshot.length / 8, true);
  view.setUint8(Sample.walked, walked ? 1 : 0);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(Buffer.from(comm).subarray(0, Limit.PROFILER_COMM_LEN), Sample.comm);
  frames.forEach((address, i) => {
    view.setBigUint64(sizeOf.Sample + 8 * i, BigInt.asUintN(64, address), true);
  });
  bytes.set(snapshot, sizeOf.Sample + 8 * frames.length);
  return bytes;
}

/** A sideband record: `fill` writes its fields into `size` bytes, and the time ends it. */
function record(type: number, misc: number, size: number, time: bigint, fill: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(size + 8);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt16LE(misc, 4);
  bytes.writeUInt16LE(bytes.length, 6);
  fill(bytes);
  bytes.writeBigUInt64LE(time, size);
  return bytes;
}

/** NUL-terminated and padded to 8 bytes. */
function padded(text: string): number {
  return Math.ceil((Buffer.byteLength(text) + 1) / 8) * 8;
}

export interface TestMmap {
  readonly time?: bigint;
  readonly pid: number;
  readonly tid?: number;
  readonly start: bigint;
  readonly length: bigint;
  readonly fileOffset?: bigint;
  readonly path: string;
  readonly device?: readonly [major: number, minor: number];
  readonly inode?: bigint;
  /** In place of device and inode. */
  readonly buildId?: Uint8Array;
}

export function mmapRecord(mmap: TestMmap): Buffer {
  const { time = 0n, pid, tid = pid, start, length, fileOffset = 0n, path } = mmap;
  const { device = [0, 0], inode = 0n, buildId } = mmap;
  const misc = (buildId ? 1 << 14 : 0) | 2; // PERF_RECORD_MISC_MMAP_BUILD_ID, PERF_RECORD_MISC_USER
  return record(PerfRecord.PERF_RECORD_MMAP2, misc, PerfMmap2.filename + padded(path), time, bytes => {
    bytes.writeUInt32LE(pid, PerfMmap2.pid);
    bytes.writeUInt32LE(tid, PerfMmap2.tid);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, start), PerfMmap2.address);
    bytes.writeBigUInt64LE(length, PerfMmap2.length);
    bytes.writeBigUInt64LE(fileOffset, PerfMmap2.file_offset);
    bytes.writeUInt32LE(device[0], PerfMmap2.major);
    bytes.writeUInt32LE(device[1], PerfMmap2.minor);
    bytes.writeBigUInt64LE(inode, PerfMmap2.inode);
    if (buildId) {
      bytes.fill(0, PerfMmap2.major, PerfMmap2.protection);
      bytes[PerfMmap2.major] = buildId.length;
      bytes.set(buildId, PerfMmap2.minor);
    }
    bytes.write(path, PerfMmap2.filename);
  });
}

export function commRecord(comm: { time?: bigint; pid: number; tid?: number; comm: string; exec?: boolean }): Buffer {
  const { time = 0n, pid, tid = pid, exec = false } = comm;
  const size = PerfComm.comm + padded(comm.comm);
  return record(PerfRecord.PERF_RECORD_COMM, exec ? 1 << 13 : 0, size, time, bytes => {
    bytes.writeUInt32LE(pid, PerfComm.pid);
    bytes.writeUInt32LE(tid, PerfComm.tid);
    bytes.write(comm.comm, PerfComm.comm);
  });
}

export interface TestTask {
  readonly time?: bigint;
  readonly pid: number;
  readonly parentPid?: number;
  readonly tid?: number;
  readonly parentTid?: number;
}

export function taskRecord(kind: 'fork' | 'exit', task: TestTask): Buffer {
  const { time = 0n, pid, parentPid = 1, tid = pid, parentTid = parentPid } = task;
  const type = kind === 'fork' ? PerfRecord.PERF_RECORD_FORK : PerfRecord.PERF_RECORD_EXIT;
  return record(type, 0, sizeOf.PerfTask, time, bytes => {
    bytes.writeUInt32LE(pid, PerfTask.pid);
    bytes.writeUInt32LE(parentPid, PerfTask.parent_pid);
    bytes.writeUInt32LE(tid, PerfTask.tid);
    bytes.writeUInt32LE(parentTid, PerfTask.parent_tid);
    bytes.writeBigUInt64LE(time, PerfTask.time);
  });
}

export function lostRecord(lost: bigint, time = 0n): Buffer {
  return record(PerfRecord.PERF_RECORD_LOST, 0, sizeOf.PerfLost, time, bytes => {
    bytes.writeBigUInt64LE(lost, PerfLost.lost);
  });
}

/** A record of a type that nobody asked for. */
export function otherRecord(type: number, size: number): Buffer {
  return record(type, 0, size, 0n, () => {});
}

export interface TestPerfSample {
  readonly time?: bigint;
  readonly period?: bigint;
  readonly pid?: number;
  readonly tid?: number;
  readonly cpu?: number;
  /** PERF_RECORD_MISC_KERNEL, else PERF_RECORD_MISC_USER. */
  readonly isKernel?: boolean;
  /** With PERF_SAMPLE_CALLCHAIN: addresses and contexts. */
  readonly chain?: readonly bigint[];
  /** With PERF_SAMPLE_REGS_USER and PERF_SAMPLE_STACK_USER: registers in the order of their numbers. */
  readonly registers?: readonly bigint[];
  /** enum perf_sample_regs_abi: 0 none, 1 32-bit, 2 64-bit. */
  readonly abi?: number;
  readonly stack?: Uint8Array;
  /** Bytes of the stack that were there. */
  readonly copied?: number;
}

/** PERF_RECORD_SAMPLE (`man perf_event_open`) as bufferedSamplingAttributes asks for it. */
export function perfSampleRecord(sample: TestPerfSample): Buffer {
  const { time = 0n, period = 1n, pid = 1, tid = pid, cpu = 0, chain, registers, abi = 2, stack } = sample;
  const words: bigint[] = [BigInt(pid) | (BigInt(tid) << 32n), time, BigInt(cpu), period];
  if (chain) words.push(BigInt(chain.length), ...chain);
  if (registers) words.push(BigInt(abi), ...(abi === 0 ? [] : registers));
  const parts = [wordBytes(words)];
  if (registers) parts.push(wordBytes([BigInt(stack?.length ?? 0)]));
  if (stack && stack.length > 0) parts.push(Buffer.from(stack), wordBytes([BigInt(sample.copied ?? stack.length)]));
  const header = Buffer.alloc(8);
  header.writeUInt32LE(PerfRecord.PERF_RECORD_SAMPLE, 0);
  header.writeUInt16LE(sample.isKernel ? 1 : 2, 4);
  header.writeUInt16LE(8 + parts.reduce((size, part) => size + part.length, 0), 6);
  return Buffer.concat([header, ...parts]);
}

function wordBytes(words: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * words.length);
  words.forEach((word, i) => {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, word), 8 * i);
  });
  return bytes;
}
