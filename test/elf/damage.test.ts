import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ByteSource, ElfError, MemoryBytes } from '../../src/elf/bytes.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { readSymbols } from '../../src/elf/symbols.ts';
import { random } from '../support/random.ts';
import { Workshop } from './toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

/** A small program with symbols, stubs and notes. */
let original: Buffer;
/** The same without section headers. */
let headless: Buffer;

beforeAll(() => {
  original = readFileSync(workshop.compile('gcc', 'calls.c', 'calls', '-O1', '-shared', '-fPIC', '-Wl,-z,lazy'));
  headless = Buffer.from(original);
  headless.writeBigUInt64LE(0n, 40);
  headless.writeUInt16LE(0, 60);
});

/** Reads everything there is; returns the code of the error, or how many names there are. */
function readAll(source: ByteSource): string | number {
  try {
    const elf = parseElf(source);
    const symbols = readSymbols(elf, source);
    let names = 0;
    for (let symbol = 0; symbol < symbols.length; symbol++) if (symbols.nameOf(symbol) !== '') names++;
    for (const segment of elf.segments) symbols.find(segment.address);
    return names;
  } catch (error) {
    if (error instanceof ElfError) return error.code;
    throw error;
  }
}

/** Runs within a second, whatever the bytes say. */
function bounded<T>(run: () => T): T {
  const start = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1000).toBeLessThan(1000);
  return result;
}

function sectionHeader(bytes: Buffer, type: number): number {
  const table = Number(bytes.readBigUInt64LE(40));
  const count = bytes.readUInt16LE(60);
  for (let i = 0; i < count; i++) if (bytes.readUInt32LE(table + i * 64 + 4) === type) return table + i * 64;
  throw new Error(`no section of type ${type}`);
}

const symtab = 2;
const dynsym = 11;

function damaged(damage: (bytes: Buffer) => void): string | number {
  const bytes = Buffer.from(original);
  damage(bytes);
  return bounded(() => readAll(new MemoryBytes(bytes)));
}

describe('a damaged file', () => {
  it('is read in full when it is not damaged', () => {
    expect(readAll(new MemoryBytes(original))).toBeGreaterThan(20);
    expect(readAll(new MemoryBytes(headless))).toBeGreaterThan(3);
  });

  it('of any length is read or refused', () => {
    const codes = new Set<string | number>();
    for (let length = 0; length < original.length; length += length < 2048 ? 1 : 61) {
      const result = readAll(new MemoryBytes(original.subarray(0, length)));
      if (length < 4) expect(result).toBe('not-elf');
      else if (length < 64) expect(result).toBe('truncated');
      codes.add(typeof result);
    }
    expect(codes).toEqual(new Set(['string', 'number']));
  });

  it.each([
    ['headers', 0, 1024],
    ['anything', 0, Number.POSITIVE_INFINITY],
    ['section headers', -41 * 64, Number.POSITIVE_INFINITY],
  ])('with random changes to %s is read or refused', (_, from, to) => {
    const next = random(from + 11);
    const values = [0, 1, 0x7f, 0x80, 0xff];
    for (const file of [original, headless]) {
      const start = from < 0 ? file.length + from : from;
      const end = Math.min(to, file.length);
      for (let round = 0; round < 1500; round++) {
        const bytes = Buffer.from(file);
        for (let changes = 1 + next(6); changes > 0; changes--) {
          const at = start + next(end - start);
          bytes[at] = next(2) === 0 ? next(256) : values[next(values.length)]!;
          if (next(4) === 0) bytes.fill(next(2) * 0xff, at, Math.min(at + 8, bytes.length));
        }
        bounded(() => readAll(new MemoryBytes(bytes)));
      }
    }
  });

  it('with a symbol table of 2^60 bytes falls back to the dynamic one', () => {
    const names = damaged(bytes => bytes.writeBigUInt64LE(2n ** 60n, sectionHeader(bytes, symtab) + 32));
    expect(names).toBe(damaged(bytes => bytes.writeUInt32LE(1, sectionHeader(bytes, symtab) + 4)));
    expect(names).toBeGreaterThan(3);
  });

  it('with symbol tables that are linked in a circle has no names', () => {
    const result = damaged(bytes => {
      const table = Number(bytes.readBigUInt64LE(40));
      for (const type of [symtab, dynsym]) {
        const header = sectionHeader(bytes, type);
        bytes.writeUInt32LE((header - table) / 64, header + 40);
      }
      // Nor can the dynamic section help: it is no PT_DYNAMIC any more.
      for (let i = 0; i < bytes.readUInt16LE(56); i++) {
        if (bytes.readUInt32LE(64 + i * 56) === 2) bytes.writeUInt32LE(0, 64 + i * 56);
      }
    });
    expect(result).toBe(0);
  });

  it('whose sections lie about addresses has the names of its segments', () => {
    const good = new MemoryBytes(original);
    const elf = parseElf(good);
    const lying = {
      ...elf,
      sections: elf.sections.map(section => ({ ...section, address: section.address + 2 ** 40 })),
    };
    const [ours, theirs] = [readSymbols(lying, good), readSymbols(elf, good)];
    const { address, size } = elf.sections.find(({ name }) => name === '.text')!;
    let same = 0;
    for (let at = address; at < address + size; at++) {
      const [a, b] = [ours.find(at), theirs.find(at)];
      if (a >= 0 && b >= 0 && ours.nameOf(a) === theirs.nameOf(b)) same++;
    }
    expect(same).toBeGreaterThan(size * 0.8);
  });

  it('with names that do not end cuts them', () => {
    const bytes = Buffer.from(original);
    const header = sectionHeader(bytes, symtab);
    const strings = Number(bytes.readBigUInt64LE(40)) + bytes.readUInt32LE(header + 40) * 64;
    const text = 'x'.repeat(200_000);
    const offset = bytes.length;
    bytes.writeBigUInt64LE(BigInt(offset), strings + 24);
    bytes.writeBigUInt64LE(BigInt(text.length), strings + 32);
    const source = new MemoryBytes(Buffer.concat([bytes, Buffer.from(text)]));
    const symbols = readSymbols(parseElf(source), source);
    const lengths = Array.from({ length: symbols.length }, (_, symbol) => symbols.nameOf(symbol)).filter(name =>
      /^x+$/.test(name),
    );
    expect(lengths.length).toBeGreaterThan(5);
    expect(new Set(lengths.map(name => name.length))).toEqual(new Set([16 * 1024]));
  });

  it('that is no ELF file says so', () => {
    expect(readAll(new MemoryBytes(Buffer.from('#!/bin/sh\n')))).toBe('not-elf');
    expect(damaged(bytes => bytes.writeUInt8(2, 5))).toBe('unsupported');
    expect(damaged(bytes => bytes.writeUInt8(3, 4))).toBe('unsupported');
    expect(damaged(bytes => bytes.writeUInt16LE(1, 16))).toBe('unsupported');
    expect(damaged(bytes => bytes.writeUInt16LE(12, 54))).toBe('damaged');
  });
});

/** A file of 100 GB: the start of a real one, and zeros. Counts what is read. */
class Sparse implements ByteSource {
  readonly size = 100e9;
  total = 0;
  readonly #start: Buffer;

  constructor(start: Buffer) {
    this.#start = start;
  }

  read(offset: number, length: number): Uint8Array {
    if (offset < 0 || offset + length > this.size) throw new ElfError('truncated', 'outside');
    this.total += length;
    const bytes = Buffer.alloc(length);
    if (offset < this.#start.length) this.#start.copy(bytes, 0, offset);
    return bytes;
  }
}

describe('a sparse file of 100 GB', () => {
  it('is read as far as its headers point', () => {
    const source = new Sparse(original);
    parseElf(source);
    expect(source.total).toBeLessThan(8192);
    expect(bounded(() => readAll(source))).toBe(readAll(new MemoryBytes(original)));
    expect(source.total).toBeLessThan(1e6);
  });

  it('may claim tables of any size', () => {
    for (const size of [2n ** 28n, 2n ** 28n + 1n, 90_000_000_000n, 2n ** 63n]) {
      const bytes = Buffer.from(original);
      for (const type of [symtab, dynsym, 4, 3, 7]) bytes.writeBigUInt64LE(size, sectionHeader(bytes, type) + 32);
      const source = new Sparse(bytes);
      bounded(() => readAll(source));
      expect(source.total).toBeLessThan(0.6e9);
    }
  });

  it('may claim any number of headers', () => {
    const bytes = Buffer.from(original);
    bytes.writeUInt16LE(0xffff, 56);
    bytes.writeUInt16LE(0, 60);
    const table = Number(bytes.readBigUInt64LE(40));
    bytes.writeUInt32LE(0xffffffff, table + 44);
    expect(bounded(() => readAll(new Sparse(bytes)))).toBe('too-large');
    bytes.writeUInt32LE(0, table + 44);
    bytes.writeBigUInt64LE(2n ** 40n, table + 32);
    expect(bounded(() => readAll(new Sparse(bytes)))).toBe(0);
  });

  it('may have a hash table without an end', () => {
    const source = new Sparse(headless);
    expect(bounded(() => readAll(source))).toBeGreaterThan(3);
    const bytes = Buffer.from(headless);
    for (let at = 0; at + 16 < bytes.length; at += 8) {
      // DT_GNU_HASH, far away from where anything is.
      if (bytes.readBigUInt64LE(at) === 0x6ffffef5n) bytes.writeBigUInt64LE(0x100000n, at + 8);
    }
    bounded(() => readAll(new Sparse(bytes)));
  });
});
