import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cleanParts, giveBackOwnPages } from '../../src/agent/own-pages.ts';

/** An entry as the kernel prints it, kB. */
function entry(range: string, permissions: string, path: string, anonymous = 0): string {
  return `${range} ${permissions} 00772000 fe:00 247580                             ${path}
Size:              26672 kB
Rss:               23232 kB
Private_Dirty:         0 kB
Anonymous:      ${String(anonymous).padStart(8)} kB
VmFlags: rd ex mr mw me sd
`;
}

describe('parts that are as they are in the file', () => {
  const program = '/usr/bin/node';
  const starts = (...entries: readonly string[]) => cleanParts(entries.join(''), program).map(({ start }) => start);

  test('are code and constants', () => {
    const smaps = entry('00400000-00b6f000', 'r--p', program) + entry('00b72000-025fe000', 'r-xp', program);
    expect(cleanParts(smaps, program)).toEqual([
      { start: 0x400000, bytes: 0x76f000 },
      { start: 0xb72000, bytes: 0x1a8c000 },
    ]);
  });

  test('have no page that was written to, as the relocated ones', () => {
    expect(starts(entry('00400000-00b6f000', 'r--p', program, 4), entry('01000000-02000000', 'r-xp', program))).toEqual(
      [0x1000000],
    );
  });

  test('cannot be written to, are large, and are of the program', () => {
    expect(
      starts(
        entry('00400000-00b6f000', 'rw-p', program),
        entry('01000000-01001000', 'r-xp', program),
        entry('02000000-03000000', 'r-xp', '/usr/lib/libv8.so'),
        entry('04000000-05000000', 'r-xp', ''), // code moved to large pages
        entry('06000000-07000000', 'r-xp', `${program} (deleted)`),
      ),
    ).toEqual([]);
  });

  test('of nonsense: none', () => {
    expect(starts('')).toEqual([]);
    expect(starts('no mapping\n', entry('00400000-00b6f000', 'r-xp', program).slice(0, 60))).toEqual([]);
  });
});

test('they are given back, and the process goes on', () => {
  const resident = () => Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
  const before = resident();
  giveBackOwnPages();
  expect(before - resident()).toBeGreaterThan(5000);
  expect(JSON.parse(JSON.stringify({ pages: [1, 2] }))).toEqual({ pages: [1, 2] });
});
