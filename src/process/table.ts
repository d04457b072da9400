/**
 * The processes and what they have mapped, at the time of each sample: read from `/proc` at first sight, kept true by
 * sideband events after that.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { CommEvent, ForkEvent, MmapEvent, SidebandEvent } from '../capture/sideband.ts';
import { addMapping, type Mapping, type Mappings, overlaps, parseMaps } from './maps.ts';

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

const EXITED_IMAGES_KEPT = 4096;
/** The kernel does not tell what is unmapped: so many mappings on, or twice as many, it is looked at. */
const MAPPINGS_BEFORE_LOOK = 256;

/** From this event on, the pid stands for another address space. */
function isNewProgram(event: SidebandEvent): event is ForkEvent | CommEvent {
  return (event.kind === 'fork' && event.pid !== event.parentPid) || (event.kind === 'comm' && event.exec);
}

export class ProcessTable {
  readonly #images = new Map<number, Image>();
  /** What was mapped since, of processes that nobody asked for: most of them end before anybody does. */
  readonly #mapped = new Map<number, MmapEvent[]>();
  /** Exited processes; late samples of other CPUs may still name them. Oldest first. */
  readonly #exited = new Set<number>();
  /** Execs and forks of a pid that are announced and not yet applied: how many. */
  readonly #coming = new Map<number, number>();
  /** Of processes with many mappings: how many they may have before the unmapped ones are removed. */
  readonly #lookAt = new Map<number, number>();
  readonly #followAll: boolean;
  #nextId = 1;

  /** `followAll`: keep the mappings of every process from its fork on, not only of those seen in samples. */
  constructor(options: { readonly followAll: boolean }) {
    this.#followAll = options.followAll;
  }

  /** The process as it is at this point of the recording: known, or read from /proc. */
  image(pid: number): Image {
    const image = this.#images.get(pid);
    // What /proc shows now is another program, or another process, when an exec or a fork is still to come.
    if (image === undefined) return this.#set(pid, 0, this.#coming.has(pid) ? undefined : readMappings(pid));
    const mapped = this.#mapped.get(pid);
    return mapped === undefined ? image : this.#map(image, mapped);
  }

  /** The process from now on: an address of its generated code means something else than before. */
  renew(pid: number): Image {
    const image = { ...this.image(pid), id: this.#nextId++ };
    this.#images.set(pid, image);
    return image;
  }

  has(pid: number): boolean {
    return this.#images.has(pid);
  }

  /** Reads what is mapped now, whatever was known. False when the process has ended, and what was known stays. */
  refresh(pid: number): boolean {
    const mappings = readMappings(pid);
    const { parentPid = 0, program } = this.#images.get(pid) ?? {};
    if (mappings) this.#set(pid, parentPid, mappings, program);
    return mappings !== undefined;
  }

  /** Told before apply(), while samples that happened before the event are still to come. */
  announce(event: SidebandEvent): void {
    if (isNewProgram(event)) this.#coming.set(event.pid, (this.#coming.get(event.pid) ?? 0) + 1);
  }

  #arrived(pid: number): void {
    const left = (this.#coming.get(pid) ?? 1) - 1;
    if (left > 0) this.#coming.set(pid, left);
    else this.#coming.delete(pid);
  }

  apply(event: SidebandEvent): void {
    if (isNewProgram(event)) this.#arrived(event.pid);
    switch (event.kind) {
      case 'fork':
        if (isNewProgram(event)) this.#fork(event.pid, event.parentPid);
        break;
      case 'comm':
        if (isNewProgram(event) && (this.#followAll || this.has(event.pid))) {
          this.#set(event.pid, this.#images.get(event.pid)?.parentPid ?? 0, []);
        }
        break;
      case 'mmap':
        this.#mmap(event);
        break;
      case 'exit':
        if (event.pid === event.tid) this.#exit(event.pid);
        break;
      case 'lost':
        this.#mapped.clear();
        this.#images.clear(); // what is known may be wrong now: read it again at the next sample
        break;
    }
  }

  #set(pid: number, parentPid: number, mappings: Mappings | undefined, program?: number): Image {
    const id = this.#nextId++;
    const image = { id, pid, program: program ?? id, parentPid, mappings };
    this.#images.set(pid, image);
    this.#mapped.delete(pid);
    this.#exited.delete(pid);
    this.#lookAt.delete(pid);
    return image;
  }

  #fork(pid: number, parentPid: number): void {
    if (!this.#followAll && !this.has(parentPid)) {
      this.#delete(pid); // of the process that had this pid before
      return;
    }
    // The child has its parent's mappings until it execs, which will be told.
    const { mappings } = this.image(parentPid);
    if (mappings) this.#set(pid, parentPid, mappings);
    else this.#delete(pid); // a reused pid: look at it when a sample names it
  }

  #mmap(event: MmapEvent): void {
    if (!this.#images.get(event.pid)?.mappings) return;
    const mapped = this.#mapped.get(event.pid);
    if (mapped === undefined) this.#mapped.set(event.pid, [event]);
    else mapped.push(event);
    // Of a process that maps for ever while nobody asks.
    if (mapped !== undefined && mapped.length >= MAPPINGS_BEFORE_LOOK) this.image(event.pid);
  }

  /** The image with what was mapped since. */
  #map(before: Image, mapped: readonly MmapEvent[]): Image {
    this.#mapped.delete(before.pid);
    let image = before;
    for (const { start, length, fileOffset, path, device, inode, buildId } of mapped) {
      const mapping = { start, end: start + length, fileOffset, path, device, inode, buildId };
      const { mappings, replaced } = addMapping(image.mappings ?? [], mapping);
      const left = this.#withoutUnmapped(image.pid, mappings, mapping);
      // What is mapped later where something was unmapped means something else.
      const id = replaced || left !== mappings ? this.#nextId++ : image.id;
      image = { ...image, id, mappings: left };
    }
    this.#images.set(image.pid, image);
    return image;
  }

  #delete(pid: number): void {
    this.#images.delete(pid);
    this.#mapped.delete(pid);
  }

  /** A process that loads and unloads libraries for ever would have ever more mappings. */
  #withoutUnmapped(pid: number, mappings: Mappings, latest: Mapping): Mappings {
    if (mappings.length < (this.#lookAt.get(pid) ?? MAPPINGS_BEFORE_LOOK)) return mappings;
    const now = this.#coming.has(pid) ? undefined : readMappings(pid);
    const left = now ? mappings.filter(m => m === latest || overlaps(now, m)) : mappings;
    this.#lookAt.set(pid, Math.max(2 * left.length, MAPPINGS_BEFORE_LOOK));
    return left.length < mappings.length ? left : mappings;
  }

  #exit(pid: number): void {
    if (!this.#images.has(pid)) return;
    this.#exited.add(pid);
    if (this.#exited.size <= EXITED_IMAGES_KEPT) return;
    const oldest = this.#exited.values().next().value;
    if (oldest === undefined) return;
    this.#exited.delete(oldest);
    this.#delete(oldest);
    this.#lookAt.delete(oldest);
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
