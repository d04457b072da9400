import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  addMapping,
  findMapping,
  type Mapping,
  type Mappings,
  overlaps,
  parseAddress,
  parseMaps,
} from '../../src/process/maps.ts';
import { mapping } from '../support/mappings.ts';
import { random } from '../support/random.ts';

describe('addresses', () => {
  test.each([
    ['0', 0],
    ['1000', 0x1000],
    ['ffffffff', 2 ** 32 - 1],
    ['100000000', 2 ** 32],
    ['7fffffffffff', 2 ** 47 - 1],
    ['7fff12345000', 0x7fff12345000],
    ['ffffffffff600000', -0xa00000],
    ['ffff800000000000', -(2 ** 47)],
    ['ffffffffffffffff', -1],
    ['00001000', 0x1000],
  ])('%s', (hex, address) => expect(parseAddress(hex)).toBe(address));
});

describe('parsing', () => {
  const one = (line: string) => parseMaps(`${line}\n`);

  test('a file', () =>
    expect(one('55d0c8a00000-55d0c8a9c000 r-xp 00021000 fe:01 1234                       /usr/bin/dash')).toEqual([
      {
        start: 0x55d0c8a00000,
        end: 0x55d0c8a9c000,
        fileOffset: 0x21000,
        path: '/usr/bin/dash',
        device: 'fe:01',
        inode: 1234,
        buildId: '',
      },
    ]));

  test.each([
    ['7f0000000000-7f0000001000 rwxp 00000000 00:00 0 ', { path: '', inode: 0 }],
    ['7fff00000000-7fff00002000 r-xp 00000000 00:00 0                          [vdso]', { path: '[vdso]' }],
    ['1000-2000 --xs 0 00:05 99 /memfd:jit (deleted)', { path: '/memfd:jit (deleted)', device: '00:05', inode: 99 }],
    ['1000-2000 r-xp 0 103:abcde 99 /a', { device: '103:abcde' }],
    ['1000-2000 r-xp 0 08:01 18446744073709551615 /a', { inode: 2 ** 64 }],
    ['1000-2000 r-xp 1234567890000 08:01 9 /a', { fileOffset: 0x1234567890000 }],
    ['1000-2000 r-xp 0 08:01 9 /with several  spaces ', { path: '/with several  spaces ' }],
    ['1000-2000 r-xp 0 08:01 9 /two\\012lines\\012', { path: '/two\nlines\n' }],
    ['1000-2000 r-xp 0 08:01 9 /carriage\rreturn', { path: '/carriage\rreturn' }],
    ['1000-2000 r-xp 0 08:01 9 /separators\u2028\u2029', { path: '/separators\u2028\u2029' }],
    ['1000-2000 r-xp 0 08:01 9 /1000-2000 r-xp 0 08:01 9 /x', { path: '/1000-2000 r-xp 0 08:01 9 /x' }],
    [
      'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]',
      { start: -0xa00000, end: -0x9ff000 },
    ],
  ])('%j', (line, expected) => expect(one(line)).toMatchObject([expected]));

  test.each([
    '',
    '1000-2000 r--p 0 08:01 9 /not/executable',
    '1000-2000 r-x 0 08:01 9 /no/sharing',
    '1000 r-xp 0 08:01 9 /no/end',
    '1000-2000 r-xp 0 0801 9 /no/device',
    ' 1000-2000 r-xp 0 08:01 9 /indented',
    'Size: 4 kB',
    '-1000-2000 r-xp 0 08:01 9 /negative',
    '1000-2000 r-xp 0 08:01 x /inode',
  ])('skipped: %j', line => expect(one(line)).toEqual([]));

  test('the vsyscall page comes before everything else, for its address is negative', () => {
    const text = ['1000-2000', '4000-5000', 'ffffffffff600000-ffffffffff601000', '3000-4000']
      .map(range => `${range} r-xp 0 08:01 9 /a`)
      .join('\n');
    expect(parseMaps(text).map(m => m.start)).toEqual([-0xa00000, 0x1000, 0x3000, 0x4000]);
  });

  test('our own: sorted, apart from each other, with the program that runs', () => {
    const mappings = parseMaps(readFileSync('/proc/self/maps', 'utf8'));
    for (const [i, { start, end, fileOffset }] of mappings.entries()) {
      expect(start).toBeLessThan(end);
      expect([start % 4096, fileOffset % 4096].map(Math.abs)).toEqual([0, 0]);
      if (i > 0) expect(start).toBeGreaterThanOrEqual(mappings[i - 1]!.end);
    }
    expect(mappings.map(m => m.path)).toContain(process.execPath);
    expect(mappings.map(m => m.path)).toContain('[vdso]');
  });

  test('a long hostile text takes no longer than an honest one', () => {
    const started = process.cpuUsage();
    parseMaps(`1000-2000 r-xp 0 08:01 9${' '.repeat(1_000_000)}/a\n${'0'.repeat(1_000_000)}\n${'-\n'.repeat(500_000)}`);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(1000);
  });
});

describe('finding', () => {
  const mappings = [
    mapping(-0x2000, -0x1000),
    mapping(0x1000, 0x2000),
    mapping(0x2000, 0x3000),
    mapping(0x5000, 0x6000),
  ];

  test.each([
    [-0x2001, undefined],
    [-0x2000, 0],
    [-0x1001, 0],
    [-0x1000, undefined],
    [0, undefined],
    [0xfff, undefined],
    [0x1000, 1],
    [0x1fff, 1],
    [0x2000, 2],
    [0x2fff, 2],
    [0x3000, undefined],
    [0x4fff, undefined],
    [0x5fff, 3],
    [0x6000, undefined],
    [2 ** 47, undefined],
  ])('%i', (address, index) =>
    expect(findMapping(mappings, address)).toBe(index === undefined ? undefined : mappings[index]),
  );

  test('in nothing', () => expect(findMapping([], 0)).toBeUndefined());
});

describe('overlapping', () => {
  const mappings = [
    mapping(-0x2000, -0x1000),
    mapping(0x1000, 0x3000),
    mapping(0x3000, 0x4000),
    mapping(0x6000, 0x9000),
  ];

  test.each([
    [-0x3000, -0x2000, false],
    [-0x3000, -0x1fff, true],
    [-0x1000, 0x1000, false],
    [-0x1001, 0, true],
    [0, 0x1001, true],
    [0x2fff, 0x3000, true],
    [0x3fff, 0x4001, true],
    [0x4000, 0x6000, false],
    [0x4000, 0x6001, true],
    [0x7000, 0x8000, true],
    [0x5000, 0xa000, true],
    [0x9000, 0xa000, false],
    [-0x8000, 0x10000, true],
  ])('%i to %i: %s', (start, end, expected) => expect(overlaps(mappings, mapping(start, end))).toBe(expected));

  test('with nothing', () => expect(overlaps([], mapping(0, 0x1000))).toBe(false));
});

describe('adding', () => {
  /** `start-end path fileOffset` of each, in pages. */
  const text = (mappings: Mappings) =>
    mappings.map(m => `${m.start / 4096}-${m.end / 4096} ${m.path} ${m.fileOffset / 4096}`);
  const pages = (start: number, end: number, path: string, offset = 0): Mapping =>
    mapping(start * 4096, end * 4096, { path, fileOffset: offset * 4096 });
  const before = Object.freeze([pages(10, 20, 'a', 100), pages(20, 30, 'b', 200), pages(40, 50, 'c', 300)]);

  test.each([
    ['before all', 0, 10, false, ['0-10 new 0', '10-20 a 100', '20-30 b 200', '40-50 c 300']],
    ['in a gap', 30, 40, false, ['10-20 a 100', '20-30 b 200', '30-40 new 0', '40-50 c 300']],
    ['after all', 60, 61, false, ['10-20 a 100', '20-30 b 200', '40-50 c 300', '60-61 new 0']],
    ['inside', 12, 15, true, ['10-12 a 100', '12-15 new 0', '15-20 a 105', '20-30 b 200', '40-50 c 300']],
    ['over a beginning', 35, 45, true, ['10-20 a 100', '20-30 b 200', '35-45 new 0', '45-50 c 305']],
    ['over an end', 25, 35, true, ['10-20 a 100', '20-25 b 200', '25-35 new 0', '40-50 c 300']],
    ['over a border', 18, 22, true, ['10-18 a 100', '18-22 new 0', '22-30 b 202', '40-50 c 300']],
    ['over several', 15, 45, true, ['10-15 a 100', '15-45 new 0', '45-50 c 305']],
    ['over all', 0, 60, true, ['0-60 new 0']],
    ['in place of one', 20, 30, true, ['10-20 a 100', '20-30 new 0', '40-50 c 300']],
  ] as const)('%s', (_, start, end, replaced, expected) => {
    const result = addMapping(before, pages(start, end, 'new'));
    expect(text(result.mappings)).toEqual(expected);
    expect(result.replaced).toBe(replaced);
    expect(text(before)).toEqual(['10-20 a 100', '20-30 b 200', '40-50 c 300']);
  });

  test.each([
    ['again', pages(20, 30, 'b', 200), ['10-20 a 100', '20-30 b 200', '40-50 c 300'], false],
    ['grown', pages(20, 35, 'b', 200), ['10-20 a 100', '20-35 b 200', '40-50 c 300'], false],
    ['a part of it again', pages(22, 24, 'b', 202), ['20-22 b 200', '22-24 b 202', '24-30 b 204'], false],
    ['another part of the file', pages(20, 30, 'b', 201), ['20-30 b 201'], true],
    ['another file of this name', { ...pages(20, 30, 'b', 200), inode: 8 }, ['20-30 b 200'], true],
    ['another device', { ...pages(20, 30, 'b', 200), device: 'fe:02' }, ['20-30 b 200'], true],
    ['another build', { ...pages(20, 30, 'b', 200), buildId: 'ab' }, ['20-30 b 200'], true],
  ] as const)('a mapping %s', (_, added, expected, replaced) => {
    const result = addMapping(before, added);
    expect(text(result.mappings)).toEqual(expect.arrayContaining([...expected]));
    expect(result.replaced).toBe(replaced);
  });

  test('generated code that is told again at each mprotect', () => {
    const code = (start: number, end: number) => ({ ...pages(start, end, '//anon', start), device: '00:00', inode: 0 });
    let mappings: Mappings = [code(100, 164)];
    for (const [start, end] of [
      [100, 132],
      [132, 164],
      [100, 164],
      [100, 196],
    ] as const) {
      const result = addMapping(mappings, code(start, end));
      expect(result.replaced).toBe(false);
      mappings = result.mappings;
    }
    expect(text(mappings)).toEqual(['100-196 //anon 100']);
  });

  test('to nothing', () => expect(text(addMapping([], pages(1, 2, 'new')).mappings)).toEqual(['1-2 new 0']));

  test('the same as writing page by page', () => {
    const below = random(11);
    const end = 64;
    let mappings: Mappings = [];
    const model: string[] = Array<string>(end).fill('-');
    for (let round = 0; round < 3000; round++) {
      if (below(200) === 0) {
        mappings = [];
        model.fill('-');
      }
      const start = below(end);
      const added = pages(start, start + 1 + below(Math.min(12, end - start)), 'abc'[below(3)]!, below(3) * 50 + start);
      const result = addMapping(mappings, added);
      let changed = false;
      for (let page = added.start / 4096; page < added.end / 4096; page++) {
        const content = `${added.path}${page - start + added.fileOffset / 4096}`;
        changed ||= model[page] !== '-' && model[page] !== content;
        model[page] = content;
      }
      mappings = result.mappings;
      expect(result.replaced).toBe(changed);
      const found = model.map((_, page) => {
        const m = findMapping(mappings, page * 4096 + 4095);
        return m ? `${m.path}${page - m.start / 4096 + m.fileOffset / 4096}` : '-';
      });
      expect(found).toEqual(model);
    }
  });
});
