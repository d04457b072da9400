import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { PerfEvent } from '../../src/capture/addon.ts';
import { PerfReader, type PerfReaderOptions } from '../../src/capture/perf-reader.ts';
import { Start, UnwindEnd } from '../../src/capture/records.gen.ts';
import {
  field64,
  isWalked,
  kernelFrames,
  snapshotBytes,
  unwindEnd,
  userFrames,
  Word,
} from '../../src/capture/samples.ts';
import { random } from '../support/random.ts';
import {
  commRecord,
  lostRecord,
  otherRecord,
  perfSampleRecord,
  type TestPerfSample,
  taskRecord,
} from '../support/records.ts';
import { feed } from '../support/sideband.ts';

const KERNEL = -128n; // enum perf_callchain_context
const USER = -512n;
const BYTES = 1 << 16;

/** A buffer that holds these records. */
function buffer(...records: readonly Uint8Array[]): PerfEvent {
  let rest = Buffer.concat(records);
  const drain = (into: Uint8Array) => {
    const { length } = rest;
    into.set(rest);
    rest = Buffer.alloc(0);
    return length;
  };
  return { drain, enable() {}, writeTo() {}, close() {} };
}

const all: PerfReaderOptions = {
  layout: { callchain: true, stack: true },
  comm: undefined,
  kernelStacks: true,
  userStacks: true,
};

/** What `show` says of the samples that a consumer gets; `lives`: records of the sideband. */
function read(
  options: Partial<PerfReaderOptions>,
  cpus: readonly (readonly Uint8Array[])[],
  show: (words: Uint32Array) => unknown,
  lives: readonly Uint8Array[] = [],
) {
  const reader = new PerfReader({ ...all, ...options });
  const seen: unknown[] = [];
  reader.fill(
    cpus.map(records => buffer(...records)),
    BYTES,
  );
  feed(reader, ...lives);
  reader.handOver(9, { sample: words => seen.push(show(words)) });
  return { seen, lost: reader.lost };
}

const registers = process.arch === 'arm64' ? [7n, 0x11n, 0x7ff0n, 0x401000n] : [7n, 0x7ff0n, 0x401000n, 0x11n];
const stack = Uint8Array.from({ length: 64 }, (_, i) => i);
const sample: TestPerfSample = { time: 5n, period: 1001001n, pid: 4_194_000, tid: 4_194_001, cpu: 3, registers, stack };
const chainless = { layout: { callchain: false, stack: true } } as const;

describe('a sample becomes one of the BPF program', () => {
  test('with its numbers', () => {
    const show = (words: Uint32Array) => [
      field64(words, Word.time),
      field64(words, Word.weight),
      words[Word.pid],
      words[Word.tid],
      words[Word.cpu],
    ];
    expect(read(chainless, [[perfSampleRecord(sample)]], show).seen).toEqual([[5, 1001001, 4_194_000, 4_194_001, 3]]);
  });

  test('with registers and stack as a snapshot', () => {
    const show = (words: Uint32Array) => {
      const bytes = Buffer.from(snapshotBytes(words, 0)!);
      const at = (offset: number) => bytes.readBigUInt64LE(offset);
      return [
        at(Start.pc),
        at(Start.sp),
        at(Start.fp),
        at(Start.extra),
        at(Start.kernel),
        bytes.subarray(40).toString('hex'),
      ];
    };
    const expected = [0x401000n, 0x7ff0n, 7n, 0x11n, 0n, Buffer.from(stack.subarray(0, 24)).toString('hex')];
    const record = perfSampleRecord({ ...sample, copied: 24 });
    expect(read(chainless, [[record]], show).seen).toEqual([expected]);
    const inKernel = perfSampleRecord({ ...sample, copied: 24, isKernel: true });
    expect(read(chainless, [[inKernel]], show).seen).toEqual([expected.with(4, 1n)]);
  });

  test('with the kernel part of its call chain before the snapshot', () => {
    const chain = [KERNEL, -0x1000n, -0x2000n];
    const show = (words: Uint32Array) => [
      kernelFrames(words, 0),
      userFrames(words, 0),
      words[Word.frames + 2],
      snapshotBytes(words, 0)?.length,
    ];
    const { seen } = read({}, [[perfSampleRecord({ ...sample, chain })]], show);
    expect(seen).toEqual([[2, 0, 2 ** 32 - 0x2000, 40 + 64]]);
  });

  test('with the user part of its call chain, which says nothing of its end', () => {
    const chain = [KERNEL, -0x1000n, USER, 0x401000n, 0x402000n];
    const record = perfSampleRecord({ ...sample, chain, registers: undefined as never });
    const show = (words: Uint32Array) => [
      kernelFrames(words, 0),
      userFrames(words, 0),
      unwindEnd(words, 0),
      isWalked(words, 0),
    ];
    const { seen } = read({ layout: { callchain: true, stack: false } }, [[record]], show);
    expect(seen).toEqual([[1, 2, UnwindEnd.PROFILER_END_FRAME_POINTERS, false]]);
  });

  test.each([
    ['without user registers, as of a kernel thread', { abi: 0, stack: new Uint8Array() }],
    ['of a 32-bit program', { abi: 1 }],
  ])('%s: no user stack', (_, more) => {
    const { seen } = read(chainless, [[perfSampleRecord({ ...sample, ...more })]], words => snapshotBytes(words, 0));
    expect(seen).toEqual([undefined]);
  });

  test('whose stack could not be copied: the registers are left', () => {
    const record = perfSampleRecord({ ...sample, stack: new Uint8Array() });
    expect(read(chainless, [[record]], words => snapshotBytes(words, 0)?.length).seen).toEqual([40]);
  });
});

describe('what is left out', () => {
  const count = (options: Partial<PerfReaderOptions>, more: TestPerfSample) =>
    read(options, [[perfSampleRecord({ ...sample, ...more })]], () => 1).seen.length;

  test('the idle task', () => expect(count(chainless, { pid: 0, tid: 0 })).toBe(0));
  test('user mode, when kernel stacks are wanted', () =>
    expect(count({ userStacks: false, layout: { callchain: true, stack: false } }, { chain: [USER] })).toBe(0));
  test('kernel threads, when user stacks are wanted', () =>
    expect(count({ ...chainless, kernelStacks: false }, { abi: 0, stack: new Uint8Array() })).toBe(0));
  test('threads of another name', () => expect(count({ ...chainless, comm: 'other' }, {})).toBe(0));
});

test('samples of all CPUs come in the order of their times', () => {
  const at = (time: bigint, pid: number) => perfSampleRecord({ ...sample, time, pid, tid: pid });
  const cpus = [
    [at(1n, 11), at(4n, 14)],
    [at(2n, 12), at(3n, 13), at(7n, 17)],
  ];
  expect(read(chainless, cpus, words => words[Word.pid]).seen).toEqual([11, 12, 13, 14, 17]);
});

test('threads have the names that /proc and the sideband tell', () => {
  const comm = (words: Uint32Array) =>
    Buffer.from(words.buffer, 4 * Word.comm, 16)
      .toString('latin1')
      .replace(/\0+$/, '');
  const of = (time: bigint, tid: number) => perfSampleRecord({ ...sample, time, pid: tid, tid });
  const lives = [
    commRecord({ time: 2n, pid: 4_194_001, comm: 'a name of sixteen bytes', exec: true }),
    taskRecord('fork', { time: 3n, pid: 4_194_002, parentPid: 4_194_001 }),
    taskRecord('exit', { time: 5n, pid: 4_194_001 }),
  ];
  const records = [of(1n, process.pid), of(1n, 4_194_001), of(4n, 4_194_001), of(4n, 4_194_002), of(6n, 4_194_001)];
  const { seen } = read(chainless, [records], comm, lives);
  const own = readFileSync(`/proc/${process.pid}/comm`, 'utf8').trim();
  expect(seen).toEqual([own, '', 'a name of sixte', 'a name of sixte', '']);
});

test('what had no room is counted, and other records are passed over', () => {
  const records = [lostRecord(7n), otherRecord(5, 24), perfSampleRecord(sample), lostRecord(3n)];
  expect(read(chainless, [records, [lostRecord(1n)]], () => 1)).toEqual({ seen: [1], lost: 11 });
});

test('damaged records end in samples within bounds, or in none', () => {
  const next = random(7);
  const chain = [KERNEL, -0x1000n, USER, 0x401000n];
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.concat([perfSampleRecord({ ...sample, chain }), perfSampleRecord(sample)]);
    for (let i = 0; i <= next(4); i++) bytes[next(bytes.length)] = next(256);
    const whole = bytes.subarray(0, 8 * (next(bytes.length / 8) + 1));
    const { seen } = read({}, [[whole]], words => snapshotBytes(words, 0)?.length ?? 0);
    expect(seen.length).toBeLessThanOrEqual(2);
    for (const length of seen) expect(length).toBeLessThanOrEqual(whole.length);
  }
});
