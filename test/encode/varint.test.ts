import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { ProtoWriter } from '../../src/encode/varint.ts';
import { random } from '../support/random.ts';

function ours(write: (writer: ProtoWriter) => void): string {
  const writer = new ProtoWriter();
  write(writer);
  expect(writer.length).toBe(writer.bytes().length);
  return Buffer.from(writer.bytes()).toString('hex');
}

/** Writes all values, with either writer. */
function each<W>(values: Iterable<number>, write: (writer: W, value: number) => unknown): (writer: W) => void {
  return writer => {
    for (const value of values) write(writer, value);
  };
}

function theirs(write: (writer: protobuf.Writer) => unknown): string {
  const writer = protobuf.Writer.create();
  write(writer);
  return Buffer.from(writer.finish()).toString('hex');
}

/** The encoding by the definition: seven bits a byte, the lowest first. */
function byDefinition(value: bigint): string {
  let rest = BigInt.asUintN(64, value);
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]).toString('hex');
}

describe('varint', () => {
  test.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 28, '8080808001'],
    [2 ** 32 - 1, 'ffffffff0f'],
    [2 ** 32, '8080808010'],
    [2 ** 53 - 1, 'ffffffffffffff0f'],
    [-1, 'ffffffffffffffffff01'],
    [-2, 'feffffffffffffffff01'],
    [-(2 ** 47), '808080808080e0ffff01'],
  ])('%d', (value, hex) => expect(ours(w => w.varint(value))).toBe(hex));

  const borders = Array.from({ length: 54 }, (_, bit) => [2 ** bit - 1, 2 ** bit, 2 ** bit + 1]).flat();

  test('around every power of two, of both signs', () => {
    for (const value of borders.filter(Number.isSafeInteger).flatMap(v => [v, -v])) {
      const hex = ours(w => w.varint(value));
      expect(hex).toBe(byDefinition(BigInt(value)));
      expect(hex).toBe(theirs(w => w.int64(value)));
    }
  });

  test('random values, end to end', () => {
    const below = random(5);
    const values = Array.from({ length: 5000 }, () => {
      const size = 2 ** below(53);
      return Math.floor((below(2 ** 30) / 2 ** 30) * size) * (below(2) * 2 - 1);
    });
    const hex = ours(each(values, (w, value) => w.varint(value)));
    expect(hex).toBe(theirs(each(values, (w, value) => w.int64(value))));
    expect(hex).toBe(values.map(value => byDefinition(BigInt(value))).join(''));
  });

  test('nanoseconds since 1970, which no double holds exactly', () => {
    const value = 1_763_636_400_987 * 1e6;
    expect(ours(w => w.varint(value))).toBe(byDefinition(BigInt(value)));
  });
});

describe('fields', () => {
  test('a scalar; 0 is left out', () => {
    const numbers = [1, 15, 16, 2047];
    expect(ours(each(numbers, (w, n) => w.field(n, -n)))).toBe(
      theirs(each(numbers, (w, n) => w.uint32(n * 8).int64(-n))),
    );
    expect(ours(w => w.field(1, 0))).toBe('');
  });

  test.each(['', 'a', 'é🔥', 'n'.repeat(200), 'n'.repeat(200_000)])('a string', text =>
    expect(ours(w => w.string(6, text))).toBe(theirs(w => w.uint32(6 * 8 + 2).string(text))),
  );

  test('a message', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
    expect(ours(w => w.message(3, bytes))).toBe(theirs(w => w.uint32(3 * 8 + 2).bytes(bytes)));
    expect(ours(w => w.message(3, new Uint8Array()))).toBe('1a00');
  });

  test('a packed list', () => {
    const below = random(9);
    const values = Uint32Array.from({ length: 30_000 }, () => Math.floor(2 ** (below(3201) / 100)) - 1);
    values.set([0, 127, 128, 16383, 16384, 2 ** 21 - 1, 2 ** 21, 2 ** 28 - 1, 2 ** 28, 2 ** 32 - 1]);
    expect(ours(w => w.packed(1, values, values.length))).toBe(
      theirs(w => {
        w.uint32(10).fork();
        for (const value of values) w.uint32(value);
        return w.ldelim();
      }),
    );
    expect(ours(w => w.packed(1, values, 2))).toBe('0a02007f');
    expect(ours(w => w.packed(1, values, 0))).toBe('0a00');
  });
});

test('a writer is used again after clear', () => {
  const hex = ours(w => {
    w.string(1, 'long'.repeat(50_000));
    w.clear();
    w.field(1, 5);
  });
  expect(hex).toBe('0805');
});
