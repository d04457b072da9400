import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { Miss } from '../../src/model/profile.ts';
import { CodeTable } from '../../src/process/code.ts';
import { Locations } from '../../src/process/locations.ts';
import type { Image } from '../../src/process/table.ts';
import { elfFile } from '../support/elf.ts';
import { testFolder } from '../support/folder.ts';
import { fileMapping, image, mapping } from '../support/mappings.ts';
import { halves } from '../support/records.ts';

const path = testFolder();
const program = path('program');
// The second segment's addresses are file offsets that no segment has.
writeFileSync(
  program,
  elfFile([
    { offset: 0, address: 0x400000, size: 0x1000, flags: 4 },
    { offset: 0x1000, address: 0x5000, size: 0x1000 },
    { offset: 0x2000, address: 0x7f0000, size: 0x800 },
  ]),
);

const START = 0x5555_0000_0000;
/** Maps the whole file and some more from START on, nothing else but generated code at 0x1000. */
const mappings = [
  mapping(0x1000, 0x2000, { path: '', inode: 0 }),
  fileMapping(program, { start: START }),
  mapping(0x7fff_0000_0000, 0x7fff_0000_2000, { path: '/gone', fileOffset: 0x3000 }),
];

let code = new CodeTable();
let locations = new Locations(code);
afterEach(() => {
  code.close();
  code = new CodeTable();
  locations = new Locations(code);
});

function user(of: Image, address: number): number {
  return locations.user(of, ...halves(BigInt(address)));
}

/** `mapping address miss` of a location. */
function text(location: number): string {
  const address = locations.address[location]!;
  const filename = locations.mappings[locations.mapping[location]!]?.filename ?? '-';
  const hex = `${address < 0 ? '-' : ''}0x${Math.abs(address).toString(16)}`;
  const miss = Object.entries(Miss).find(([, value]) => value === locations.miss[location])?.[0];
  return `${filename} ${hex} ${miss}`;
}

describe('user addresses', () => {
  test.each([
    [START, `${program} 0x400000 none`],
    [START + 0xfff, `${program} 0x400fff none`],
    [START + 0x1000, `${program} 0x5000 none`],
    [START + 0x1fff, `${program} 0x5fff none`],
    [START + 0x2000, `${program} 0x7f0000 none`],
    [START + 0x27ff, `${program} 0x7f07ff none`],
    [START + 0x2800, `${program} 0x2800 unknownAddress`],
    [START + 0x5000, `${program} 0x5000 unknownAddress`],
    [START + 0x10000, '- 0x0 unmapped'],
    [START - 1, '- 0x0 unmapped'],
    [0, '- 0x0 unmapped'],
    [-1, '- 0x0 unmapped'],
    [0x1234, '[anon] 0x1234 none'],
    [0x7fff_0000_0010, '/gone 0x3010 unreadableFile'],
  ])('%i', (address, expected) => expect(text(user(image({ mappings }), address))).toBe(expected));

  test('the offset of the mapping counts', () => {
    const part = [fileMapping(program, { start: START, fileOffset: 0x1000 }, 0x1000)];
    expect(text(user(image({ mappings: part }), START + 0x10))).toBe(`${program} 0x5010 none`);
  });

  test('a process that was gone', () => {
    const gone = image({ mappings: undefined });
    expect(text(user(gone, START))).toBe('- 0x0 processGone');
    expect(user(gone, START + 1)).toBe(user(image({ mappings: undefined }), 5));
  });
});

describe('each location once', () => {
  test('an address of an image', () => {
    const one = image({ mappings });
    const [first, second] = [user(one, START), user(one, START + 1)];
    expect([first, second]).toEqual([0, 1]);
    expect([user(one, START), user(one, START + 1)]).toEqual([0, 1]);
    expect(locations.length).toBe(2);
  });

  test('code that two processes map at different places', () => {
    const other = image({ mappings: [fileMapping(program, { start: START + 0x7000 })] });
    expect(user(other, START + 0x7000 + 0x1234)).toBe(user(image({ mappings }), START + 0x1234));
    expect(locations.length).toBe(1);
  });

  test('generated code is each image its own', () => {
    const [one, two] = [image({ mappings }), image({ mappings })];
    expect(user(one, 0x1234)).not.toBe(user(two, 0x1234));
    expect(locations.mappings.map(m => m.kind)).toEqual(['jit', 'jit']);
  });

  test('the same address in another image may be something else', () => {
    const [before, after] = [image({ mappings }), image({ mappings: [] })];
    expect(text(user(before, START))).toBe(`${program} 0x400000 none`);
    expect(text(user(after, START))).toBe('- 0x0 unmapped');
  });

  test('all that is unmapped is one location', () => {
    expect(user(image({ mappings }), 1)).toBe(user(image({ mappings: [] }), 2));
    expect(user(image({ mappings: undefined }), 1)).not.toBe(user(image({ mappings: [] }), 2));
  });

  test('a file offset without an address is not the address of the same number', () => {
    const one = image({ mappings });
    const [named, unnamed] = [user(one, START + 0x1000), user(one, START + 0x5000)];
    expect([text(named), text(unnamed)]).toEqual([`${program} 0x5000 none`, `${program} 0x5000 unknownAddress`]);
  });

  test('what is mapped later is found then', () => {
    const before = image({ mappings: [] });
    const after = { ...before, mappings };
    expect(text(user(before, START))).toBe('- 0x0 unmapped');
    expect(text(user(after, START))).toBe(`${program} 0x400000 none`);
  });
});

describe('kernel addresses', () => {
  const kernel = (address: bigint) => locations.kernel(...halves(address));

  test.each([
    [0xffff_ffff_8100_1234n, '[kernel.kallsyms] -0x7effedcc none'],
    [0xffff_8000_0000_0000n, '[kernel.kallsyms] -0x800000000000 none'],
    [0xffff_ffff_ffff_ffffn, '[kernel.kallsyms] -0x1 none'],
  ])('%i', (address, expected) => expect(text(kernel(address))).toBe(expected));

  test('each once, and apart from those of processes', () => {
    const address = 0xffff_ffff_8100_0000n;
    expect([kernel(address), kernel(address + 1n), kernel(address)]).toEqual([0, 1, 0]);
    expect(text(locations.user(image(), ...halves(address)))).toBe('- 0x0 unmapped');
    expect(locations.mappings).toHaveLength(1);
  });

  test('halves may be told signed or unsigned', () => {
    expect(locations.kernel(-1, -1)).toBe(locations.kernel(0xffffffff, 0xffffffff));
    expect(text(0)).toBe('[kernel.kallsyms] -0x1 none');
  });
});

test('columns grow', () => {
  const one = image({ mappings });
  const numbers = Array.from({ length: 4096 }, (_, i) => user(one, START + i));
  expect(numbers).toEqual(Array.from({ length: 4096 }, (_, i) => i));
  expect(text(4095)).toBe(`${program} 0x400fff none`);
  expect(text(1)).toBe(`${program} 0x400001 none`);
});
