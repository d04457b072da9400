/** A folder for the files of a test file; gone at its end. */

import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Returns a function from names to paths in a new folder. */
export function testFolder(): (name?: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'profiler-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name = '') => join(folder, name);
}

/** What this process has open at or below a path. */
export function openBelow(path: string): string[] {
  return readdirSync('/proc/self/fd')
    .map(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // the descriptor of this very listing
      }
    })
    .filter(target => target.startsWith(path));
}
