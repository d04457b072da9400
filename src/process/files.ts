/**
 * The one place that opens what a process has mapped. The paths and the files belong to the target: they may be
 * symbolic links, FIFOs, devices, or have been replaced since. A file is opened for its identity first (O_PATH has no
 * side effects), read only when it is a regular file, and believed only when it is the one that was mapped.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { type ByteSource, ElfError, MemoryBytes } from '../elf/bytes.ts';
import { type Elf, parseElf } from '../elf/elf.ts';
import { systemCode } from '../errors.ts';
import { type Mapping, parseMaps } from './maps.ts';
import type { Image } from './table.ts';

/** include/uapi/asm-generic/fcntl.h; Node.js does not name it. */
export const O_PATH = 0o10000000;
/** A vdso has a handful of pages. */
const MAX_VDSO = 1 << 20;

/** A regular file, read on demand. Its descriptor stays open so that it can be read after the path is gone. */
export class FileBytes implements ByteSource {
  readonly size: number;
  readonly fd: number;

  constructor(fd: number, size: number) {
    this.fd = fd;
    this.size = size;
  }

  read(offset: number, length: number): Uint8Array {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      throw new ElfError('truncated', `bytes ${offset} to ${offset + length} of ${this.size}`);
    }
    const bytes = new Uint8Array(length);
    this.#fill(bytes, offset, length);
    return bytes;
  }

  readInto(target: Uint8Array, offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size && length <= target.length)) {
      throw new ElfError('truncated', `bytes ${offset} to ${offset + length} of ${this.size}`);
    }
    this.#fill(target, offset, length);
  }

  #fill(target: Uint8Array, offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      const count = this.#readSome(target, done, length, offset + done);
      if (count === 0) throw new ElfError('truncated', 'the file became shorter');
      done += count;
    }
  }

  /** A file that cannot be read any more (EIO, ESTALE) is as good as cut off: its names are missing, not the recording. */
  #readSome(bytes: Uint8Array, done: number, length: number, position: number): number {
    try {
      return readSync(this.fd, bytes, done, length - done, position);
    } catch (error) {
      const code = systemCode(error);
      throw code === '' ? error : new ElfError('unreadable', `the file cannot be read: ${code}`);
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

export interface OpenedFile {
  /** The same for the same bytes, however they were reached. */
  readonly identity: string;
  /** The name under which may be kept what is worked out from the bytes. */
  readonly cacheKey: string;
  readonly bytes: FileBytes;
  readonly elf: Elf | undefined;
}

/** Opens a regular file for reading; undefined for anything else. Never blocks on a FIFO, never touches a device. */
export function openRegular(path: string): { fd: number; stats: Stats } | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(path, O_PATH);
    const stats = fstatSync(handle);
    if (!stats.isFile()) return undefined;
    return { fd: openSync(`/proc/self/fd/${handle}`, constants.O_RDONLY | constants.O_NONBLOCK), stats };
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/**
 * Opens a file that one of these users owns, by its own name, not by a link to it. Why it is not believed where it is
 * another one; undefined when it is not there.
 */
export function openOwned(
  path: string,
  owners: ReadonlySet<number>,
): number | { readonly refused: string } | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(path, O_PATH | constants.O_NOFOLLOW);
    const stats = fstatSync(handle);
    if (stats.isSymbolicLink()) return { refused: 'it is a symbolic link' };
    if (!stats.isFile()) return { refused: 'it is no regular file' };
    if (!owners.has(stats.uid)) return { refused: 'it belongs to another user' };
    return openSync(`/proc/self/fd/${handle}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function parse(bytes: ByteSource): Elf | undefined {
  try {
    return parseElf(bytes);
  } catch {
    return undefined; // not an ELF file, damaged, or unreadable: a miss, not a failure
  }
}

/** A place where a mapped file may be found. */
interface Candidate {
  readonly path: string;
  /** A link of /proc/PID/map_files: its target is the path of what is mapped there now. */
  readonly link: boolean;
}

/** Where to look, in this order. */
function candidates(image: Image, mapping: Mapping): Candidate[] {
  const range = `${mapping.start.toString(16)}-${mapping.end.toString(16)}`;
  const path = withoutDeleted(mapping.path);
  return [
    // Reaches deleted files too; needs CAP_SYS_ADMIN and a living process.
    { path: `/proc/${image.pid}/map_files/${range}`, link: true },
    { path: `/proc/${image.pid}/root${path}`, link: false },
    // The process is gone: its parent mostly lives in the same container.
    ...(image.parentPid > 0 ? [{ path: `/proc/${image.parentPid}/root${path}`, link: false }] : []),
    { path, link: false },
  ];
}

/** The kernel marks the paths of removed files. */
export function withoutDeleted(path: string): string {
  return path.replace(/ \(deleted\)$/, '');
}

/** '' when the process has ended in between. */
function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** File systems without a device of their own (overlayfs, btrfs) have the major number 0. */
function isAnonymous(device: string): boolean {
  return device.startsWith('00:');
}

/** As /proc/PID/maps prints the device; sysmacros.h: how its numbers are packed. */
function deviceText({ dev }: Stats): string {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  return [major, minor].map(number => number.toString(16).padStart(2, '0')).join(':');
}

/** Whether the opened file is what was mapped: by build id where the kernel told it, else by device and inode. */
function isMapped(mapping: Mapping, candidate: Candidate, stats: Stats, elf: Elf | undefined): boolean {
  if (mapping.buildId !== '') return elf?.buildId === mapping.buildId;
  if (mapping.inode === 0) return false;
  if (!isAnonymous(mapping.device)) return stats.ino === mapping.inode && deviceText(stats) === mapping.device;
  // There maps and stat may tell different devices, and different inodes too.
  if (stats.ino === mapping.inode) return true;
  if (!candidate.link) return false;
  return withoutDeleted(linkTarget(candidate.path)) === withoutDeleted(mapping.path);
}

/**
 * The build id names a file wherever it lies. But any file can bear another one's build id: only that of a file which
 * root alone can change is believed to be its own.
 */
function cacheKey(identity: string, stats: Stats, elf: Elf | undefined): string {
  return elf && elf.buildId !== '' && isRootsOwn(stats) ? `build-id:${elf.buildId}` : `file:${identity}`;
}

/** Whether root alone can change the file. */
export function isRootsOwn({ uid, mode }: Stats): boolean {
  return uid === 0 && (mode & 0o022) === 0;
}

/** The same for the same bytes, however they were reached. */
export function identityOf({ dev, ino, size, mtimeMs }: Stats): string {
  return `${dev}:${ino}:${size}:${mtimeMs}`;
}

/** {@link OpenedFile.cacheKey} of a file that is open already; '' when it cannot be looked at. */
export function keyOfOpenFile({ fd }: FileBytes, elf: Elf): string {
  try {
    const stats = fstatSync(fd);
    return cacheKey(identityOf(stats), stats, elf);
  } catch {
    return '';
  }
}

/** The file of a mapping, or undefined when it cannot be had any more. */
export function openMapped(image: Image, mapping: Mapping): OpenedFile | undefined {
  for (const candidate of candidates(image, mapping)) {
    const opened = openRegular(candidate.path);
    if (!opened) continue;
    const file = identified(opened);
    if (isMapped(mapping, candidate, opened.stats, file.elf)) return file;
    file.bytes.close();
  }
  return undefined;
}

/** A file that the user names; undefined when it is no regular file or cannot be read. */
export function openPath(path: string): OpenedFile | undefined {
  const opened = openRegular(path);
  return opened && identified(opened);
}

function identified({ fd, stats }: { fd: number; stats: Stats }): OpenedFile {
  const bytes = new FileBytes(fd, stats.size);
  const elf = parse(bytes);
  const identity = identityOf(stats);
  return { identity, cacheKey: cacheKey(identity, stats, elf), bytes, elf };
}

function readMemory(pid: number | 'self', mapping: Mapping): Uint8Array | undefined {
  const length = mapping.end - mapping.start;
  if (length > MAX_VDSO) return undefined;
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${pid}/mem`, constants.O_RDONLY);
    const bytes = new Uint8Array(length);
    return readSync(fd, bytes, 0, length, mapping.start) === length ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The vdso is no file: its bytes come from the process's memory, or from our own when the process is gone. */
export function openVdso(image: Image, mapping: Mapping): { bytes: ByteSource; elf: Elf } | undefined {
  let memory = readMemory(image.pid, mapping);
  if (!memory) {
    const own = parseMaps(readFileSync('/proc/self/maps', 'utf8')).find(m => m.path === '[vdso]');
    if (own && own.end - own.start === mapping.end - mapping.start) memory = readMemory('self', own);
  }
  const bytes = memory && new MemoryBytes(memory);
  const elf = bytes && parse(bytes);
  return elf && { bytes, elf };
}
