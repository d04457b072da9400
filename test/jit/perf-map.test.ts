import { describe, expect, test } from 'vitest';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { nameAt, PerfMap } from '../../src/jit/perf-map.ts';
import { random } from '../support/random.ts';

const bytes = (text: string) => new MemoryBytes(Buffer.from(text));

/** The name of an address by a map, `-` when it has none. */
function name(map: PerfMap, text: string, address: number): string {
  const found = map.find(address);
  return found < 0 ? '-' : nameAt(bytes(text), found);
}

function lookUp(text: string, address: number): string {
  const map = new PerfMap(1000);
  map.append(bytes(text));
  return name(map, text, address);
}

describe('a line', () => {
  test.each([
    ['1000 20 f\n', 0x1000, 'f'],
    ['1000 20 f\n', 0x101f, 'f'],
    ['1000 20 f\n', 0x1020, '-'],
    ['1000 20 f\n', 0xfff, '-'],
    ['0x1000 0x20 f\n', 0x1000, 'f'],
    ['7FFFABCDEF00 A f\n', 0x7fffabcdef09, 'f'],
    ['1000 20 JS:*name of it file:///a b.js:1:2\n', 0x1000, 'JS:*name of it file:///a b.js:1:2'],
    ['1000 20 größe\n', 0x1000, 'größe'],
    ['1000 20 f\n1000 20 g\n', 0x1000, 'g'],
    ['1000 20 f\n1010 4 g\n', 0x1014, 'f'],
  ])('%j', (text, address, expected) => expect(lookUp(text, address)).toBe(expected));

  test.each([
    '',
    '\n',
    '1000\n',
    '1000 20\n',
    '1000 20 \n',
    '1000  20 f\n',
    ' 1000 20 f\n',
    '1000 20 f', // it is being written
    '1000 0 f\n',
    '1000 100000000 f\n',
    '-1000 20 f\n',
    '1000 -20 f\n',
    'x1000 20 f\n',
    '0x 20 f\n',
    '00000000000001000 20 f\n',
    'ffffffff81000000 20 f\n',
    '7ffffffffff0 20 f\n',
    '\0\0\0\n',
  ])('that says nothing: %j', text => {
    expect(lookUp(text, 0x1000)).toBe('-');
    expect(lookUp(`${text}\n2000 10 next\n`, 0x2000)).toBe('next');
  });

  test('is cut where its name ends or is too long', () => {
    expect(lookUp(`1000 20 ${'n'.repeat(5000)}\n`, 0x1000)).toHaveLength(4096);
    expect(nameAt(bytes('1000 20 f\n'), 100)).toBe('');
  });

  test('longer than what is read at once is passed over', () => {
    const text = `1000 20 before\n2000 20 ${'n'.repeat(3 << 20)}\n3000 20 behind\n`;
    expect(lookUp(text, 0x1000)).toBe('before');
    expect(lookUp(text, 0x2000)).toBe('-');
    expect(lookUp(text, 0x3000)).toBe('behind');
  });
});

describe('a map that grows', () => {
  test('is read on from where it was, from whole line to whole line', () => {
    const text = Array.from({ length: 300 }, (_, i) => `${(0x1000 + 16 * i).toString(16)} 10 f${i}\n`).join('');
    const map = new PerfMap(1000);
    for (let size = 0; size < text.length; size += 37) {
      expect(map.isPartOf(bytes(text.slice(0, size)))).toBe(true);
      map.append(bytes(text.slice(0, size)));
    }
    map.append(bytes(text));
    for (let i = 0; i < 300; i++) expect(name(map, text, 0x1000 + 16 * i)).toBe(`f${i}`);
  });

  test('reads what is new only, and says whether there is something', () => {
    const before = '1000 20 f\n';
    const after = `${before}2000 20 g\n`;
    const map = new PerfMap(1000);
    expect(map.append(bytes(before))).toBe(true);
    expect(map.append(bytes(before))).toBe(false);
    expect(map.append(bytes(`${before}2000 2`))).toBe(false);
    expect(map.append(bytes(after))).toBe(true);
    expect(name(map, after, 0x2000)).toBe('g');
  });

  test('is read up to an offset', () => {
    const text = '1000 20 f\n1000 20 g\n';
    const map = new PerfMap(1000);
    map.append(bytes(text), 10);
    expect(name(map, text, 0x1000)).toBe('f');
    map.append(bytes(text));
    expect(name(map, text, 0x1000)).toBe('g');
  });

  test('is another one when it is shorter, or has other lines', () => {
    const map = new PerfMap(1000);
    map.append(bytes('1000 20 f\n'));
    expect(map.isPartOf(bytes('1000 20'))).toBe(false);
    expect(map.isPartOf(bytes('1000 20 g\n2000 10 h\n'))).toBe(false);
    expect(map.isPartOf(bytes('1000 20 f\n2000 10 h\n'))).toBe(true);
  });
});

describe('damage', () => {
  const whole = Array.from({ length: 200 }, (_, i) => `${(0x1000 + 8 * i).toString(16)} ${(16).toString(16)} f${i}\n`);

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('costs names, never more: seed %i', seed => {
    const below = random(seed);
    for (let round = 0; round < 100; round++) {
      const text = Buffer.from(whole.join(''));
      for (let i = 0; i < 1 + below(50); i++) text[below(text.length)] = below(256);
      const source = new MemoryBytes(text.subarray(0, below(text.length)));
      const map = new PerfMap(100);
      map.append(source, below(2 * text.length));
      map.append(source);
      expect(map.end).toBeLessThanOrEqual(source.size);
      for (let address = 0x1000; address < 0x1800; address += 64) {
        const found = map.find(address);
        expect(found).toBeLessThan(source.size);
        if (found >= 0) expect(nameAt(source, found).length).toBeLessThanOrEqual(4096);
      }
    }
  });

  test('of random bytes is no map', () => {
    const below = random(9);
    const map = new PerfMap(100);
    map.append(new MemoryBytes(Uint8Array.from({ length: 1 << 20 }, () => below(256))));
    expect(map.length).toBeLessThan(100);
  });
});
