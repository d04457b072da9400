import { expect, test } from 'vitest';
import { Sample } from '../../src/capture/records.gen.ts';
import { field64, kernelFrames, sampleWords, userFrames, Word } from '../../src/capture/samples.ts';
import { sampleRecords, type TestSample } from '../support/records.ts';

const first: TestSample = {
  time: 0x1_0000_0002n,
  weight: 10_101_010n,
  cgroup: 77n,
  pid: 4242,
  tid: 4243,
  cpu: 5,
  comm: 'worker',
  kernel: [-0x7fff_0000_1000n],
  user: [0x5555_0000_1000n, 0x5555_0000_2000n],
};

test('fields of a sample', () => {
  const words = sampleRecords(first);
  expect(field64(words, Word.time)).toBe(0x1_0000_0002);
  expect(field64(words, Word.weight)).toBe(10_101_010);
  expect(field64(words, Word.cgroup)).toBe(77);
  expect([words[Word.pid], words[Word.tid], words[Word.cpu]]).toEqual([4242, 4243, 5]);
  expect([kernelFrames(words, 0), userFrames(words, 0)]).toEqual([1, 2]);
  expect(Buffer.from(words.buffer, Word.comm * 4, 16).toString('latin1')).toBe('worker\0\0\0\0\0\0\0\0\0\0');
  expect([...words.subarray(Word.frames)]).toEqual([0xfffff000, 0xffff8000, 0x1000, 0x5555, 0x2000, 0x5555]);
});

test('records stand end to end', () => {
  const samples = [first, {}, { kernel: Array<bigint>(127).fill(1n), user: Array<bigint>(127).fill(2n) }, first];
  const words = sampleRecords(...samples);
  const starts: number[] = [];
  for (let at = 0; at < words.length; at += sampleWords(words, at)) starts.push(at);
  expect(starts).toEqual([0, 22, 38, 562]);
  expect(words.length).toBe(584);
  expect([kernelFrames(words, 38), userFrames(words, 38)]).toEqual([127, 127]);
});

test('a count is not disturbed by its neighbours in the word', () => {
  const words = new Uint32Array(16);
  const bytes = new Uint8Array(words.buffer);
  bytes.fill(0xff);
  bytes[Sample.kernel_frames] = 3;
  bytes[Sample.user_frames] = 250;
  expect([kernelFrames(words, 0), userFrames(words, 0)]).toEqual([3, 250]);
  expect(sampleWords(words, 0)).toBe(16 + 2 * 253);
});

test('64 bits as a double: exact up to 2^53', () => {
  const value = (low: number, high: number) => field64(Uint32Array.of(0, low, high), 1);
  expect(value(0xffffffff, 0)).toBe(2 ** 32 - 1);
  expect(value(0, 1)).toBe(2 ** 32);
  expect(value(0xffffffff, 0x1fffff)).toBe(Number.MAX_SAFE_INTEGER);
  expect(value(0, 0x80000000)).toBe(2 ** 63);
});
