import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ElfError } from '../../src/elf/bytes.ts';
import { FileBytes, openMapped, openVdso } from '../../src/process/files.ts';
import { type Mapping, parseMaps } from '../../src/process/maps.ts';
import { elfFile } from '../support/elf.ts';
import { openBelow, testFolder } from '../support/folder.ts';
import { fileMapping, image, mapping } from '../support/mappings.ts';

const path = testFolder();
const BUILD_ID = '00112233445566778899aabbccddeeff00112233';
const bytes = elfFile([{ offset: 0x1000, address: 0x1000, size: 0x1000 }], BUILD_ID);
const program = path('program');
writeFileSync(program, bytes);

/** What comes of a mapping; closes it. */
function open(of: Mapping, by = image()): { size: number; buildId: string | undefined } | undefined {
  const opened = openMapped(by, of);
  opened?.bytes.close();
  return opened && { size: opened.bytes.size, buildId: opened.elf?.buildId };
}

/** Under which name its unwind table is kept. */
function cacheKey(of: string): string {
  const opened = openMapped(image(), fileMapping(of))!;
  opened.bytes.close();
  return opened.cacheKey.replace(/^file:.*/, 'file');
}

describe.skipIf(process.getuid?.() !== 0)('the name in the cache (needs root)', () => {
  const copy = (name: string, { mode = 0o644, owner = 0, content = bytes } = {}) => {
    writeFileSync(path(name), content);
    chmodSync(path(name), mode);
    chownSync(path(name), owner, 0);
    return cacheKey(path(name));
  };

  test('is the build id, which any file may claim, only where nobody but root could', () => {
    expect(copy('own')).toBe(`build-id:${BUILD_ID}`);
    expect(copy('others-may-write', { mode: 0o666 })).toBe('file');
    expect(copy('group-may-write', { mode: 0o664 })).toBe('file');
    expect(copy('of-a-user', { owner: 1000 })).toBe('file');
    expect(copy('without-build-id', { content: elfFile([{ offset: 0, address: 0, size: 0x1000 }]) })).toBe('file');
  });
});

const found = { size: 0x2000, buildId: BUILD_ID };

describe('the file that is mapped', () => {
  test('by inode', () => {
    const opened = openMapped(image(), fileMapping(program))!;
    expect(opened.elf?.segments[0]).toMatchObject({ offset: 0x1000, address: 0x1000 });
    expect(Buffer.from(opened.bytes.read(0, 0x2000)).equals(bytes)).toBe(true);
    opened.bytes.close();
  });

  test('by build id, whatever the inode', () =>
    expect(open(mapping(0x1000, 0x2000, { path: program, device: '', inode: 0, buildId: BUILD_ID }))).toEqual(found));

  test.each([
    ['another inode', { inode: statSync(program).ino + 1 }],
    ['an unknown inode', { inode: 0 }],
    ['another device', { device: '07:63' }],
    ['another build id', { buildId: BUILD_ID.replace('00', '01') }],
    ['the beginning of its build id', { buildId: BUILD_ID.slice(0, 32) }],
  ])('is not a file with %s', (_, more) => expect(open(fileMapping(program, more))).toBeUndefined());

  test('is not a file without the build id', () => {
    writeFileSync(path('without'), elfFile([{ offset: 0, address: 0, size: 0x1000 }]));
    writeFileSync(path('text'), 'no ELF');
    expect(open(fileMapping(path('without'), { buildId: BUILD_ID }))).toBeUndefined();
    expect(open(fileMapping(path('text'), { buildId: BUILD_ID }))).toBeUndefined();
  });

  test('a path that is gone', () =>
    expect(open(mapping(0x1000, 0x2000, { path: path('gone'), buildId: BUILD_ID }))).toBeUndefined());

  test('the mark of a removed file does not belong to its path', () =>
    expect(open(fileMapping(program, { path: `${program} (deleted)` }))).toEqual(found));

  test('through a symbolic link', () => {
    symlinkSync(program, path('link'));
    expect(open(fileMapping(path('link')))).toEqual(found);
  });

  test.each(['pid', 'parentPid'] as const)('seen from the root directory of the process (%s)', field => {
    const opened = openMapped(image({ [field]: process.pid }), fileMapping(program))!;
    expect(opened.identity).toMatch(new RegExp(`^\\d+:${statSync(program).ino}:8192:`));
    opened.bytes.close();
  });

  test('our own program, where the kernel says it is mapped', () => {
    const own = parseMaps(readFileSync('/proc/self/maps', 'utf8')).find(m => m.path === process.execPath)!;
    expect(open(own, image({ pid: process.pid }))?.size).toBe(statSync(process.execPath).size);
  });

  test('has one identity, however it is reached', () => {
    linkSync(program, path('hard'));
    const identities = [program, path('hard')].map(name => {
      const opened = openMapped(image(), fileMapping(name))!;
      opened.bytes.close();
      return opened.identity;
    });
    expect(identities[0]).toBe(identities[1]);
    copyFileSync(program, path('copy'));
    const copy = openMapped(image(), fileMapping(path('copy')))!;
    copy.bytes.close();
    expect(copy.identity).not.toBe(identities[0]);
  });
});

describe('hostile paths', () => {
  test('a FIFO that nobody writes to is not waited for', () => {
    execFileSync('mkfifo', [path('fifo')]);
    expect(open(fileMapping(path('fifo')))).toBeUndefined();
  });

  test.each(['/dev/null', '/dev/zero', '/dev/full', '/dev/tty'])('%s is not opened', device =>
    expect(open(fileMapping(device))).toBeUndefined(),
  );

  test('a link to a device', () => {
    symlinkSync('/dev/zero', path('device'));
    expect(open(fileMapping(path('device')))).toBeUndefined();
  });

  test('a link to itself', () => {
    symlinkSync(path('loop'), path('loop'));
    expect(open(mapping(0x1000, 0x2000, { path: path('loop') }))).toBeUndefined();
  });

  test('a directory, and a path below a file', () => {
    mkdirSync(path('directory'));
    expect(open(fileMapping(path('directory')))).toBeUndefined();
    expect(open(fileMapping(program, { path: `${program}/below` }))).toBeUndefined();
  });

  test.each([
    ['with a NUL', '/a\0b'],
    ['empty', ''],
    ['relative', 'relative'],
    ['too long', '/'.repeat(5000)],
  ])('no path at all: %s', (_, name) => expect(open(mapping(0x1000, 0x2000, { path: name }))).toBeUndefined());

  test('nothing stays open', () => expect(openBelow(path())).toEqual([]));
});

describe('hostile files', () => {
  const SPARSE = 100e9;

  test.each([
    ['of zeros', (file: Buffer) => file.fill(0)],
    ['with 65,535 program headers', (file: Buffer) => file.writeUInt16LE(0xffff, 56)],
    [
      'with 65,535 program headers of 65,535 bytes',
      (file: Buffer) => {
        file.writeUInt16LE(0xffff, 54);
        file.writeUInt16LE(0xffff, 56);
      },
    ],
    [
      'with 65,535 section headers of 65,535 bytes',
      (file: Buffer) => {
        file.writeBigUInt64LE(0x1000n, 40);
        file.writeUInt16LE(0xffff, 58);
        file.writeUInt16LE(0xffff, 60);
      },
    ],
    ['with headers in its middle', (file: Buffer) => file.writeBigUInt64LE(50n * 10n ** 9n, 32)],
  ])('100 GB %s', (title, damage) => {
    const name = path(`sparse ${title}`);
    const file = Buffer.from(bytes);
    damage(file);
    writeFileSync(name, file);
    truncateSync(name, SPARSE);
    const started = performance.now();
    const memory = process.memoryUsage().arrayBuffers;
    expect(open(fileMapping(name))?.size).toBe(SPARSE);
    expect(performance.now() - started).toBeLessThan(1000);
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(64 * 2 ** 20);
  });

  test('no ELF file, and one that is cut off: they are read, and hold nothing', () => {
    writeFileSync(path('short'), bytes.subarray(0, 70));
    expect(open(fileMapping(path('short')))).toEqual({ size: 70, buildId: undefined });
    writeFileSync(path('empty'), '');
    expect(open(fileMapping(path('empty')))).toEqual({ size: 0, buildId: undefined });
  });
});

describe('reading', () => {
  function fileBytes(name: string, content: Uint8Array): FileBytes {
    writeFileSync(name, content);
    return new FileBytes(openSync(name, 'r'), content.length);
  }

  test('the bytes of a range', () => {
    const file = fileBytes(path('bytes'), Uint8Array.of(1, 2, 3, 4, 5));
    expect([...file.read(1, 3)]).toEqual([2, 3, 4]);
    expect([...file.read(5, 0)]).toEqual([]);
    file.close();
  });

  test.each([
    [0, 6],
    [5, 1],
    [6, 0],
    [-1, 1],
    [0, -1],
    [Number.NaN, 1],
    [0, Number.NaN],
    [2 ** 53, 1],
    [0, Infinity],
  ])('the range %d, %d is none of 5 bytes', (offset, length) => {
    const file = fileBytes(path('bytes'), Uint8Array.of(1, 2, 3, 4, 5));
    expect(() => file.read(offset, length)).toThrow(expect.objectContaining({ name: 'ElfError', code: 'truncated' }));
    file.close();
  });

  test('a file that shrinks while it is read', () => {
    const file = fileBytes(path('shrinks'), new Uint8Array(10_000));
    truncateSync(path('shrinks'), 5000);
    expect(file.read(0, 5000)).toHaveLength(5000);
    expect(() => file.read(4000, 2000)).toThrow(ElfError);
    expect(() => file.read(6000, 1)).toThrow('the file became shorter');
    file.close();
  });

  test('a file that cannot be read any more is no failed recording', () => {
    const folder = new FileBytes(openSync(path(), 'r'), 100); // reading it gives EISDIR
    expect(() => folder.read(0, 10)).toThrow(new ElfError('unreadable', 'the file cannot be read: EISDIR'));
    folder.close();
  });

  test('a file that is removed while it is read', () => {
    const file = fileBytes(path('removed'), Uint8Array.of(7));
    execFileSync('rm', [path('removed')]);
    expect([...file.read(0, 1)]).toEqual([7]);
    file.close();
  });

  test('close gives the descriptor back', () => {
    const file = fileBytes(path('closed'), Uint8Array.of(1));
    expect(openBelow(path('closed'))).toHaveLength(1);
    file.close();
    expect(openBelow(path('closed'))).toHaveLength(0);
    expect(() => file.read(0, 1)).toThrow('EBADF');
  });
});

describe('vdso', () => {
  const own = parseMaps(readFileSync('/proc/self/maps', 'utf8')).find(m => m.path === '[vdso]')!;

  test('of a process, from its memory', () => {
    const vdso = openVdso(image({ pid: process.pid }), own)!;
    expect(vdso.bytes.size).toBe(own.end - own.start);
    expect(vdso.elf.type).toBe(3);
    expect(vdso.elf.sections.map(section => section.name)).toContain('.dynsym');
  });

  test('of a process that is gone: ours, when it is as long', () => {
    const elsewhere = { ...own, start: own.start + 0x100_0000, end: own.end + 0x100_0000 };
    expect(openVdso(image(), elsewhere)?.elf).toEqual(openVdso(image({ pid: process.pid }), own)?.elf);
    expect(openVdso(image(), { ...own, end: own.end + 4096 })).toBeUndefined();
  });

  test('a mapping that only has its name', () => {
    const huge = { ...own, end: own.start + 2 ** 40 };
    expect(openVdso(image({ pid: process.pid }), huge)).toBeUndefined();
    // The program itself: an ELF file in memory, and longer than any vdso.
    const first = readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .find(line => line.endsWith(process.execPath))!;
    const start = Number.parseInt(first, 16);
    const large = { ...own, start, end: start + 2 ** 20 };
    expect(openVdso(image({ pid: process.pid }), large)?.elf.type).toBeGreaterThan(1);
    expect(openVdso(image({ pid: process.pid }), { ...large, end: start + 2 ** 20 + 4096 })).toBeUndefined();
    const heap = parseMaps(readFileSync('/proc/self/maps', 'utf8')).find(m => m.path === process.execPath)!;
    const notElf = { ...heap, end: heap.start + 8192, path: '[vdso]' };
    expect(openVdso(image({ pid: process.pid }), notElf)).toBeUndefined();
  });

  test('leaves nothing open', () => {
    openVdso(image({ pid: process.pid }), own);
    const fd = openSync('/dev/null', 'r');
    closeSync(fd);
    for (let i = 0; i < 50; i++) openVdso(image({ pid: process.pid }), own);
    const next = openSync('/dev/null', 'r');
    closeSync(next);
    expect(next).toBe(fd);
  });
});
