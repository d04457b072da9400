import { describe, expect, test } from 'vitest';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { Jitdump, jitdumpOrder } from '../../src/jit/jitdump.ts';
import { random } from '../support/random.ts';
import { JitdumpWriter } from './jitdump-writer.ts';

/** `name file:line` of an address, `-` when nothing is known. */
function describeAddress(dump: Jitdump, source: MemoryBytes, address: number, bias = 0): string {
  const found = dump.find(address);
  if (found < 0) return '-';
  const line = dump.lineAt(source, found, address, bias);
  return `${dump.nameOf(source, found)}${line ? ` ${line.filename}:${line.line}` : ''}`;
}

function lookUp({ bytes }: JitdumpWriter, address: number, bias = 0): string {
  const source = new MemoryBytes(bytes);
  const dump = new Jitdump(1000);
  dump.append(source);
  return describeAddress(dump, source, address, bias);
}

test('the header tells the byte order', () => {
  const order = (magic: number) => jitdumpOrder(new MemoryBytes(new JitdumpWriter({ magic }).bytes));
  expect(order(0x4a695444)).toBe('native');
  expect(order(0x4454694a)).toBe('swapped');
  expect(order(0x464c457f)).toBeUndefined();
  expect(jitdumpOrder(new MemoryBytes(new Uint8Array(39)))).toBeUndefined();
});

describe('records', () => {
  const dump = new JitdumpWriter().load(0x1000, 0x100, 'first').load(0x2000, 0x10, 'second');

  test.each([
    [0xfff, '-'],
    [0x1000, 'first'],
    [0x10ff, 'first'],
    [0x1100, '-'],
    [0x200f, 'second'],
  ])('name addresses: %i', (address, expected) => expect(lookUp(dump, address)).toBe(expected));

  test('come behind a header of any size', () =>
    expect(lookUp(new JitdumpWriter({ headerSize: 64 }).load(0x1000, 16, 'f'), 0x1000)).toBe('f'));

  test('of other kinds are passed over', () => {
    const other = new JitdumpWriter().record(4, Buffer.alloc(100)).record(99, Buffer.alloc(3)).load(0x1000, 16, 'f');
    expect(lookUp(other, 0x1000)).toBe('f');
  });

  test('end where the runtime closes the file', () =>
    expect(lookUp(new JitdumpWriter().close().load(0x1000, 16, 'f'), 0x1000)).toBe('-'));

  test('the last one names an address', () =>
    expect(lookUp(new JitdumpWriter().load(0x1000, 16, 'old').load(0x1008, 16, 'new'), 0x1008)).toBe('new'));

  test('move code, and what was moved again', () => {
    const moved = new JitdumpWriter().load(0x1000, 16, 'f').move(0x1000, 0x2000, 16).move(0x2000, 0x3000, 16);
    expect(lookUp(moved, 0x3008)).toBe('f');
    expect(lookUp(new JitdumpWriter().move(0x9000, 0x2000, 16), 0x2000)).toBe('-');
  });
});

describe('lines', () => {
  const dump = new JitdumpWriter()
    .lines(0x1000, [
      [0x1000, 'a.js', 1],
      [0x1010, undefined, 2],
      [0x1020, 'b.js', 7],
      [0x1030, undefined, 8],
    ])
    .load(0x1000, 0x40, 'f')
    .load(0x2000, 0x40, 'g');

  test.each([
    [0x1000, 'f a.js:1'],
    [0x100f, 'f a.js:1'],
    [0x1010, 'f a.js:2'],
    [0x102f, 'f b.js:7'],
    [0x103f, 'f b.js:8'],
    [0x2000, 'g'],
  ])('of %i', (address, expected) => expect(lookUp(dump, address)).toBe(expected));

  test('may be told for another place than that of the code', () => {
    expect(lookUp(dump, 0x1004, 0x20)).toBe('f b.js:7');
    expect(lookUp(dump.move(0x1000, 0x5000, 0x40), 0x5010)).toBe('f a.js:2');
  });

  test('in no order, or none', () => {
    const mixed = new JitdumpWriter()
      .lines(0x1000, [
        [0x1020, 'a.js', 3],
        [0x1000, 'a.js', 1],
        [0x1010, 'a.js', 2],
      ])
      .load(0x1000, 0x40, 'f');
    expect(lookUp(mixed, 0x1015)).toBe('f a.js:2');
    expect(lookUp(new JitdumpWriter().lines(0x1000, []).load(0x1000, 16, 'f'), 0x1000)).toBe('f');
    const above = new JitdumpWriter().lines(0x1000, [[0x1008, 'a.js', 3]]).load(0x1000, 16, 'f');
    expect(lookUp(above, 0x1000)).toBe('f');
  });
});

test('lines outside of the code, and what follows them, say nothing', () => {
  const damaged = new JitdumpWriter()
    .lines(0x1000, [
      [0x1000, 'a.js', 1],
      [0x900, 'a.js', 2],
      [0x1004, 'a.js', 3],
    ])
    .load(0x1000, 16, 'f');
  expect(lookUp(damaged, 0x1008)).toBe('f a.js:1');
});

test('a dump that grows is read on from where it was, from whole record to whole record', () => {
  const { bytes } = new JitdumpWriter()
    .lines(0x1000, [[0x1000, 'a.js', 1]])
    .load(0x1000, 0x100, 'first')
    .load(0x2000, 0x10, 'second');
  const source = new MemoryBytes(bytes);
  const dump = new Jitdump(1000);
  for (let size = 0; size <= bytes.length; size += 7) dump.append(new MemoryBytes(bytes.subarray(0, size)));
  dump.append(source);
  expect(dump.append(source)).toBe(false);
  expect(describeAddress(dump, source, 0x1000)).toBe('first a.js:1');
  expect(describeAddress(dump, source, 0x2000)).toBe('second');
});

describe('damage', () => {
  function whole(): Buffer {
    const writer = new JitdumpWriter();
    for (let i = 0; i < 20; i++) {
      const address = 0x1000 + 64 * i;
      writer
        .lines(address, [
          [address, 'a.js', i + 1],
          [address + 8, undefined, i + 2],
        ])
        .load(address, 64, `f${i}`);
      if (i % 5 === 0) writer.move(address, address + 0x8000, 64);
    }
    return writer.close().bytes;
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('costs names, never more: seed %i', seed => {
    const below = random(seed);
    for (let round = 0; round < 100; round++) {
      const bytes = whole();
      for (let i = 0; i < below(30); i++) bytes[40 + below(bytes.length - 40)] = below(256);
      const source = new MemoryBytes(bytes.subarray(0, below(bytes.length)));
      const dump = new Jitdump(100);
      dump.append(source, below(bytes.length));
      dump.append(source);
      for (let address = 0x1000; address < 0x1600; address += 24) {
        describeAddress(dump, source, address);
        describeAddress(dump, source, address + 0x8000, 64);
        // The file was cut off since.
        const found = dump.find(address);
        const rest = new MemoryBytes(bytes.subarray(0, below(source.size + 1)));
        if (found >= 0) expect(dump.nameOf(rest, found).length).toBeLessThanOrEqual(4096);
        if (found >= 0) dump.lineAt(rest, found, address, 0);
      }
    }
  });

  test.each([0, 1, 15])('a record of %i bytes ends the file', size =>
    expect(lookUp(new JitdumpWriter().record(0, Buffer.alloc(0), size).load(0x1000, 16, 'f'), 0x1000)).toBe('-'),
  );

  test('a line table that claims 2^60 entries', () => {
    const body = Buffer.alloc(16);
    body.writeBigUInt64LE(0x1000n, 0);
    body.writeBigUInt64LE(1n << 60n, 8);
    expect(lookUp(new JitdumpWriter().record(2, body).load(0x1000, 16, 'f'), 0x1000)).toBe('f');
  });
});
