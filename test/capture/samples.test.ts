import { describe, expect, test } from 'vitest';
import { Sample, UnwindEnd } from '../../src/capture/records.gen.ts';
import {
  field64,
  forEachSample,
  frameWords,
  isWalked,
  kernelFrames,
  sampleWords,
  setWalked,
  snapshotBytes,
  unwindEnd,
  userFrames,
  Word,
} from '../../src/capture/samples.ts';
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
  bytes[Sample.user_frames + 1] = 1;
  expect([kernelFrames(words, 0), userFrames(words, 0)]).toEqual([3, 506]);
  expect(frameWords(words, 0)).toBe(16 + 2 * 509);
  bytes[Sample.snapshot] = 2;
  bytes[Sample.snapshot + 1] = 8;
  expect(sampleWords(words, 0)).toBe(16 + 2 * (509 + 0x802));
});

test('64 bits as a double: exact up to 2^53', () => {
  const value = (low: number, high: number) => field64(Uint32Array.of(0, low, high), 1);
  expect(value(0xffffffff, 0)).toBe(2 ** 32 - 1);
  expect(value(0, 1)).toBe(2 ** 32);
  expect(value(0xffffffff, 0x1fffff)).toBe(Number.MAX_SAFE_INTEGER);
  expect(value(0, 0x80000000)).toBe(2 ** 63);
});

describe('walks', () => {
  const [COMPLETE, CORRUPT] = [UnwindEnd.PROFILER_END_COMPLETE, UnwindEnd.PROFILER_END_CORRUPT];
  const snapshot = Uint8Array.from({ length: 8 * 10 }, (_, i) => i);
  const pending: TestSample = { ...first, user: [], unwind: UnwindEnd.PROFILER_END_NO_TABLE, snapshot };

  test('how the stack of a sample was found', () => {
    const words = sampleRecords({ ...first, unwind: CORRUPT, walked: true });
    expect([unwindEnd(words, 0), isWalked(words, 0), snapshotBytes(words, 0)]).toEqual([CORRUPT, true, undefined]);
    expect([kernelFrames(words, 0), userFrames(words, 0)]).toEqual([1, 2]);
    const plain = sampleRecords(first);
    expect([unwindEnd(plain, 0), isWalked(plain, 0)]).toEqual([0, false]);
  });

  test('511 frames', () => {
    const words = sampleRecords({ user: Array<bigint>(511).fill(7n), walked: true }, first);
    expect([userFrames(words, 0), sampleWords(words, 0)]).toEqual([511, 16 + 2 * 511]);
    expect(words[sampleWords(words, 0) + Word.pid]).toBe(4242);
  });

  test('a snapshot stands behind the kernel frames, in place of user frames', () => {
    const words = sampleRecords(first, pending, first);
    const at = sampleWords(words, 0);
    expect([...snapshotBytes(words, at)!]).toEqual([...snapshot]);
    expect([frameWords(words, at), sampleWords(words, at)]).toEqual([18, 38]);
    expect(words[at + 38 + Word.pid]).toBe(4242);
    snapshotBytes(words, at)![0] = 99;
    expect(words[at + 18]! & 0xff).toBe(99);
  });

  test('the largest snapshot: 20 KiB and the registers', () => {
    const words = sampleRecords({ snapshot: new Uint8Array(20 * 1024 + 32) }, first);
    expect(sampleWords(words, 0)).toBe(16 + (20 * 1024 + 32) / 4);
    expect(words[sampleWords(words, 0) + Word.pid]).toBe(4242);
  });

  test('in words that begin within a buffer', () => {
    const words = sampleRecords(first, pending).subarray(sampleWords(sampleRecords(first), 0));
    expect([...snapshotBytes(words, 0)!]).toEqual([...snapshot]);
  });

  test('a walked snapshot is frames, and nothing else has changed', () => {
    const words = sampleRecords(pending, first);
    const before = words.slice();
    setWalked(words, 0, 3, CORRUPT);
    expect([userFrames(words, 0), unwindEnd(words, 0), isWalked(words, 0)]).toEqual([3, CORRUPT, true]);
    expect([snapshotBytes(words, 0), sampleWords(words, 0)]).toEqual([undefined, 16 + 2 * 4]);
    expect(kernelFrames(words, 0)).toBe(1);
    const changed = [...words.keys()].filter(i => words[i] !== before[i]);
    expect(changed.every(i => 4 * i >= (Sample.kernel_frames & ~3) && 4 * i < Sample.comm)).toBe(true);
  });

  test('as many frames as there can be, from fields full of ones', () => {
    const words = new Uint32Array(16).fill(0xffff_ffff);
    setWalked(words, 0, 511, COMPLETE);
    expect([userFrames(words, 0), unwindEnd(words, 0), isWalked(words, 0), kernelFrames(words, 0)]).toEqual([
      511,
      COMPLETE,
      true,
      255,
    ]);
    expect(snapshotBytes(words, 0)).toBeUndefined();
    const bytes = new Uint8Array(words.buffer);
    expect([bytes[Sample.event], bytes[Sample.event + 1], bytes[Sample.reserved], bytes[Sample.comm]]).toEqual([
      255, 255, 255, 255,
    ]);
  });
});

test('a sample whose record is made shorter does not hide the next one', () => {
  const words = sampleRecords(
    { time: 1n, snapshot: new Uint8Array(800) },
    { time: 2n, kernel: [1n], snapshot: new Uint8Array(80) },
    { time: 3n },
  );
  const seen: number[] = [];
  forEachSample(words, words.length, at => {
    seen.push(words[at + Word.time]!);
    setWalked(words, at, 1, 1);
  });
  expect(seen).toEqual([1, 2, 3]);
});
