/**
 * The processes and what they have mapped, at any time of the recording: read from `/proc` at first sight, kept true by
 * sideband records after that, which are read when a process is asked for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Life, type Sideband } from '../capture/sideband.ts';
import { addMapping, insertMapping, type Mapping, type Mappings, overlaps, parseMaps } from './maps.ts';

/** A process from one exec to the next, as long as no address changes its meaning. */
export interface Image {
  /** Unique in a recording; a new one whenever addresses may mean something else than before. */
  readonly id: number;
  readonly pid: number;
  /** The same from one exec or fork to the next, whatever is mapped meanwhile. */
  readonly program: number;
  /** Whose root directory to look into when the process itself is gone. 0 when unknown. */
  readonly parentPid: number;
  /** undefined: the process was gone before they could be read. */
  readonly mappings: Mappings | undefined;
}

/** What has happened to a process, as bits. */
export const Change = { fork: 1, exec: 2, mappings: 4, exit: 8 } as const;

/** The kernel does not tell what is unmapped: so many mappings on, or twice as many, it is looked at. */
const MAPPINGS_BEFORE_LOOK = 256;
/** A sample that is older than this is in the ring buffer, ns: whoever took it has not stopped in between. */
const SAMPLE_NS = 1e6;
const ALWAYS = Number.NEGATIVE_INFINITY;
const NEVER = Number.POSITIVE_INFINITY;

/** What is known of a pid. */
class Process {
  readonly pid: number;
  /** The images, and from when on each of them holds, ns; ascending. */
  readonly images: Image[] = [];
  readonly since: number[] = [];
  /** Places of records that were not read. */
  unread: number[] = [];
  /** When it ended, ns. */
  ended = NEVER;
  /** Bits of {@link Change} since somebody took them, and when the first of them happened, ns. */
  changes = 0;
  changedAt = 0;
  /** Id of the image that was looked for in /proc. */
  looked = 0;
  /** How many mappings it may have before the unmapped ones are removed. */
  lookAt = MAPPINGS_BEFORE_LOOK;

  constructor(pid: number) {
    this.pid = pid;
  }

  get latest(): Image | undefined {
    return this.images.at(-1);
  }

  add(image: Image, since: number): void {
    this.images.push(image);
    this.since.push(since);
  }

  /** Nobody will ask for a time before this one. */
  forget(before: number): void {
    let count = 0;
    while (count + 1 < this.since.length && this.since[count + 1]! <= before) count++;
    this.images.splice(0, count);
    this.since.splice(0, count);
  }
}

export interface ProcessTableOptions {
  /** Keep the mappings of every process from its fork on, not only of those seen in samples. */
  readonly followAll: boolean;
  /** A known process became another program, ns. */
  readonly onExec?: (pid: number, time: number) => void;
}

export class ProcessTable {
  readonly #processes = new Map<number, Process>();
  readonly #options: ProcessTableOptions;
  /** Have records that were not read, have ended, or have more than one image: see settle(). */
  readonly #unsettled = new Set<Process>();
  #changed: Process[] = [];
  #sideband: Sideband | undefined;
  #settled = ALWAYS;
  #nextId = 1;
  /** How often records were missing, and everything was forgotten. */
  losses = 0;

  constructor(options: ProcessTableOptions) {
    this.#options = options;
  }

  /** The process as it was at a time, ns, or as it is now: known, or read from /proc. */
  image(pid: number, time = NEVER): Image {
    const process = this.#processes.get(pid) ?? this.#new(pid);
    this.#read(process);
    const { images, since } = process;
    let i = since.length - 1;
    while (i >= 0 && since[i]! > time) i--;
    if (i < 0) {
      images.unshift(this.#make(pid, 0, undefined));
      since.unshift(ALWAYS);
      i = 0;
      if (images.length > 1) this.#unsettled.add(process);
    }
    const image = images[i]!;
    // What /proc shows is the latest. It is asked once.
    if (image.mappings || i < images.length - 1 || process.looked === image.id) return image;
    process.looked = image.id;
    images[i] = { ...image, mappings: readMappings(pid) };
    return images[i]!;
  }

  /** The process from a time on: an address of its generated code means something else than before. */
  renew(pid: number, time: number): Image {
    const image = { ...this.image(pid, time), id: this.#nextId++ };
    const process = this.#processes.get(pid)!;
    const { images, since } = process;
    this.#unsettled.add(process);
    const at = since.findIndex(from => from > time);
    images.splice(at < 0 ? images.length : at, 0, image);
    since.splice(at < 0 ? since.length : at, 0, time);
    return image;
  }

  has(pid: number): boolean {
    return this.#processes.has(pid);
  }

  /** Reads what is mapped `now`, ns, whatever was known. False when the process has ended, and what was known stays. */
  refresh(pid: number, now: number): boolean {
    const mappings = readMappings(pid);
    if (!mappings) return false;
    const process = this.#processes.get(pid) ?? this.#new(pid);
    this.#read(process);
    const { parentPid = 0, program } = process.latest ?? {};
    process.add(this.#make(pid, parentPid, mappings, program), process.latest ? now : ALWAYS);
    process.ended = NEVER; // or one of its threads runs on
    this.#unsettled.add(process);
    return true;
  }

  /** Takes a record, in the order of their times; it is read later, until settle(). */
  take(sideband: Sideband, at: number): void {
    const pid = sideband.pid(at);
    this.#sideband = sideband;
    switch (sideband.kind(at)) {
      case Life.mmap:
        this.#keep(this.#processes.get(pid), at, Change.mappings);
        break;
      case Life.comm: {
        if (!sideband.isExec(at)) break;
        const process = this.#processes.get(pid) ?? (this.#options.followAll ? this.#new(pid) : undefined);
        this.#keep(process, at, Change.exec);
        if (!process) break;
        process.ended = NEVER; // its leader has, when another thread becomes the program
        this.#options.onExec?.(pid, sideband.time(at));
        break;
      }
      case Life.fork:
        this.#fork(pid, sideband.parentPid(at), at);
        break;
      case Life.exit:
        if (sideband.taskTid(at) === pid) this.#exit(pid, sideband.time(at));
        break;
      case Life.lost:
        this.losses++;
        this.#processes.clear(); // what is known may be wrong now: read it again at the next sample
        this.#unsettled.clear();
        this.#changed = [];
        break;
    }
  }

  /**
   * Tells each process that changed since the last call: what changed as bits of {@link Change}, whether it ended, and
   * when the first change was, ns.
   */
  takeChanged(tell: (pid: number, changes: number, hasEnded: boolean, since: number) => void): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const process of changed) {
      const { pid, changes, ended, changedAt } = process;
      process.changes = 0;
      tell(pid, changes, ended !== NEVER, changedAt);
    }
  }

  /**
   * Every sample before the time `until`, ns, has been looked at. Records that nobody asked for are given up with their
   * processes, or are read: none is needed any more.
   */
  settle(until: number): void {
    const before = this.#settled;
    const complete = until - SAMPLE_NS;
    for (const process of this.#unsettled) {
      const isUnseen = process.images.length === 0 && process.ended < complete;
      if (!isUnseen) this.#read(process);
    }
    for (const process of this.#unsettled) {
      process.unread = [];
      process.forget(before);
      const isGone = process.ended < before || (process.images.length === 0 && process.ended < complete);
      if (isGone && this.#processes.get(process.pid) === process) this.#processes.delete(process.pid);
      if (isGone || (process.ended === NEVER && process.images.length < 2)) this.#unsettled.delete(process);
    }
    this.#settled = until;
  }

  #new(pid: number): Process {
    const process = new Process(pid);
    this.#processes.set(pid, process);
    return process;
  }

  #keep(process: Process | undefined, at: number, change: number): void {
    if (process === undefined) return;
    process.unread.push(at);
    this.#unsettled.add(process);
    this.#change(process, change, this.#sideband!.time(at));
  }

  #change(process: Process, change: number, time: number): void {
    if (process.changes === 0) {
      this.#changed.push(process);
      process.changedAt = time;
    }
    process.changes |= change;
  }

  #fork(pid: number, parentPid: number, at: number): void {
    if (pid === parentPid) return; // a thread
    if (!this.#options.followAll && !this.has(parentPid)) {
      this.#exit(pid, this.#sideband!.time(at)); // the process that had this pid before
      return;
    }
    const process = this.#processes.get(pid) ?? this.#new(pid);
    process.ended = NEVER;
    this.#keep(process, at, Change.fork);
  }

  #exit(pid: number, time: number): void {
    const process = this.#processes.get(pid);
    if (process === undefined) return;
    process.ended = time;
    this.#unsettled.add(process);
    this.#change(process, Change.exit, time);
  }

  /** Reads the records of a process, and before them those of its parents: there may be thousands in a row. */
  #read(process: Process): void {
    if (process.unread.length === 0) return;
    const line = [process];
    for (;;) {
      const parent = this.#unreadParent(line.at(-1)!);
      if (!parent) break;
      line.push(parent);
    }
    for (const each of line.reverse()) this.#readAlone(each);
  }

  #readAlone(process: Process): void {
    const sideband = this.#sideband!;
    const { unread, pid } = process;
    process.unread = [];
    /** Those of the latest image, when nobody else has seen them yet. */
    let own: Mapping[] | undefined;
    for (const at of unread) {
      const { latest } = process;
      switch (sideband.kind(at)) {
        case Life.fork: {
          // The child has its parent's mappings until it execs, which will be told.
          const parentPid = sideband.parentPid(at);
          const { mappings } = this.image(parentPid, sideband.time(at));
          process.add(this.#make(pid, parentPid, mappings), sideband.time(at));
          own = undefined;
          break;
        }
        case Life.comm:
          own = [];
          process.add(this.#make(pid, latest?.parentPid ?? 0, own), sideband.time(at));
          break;
        default: {
          if (!latest?.mappings) break;
          const range = sideband.range(at);
          if (own && insertMapping(own, range)) break;
          this.#map(process, latest, range, at);
          own = undefined;
        }
      }
    }
    this.#removeUnmapped(process, unread.at(-1)!);
    this.#unsettled.add(process);
  }

  /** The parent that a process began as a copy of, if that has records of before. */
  #unreadParent({ unread: [first = 0] }: Process): Process | undefined {
    const sideband = this.#sideband!;
    if (sideband.kind(first) !== Life.fork) return undefined;
    const parent = this.#processes.get(sideband.parentPid(first));
    const [earliest] = parent?.unread ?? [];
    return earliest !== undefined && sideband.time(earliest) < sideband.time(first) ? parent : undefined;
  }

  #map(process: Process, before: Image, range: Mapping, at: number): void {
    const { mappings, replaced } = addMapping(before.mappings ?? [], range);
    // Where nothing was mapped before, no sample was taken: the image is true of that time, too.
    if (!replaced) process.images[process.images.length - 1] = { ...before, mappings };
    else process.add({ ...before, id: this.#nextId++, mappings }, this.#sideband!.time(at));
  }

  #make(pid: number, parentPid: number, mappings: Mappings | undefined, program?: number): Image {
    const id = this.#nextId++;
    return { id, pid, program: program ?? id, parentPid, mappings };
  }

  /** A process that loads and unloads libraries for ever would have ever more mappings. */
  #removeUnmapped(process: Process, at: number): void {
    const { latest, lookAt, ended } = process;
    if (!latest?.mappings || latest.mappings.length < lookAt || ended !== NEVER) return;
    const now = readMappings(process.pid);
    const left = now ? latest.mappings.filter(mapping => overlaps(now, mapping)) : latest.mappings;
    process.lookAt = Math.max(2 * left.length, MAPPINGS_BEFORE_LOOK);
    if (left.length === latest.mappings.length) return;
    // What is mapped later where something was unmapped means something else. Samples of before may mean the old one.
    process.add({ ...latest, id: this.#nextId++, mappings: left }, this.#sideband!.time(at));
  }
}

/** The executable mappings of a process, undefined when it is gone or may not be read. */
function readMappings(pid: number): Mappings | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/maps`, 'utf8');
    if (text !== '') return parseMaps(text);
    // A leader that has ended has none, and its threads run on.
    const thread = readdirSync(`/proc/${pid}/task`).find(tid => Number(tid) !== pid);
    return thread === undefined ? undefined : parseMaps(readFileSync(`/proc/${pid}/task/${thread}/maps`, 'utf8'));
  } catch {
    return undefined;
  }
}
