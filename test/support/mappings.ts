/** Mappings of processes, as the kernel would tell them. */

import { statSync } from 'node:fs';
import type { Mapping } from '../../src/process/maps.ts';
import type { Image } from '../../src/process/table.ts';

export function mapping(start: number, end: number, more: Partial<Mapping> = {}): Mapping {
  return { start, end, fileOffset: 0, path: '/lib/a.so', device: 'fe:01', inode: 7, buildId: '', ...more };
}

/** A device as /proc/PID/maps prints it, from what stat tells (sysmacros.h). */
function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return [major, minor].map(number => number.toString(16).padStart(2, '0')).join(':');
}

/** The mapping of a file that exists, told by device and inode; `length` bytes from `fileOffset` on. */
export function fileMapping(path: string, more: Partial<Mapping> = {}, length = 0x10000): Mapping {
  const start = more.start ?? 0x5555_0000_0000;
  const { ino, dev } = statSync(path, { bigint: true });
  return mapping(start, start + length, { path, inode: Number(ino), device: deviceText(dev), ...more });
}

let lastImage = 1_000_000;

/** A process image; unless told otherwise of a process that is not there. */
export function image(more: Partial<Image> = {}): Image {
  const id = lastImage++;
  return { id, program: id, pid: 2 ** 22 + 1, parentPid: 0, mappings: [], ...more };
}
