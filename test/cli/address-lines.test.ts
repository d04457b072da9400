import { expect, test } from 'vitest';
import { AddressLines, parseAddressText } from '../../src/cli/address-lines.ts';
import { random } from '../support/random.ts';

const bad = Number.NaN;

test.each([
  ['0', 0],
  ['0x401136', 0x401136],
  ['401136', 0x401136],
  ['0X40AbCd', 0x40abcd],
  ['  0x10', 0x10],
  ['\t10 main+0x5', 0x10],
  ['10\r', 0x10],
  ['ffffffff81000000', 0x81000000 - 2 ** 32],
  ['0xffffffffffffffff', -1],
  ['0000000000000000000000000001', 1],
  ['7fffffffffff', 2 ** 47 - 1],
  ['', bad],
  [' ', bad],
  ['x', bad],
  ['0x', bad],
  ['0x ', bad],
  ['1x2', bad],
  ['00x2', bad],
  ['-5', bad],
  ['0x10,', bad],
  ['10000000000000000', bad],
  ['main', bad],
])('%j', (text, address) => {
  const lines = new AddressLines();
  expect([...lines.push(Buffer.from(`${text}\n`))]).toEqual([address]);
  expect([...lines.end()]).toEqual([]);
});

test('an argument is a line without its end', () => {
  expect([parseAddressText('0x10'), parseAddressText('zz'), parseAddressText('')]).toEqual([0x10, bad, bad]);
});

test('wherever the text is cut, the addresses are the same', () => {
  const text = Buffer.from('0x401136\n\nffffffff81000000 x\nzz\n  12\r\n0\n0xabc');
  const expected = [0x401136, bad, 0x81000000 - 2 ** 32, bad, 0x12, 0, 0xabc];
  const below = random(7);
  for (let round = 0; round < 200; round++) {
    const lines = new AddressLines();
    const found: number[] = [];
    for (let at = 0; at < text.length; ) {
      const length = below(5);
      found.push(...lines.push(text.subarray(at, at + length)));
      at += length;
    }
    found.push(...lines.end());
    expect(found).toEqual(expected);
  }
});

test('a line of a hundred megabytes takes no memory', () => {
  const lines = new AddressLines();
  const piece = Buffer.alloc(2 ** 16, 'f');
  for (let i = 0; i < 1600; i++) expect(lines.push(piece)).toHaveLength(0);
  expect([...lines.push(Buffer.from('\n10\n'))]).toEqual([bad, 0x10]);
});
