/**
 * The root directories of targets. A process in a container or a chroot means other files by its paths than we do; what
 * lies beside its programs is reached from its own root directory, by a descriptor that outlives the process. Other file
 * systems that were mounted below it go with the last process of its mount namespace: to hold on to that would keep the
 * volumes of containers busy that have ended.
 */
import { closeSync, constants, openSync, readlinkSync, statSync } from 'node:fs';
import type { Image } from './table.ts';

/** include/uapi/asm-generic/fcntl.h; Node.js does not name it. */
const O_PATH = 0o10000000;
/** Nobody profiles this many containers; the files beside further programs are looked for on the machine alone. */
const MAX_ROOTS = 1024;

export interface TargetRoot {
  /** A descriptor (O_PATH) of the directory; undefined when it is our own root. */
  readonly fd: number | undefined;
  /** Its path as we see it: of a chroot. '' where paths of the target begin as ours do. */
  readonly path: string;
}

export const ownRoot: TargetRoot = { fd: undefined, path: '' };

/** The same directory may have other things mounted below it in another mount namespace. */
function identityOf(pid: number | 'self'): string {
  const { dev, ino } = statSync(`/proc/${pid}/root`);
  return `${readlinkSync(`/proc/${pid}/ns/mnt`)}:${dev}:${ino}`;
}

export class TargetRoots {
  readonly #byIdentity = new Map<string, TargetRoot>();
  #own: string | undefined;

  /** The root of a process, of its parent when it is gone, ours when both are. */
  of({ pid, parentPid }: Pick<Image, 'pid' | 'parentPid'>): TargetRoot {
    return this.#open(pid) ?? (parentPid > 0 ? this.#open(parentPid) : undefined) ?? ownRoot;
  }

  #open(pid: number): TargetRoot | undefined {
    try {
      this.#own ??= identityOf('self');
      const identity = identityOf(pid);
      if (identity === this.#own) return ownRoot;
      let root = this.#byIdentity.get(identity);
      if (root === undefined && this.#byIdentity.size < MAX_ROOTS) {
        const seen = readlinkSync(`/proc/${pid}/root`);
        const fd = openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
        root = { fd, path: seen === '/' ? '' : seen };
        this.#byIdentity.set(identity, root);
      }
      return root;
    } catch {
      return undefined; // gone, or not ours to look into
    }
  }

  /** Closes those whose descriptors are not among the used ones. */
  sweep(used: ReadonlySet<number | undefined>): void {
    for (const [identity, { fd }] of this.#byIdentity) {
      if (fd === undefined || used.has(fd)) continue;
      this.#byIdentity.delete(identity);
      closeSync(fd);
    }
  }

  close(): void {
    this.sweep(new Set());
  }
}

/** A path that we see, as a process with this root sees it: without the path of its chroot. */
export function pathWithin({ path: root }: TargetRoot, path: string): string {
  return root !== '' && path.startsWith(`${root}/`) ? path.slice(root.length) : path;
}
