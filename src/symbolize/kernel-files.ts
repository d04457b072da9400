/** How the kernel's text files are reached: the one place of this folder that knows paths. */

import { closeSync, openSync, readSync } from 'node:fs';

/** The bytes of a file in pieces, each valid until the next is taken. Throws when the file cannot be read. */
export type KernelFiles = (path: '/proc/kallsyms' | '/proc/modules') => Iterable<Uint8Array>;

const pieceSize = 64 * 1024;

/** Reads /proc of the running system. */
export const runningKernel: KernelFiles = function* (path) {
  const piece = new Uint8Array(pieceSize);
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const length = readSync(file, piece);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
};
