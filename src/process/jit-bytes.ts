/** What a runtime writes about the code that it generates, as it is at the moment of asking. */
import { fstatSync } from 'node:fs';
import type { ByteSource } from '../elf/bytes.ts';
import { FileBytes } from './files.ts';

/** A file that grows, and how much of it had been written when the samples were taken that it is to name. */
export interface GrowingBytes {
  readonly bytes: ByteSource;
  readonly until: number;
}

export interface JitBytes {
  /** The same object for the same process: what was read for samples of an earlier time is read on from. */
  readonly owner: object;
  /** undefined where the runtime writes none. */
  perfMap(): GrowingBytes | undefined;
  jitdump(): GrowingBytes | undefined;
}

/** One value for each of the files. */
export interface PerJitFile<T> {
  readonly perfMap: T;
  readonly jitdump: T;
}

/** Open files, by descriptor; undefined where there is none. */
export type JitDescriptors = PerJitFile<number | undefined>;

export const NO_LIMITS: PerJitFile<number> = { perfMap: Number.POSITIVE_INFINITY, jitdump: Number.POSITIVE_INFINITY };

/** No more of a file is read, bytes: ten times what a JVM writes whose code cache is full. */
export const MAX_JIT_FILE = 2 ** 30;

/** Who holds the files of a process open. */
export interface JitOwner {
  /** What is open by now. */
  readonly descriptors: JitDescriptors;
}

/** The files of a process as they were when some samples were taken. */
export class JitView<Owner extends JitOwner = JitOwner> implements JitBytes {
  readonly owner: Owner;
  /** Sizes of the files at that time. */
  limits: PerJitFile<number>;

  constructor(owner: Owner, limits: PerJitFile<number>) {
    this.owner = owner;
    this.limits = limits;
  }

  perfMap(): GrowingBytes | undefined {
    return growing(this.owner.descriptors.perfMap, this.limits.perfMap);
  }

  jitdump(): GrowingBytes | undefined {
    return growing(this.owner.descriptors.jitdump, this.limits.jitdump);
  }
}

function growing(fd: number | undefined, until: number): GrowingBytes | undefined {
  return fd === undefined ? undefined : { bytes: new FileBytes(fd, sizeNow(fd)), until };
}

/** As much of a file as is read. */
export function sizeNow(fd: number): number {
  return Math.min(fstatSync(fd).size, MAX_JIT_FILE);
}
