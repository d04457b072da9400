/** What the agent has in memory of Node.js, most of which only starting needs. */
import { readFileSync } from 'node:fs';
import { loadAddon } from '../capture/addon.ts';

/** Less is not worth a look. */
const MIN_BYTES = 1 << 20;

/** Part of an address space. */
export interface Range {
  readonly start: number;
  readonly bytes: number;
}

/**
 * The large parts of a program that are in memory as they are in its file: none of their pages was ever written to.
 * `smaps`: see proc(5), /proc/PID/smaps.
 */
export function cleanParts(smaps: string, program: string): Range[] {
  const parts: Range[] = [];
  for (const [, from = '', to = '', path, details = ''] of smaps.matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) r-.p \S+ \S+ \d+ +(.*)\n((?:[A-Z].*\n)*)/gm,
  )) {
    const start = Number.parseInt(from, 16);
    const bytes = Number.parseInt(to, 16) - start;
    if (path === program && bytes >= MIN_BYTES && /^Anonymous: +0 kB$/m.test(details)) parts.push({ start, bytes });
  }
  return parts;
}

/** What is needed of them comes back from the page cache, 20 MB less than there were. */
export function giveBackOwnPages(): void {
  let smaps: string;
  try {
    smaps = readFileSync('/proc/self/smaps', 'latin1');
  } catch {
    return; // a kernel without CONFIG_PROC_PAGE_MONITOR
  }
  for (const { start, bytes } of cleanParts(smaps, process.execPath)) loadAddon().giveBack(start, bytes);
}
