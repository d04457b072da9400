/**
 * Decodes the sideband: what the kernel tells about processes' lives while samples are taken.
 * Record formats: `man perf_event_open`, "MMAP layout"; offsets from bpf/records.h.
 */
import { PerfComm, PerfLost, PerfMmap2, PerfRecord, PerfTask, sizeOf } from './records.gen.ts';

/** include/uapi/linux/perf_event.h; macros, which BTF does not hold. */
const MISC_COMM_EXEC = 1 << 13;
const MISC_MMAP_BUILD_ID = 1 << 14;
const MAX_BUILD_ID = 20;

/** sample_id_all with PERF_SAMPLE_TIME: a time ends each record. */
const TRAILER = 8;
/** Bytes of the smallest record of each type that is read. */
const SMALLEST: ReadonlyMap<number, number> = new Map([
  [PerfRecord.PERF_RECORD_MMAP2, sizeOf.PerfMmap2 + TRAILER],
  [PerfRecord.PERF_RECORD_COMM, sizeOf.PerfComm + TRAILER],
  [PerfRecord.PERF_RECORD_FORK, sizeOf.PerfTask + TRAILER],
  [PerfRecord.PERF_RECORD_EXIT, sizeOf.PerfTask + TRAILER],
  [PerfRecord.PERF_RECORD_LOST, sizeOf.PerfLost + TRAILER],
]);

interface Life {
  /** CLOCK_MONOTONIC, ns. */
  readonly time: number;
  readonly pid: number;
  readonly tid: number;
}

/** An executable mapping came into being. */
export interface MmapEvent extends Life {
  readonly kind: 'mmap';
  readonly start: number;
  readonly length: number;
  readonly fileOffset: number;
  readonly path: string;
  /** Lower-case hex; '' when the kernel gave the inode instead. */
  readonly buildId: string;
  /** `major:minor` in hex and the inode; '' and 0 when the kernel gave the build id instead. */
  readonly device: string;
  readonly inode: number;
}

/** A thread changed its name; with `exec`, its process became another program. */
export interface CommEvent extends Life {
  readonly kind: 'comm';
  readonly comm: string;
  readonly exec: boolean;
}

/** A thread (pid equals parentPid) or a process began. */
export interface ForkEvent extends Life {
  readonly kind: 'fork';
  readonly parentPid: number;
}

export interface ExitEvent extends Life {
  readonly kind: 'exit';
}

/** The buffer was full and this many records are missing. */
export interface LostEvent {
  readonly kind: 'lost';
  readonly time: number;
  readonly count: number;
}

export type SidebandEvent = MmapEvent | CommEvent | ForkEvent | ExitEvent | LostEvent;

/** Where records are: a Buffer makes strings several times faster than a TextDecoder. */
interface Records {
  readonly view: DataView;
  readonly buffer: Buffer;
}

/** A NUL-terminated string. */
function text({ buffer }: Records, from: number, to: number): string {
  const end = buffer.indexOf(0, from);
  return buffer.toString('utf8', from, end < 0 || end > to ? to : end);
}

/** A 64-bit address, signed. */
function readAddress(view: DataView, offset: number): number {
  return view.getInt32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}

/** Any other 64-bit value: exact below 2^53. */
function read64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
}

/** As /proc/PID/maps prints it. */
function deviceText(view: DataView, at: number): string {
  const hex = (offset: number) =>
    view
      .getUint32(at + offset, true)
      .toString(16)
      .padStart(2, '0');
  return `${hex(PerfMmap2.major)}:${hex(PerfMmap2.minor)}`;
}

function mmap(records: Records, at: number, end: number, life: Life): MmapEvent {
  const { view, buffer } = records;
  const hasBuildId = (view.getUint16(at + PerfMmap2.misc, true) & MISC_MMAP_BUILD_ID) !== 0;
  const buildId = at + PerfMmap2.minor;
  const size = Math.min(buffer[at + PerfMmap2.major]!, MAX_BUILD_ID);
  return {
    kind: 'mmap',
    time: life.time,
    pid: life.pid,
    tid: life.tid,
    start: readAddress(view, at + PerfMmap2.address),
    length: read64(view, at + PerfMmap2.length),
    fileOffset: read64(view, at + PerfMmap2.file_offset),
    path: text(records, at + PerfMmap2.filename, end),
    buildId: hasBuildId ? buffer.toString('hex', buildId, buildId + size) : '',
    device: hasBuildId ? '' : deviceText(view, at),
    inode: hasBuildId ? 0 : read64(view, at + PerfMmap2.inode),
  };
}

function decodeRecord(records: Records, at: number, size: number): SidebandEvent | undefined {
  const { view } = records;
  const type = view.getUint32(at, true);
  if (size < (SMALLEST.get(type) ?? Infinity)) return undefined;
  const end = at + size - TRAILER;
  const life = { time: read64(view, end), pid: view.getUint32(at + 8, true), tid: view.getUint32(at + 12, true) };
  switch (type) {
    case PerfRecord.PERF_RECORD_MMAP2:
      return mmap(records, at, end, life);
    case PerfRecord.PERF_RECORD_COMM: {
      const exec = (view.getUint16(at + PerfComm.misc, true) & MISC_COMM_EXEC) !== 0;
      return { ...life, kind: 'comm', comm: text(records, at + PerfComm.comm, end), exec };
    }
    case PerfRecord.PERF_RECORD_FORK: {
      const parentPid = view.getUint32(at + PerfTask.parent_pid, true);
      return { ...life, tid: view.getUint32(at + PerfTask.tid, true), kind: 'fork', parentPid };
    }
    case PerfRecord.PERF_RECORD_EXIT:
      return { ...life, tid: view.getUint32(at + PerfTask.tid, true), kind: 'exit' };
    case PerfRecord.PERF_RECORD_LOST:
      return { kind: 'lost', time: life.time, count: read64(view, at + PerfLost.lost) };
    default:
      return undefined;
  }
}

/** The events of `length` bytes of whole records, appended to `into` in the order of the buffer. */
export function decodeSideband(bytes: Uint8Array, length: number, into: SidebandEvent[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const records = { view, buffer: Buffer.from(bytes.buffer, bytes.byteOffset, length) };
  for (let at = 0; at + 16 <= length; ) {
    const size = view.getUint16(at + PerfComm.size, true);
    if (size < 16 || at + size > length) return;
    const event = decodeRecord(records, at, size);
    if (event) into.push(event);
    at += size;
  }
}
