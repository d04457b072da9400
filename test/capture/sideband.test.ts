import { describe, expect, test } from 'vitest';
import { Life, type Sideband } from '../../src/capture/sideband.ts';
import { random } from '../support/random.ts';
import { commRecord, lostRecord, mmapRecord, otherRecord, taskRecord } from '../support/records.ts';
import { sidebandOf } from '../support/sideband.ts';

/** All that a record tells. */
function event(sideband: Sideband, at: number): object {
  const [time, pid] = [sideband.time(at), sideband.pid(at)];
  switch (sideband.kind(at)) {
    case Life.mmap:
      return { kind: 'mmap', time, pid, ...sideband.range(at) };
    case Life.comm:
      return { kind: 'comm', time, pid, tid: sideband.tid(at), comm: sideband.comm(at), exec: sideband.isExec(at) };
    case Life.fork:
      return { kind: 'fork', time, pid, tid: sideband.taskTid(at), parentPid: sideband.parentPid(at) };
    case Life.exit:
      return { kind: 'exit', time, pid, tid: sideband.taskTid(at) };
    default:
      return { kind: 'lost', time };
  }
}

/** What is handed over, up to a time. */
function handedOver(sideband: Sideband, until = Number.POSITIVE_INFINITY): object[] {
  const events: object[] = [];
  sideband.handOver(until, { take: (from, at) => events.push(event(from, at)) });
  return events;
}

function decode(...records: readonly Uint8Array[]): object[] {
  return handedOver(sidebandOf(...records));
}

function decodeBytes(bytes: Uint8Array, length: number): object[] {
  return decode(bytes.subarray(0, length));
}

/** What is common to the mmap events of these tests. */
const library = { pid: 42, start: 0x7f12_3456_7000n, length: 0x2000n, fileOffset: 0x1000n, path: '/lib/libc.so.6' };
const libraryEvent = {
  kind: 'mmap',
  time: 0,
  pid: 42,
  start: 0x7f12_3456_7000,
  end: 0x7f12_3456_9000,
  fileOffset: 0x1000,
  path: '/lib/libc.so.6',
  buildId: '',
  device: '00:00',
  inode: 0,
};

describe('mmap', () => {
  test('with device and inode, as /proc/PID/maps prints them', () => {
    const inode = { time: 0x1_0000_0005n, tid: 43, device: [0xfe, 1], inode: 0x1_0000_0002n } as const;
    expect(decode(mmapRecord({ ...library, ...inode }))).toEqual([
      { ...libraryEvent, time: 0x1_0000_0005, device: 'fe:01', inode: 0x1_0000_0002 },
    ]);
    expect(decode(mmapRecord({ ...library, device: [0x103, 0xabcde] }))).toMatchObject([{ device: '103:abcde' }]);
  });

  test.each([
    ['20 bytes', 20, '000102030405060708090a0b0c0d0e0f10111213'],
    ['16 bytes, as Go and lld with --build-id=md5 have it', 16, '000102030405060708090a0b0c0d0e0f'],
    ['none', 0, ''],
  ])('with a build id of %s', (_, length, buildId) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i);
    expect(decode(mmapRecord({ ...library, buildId: bytes }))).toEqual([{ ...libraryEvent, buildId, device: '' }]);
  });

  test('a build id is never longer than its field', () => {
    const record = mmapRecord({ ...library, buildId: new Uint8Array(20).fill(0xab) });
    record[40] = 255;
    expect(decode(record)).toMatchObject([{ buildId: 'ab'.repeat(20) }]);
  });

  test.each(['', '//anon', '[vdso]', '/a b/c\nd', '/1234567', '/12345678', '/関数', `/${'x'.repeat(4095)}`])(
    'path %j',
    path =>
      expect(decode(mmapRecord({ ...library, path }), lostRecord(1n))).toMatchObject([{ path }, { kind: 'lost' }]),
  );

  test('addresses are signed, sizes and inodes are not', () => {
    const [event] = decode(
      mmapRecord({ ...library, start: -0xa00000n, length: 0x8000_0000_0000_0000n, inode: 0xf000_0000_0000_0000n }),
    );
    expect(event).toMatchObject({ start: -0xa00000, end: 2 ** 63 - 0xa00000, inode: 15 * 2 ** 60 });
  });
});

describe('comm, fork, exit, lost', () => {
  test.each([
    ['a name', { pid: 7, tid: 8, comm: 'worker' }, { comm: 'worker', exec: false }],
    ['exec', { pid: 7, tid: 8, comm: 'sh', exec: true }, { comm: 'sh', exec: true }],
    ['15 bytes', { pid: 7, tid: 8, comm: 'abcdefghijklmno' }, { comm: 'abcdefghijklmno', exec: false }],
    ['empty', { pid: 7, tid: 8, comm: '' }, { comm: '', exec: false }],
  ])('comm: %s', (_, comm, expected) =>
    expect(decode(commRecord({ time: 9n, ...comm }))).toEqual([{ kind: 'comm', time: 9, pid: 7, tid: 8, ...expected }]),
  );

  test('fork of a process and of a thread', () => {
    const process = taskRecord('fork', { time: 1n, pid: 20, parentPid: 10 });
    const thread = taskRecord('fork', { time: 2n, pid: 10, parentPid: 10, tid: 11 });
    expect(decode(process, thread)).toEqual([
      { kind: 'fork', time: 1, pid: 20, tid: 20, parentPid: 10 },
      { kind: 'fork', time: 2, pid: 10, tid: 11, parentPid: 10 },
    ]);
  });

  test('exit', () =>
    expect(decode(taskRecord('exit', { time: 3n, pid: 10, tid: 11 }))).toEqual([
      { kind: 'exit', time: 3, pid: 10, tid: 11 },
    ]));

  test('lost', () => {
    const sideband = sidebandOf(lostRecord(2n ** 33n, 4n), lostRecord(1n, 5n));
    expect(sideband.lost).toBe(2 ** 33 + 1);
    expect(handedOver(sideband)).toEqual([4, 5].map(time => ({ kind: 'lost', time })));
  });
});

describe('handing over', () => {
  const exit = (time: number, tid = 1) => taskRecord('exit', { time: BigInt(time), pid: 1, tid });
  const times = (events: readonly object[]) => events.map(one => ('time' in one ? one.time : undefined));

  test('is in the order of their times, and of the buffer where they are equal', () => {
    expect(decode(exit(9), exit(3, 7), exit(5), exit(3, 8))).toMatchObject([
      { time: 3, tid: 7 },
      { time: 3, tid: 8 },
      { time: 5 },
      { time: 9 },
    ]);
  });

  test('what happened later waits, and comes after what is read meanwhile of before', () => {
    const sideband = sidebandOf(exit(4), exit(8), exit(2));
    expect(times(handedOver(sideband, 4))).toEqual([2, 4]);
    const more = exit(6);
    sideband.read(more.length, into => more.copy(into));
    expect(times(handedOver(sideband))).toEqual([6, 8]);
    expect(handedOver(sideband)).toEqual([]);
  });

  test('what waits outlives what is forgotten', () => {
    const sideband = sidebandOf(exit(1), commRecord({ time: 9n, pid: 5, comm: 'a' }), exit(2), exit(8, 77));
    handedOver(sideband, 2);
    sideband.forget();
    const more = exit(3);
    for (let i = 0; i < 5000; i++) sideband.read(more.length, into => more.copy(into));
    const left = handedOver(sideband);
    expect(left).toHaveLength(5002);
    expect(left.slice(-2)).toMatchObject([
      { time: 8, tid: 77 },
      { time: 9, comm: 'a' },
    ]);
  });
});

test('a file is the same one wherever it is mapped, and no other', () => {
  const other = { ...library, path: '/lib/libc.so.7' };
  const at = (start: bigint) => mmapRecord({ ...library, start });
  const buildId = new Uint8Array(20);
  expect(decode(at(0x1000n), at(0x9000n), mmapRecord(other), mmapRecord({ ...library, buildId }))).toMatchObject([
    { start: 0x1000, path: library.path },
    { start: 0x9000, path: library.path, buildId: '' },
    { path: other.path },
    { path: library.path, buildId: '00'.repeat(20), device: '' },
  ]);
  const many = Array.from({ length: 3000 }, (_, i) => mmapRecord({ ...library, path: `/lib/${i % 1500}` }));
  expect(decode(...many)).toMatchObject(many.map((_, i) => ({ path: `/lib/${i % 1500}` })));
});

test('unknown types are skipped, whatever their size', () => {
  const others = [1, 5, 9, 11, 17, 21, 22, 255, 0xffffffff].map((type, i) => otherRecord(type, 8 + 8 * i));
  expect(decode(...others, lostRecord(1n), ...others)).toEqual([{ kind: 'lost', time: 0 }]);
});

describe('damaged records', () => {
  const records = [
    mmapRecord({ ...library, buildId: new Uint8Array(20).fill(1) }),
    commRecord({ pid: 1, comm: 'a' }),
    taskRecord('fork', { pid: 2 }),
    taskRecord('exit', { pid: 3 }),
    lostRecord(4n),
  ];

  test.each(records.map((record, i) => [i, record] as const))('cut off: record %i', (_, record) => {
    for (let length = 0; length < record.length; length++) expect(decodeBytes(record, length)).toEqual([]);
    expect(decodeBytes(record, record.length)).toHaveLength(1);
  });

  test.each(records.map((record, i) => [i, record] as const))('too small for its type: record %i', (_, record) => {
    const small = record.subarray(0, 24);
    const saved = small.readUInt16LE(6);
    small.writeUInt16LE(24, 6);
    expect(decode(small, lostRecord(1n))).toEqual([{ kind: 'lost', time: 0 }]);
    expect(decode(small)).toEqual([]);
    small.writeUInt16LE(saved, 6);
  });

  test.each([0, 8, 15])('a size of %i ends the reading', size => {
    const bad = otherRecord(9, 32);
    bad.writeUInt16LE(size, 6);
    expect(decode(lostRecord(1n), bad, lostRecord(2n))).toEqual([{ kind: 'lost', time: 0 }]);
  });

  test('a size beyond the end ends the reading', () => {
    const bad = lostRecord(5n);
    bad.writeUInt16LE(0xffff, 6);
    expect(decode(lostRecord(1n), bad)).toEqual([{ kind: 'lost', time: 0 }]);
  });

  test('a text without an end stays inside of its record', () => {
    const record = commRecord({ time: 0x4141_4141_4141_4141n, pid: 1, comm: '1234567' });
    record.fill('x', 16, 24);
    const next = commRecord({ time: 0x4141_4141_4141_7777n, pid: 2, comm: 'next' });
    expect(decode(record, next)).toMatchObject([{ comm: 'xxxxxxxx' }, { comm: 'next' }]);
  });

  test('random bytes and random damage: bounded, without an exception', () => {
    const below = random(7);
    const whole = Buffer.concat(Array.from({ length: 40 }, () => records).flat());
    const started = process.cpuUsage();
    let read = 0;
    for (let round = 0; round < 1500; round++) {
      const bytes = Buffer.from(whole);
      for (let i = below(40); i >= 0; i--) bytes[below(bytes.length)] = below(256);
      if (round % 3 === 0) for (let at = 6; at < bytes.length; at += 8) bytes.writeUInt16LE(16 + 8 * below(16), at);
      const events = decodeBytes(bytes, below(bytes.length + 1));
      expect(events.length).toBeLessThanOrEqual(bytes.length / 16);
      read += events.length;
    }
    expect(read).toBeGreaterThan(1000);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(5000);
  });

  test('a full buffer of names without an end takes no longer than one with', () => {
    const record = commRecord({
      time: -1n & 0xffff_ffff_ffff_ffffn,
      pid: 0x01010101,
      tid: 0x01010101,
      comm: '1234567',
    });
    record.fill('x', 16, 24);
    const bytes = Buffer.alloc(64 * 4096, record);
    const started = process.cpuUsage();
    expect(decodeBytes(bytes, bytes.length)).toHaveLength(8192);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(500);
  });
});
