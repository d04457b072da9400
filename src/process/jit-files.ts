/**
 * The files in which a runtime describes the code that it generates. They are looked for as soon as the code is seen,
 * and kept open: the process, its root directory and the files may be gone when names are wanted.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { uptime } from 'node:os';
import { O_PATH, openMapped, openOwned } from './files.ts';
import { identify, type ProcessIdentity, startTime } from './identity.ts';
import { type JitDescriptors, type JitOwner, JitView, MAX_JIT_FILE, NO_LIMITS, sizeNow } from './jit-bytes.ts';
import { JitReuse } from './jit-reuse.ts';
import type { Image } from './table.ts';

/** A runtime maps a page of its jitdump executable, so that profilers are told (jitdump-specification.txt). */
const MARKER = /\/jit-\d+\.dump(?: \(deleted\))?$/;

/** USER_HZ of every architecture that is sampled here. */
const TICK_MS = 10;
/** Clocks are set while processes run. */
const CLOCK_SLACK_MS = 5000;

const NONE: JitDescriptors = { perfMap: undefined, jitdump: undefined };

let nextId = 1;

/** Of one program of a process, from exec to exec. */
export class JitFiles implements JitOwner {
  /** Never given twice. */
  readonly id = nextId++;
  descriptors: JitDescriptors = NONE;
  /** How often its memory was used for other code. */
  uses = 0;
  /** Names what is sampled now. */
  current = new JitView<JitFiles>(this, NO_LIMITS);
  readonly process: ProcessIdentity;
  /** With what is mapped by now. */
  image: Image;
  readonly #warn: (sentence: string) => void;
  readonly #said = new Set<string>();
  readonly #reuse = new JitReuse();
  /** The current one with the sizes of the files at the end of the last drain. */
  #limits = NO_LIMITS;
  /** Of its /tmp: reaches files there when the process is gone. */
  readonly #folder: number | undefined;

  private constructor(
    image: Image,
    process: ProcessIdentity,
    folder: number | undefined,
    warn: (sentence: string) => void,
  ) {
    this.image = image;
    this.process = process;
    this.#folder = folder;
    this.#warn = warn;
  }

  /**
   * `warn`: takes a sentence about a file that is not believed. The files of a process, or of one that has ended and whose parent is likely to have the same root and user. */
  static of(image: Image, warn: (sentence: string) => void): JitFiles | undefined {
    const living = identify(image.pid);
    if (living) return new JitFiles(image, living, openFolder(living), warn);
    const parent = identify(image.parentPid || process.pid);
    // What the pid was in another namespace nobody knows any more.
    if (!parent || parent.ownPid !== parent.pid) return undefined;
    const own = { ...parent, pid: image.pid, ownPid: image.pid, startTime: '' };
    return new JitFiles(image, own, openFolder(parent), warn);
  }

  /** A path that leads to a file in its /tmp, as long as this is open. */
  pathOf(name: string): string | undefined {
    return this.#folder === undefined ? undefined : `/proc/self/fd/${this.#folder}/${name}`;
  }

  get perfMapName(): string {
    return `perf-${this.process.ownPid}.map`;
  }

  /** Opens what is there by now. */
  look(): void {
    const { perfMap, jitdump } = this.descriptors;
    const now = startTime(this.process.pid);
    // What is there may be of another process when its pid has been used again.
    if (now !== '' && now !== this.process.startTime) return;
    this.descriptors = {
      perfMap: perfMap ?? this.#open(this.perfMapName),
      jitdump: jitdump ?? this.#mappedDump() ?? this.#open(this.#dumpName),
    };
    this.#checkSizes();
  }

  /** Before samples of a drain are named by the current view: whether that is another one now. */
  follow(): boolean {
    if (!this.#reuse.happened(this.descriptors)) return false;
    this.current.limits = this.#limits;
    this.current = new JitView<JitFiles>(this, NO_LIMITS);
    this.uses++;
    this.#reuse.forget();
    return true;
  }

  /** After the samples of a drain. */
  mark(): void {
    const { perfMap, jitdump } = this.descriptors;
    this.#reuse.begin(this.descriptors);
    this.#limits = { perfMap: sizeOf(perfMap), jitdump: sizeOf(jitdump) };
  }

  /** An address in generated code was sampled. */
  saw(address: number): void {
    this.#reuse.saw(address);
  }

  /** No window knows any address. */
  forget(): void {
    this.#reuse.forget();
  }

  get #dumpName(): string {
    return `jit-${this.process.ownPid}.dump`;
  }

  #open(name: string): number | undefined {
    const path = this.pathOf(name);
    const opened = path === undefined ? undefined : openOwned(path, this.process.owners);
    if (opened === undefined || (typeof opened === 'number' && !this.#isOlder(opened))) return opened;
    if (typeof opened === 'number') closeSync(opened);
    const reason = typeof opened === 'number' ? 'it is older than the process' : opened.refused;
    this.#sayOnce(`/tmp/${name} is not read: ${reason}.`);
    return undefined;
  }

  /** Whether it is of another process, which had the same pid before. */
  #isOlder(fd: number): boolean {
    const { startTime: ticks } = this.process;
    if (ticks === '') return false;
    const startedMs = Date.now() - uptime() * 1000 + Number(ticks) * TICK_MS;
    return fstatSync(fd).mtimeMs < startedMs - CLOCK_SLACK_MS;
  }

  #mappedDump(): number | undefined {
    const marker = this.image.mappings?.find(({ path }) => MARKER.test(path));
    const opened = marker && openMapped(this.image, marker);
    if (!opened) return undefined;
    if (this.process.owners.has(fstatSync(opened.bytes.fd).uid)) return opened.bytes.fd;
    opened.bytes.close();
    this.#sayOnce(`${marker.path} is not read: it belongs to another user.`);
    return undefined;
  }

  #checkSizes(): void {
    const { perfMap, jitdump } = this.descriptors;
    for (const [fd, name] of [
      [perfMap, this.perfMapName],
      [jitdump, this.#dumpName],
    ] as const) {
      if (fd === undefined || fstatSync(fd).size <= MAX_JIT_FILE) continue;
      this.#sayOnce(`${name} is read up to ${MAX_JIT_FILE / 2 ** 30} GiB: code that was generated later has no name.`);
    }
  }

  #sayOnce(sentence: string): void {
    if (this.#said.has(sentence)) return;
    this.#said.add(sentence);
    this.#warn(`Process ${this.process.pid}: ${sentence}`);
  }

  close(): void {
    const { perfMap, jitdump } = this.descriptors;
    for (const fd of [perfMap, jitdump, this.#folder]) if (fd !== undefined) closeSync(fd);
    this.descriptors = NONE;
  }
}

/** Of a file that is found later, nothing is known. */
function sizeOf(fd: number | undefined): number {
  return fd === undefined ? Number.POSITIVE_INFINITY : sizeNow(fd);
}

/** Where runtimes write, whatever TMPDIR says. A link could lead anywhere in another root, so it has to be a folder there. */
function openFolder({ pid, sharesRoot }: ProcessIdentity): number | undefined {
  const flags = O_PATH | constants.O_DIRECTORY | (sharesRoot ? 0 : constants.O_NOFOLLOW);
  try {
    return openSync(`/proc/${pid}/root/tmp`, flags);
  } catch {
    return undefined;
  }
}
