/**
 * The sideband: what the kernel tells about processes' lives while samples are taken. Records are kept as they came,
 * and read when somebody asks: of most processes nobody does, they are started and gone between two samples.
 * Record formats: `man perf_event_open`, "MMAP layout"; offsets from bpf/records.h.
 */
import { PerfComm, PerfLost, PerfMmap2, PerfRecord, PerfTask, sizeOf } from './records.gen.ts';

/** include/uapi/linux/perf_event.h; macros, which BTF does not hold. */
const MISC_COMM_EXEC = 1 << 13;
const MISC_MMAP_BUILD_ID = 1 << 14;
const MAX_BUILD_ID = 20;

/** struct perf_event_header; the process and thread that all of these records have next. */
const HEADER = 8;
/** sample_id_all with PERF_SAMPLE_TIME: a time ends each record. */
const TRAILER = 8;
const FIRST_BYTES = 1 << 16;

/** Bytes of the smallest record of each type that is read. */
const SMALLEST: ReadonlyMap<number, number> = new Map([
  [PerfRecord.PERF_RECORD_MMAP2, sizeOf.PerfMmap2 + TRAILER],
  [PerfRecord.PERF_RECORD_COMM, sizeOf.PerfComm + TRAILER],
  [PerfRecord.PERF_RECORD_FORK, sizeOf.PerfTask + TRAILER],
  [PerfRecord.PERF_RECORD_EXIT, sizeOf.PerfTask + TRAILER],
  [PerfRecord.PERF_RECORD_LOST, sizeOf.PerfLost + TRAILER],
]);

/** What a record tells. */
export const Life = {
  /** An executable mapping came into being. */
  mmap: PerfRecord.PERF_RECORD_MMAP2,
  /** A thread changed its name, for its process became another program or without that. */
  comm: PerfRecord.PERF_RECORD_COMM,
  /** A process (or a thread: pid equals parentPid) began. */
  fork: PerfRecord.PERF_RECORD_FORK,
  /** A thread ended. */
  exit: PerfRecord.PERF_RECORD_EXIT,
  /** A buffer was full, and records are missing. */
  lost: PerfRecord.PERF_RECORD_LOST,
} as const;

interface MappedFile {
  /** As the kernel names it: a path, `[vdso]`, `//anon` or ''. */
  readonly path: string;
  /** Lower-case hex; '' when unknown, as when the kernel told the inode instead. */
  readonly buildId: string;
  /** `major:minor`, hex; '' when unknown, as when the kernel told the build id instead. */
  readonly device: string;
  /** 0 when unknown. */
  readonly inode: number;
}

/** An executable mapping. Addresses are signed doubles, `start` included, `end` not. */
export interface Mapping extends MappedFile {
  readonly start: number;
  readonly end: number;
  /** Offset in the file of `start`, bytes. */
  readonly fileOffset: number;
}

/** Programs map the same few files again and again. */
const MAX_FILES = 1024;

/** Takes records; `at` is the place of one, good until forget(). */
export interface RecordConsumer {
  take(sideband: Sideband, at: number): void;
}

/** Records of all CPUs, put into the order of their times. */
export class Sideband {
  /** Of records that the kernel had no room for. */
  lost = 0;
  /** A Buffer makes strings several times faster than a TextDecoder. */
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  /** Places of the records that were not handed over. */
  #waiting: number[] = [];
  /** By the bytes that tell of them. */
  readonly #files = new Map<string, MappedFile>();

  /** Appends whole records of one buffer. `drain` copies at most `most` bytes of them, and says how many. */
  read(most: number, drain: (into: Uint8Array) => number): void {
    this.#reserve(most);
    const end = this.#length + drain(this.#bytes.subarray(this.#length, this.#length + most));
    for (let at = this.#length; at + 2 * HEADER <= end; ) {
      const size = this.#view.getUint16(at + PerfComm.size, true);
      if (size < 2 * HEADER || at + size > end) break;
      if (size >= (SMALLEST.get(this.kind(at)) ?? Number.POSITIVE_INFINITY)) {
        this.#waiting.push(at);
        if (this.kind(at) === Life.lost) this.lost += this.#uint64(at + PerfLost.lost);
      }
      at += size;
    }
    this.#length = end;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(needed)));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  /** Hands over what happened up to the time `until`, ns. Returns whether there was anything. */
  handOver(until: number, consumer: RecordConsumer): boolean {
    if (this.#waiting.length === 0) return false;
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.sort((a, b) => this.time(a) - this.time(b));
    for (const at of waiting) {
      if (this.time(at) <= until) consumer.take(this, at);
      else this.#waiting.push(at);
    }
    return this.#waiting.length < waiting.length;
  }

  /** Nobody will ask again for records that were handed over. */
  forget(): void {
    let length = 0;
    this.#waiting.sort((a, b) => a - b);
    for (const [i, at] of this.#waiting.entries()) {
      const size = this.#view.getUint16(at + PerfComm.size, true);
      this.#bytes.copyWithin(length, at, at + size);
      this.#waiting[i] = length;
      length += size;
    }
    this.#length = length;
  }

  /** One of {@link Life}. */
  kind(at: number): number {
    return this.#uint32(at);
  }

  /** CLOCK_MONOTONIC, ns. */
  time(at: number): number {
    return this.#uint64(at + this.#view.getUint16(at + PerfComm.size, true) - TRAILER);
  }

  pid(at: number): number {
    return this.#uint32(at + PerfComm.pid);
  }

  /** Of a comm. */
  tid(at: number): number {
    return this.#uint32(at + PerfComm.tid);
  }

  /** Of a fork or an exit: the thread that began or ended. */
  taskTid(at: number): number {
    return this.#uint32(at + PerfTask.tid);
  }

  /** Of a fork. */
  parentPid(at: number): number {
    return this.#uint32(at + PerfTask.parent_pid);
  }

  /** Whether a comm tells of an exec. */
  isExec(at: number): boolean {
    return (this.#view.getUint16(at + PerfComm.misc, true) & MISC_COMM_EXEC) !== 0;
  }

  /** Of a comm. */
  comm(at: number): string {
    return this.#text(at, PerfComm.comm);
  }

  /** Of an mmap. */
  range(at: number): Mapping {
    const address = at + PerfMmap2.address;
    const start = this.#view.getInt32(address + 4, true) * 2 ** 32 + this.#uint32(address);
    const end = start + this.#uint64(at + PerfMmap2.length);
    const { path, device, inode, buildId } = this.#file(at);
    return { start, end, fileOffset: this.#uint64(at + PerfMmap2.file_offset), path, device, inode, buildId };
  }

  #file(at: number): MappedFile {
    const misc = this.#view.getUint16(at + PerfMmap2.misc, true) & MISC_MMAP_BUILD_ID;
    const end = at + this.#view.getUint16(at + PerfMmap2.size, true) - TRAILER;
    const key = misc + this.#bytes.toString('latin1', at + PerfMmap2.major, end);
    let file = this.#files.get(key);
    if (file === undefined) {
      if (this.#files.size === MAX_FILES) this.#files.clear();
      file = this.#readFile(at, misc !== 0);
      this.#files.set(key, file);
    }
    return file;
  }

  #readFile(at: number, hasBuildId: boolean): MappedFile {
    const path = this.#text(at, PerfMmap2.filename);
    if (!hasBuildId) return { path, device: this.#device(at), inode: this.#uint64(at + PerfMmap2.inode), buildId: '' };
    const first = at + PerfMmap2.minor;
    const size = Math.min(this.#bytes[at + PerfMmap2.major]!, MAX_BUILD_ID);
    return { path, device: '', inode: 0, buildId: this.#bytes.toString('hex', first, first + size) };
  }

  #uint32(place: number): number {
    return this.#view.getUint32(place, true);
  }

  /** Exact below 2^53. */
  #uint64(place: number): number {
    return this.#uint32(place + 4) * 2 ** 32 + this.#uint32(place);
  }

  /** A NUL-terminated string, from here to the end of the record at most. */
  #text(at: number, offset: number): string {
    const end = at + this.#view.getUint16(at + PerfComm.size, true) - TRAILER;
    const nul = this.#bytes.indexOf(0, at + offset);
    return this.#bytes.toString('utf8', at + offset, nul < 0 || nul > end ? end : nul);
  }

  /** As /proc/PID/maps prints it. */
  #device(at: number): string {
    const hex = (place: number) => this.#uint32(place).toString(16).padStart(2, '0');
    return `${hex(at + PerfMmap2.major)}:${hex(at + PerfMmap2.minor)}`;
  }
}
