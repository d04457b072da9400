/** `/proc/PID/maps` (proc(5)) and the executable mappings of an address space. */

import type { Mapping } from '../capture/sideband.ts';

export type { Mapping } from '../capture/sideband.ts';

/** Mappings sorted by start, without overlaps. Immutable: a fork shares it with its parent. */
export type Mappings = readonly Mapping[];

// 55d0c8a00000-55d0c8a9c000 r-xp 00021000 fe:01 1234   /usr/bin/dash
const LINE = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+) *(.*)$/s;

/** Parses up to 64 bits of hex as a signed double. */
export function parseAddress(hex: string): number {
  const low = Number.parseInt(hex.slice(-8), 16);
  const high = hex.length > 8 ? Number.parseInt(hex.slice(0, -8), 16) | 0 : 0;
  return high * 2 ** 32 + low;
}

/** The executable mappings of a `/proc/PID/maps` text; lines that do not parse are skipped. */
export function parseMaps(text: string): Mappings {
  const mappings: Mapping[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, start = '', end = '', offset = '', device = '', inode = '', path = ''] = match;
    mappings.push({
      start: parseAddress(start),
      end: parseAddress(end),
      fileOffset: parseAddress(offset),
      // The kernel escapes newlines only (proc(5)): \012.
      path: path.replaceAll('\\012', '\n'),
      device,
      inode: Number(inode),
      buildId: '',
    });
  }
  return mappings.sort((a, b) => a.start - b.start);
}

/** How many mappings start at the address or below. */
function countUpTo(mappings: Mappings, address: number): number {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (mappings[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The mapping that holds the address, or undefined. */
export function findMapping(mappings: Mappings, address: number): Mapping | undefined {
  const mapping = mappings[countUpTo(mappings, address) - 1];
  return mapping && address < mapping.end ? mapping : undefined;
}

/** Whether something of the mapping's range is mapped. */
export function overlaps(mappings: Mappings, { start, end }: Mapping): boolean {
  const before = mappings[countUpTo(mappings, end - 1) - 1];
  return before !== undefined && before.end > start;
}

/** Whether an address that lies in both has the same bytes of the same file there, or generated code. */
function agree(a: Mapping, b: Mapping): boolean {
  return (
    a.path === b.path &&
    a.device === b.device &&
    a.inode === b.inode &&
    a.buildId === b.buildId &&
    a.start - a.fileOffset === b.start - b.fileOffset
  );
}

/** Adds a mapping in place, unless it overlaps another one: false then. */
export function insertMapping(mappings: Mapping[], added: Mapping): boolean {
  const at = countUpTo(mappings, added.end - 1);
  if (at > 0 && mappings[at - 1]!.end > added.start) return false;
  mappings.splice(at, 0, added);
  return true;
}

/**
 * The mappings with one more, which takes the place of whatever it overlaps. `replaced`: an address means something
 * else now. It does not where the kernel tells a known mapping again, as it does after each mprotect of generated code.
 */
export function addMapping(mappings: Mappings, added: Mapping): { mappings: Mappings; replaced: boolean } {
  // The neighbours before it may reach into it; beyond its end none does.
  const end = countUpTo(mappings, added.end - 1);
  let start = countUpTo(mappings, added.start);
  if (start > 0 && mappings[start - 1]!.end > added.start) start--;
  const overlapped = mappings.slice(start, end);
  const [first, last] = [overlapped[0], overlapped.at(-1)];
  const before = first && first.start < added.start ? [{ ...first, end: added.start }] : [];
  const after: Mapping[] = [];
  if (last && last.end > added.end) {
    after.push({ ...last, start: added.end, fileOffset: last.fileOffset + added.end - last.start });
  }
  return {
    mappings: [...mappings.slice(0, start), ...before, added, ...after, ...mappings.slice(end)],
    replaced: overlapped.some(mapping => !agree(mapping, added)),
  };
}
