import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { readContents, zstdByScript } from '../../src/elf/compressed.ts';
import { type Elf, parseElf, type Section } from '../../src/elf/elf.ts';
import { random } from '../support/random.ts';
import { Workshop } from './toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

const limit = 2 ** 20;
const plain = workshop.compile('gcc', 'calls.c', 'plain', '-O1', '-g', '-gz=none');

interface Contents {
  readonly names: readonly string[];
  read(name: string, limit?: number): Buffer | undefined;
  readonly bytes: Buffer;
  readonly elf: Elf;
}

function open(path: string): Contents {
  const bytes = readFileSync(path);
  const elf = parseElf(new MemoryBytes(bytes));
  const find = (name: string) => elf.sections.find(section => section.name === name);
  return {
    bytes,
    elf,
    names: elf.sections.map(({ name }) => name),
    read(name, most = limit) {
      const contents = readContents(elf, new MemoryBytes(bytes), find(name)!, most);
      return contents && Buffer.from(contents);
    },
  };
}

/** Whether this objcopy knows a method: zstd came with binutils 2.40. */
function compressed(method: string): string | undefined {
  const output = workshop.path(method);
  try {
    execFileSync('objcopy', [`--compress-debug-sections=${method}`, plain, output], { stdio: 'pipe' });
    return output;
  } catch {
    return undefined;
  }
}

const whole = open(plain);
const sections = ['info', 'line', 'str', 'abbrev'];

describe.each(['zlib', 'zstd', 'zlib-gnu'])('by %s', method => {
  const path = compressed(method);
  const prefix = method === 'zlib-gnu' ? '.zdebug' : '.debug';

  test.skipIf(path === undefined)(`sections are those of the file without (needs objcopy with ${method})`, () => {
    const packed = open(path!);
    expect(packed.bytes.length).toBeLessThan(whole.bytes.length);
    for (const name of sections) {
      // What gets no smaller is left as it is.
      const packedName = packed.names.includes(`${prefix}_${name}`) ? `${prefix}_${name}` : `.debug_${name}`;
      expect(packed.read(packedName)?.equals(whole.read(`.debug_${name}`)!)).toBe(true);
    }
  });

  test.skipIf(path === undefined)(`the limit is of what comes out (needs objcopy with ${method})`, () => {
    const packed = open(path!);
    const size = whole.read('.debug_info')!.length;
    expect(packed.read(`${prefix}_info`, size)).toHaveLength(size);
    expect(() => packed.read(`${prefix}_info`, size - 1)).toThrow(expect.objectContaining({ code: 'too-large' }));
  });

  test.skipIf(path === undefined)(`damage is told or makes no difference (needs objcopy with ${method})`, () => {
    const { bytes, elf } = open(path!);
    const section = elf.sections.find(({ name }) => name === `${prefix}_info`)!;
    const next = random(11);
    for (let i = 0; i < 300; i++) {
      const copy = Buffer.from(bytes);
      copy[section.offset + next(section.size)] = next(256);
      try {
        expect(readContents(elf, new MemoryBytes(copy), section, limit)?.length ?? 0).toBeLessThanOrEqual(limit);
      } catch (error) {
        expect(['damaged', 'too-large']).toContain((error as { code: string }).code);
      }
    }
  });
});

test.skipIf(compressed('zstd') === undefined)(
  'zstd without the help of Node.js gives the same (needs objcopy with zstd)',
  () => {
    const { bytes, elf } = open(workshop.path('zstd'));
    const { offset, size } = elf.sections.find(({ name }) => name === '.debug_info')!;
    const packed = bytes.subarray(offset + 24, offset + size);
    const expected = whole.read('.debug_info')!;
    expect(Buffer.from(zstdByScript(packed, expected.length)).equals(expected)).toBe(true);
    expect(() => zstdByScript(packed, expected.length - 1)).toThrow();
    expect(() => zstdByScript(packed.subarray(0, packed.length >> 1), expected.length)).not.toThrow(TypeError);
  },
);

/** A section that claims to have `claimed` bytes; `method` as in its header. */
function section(body: Uint8Array, claimed: number, method = 1): { elf: Elf; bytes: MemoryBytes; of: Section } {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(method, 0);
  header.writeBigUInt64LE(BigInt(claimed), 8);
  const bytes = Buffer.concat([header, body]);
  const of = { ...whole.elf.sections[1]!, name: '.debug_info', type: 1, flags: 0x800, offset: 0, size: bytes.length };
  return { elf: whole.elf, bytes: new MemoryBytes(bytes), of };
}

describe('hostile', () => {
  const read = ({ elf, bytes, of }: ReturnType<typeof section>, most = 2 ** 30) => readContents(elf, bytes, of, most);
  const tooLarge = expect.objectContaining({ code: 'too-large' });
  const damaged = expect.objectContaining({ code: 'damaged' });

  test('zeros that would fill the memory', () => {
    const zeros = Buffer.alloc(64 * 2 ** 20);
    expect(() => read(section(deflateSync(zeros), zeros.length))).toThrow(tooLarge);
  });

  test('more than is claimed', () =>
    expect(() => read(section(deflateSync(Buffer.alloc(1000)), 999))).toThrow(damaged));
  test('less than is claimed', () =>
    expect(() => read(section(deflateSync(Buffer.alloc(999)), 1000))).toThrow(damaged));
  test('a size beyond all', () => expect(() => read(section(Buffer.alloc(9), 2 ** 60))).toThrow(tooLarge));
  test('an unknown method', () => expect(read(section(Buffer.alloc(9), 9, 77))).toBeUndefined());
  test('no room for a header', () =>
    expect(() => read({ ...section(Buffer.alloc(0), 0), of: { ...section(Buffer.alloc(0), 0).of, size: 23 } })).toThrow(
      damaged,
    ));
});
