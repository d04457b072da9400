import { afterAll, describe, expect, it } from 'vitest';
import { MemoryBytes, readAddress, viewOf } from '../../src/elf/bytes.ts';
import { fileOffsetOfAddress } from '../../src/elf/format.ts';
import { pointersTo, RelocatedBytes } from '../../src/elf/relocated.ts';
import { occurrences } from '../../src/elf/search.ts';
import { has, listed, load, Workshop } from './toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

describe.skipIf(!has('gcc') || !has('nm'))('relative relocations of a shared object (needs gcc and nm)', () => {
  const build = () => {
    const path = workshop.compile('gcc', 'pointers.c', 'pointers', '-O1', '-shared', '-fPIC');
    const address = new Map(listed(path).map(symbol => [symbol.name, symbol.address]));
    const file = load(path);
    const { start, size } = file.elf.sections
      .filter(({ name }) => name === '.data.rel.local' || name === '.data')
      .map(section => ({ start: section.address, size: section.size }))[0]!;
    return { ...file, address, start, size };
  };

  it('are applied where they are asked for, also to parts of words', () => {
    const { elf, bytes, address, start, size } = build();
    const relocated = new RelocatedBytes(elf, bytes, start, size);
    const offset = fileOffsetOfAddress(elf, start, size)!;
    const all = relocated.read(offset, size);
    const words = Array.from({ length: Math.floor(size / 8) }, (_, i) => readAddress(viewOf(all), 8 * i));
    expect(words).toEqual(
      expect.arrayContaining([address.get('first'), address.get('second'), address.get('first')! + 1]),
    );
    for (const [from, length] of [
      [3, 7],
      [8, 1],
      [15, 3],
    ] as const) {
      expect(relocated.read(offset + from, length)).toEqual(all.subarray(from, from + length));
    }
    expect(relocated.read(0, 64)).toEqual(bytes.read(0, 64));
    expect(pointersTo(elf, bytes, address.get('second')!)).toHaveLength(2);
  });

  it('whose table lies outside are none', () => {
    const { elf, bytes, start, size } = build();
    const none = { ...elf, segments: elf.segments.filter(({ type }) => type !== 2) };
    const offset = fileOffsetOfAddress(elf, start, size)!;
    expect(new RelocatedBytes(none, bytes, start, size).read(offset, size)).toEqual(bytes.read(offset, size));
  });
});

describe('bytes that are searched for', () => {
  it('are found on both sides of pieces and across them', () => {
    const bytes = new Uint8Array(3 << 20);
    const pattern = Uint8Array.of(1, 2, 3);
    const other = Uint8Array.of(1, 2, 4);
    for (const at of [0, 100, (1 << 20) - 1, (2 << 20) - 2, bytes.length - 3]) bytes.set(pattern, at);
    bytes.set(other, 2 << 20);
    const found = [...occurrences(new MemoryBytes(bytes), 1, bytes.length, [pattern, other])];
    expect(found.toSorted((a, b) => a - b)).toEqual([100, (1 << 20) - 1, 2 << 20, bytes.length - 3]);
  });
});
