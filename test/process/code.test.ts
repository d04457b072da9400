import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { Miss } from '../../src/model/profile.ts';
import { CodeTable, type MappedCode } from '../../src/process/code.ts';
import { type Mapping, parseMaps } from '../../src/process/maps.ts';
import type { Image } from '../../src/process/table.ts';
import { elfFile } from '../support/elf.ts';
import { openBelow, testFolder } from '../support/folder.ts';
import { fileMapping, image, mapping } from '../support/mappings.ts';

const path = testFolder();
const BUILD_ID = 'aa'.repeat(20);
const program = path('program');
writeFileSync(
  program,
  elfFile(
    [
      { offset: 0, address: 0x400000, size: 0x1000, flags: 4 },
      { offset: 0x1000, address: 0x402000, size: 0x1000 },
      { offset: 0x2000, address: 0x500000, size: 0x800 },
    ],
    BUILD_ID,
  ),
);
linkSync(program, path('other name'));
writeFileSync(path('script'), '#!/bin/sh\n');

const tables: CodeTable[] = [];
function newTable(): CodeTable {
  const table = new CodeTable();
  tables.push(table);
  return table;
}
afterAll(() => {
  for (const table of tables) table.close();
});

/** The number of a mapping's code among what the table knows. */
function at(table: CodeTable, of: Image, mapped: Mapping): number {
  const code = table.of(of, mapped);
  return [...table.codes].indexOf(code);
}

function only(of: Mapping): MappedCode {
  const table = newTable();
  expect(at(table, image(), of)).toBe(0);
  expect([...table.codes]).toHaveLength(1);
  return [...table.codes][0]!;
}

describe('what there is', () => {
  test('a file: its executable segments, in its own addresses', () => {
    const code = only(fileMapping(program));
    expect(code).toMatchObject({ kind: 'file', filename: program, buildId: BUILD_ID, miss: Miss.none });
    expect([code.start, code.limit, code.fileOffset]).toEqual([0x402000, 0x500800, 0x1000]);
    expect(code.elf?.segments).toHaveLength(4);
    expect(code.bytes?.size).toBe(0x2800);
  });

  test('a file without executable segments', () => {
    writeFileSync(path('data'), elfFile([{ offset: 0, address: 0, size: 64, flags: 4 }]));
    expect(only(fileMapping(path('data')))).toMatchObject({ start: 0, limit: 0, fileOffset: 0, miss: Miss.none });
  });

  test('a file that cannot be had', () =>
    expect(only(mapping(0x1000, 0x2000, { path: '/gone', buildId: 'ab' }))).toEqual({
      id: expect.any(Number),
      kind: 'file',
      cacheKey: '',
      filename: '/gone',
      buildId: 'ab',
      elf: undefined,
      bytes: undefined,
      miss: Miss.unreadableFile,
      start: 0,
      limit: 2 ** 47,
      fileOffset: 0,
    }));

  test('a file that is no ELF file', () =>
    expect(only(fileMapping(path('script')))).toMatchObject({ kind: 'file', miss: Miss.noSymbols, elf: undefined }));

  test.each(['', '//anon', '/memfd:code (deleted)', '/dev/zero (deleted)', '[anon:jit]', '[heap]'])(
    'generated code: %j',
    name =>
      expect(only(mapping(0x1000, 0x2000, { path: name }))).toMatchObject({
        kind: 'jit',
        filename: name || '[anon]',
        miss: Miss.jit,
        elf: undefined,
      }),
  );

  test('the kernel', () => {
    const table = newTable();
    expect(table.kernel()).toBe(table.kernel());
    expect([...table.codes]).toMatchObject([
      { kind: 'kernel', filename: '[kernel.kallsyms]', start: -(2 ** 47), limit: 0, miss: Miss.none },
    ]);
  });
});

describe('each of it once', () => {
  test('a mapping is looked up once', () => {
    const table = newTable();
    const [one, of] = [image(), fileMapping(program)];
    expect([at(table, one, of), at(table, one, of), at(table, image(), of)]).toEqual([0, 0, 0]);
  });

  test('a file by two names, two mappings, by inode and by build id', () => {
    const table = newTable();
    const indices = [
      fileMapping(program),
      fileMapping(program, { start: 0x7000_0000_0000, fileOffset: 0x1000 }),
      fileMapping(path('other name')),
      fileMapping(program, { inode: 0, device: '', buildId: BUILD_ID }),
      fileMapping(path('other name'), { inode: 0, device: '', buildId: BUILD_ID }),
    ].map(of => at(table, image(), of));
    expect(indices).toEqual([0, 0, 0, 0, 0]);
    expect([...table.codes]).toHaveLength(1);
    expect(openBelow(program)).toHaveLength(tables.filter(t => [...t.codes].some(m => m.filename === program)).length);
  });

  test('files of the same name and another inode are two', () => {
    const table = newTable();
    const reused = path('reused');
    writeFileSync(reused, readFileSync(program));
    const first = at(table, image(), fileMapping(reused));
    linkSync(reused, path('keeps the inode'));
    unlinkSync(reused);
    writeFileSync(reused, elfFile([{ offset: 0, address: 0, size: 64 }]));
    expect(at(table, image(), fileMapping(reused))).not.toBe(first);
    expect([...table.codes].map(m => m.buildId)).toEqual([BUILD_ID, '']);
  });

  test('generated code belongs to an image, though a fork shares the mapping', () => {
    const table = newTable();
    const [one, two] = [image(), image()];
    const [code, more] = [mapping(0x1000, 0x2000, { path: '' }), mapping(0x8000, 0x9000, { path: '//anon' })];
    expect([at(table, one, code), at(table, two, code), at(table, one, more), at(table, two, more)]).toEqual([
      0, 1, 0, 1,
    ]);
  });

  test('what one process could not reach is tried again through the next one, and found once', () => {
    const table = newTable();
    const late = path('late');
    const of = () => mapping(0x1000, 0x3000, { path: late, device: '', inode: 0, buildId: BUILD_ID });
    expect([at(table, image(), of()), at(table, image(), of())]).toEqual([0, 0]);
    writeFileSync(late, readFileSync(program));
    expect(table.of(image(), of())).toBe(table.of(image(), of()));
    expect([...table.codes].map(m => m.miss)).toEqual([Miss.none]);
  });

  test('a file that is no ELF file is one miss', () => {
    const table = newTable();
    expect([1, 2, 3].map(() => at(table, image(), fileMapping(path('script'))))).toEqual([0, 0, 0]);
    expect(openBelow(path('script'))).toEqual([]);
  });
});

test('the vdso: one for all processes, with its symbols', () => {
  const table = newTable();
  const own = parseMaps(readFileSync('/proc/self/maps', 'utf8')).find(m => m.path === '[vdso]')!;
  const elsewhere = { ...own, start: own.start - 0x10_0000, end: own.end - 0x10_0000 };
  const indices = [at(table, image({ pid: process.pid }), own), at(table, image(), elsewhere)];
  expect(new Set(indices).size).toBe(1);
  const code = [...table.codes][indices[0]!]!;
  expect(code).toMatchObject({ kind: 'vdso', filename: '[vdso]', miss: Miss.none });
  expect(code.limit).toBeGreaterThan(code.start);
  expect(at(table, image(), mapping(0x1000, 0x2000 + own.end - own.start, { path: '[vdso]' }))).not.toBe(indices[0]);
  expect([...table.codes].at(-1)).toMatchObject({ kind: 'vdso', miss: Miss.unreadableFile, elf: undefined });
});

test('close gives all descriptors back', () => {
  const table = new CodeTable();
  const names = [0, 1, 2, 3].map(i => path(`closed ${i}`));
  for (const name of names) {
    writeFileSync(name, readFileSync(program));
    at(table, image(), fileMapping(name));
  }
  expect([...table.codes]).toHaveLength(4);
  expect(openBelow(path('closed'))).toHaveLength(4);
  expect(Buffer.from([...table.codes][0]!.bytes!.read(1, 3)).toString()).toBe('ELF');
  table.close();
  expect(openBelow(path('closed'))).toHaveLength(0);
  table.close();
});

describe('sweep', () => {
  test('closes and forgets what was not asked for since the last one, and opens it again when it is', () => {
    const table = newTable();
    const [kept, left] = ['kept', 'left'].map(name => {
      writeFileSync(path(`swept ${name}`), readFileSync(program));
      return fileMapping(path(`swept ${name}`));
    });
    const [first, second] = [table.of(image(), kept!), table.of(image(), left!)];
    table.sweep(() => false);
    expect(table.codes).toEqual(new Set([first, second]));
    table.sweep(code => code === first);
    expect(table.codes).toEqual(new Set([first]));
    expect(openBelow(path('swept'))).toEqual([path('swept kept')]);
    const again = table.of(image(), left!);
    expect(again).not.toBe(second);
    expect(again.id).toBeGreaterThan(second.id);
    expect(Buffer.from(again.bytes!.read(1, 3)).toString()).toBe('ELF');
  });

  test('generated code goes with its process; the kernel stays', () => {
    const table = newTable();
    table.kernel();
    table.of(image(), mapping(0x1000, 0x2000, { path: '' }));
    table.sweep(() => false);
    table.sweep(() => false);
    expect([...table.codes].map(code => code.kind)).toEqual(['kernel']);
  });
});
