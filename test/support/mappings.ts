/** Mappings of processes, as the kernel would tell them. */

import { statSync } from 'node:fs';
import type { Mapping } from '../../src/process/maps.ts';
import type { Image } from '../../src/process/table.ts';

export function mapping(start: number, end: number, more: Partial<Mapping> = {}): Mapping {
  return { start, end, fileOffset: 0, path: '/lib/a.so', device: 'fe:01', inode: 7, buildId: '', ...more };
}

/** The mapping of a file that exists, told by inode; `length` bytes from `fileOffset` on. */
export function fileMapping(path: string, more: Partial<Mapping> = {}, length = 0x10000): Mapping {
  const start = more.start ?? 0x5555_0000_0000;
  return mapping(start, start + length, { path, inode: statSync(path).ino, ...more });
}

let lastImage = 1_000_000;

/** A process image; unless told otherwise of a process that is not there. */
export function image(more: Partial<Image> = {}): Image {
  return { id: lastImage++, pid: 2 ** 22 + 1, parentPid: 0, mappings: [], ...more };
}
