import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodeEntry, encodeEntry, MAX_ENTRY_BYTES, SpoolError } from '../../src/spool/entry.ts';
import { plain, uploadOf } from './support.ts';

const upload = uploadOf(7, 1_700_000_000_123.5, 300);
const bytes = Buffer.concat(encodeEntry(upload));

function codeOf(damaged: Uint8Array): string {
  try {
    decodeEntry(damaged);
    return 'decoded';
  } catch (error) {
    if (error instanceof SpoolError) return error.code;
    throw error;
  }
}

/** The entry with another header, and lengths and checksum that fit. */
function withHeader(header: string): Uint8Array {
  const copy = Buffer.concat([bytes.subarray(0, 20), Buffer.from(header), upload.pprof]);
  copy.writeUInt32LE(Buffer.byteLength(header), 8);
  copy.writeUInt32LE(crc32(copy.subarray(20), crc32(copy.subarray(0, 16))), 16);
  return copy;
}

const header = JSON.parse(bytes.subarray(20, bytes.length - 300).toString());

describe('an entry', () => {
  test('is what was spooled', () => {
    expect(plain(decodeEntry(bytes))).toEqual(upload);
  });

  test('may have no pprof and no labels', () => {
    const empty = { ...upload, labels: {}, pprof: new Uint8Array() };
    expect(plain(decodeEntry(Buffer.concat(encodeEntry(empty))))).toEqual(empty);
  });

  test('can begin anywhere in its memory', () => {
    const shifted = Buffer.concat([Buffer.from('x'), bytes]).subarray(1);
    expect(plain(decodeEntry(shifted))).toEqual(upload);
  });

  test('begins with its magic number', () => {
    expect(bytes.subarray(0, 4).toString()).toBe('pspl');
  });

  test('is not made of too much', () => {
    const large = { ...upload, pprof: new Uint8Array(MAX_ENTRY_BYTES) };
    expect(() => encodeEntry(large)).toThrow(SpoolError);
    expect(() => encodeEntry({ ...upload, labels: { service_name: 'x'.repeat(1 << 20) } })).toThrow(SpoolError);
  });
});

describe('no entry', () => {
  test('what ends early, at each length', () => {
    const codes = new Set(Array.from({ length: bytes.length }, (_, length) => codeOf(bytes.subarray(0, length))));
    expect([...codes]).toEqual(['truncated']);
  });

  test('what goes on', () => {
    expect(codeOf(Buffer.concat([bytes, Buffer.from('x')]))).toBe('truncated');
  });

  test('what has one bit flipped, at each place', () => {
    for (let i = 0; i < bytes.length * 8; i++) {
      const flipped = Buffer.from(bytes);
      flipped[i >> 3]! ^= 1 << (i & 7);
      expect(codeOf(flipped), `bit ${i}`).not.toBe('decoded');
    }
  });

  test.each([
    ['a magic number of another kind', 0, 0x46464952, 'not-an-entry'],
    ['a later version', 4, 2, 'not-an-entry'],
    ['a header of 4 GiB', 8, 0xffffffff, 'too-large'],
    ['a header of more than it may have', 8, (1 << 20) + 1, 'too-large'],
    ['a pprof of 4 GiB', 12, 0xffffffff, 'truncated'],
    ['another checksum', 16, 0, 'damaged'],
  ])('%s', (_, at, value, code) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(value, at);
    expect(codeOf(copy)).toBe(code);
  });

  test.each<[string, string]>([
    ['that is no JSON', '{'],
    ['that is empty', ''],
    ['that nests deeply', '['.repeat(100_000)],
    ['that is null', 'null'],
    ['that is an array', '[]'],
    ['without an id', JSON.stringify({ ...header, id: undefined })],
    ['with an id that is a path', JSON.stringify({ ...header, id: '../../etc/passwd' })],
    ['with labels that are no text', JSON.stringify({ ...header, labels: { service_name: 1 } })],
    ['with a time that is none', JSON.stringify({ ...header, startMs: null })],
    ['with an infinite time', JSON.stringify(header).replace(/"startMs":[0-9.]+/, '"startMs":1e999')],
    ['with a sample type too little', JSON.stringify({ ...header, sampleTypes: [{ type: 'cpu' }] })],
    ['with what nobody knows', JSON.stringify({ ...header, pprof: 'x' })],
  ])('a header %s', (_, text) => {
    expect(codeOf(withHeader(text))).toBe('damaged');
  });

  test('a header that is changed but right is one', () => {
    expect(decodeEntry(withHeader(JSON.stringify({ ...header, samples: 1 }))).samples).toBe(1);
  });

  test('more bytes than an entry may have', () => {
    expect(codeOf(new Uint8Array(MAX_ENTRY_BYTES + 1))).toBe('too-large');
  });
});
