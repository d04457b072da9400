import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readBtf } from '../../bpf/btf.ts';
import {
  Counter,
  Limit,
  PerfEventAttr,
  PerfEventAttrBits,
  PerfMmap2,
  Sample,
  sizeOf,
} from '../../src/capture/records.gen.ts';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { random } from '../support/random.ts';

interface Member {
  readonly name: string;
  readonly type: number;
  /** In bits. */
  readonly offset: number;
  /** Of a bit-field, in bits. */
  readonly width?: number;
}

/** Writes .BTF sections (Documentation/bpf/btf.rst). Types are numbered from 1 on. */
class BtfWriter {
  readonly #types: number[][] = [];
  readonly #names: string[] = [''];

  #name(name: string): number {
    if (name !== '' && !this.#names.includes(name)) this.#names.push(name);
    const before = this.#names.slice(0, this.#names.indexOf(name));
    return before.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  }

  /** `words` follow the header. */
  type(kind: number, name: string, size: number, words: readonly number[] = [], count = 0, flag = 0): number {
    return this.#types.push([this.#name(name), count | (kind << 24) | (flag << 31), size, ...words]);
  }

  int(name: string, size: number): number {
    return this.type(1, name, size, [size * 8]);
  }

  struct(name: string, size: number, members: readonly Member[], kind = 4): number {
    const packed = members.some(member => member.width !== undefined);
    const words = members.flatMap(m => [this.#name(m.name), m.type, m.offset | ((m.width ?? 0) << 24)]);
    return this.type(kind, name, size, words, members.length, packed ? 1 : 0);
  }

  union(name: string, size: number, members: readonly Member[]): number {
    return this.struct(name, size, members, 5);
  }

  enum(name: string, values: Readonly<Record<string, number>>): number {
    const words = Object.entries(values).flatMap(([key, value]) => [this.#name(key), value]);
    return this.type(6, name, 4, words, words.length / 2);
  }

  enum64(name: string, values: Readonly<Record<string, bigint>>): number {
    const words = Object.entries(values).flatMap(([key, value]) => {
      return [this.#name(key), Number(value & 0xffffffffn), Number(BigInt.asUintN(32, value >> 32n))];
    });
    return this.type(19, name, 8, words, words.length / 3);
  }

  bytes(): Buffer {
    const types = Buffer.from(Int32Array.from(this.#types.flat()).buffer);
    const strings = Buffer.from(`${this.#names.join('\0')}\0`);
    const header = Buffer.alloc(24);
    header.writeUInt16LE(0xeb9f, 0);
    header[2] = 1;
    header.writeUInt32LE(24, 4);
    header.writeUInt32LE(types.length, 12);
    header.writeUInt32LE(types.length, 16);
    header.writeUInt32LE(strings.length, 20);
    return Buffer.concat([header, types, strings]);
  }
}

function members(btf: BtfWriter, name: string): Record<string, number> {
  return Object.fromEntries(readBtf(btf.bytes()).structs.get(name)!.members);
}

/** A section with everything in it that is read or skipped. */
function everything(): BtfWriter {
  const btf = new BtfWriter();
  const u32 = btf.int('u32', 4);
  const u64 = btf.int('u64', 8);
  btf.type(2, '', u32); // pointer
  btf.type(3, '', 0, [u32, u32, 16]); // array
  btf.type(7, 'forward', 0);
  btf.type(8, 'u32_t', u32); // typedef
  for (const modifier of [9, 10, 11]) btf.type(modifier, '', u32); // volatile, const, restrict
  const prototype = btf.type(13, '', u32, [0, u32, 0, u64], 2); // function of two parameters
  btf.type(12, 'function', prototype);
  const variable = btf.type(14, 'variable', u32, [1]);
  btf.type(15, '.data', 8, [variable, 0, 4, variable, 4, 4], 2);
  btf.type(16, 'double', 8);
  btf.type(17, 'tag', variable, [-1 >>> 0]);
  btf.type(18, 'type_tag', u32);
  btf.struct('last', 16, [
    { name: 'first', type: u32, offset: 0 },
    { name: 'second', type: u64, offset: 64 },
  ]);
  btf.enum('choice', { NO: 0, YES: 1 });
  return btf;
}

describe('hand-made', () => {
  test('every kind of type is passed over', () => {
    const types = readBtf(everything().bytes());
    expect([...types.structs.keys()]).toEqual(['last']);
    expect(types.structs.get('last')).toEqual({
      size: 16,
      members: new Map([
        ['first', 0],
        ['second', 8],
      ]),
      bits: new Map(),
    });
    expect([...types.enums]).toEqual([
      [
        'choice',
        new Map([
          ['NO', 0],
          ['YES', 1],
        ]),
      ],
    ]);
  });

  test('anonymous unions and structs, in each other', () => {
    const btf = new BtfWriter();
    const u32 = btf.int('u32', 4);
    const pair = btf.struct('', 8, [
      { name: 'low', type: u32, offset: 0 },
      { name: 'high', type: u32, offset: 32 },
    ]);
    const either = btf.union('', 8, [
      { name: 'whole', type: u32, offset: 0 },
      { name: '', type: pair, offset: 0 },
    ]);
    const named = btf.union('named', 4, [{ name: 'inside', type: u32, offset: 0 }]);
    btf.struct('outer', 24, [
      { name: 'before', type: u32, offset: 0 },
      { name: '', type: either, offset: 64 },
      { name: 'field', type: named, offset: 128 },
    ]);
    expect(members(btf, 'outer')).toEqual({ before: 0, whole: 8, low: 8, high: 12, field: 16 });
    expect(readBtf(btf.bytes()).structs.has('named')).toBe(false); // a union is no struct
  });

  test('bit-fields have bit offsets, their neighbours byte offsets', () => {
    const btf = new BtfWriter();
    const u64 = btf.int('u64', 8);
    btf.struct('flags', 24, [
      { name: 'type', type: u64, offset: 0 },
      { name: 'disabled', type: u64, offset: 64, width: 1 },
      { name: 'precise', type: u64, offset: 65, width: 2 },
      { name: 'far', type: u64, offset: 127, width: 1 },
      { name: 'after', type: u64, offset: 128 },
    ]);
    const struct = readBtf(btf.bytes()).structs.get('flags')!;
    expect(Object.fromEntries(struct.members)).toEqual({ type: 0, after: 16 });
    expect(Object.fromEntries(struct.bits)).toEqual({ disabled: 64, precise: 65, far: 127 });
  });

  test('enums', () => {
    const btf = new BtfWriter();
    btf.enum('small', { A: 0, B: 7, MINUS: -1, MAX: 2 ** 31 - 1 });
    btf.enum64('large', { ZERO: 0n, BIT40: 1n << 40n, MINUS: -1n, LOW: 0xffffffffn });
    const { enums } = readBtf(btf.bytes());
    expect(Object.fromEntries(enums.get('small')!)).toEqual({ A: 0, B: 7, MINUS: -1, MAX: 2 ** 31 - 1 });
    expect(Object.fromEntries(enums.get('large')!)).toEqual({ ZERO: 0, BIT40: 2 ** 40, MINUS: -1, LOW: 2 ** 32 - 1 });
  });

  test('a section inside of a larger buffer, and a longer header', () => {
    const bytes = everything().bytes();
    const longer = Buffer.concat([bytes.subarray(0, 24), Buffer.alloc(8), bytes.subarray(24)]);
    longer.writeUInt32LE(32, 4);
    const inside = Buffer.concat([Buffer.alloc(5, 0xff), longer]).subarray(5);
    expect(readBtf(inside)).toEqual(readBtf(bytes));
  });

  test('no types', () => expect(readBtf(new BtfWriter().bytes())).toEqual({ structs: new Map(), enums: new Map() }));
});

describe('damaged', () => {
  const word = (at: number, value: number) => (bytes: Buffer) => {
    bytes.writeUInt32LE(value, at);
    return bytes;
  };

  test.each([
    ['nothing', () => Buffer.alloc(0)],
    ['another magic number', (bytes: Buffer) => bytes.fill(0, 0, 2)],
    ['big-endian', (bytes: Buffer) => Buffer.from([0xeb, 0x9f, ...bytes.subarray(2)])],
    ['cut off in a type', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['types that reach beyond the end', word(12, 2 ** 31)],
    ['an unknown kind', word(28, 20 << 24)],
    ['no kind', word(28, 0)],
    ['more members than there is room for', word(28, (4 << 24) | 0xffff)],
  ])('%s', (_, damage) => expect(() => readBtf(damage(everything().bytes()))).toThrow());

  test('a struct that is its own anonymous member', () => {
    const btf = new BtfWriter();
    btf.struct('loop', 8, [{ name: '', type: 1, offset: 0 }]);
    expect(() => readBtf(btf.bytes())).toThrow();
  });

  test('random damage: an error or an answer, in bounded time', () => {
    const below = random(3);
    const whole = everything().bytes();
    const started = process.cpuUsage();
    const outcomes = { answers: 0, errors: 0 };
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(whole);
      for (let i = below(8); i >= 0; i--) bytes[below(bytes.length)] = below(256);
      try {
        readBtf(bytes.subarray(0, below(4) === 0 ? below(bytes.length) : bytes.length));
        outcomes.answers++;
      } catch {
        outcomes.errors++;
      }
    }
    expect(outcomes.answers).toBeGreaterThan(100);
    expect(outcomes.errors).toBeGreaterThan(100);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(5000);
  });
});

const OBJECT = 'build/profiler.bpf.o';

describe.skipIf(!existsSync(OBJECT))(`the compiled object (skipped where ${OBJECT} is not built)`, () => {
  const types = () => {
    const object = new MemoryBytes(readFileSync(OBJECT));
    const { offset, size } = parseElf(object).sections.find(section => section.name === '.BTF')!;
    return readBtf(object.read(offset, size));
  };

  test('layouts are those that the code reads by', () => {
    const { structs, enums } = types();
    expect(Object.fromEntries(structs.get('profiler_sample')!.members)).toEqual(Sample);
    expect(structs.get('profiler_sample')!.size).toBe(sizeOf.Sample);
    expect(Object.fromEntries(structs.get('profiler_perf_mmap2')!.members)).toEqual(PerfMmap2);
    expect(Object.fromEntries(structs.get('perf_event_attr')!.members)).toEqual(PerfEventAttr);
    expect(Object.fromEntries(structs.get('perf_event_attr')!.bits)).toEqual(PerfEventAttrBits);
    expect(Object.fromEntries(enums.get('profiler_limits')!)).toEqual(Limit);
    expect(Object.fromEntries(enums.get('profiler_counter')!)).toEqual(Counter);
  });
});
