import { describe, expect, test } from 'vitest';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { readAltLink, readDebugLink } from '../../src/elf/debug-links.ts';
import type { Elf } from '../../src/elf/elf.ts';
import { random } from '../support/random.ts';

/** A file that has nothing but this section. */
function file(name: string, bytes: Uint8Array): [Elf, MemoryBytes] {
  const section = { name, type: 1, flags: 0, address: 0, offset: 0, size: bytes.length, link: 0, info: 0, align: 1 };
  return [
    { class: 64, machine: 'x86-64', type: 3, segments: [], sections: [section], buildId: '' },
    new MemoryBytes(bytes),
  ];
}

const link = (bytes: string) => readDebugLink(...file('.gnu_debuglink', Buffer.from(bytes, 'latin1')));
const altLink = (bytes: string) => readAltLink(...file('.gnu_debugaltlink', Buffer.from(bytes, 'latin1')));

describe('the debug link', () => {
  test('name and checksum, with padding', () => {
    expect(link('a.debug\0\x78\x56\x34\x92')).toEqual({ name: 'a.debug', crc: 0x92345678 });
    expect(link('ab.debug\0\0\0\0\x01\0\0\0')).toEqual({ name: 'ab.debug', crc: 1 });
    expect(link('ü.debug\0\x01\0\0\0')).toBeUndefined();
  });

  test.each([
    ['nothing', ''],
    ['no end', 'abcdefgh'],
    ['no name', '\0\0\0\0\x01\0\0\0'],
    ['no checksum', 'a.debug\0'],
    ['half a checksum', 'a.debug\0\x01\0'],
    ['a path', '../b\0\0\0\0\x01\0\0\0'],
    ['the folder itself', '.\0\0\0\x01\0\0\0'],
    ['the folder above', '..\0\0\x01\0\0\0'],
    ['what is no UTF-8', '\xff\0\0\0\x01\0\0\0'],
  ])('%s is none', (_, bytes) => expect(link(bytes)).toBeUndefined());
});

describe('the link to what is shared', () => {
  test('path and build id', () =>
    expect(altLink('../.dwz/a\0\x01\x02\xff')).toEqual({ path: '../.dwz/a', buildId: '0102ff' }));

  test.each([
    ['nothing', ''],
    ['no end', 'abc'],
    ['no path', '\0\x01\x02\x03'],
    ['no build id', 'abc\0'],
    ['a build id of any length', `abc\0${'x'.repeat(65)}`],
  ])('%s is none', (_, bytes) => expect(altLink(bytes)).toBeUndefined());
});

test('a section that lies outside of the file is none', () => {
  const [elf] = file('.gnu_debuglink', Buffer.alloc(100));
  expect(readDebugLink(elf, new MemoryBytes(Buffer.alloc(10)))).toBeUndefined();
  const large = { ...elf, sections: [{ ...elf.sections[0]!, size: 2 ** 50 }] };
  expect(readDebugLink(large, new MemoryBytes(Buffer.alloc(10)))).toBeUndefined();
});

test('any bytes are a link or none', () => {
  const next = random(5);
  for (let i = 0; i < 5000; i++) {
    const bytes = Buffer.from(Array.from({ length: next(40) }, () => (next(3) === 0 ? 0 : next(256))));
    const { name = 'a', crc = 0 } = readDebugLink(...file('.gnu_debuglink', bytes)) ?? {};
    expect(name).not.toContain('/');
    expect(name).not.toBe('');
    expect(crc).toBeGreaterThanOrEqual(0);
    const { path = 'a', buildId = 'aabb' } = readAltLink(...file('.gnu_debugaltlink', bytes)) ?? {};
    expect(path).not.toContain('\0');
    expect(buildId).toMatch(/^([0-9a-f]{2}){2,64}$/);
  }
});
