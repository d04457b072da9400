import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Heap as Layout, TableState, UnwindEnd } from '../../src/capture/records.gen.ts';
import { isWalked, sampleWords, unwindEnd, userFrames, Word } from '../../src/capture/samples.ts';
import { CodeTable } from '../../src/process/code.ts';
import { findMapping, type Mapping, type Mappings, parseMaps } from '../../src/process/maps.ts';
import { ProcessTable } from '../../src/process/table.ts';
import { NO_FILE } from '../../src/unwind/files.ts';
import { Unwinder } from '../../src/unwind/unwinder.ts';
import { elfFile } from '../support/elf.ts';
import { testFolder } from '../support/folder.ts';
import { fileMapping, image, mapping } from '../support/mappings.ts';
import { commRecord, lostRecord, mmapRecord, sampleRecords, taskRecord } from '../support/records.ts';
import { feed } from '../support/sideband.ts';
import { untilState } from '../support/zombie.ts';
import { CHUNK } from './memory.ts';
import { snapshotOf, TestMaps } from './support.ts';

const path = testFolder();
/** Beyond pid_max: nobody has these, so that nothing is read from /proc for them. */
const NOBODY = 2 ** 22 + 100;
const MIB = 1 << 20;

/** A process that sleeps, and what it has mapped. */
let sleeper: ChildProcess;
let pid = 0;
let mapped: Mappings = [];

beforeAll(async () => {
  vi.stubEnv('XDG_CACHE_HOME', path('cache'));
  sleeper = spawn('sleep', ['1000'], { stdio: 'ignore' });
  pid = sleeper.pid!;
  await untilState(pid, 'S');
  // [vsyscall] is not told: nothing of it runs in user mode.
  mapped = parseMaps(readFileSync(`/proc/${pid}/maps`, 'utf8')).filter(({ start }) => start >= 0);
  return () => {
    vi.unstubAllEnvs();
    sleeper.kill();
  };
});

/** What performance.now() says, for refreshes and quarantines. */
let clock = 0;
beforeEach(() => {
  clock = 10_000;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
});

const opened: CodeTable[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const code of opened.splice(0)) code.close();
});

function setup({ followAll = false, memory = 64 * MIB, framePointers = true } = {}) {
  const maps = new TestMaps();
  const code = new CodeTable();
  opened.push(code);
  const processes = new ProcessTable({ followAll });
  const delays: number[] = [];
  const onReady = (delay: number) => delays.push(delay);
  const unwinder = new Unwinder({ maps: maps.asMaps, code, processes, memory, framePointers, onReady });
  const tell = (...records: readonly Uint8Array[]) => {
    feed(processes, ...records);
    unwinder.flush();
  };
  return { maps, code, unwinder, tell, delays };
}

let time = 1000;
const now = () => BigInt(time++);
const exec = (pid: number) => commRecord({ time: now(), pid, comm: 'new', exec: true });
const fork = (pid: number, parentPid: number, tid = pid) => taskRecord('fork', { time: now(), pid, parentPid, tid });
const exit = (pid: number, tid = pid) => taskRecord('exit', { time: now(), pid, tid });
const lost = () => lostRecord(1n, now());
const mmap = (pid: number, { start, end, fileOffset, path, device, inode }: Mapping) => {
  const [major = 0, minor = 0] = device.split(':').map(number => Number.parseInt(number, 16));
  const range = { start: BigInt(start), length: BigInt(end - start), fileOffset: BigInt(fileOffset) };
  return mmapRecord({ time: now(), pid, ...range, path, device: [major, minor], inode: BigInt(inode) });
};
/** A program with these mappings begins. */
const program = (pid: number, mappings: Mappings) => [exec(pid), ...mappings.map(m => mmap(pid, m))];

const anon = (start: number, end: number) => mapping(start, end, { path: '', device: '00:00', inode: 0 });
const one = [anon(0x1000, 0x2000)];
const two = [anon(0x1000, 0x2000), anon(0x5000, 0x6000)];
const ranges = (mappings: readonly { start: number; end: number }[] | undefined) =>
  mappings?.map(({ start, end }) => `${start.toString(16)}-${end.toString(16)}`);

describe('follow', () => {
  test('tells the mappings of a process and loads the tables of their files', () => {
    const { maps, unwinder } = setup();
    unwinder.follow(pid);
    const told = maps.told(pid)!;
    expect(ranges(told)).toEqual(ranges(mapped));
    for (const [i, { file, bias, start }] of told.entries()) {
      const isFile = mapped[i]!.path.startsWith('/') || mapped[i]!.path === '[vdso]';
      expect(file === NO_FILE).toBe(!isFile);
      if (!isFile) continue;
      expect(maps.table(file)).toBeGreaterThanOrEqual(TableState.PROFILER_TABLE_FIRST);
      expect([bias % 4096, start >= bias]).toEqual([0, true]);
    }
    expect(maps.updates).toEqual([`insert ${pid}`]);
    expect(unwinder.memory).toBeGreaterThan(0);
    expect(maps.chunks.size).toBe(64); // what is made at once
  });

  test('a second time changes nothing that a walk sees', () => {
    const { maps, unwinder } = setup();
    unwinder.follow(pid);
    const before = maps.processes.get(pid);
    unwinder.follow(pid);
    expect(maps.processes.get(pid)).toEqual(before);
    expect(ranges(maps.told(pid))).toEqual(ranges(mapped));
  });

  test('a process that is gone', () => {
    const { maps, unwinder } = setup();
    unwinder.follow(NOBODY);
    expect([maps.processes.size, unwinder.memory]).toEqual([0, 0]);
  });
});

describe('exec', () => {
  test('what came before is forgotten, and its id is gone from its piece', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(NOBODY, one));
    const before = maps.processes.get(NOBODY)!;
    expect(maps.idAt(before.mappings)).toBe(before.id);
    maps.exec(NOBODY);
    tell(...program(NOBODY, two));
    expect(maps.idAt(before.mappings)).toBe(0);
    expect(ranges(maps.told(NOBODY))).toEqual(ranges(two));
    expect(maps.updates).toEqual([`insert ${NOBODY}`, `insert ${NOBODY}`]);
  });

  test('a program that nothing is known of yet is not told', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(exec(NOBODY));
    expect(maps.updates).toEqual([]);
    tell(...one.map(m => mmap(NOBODY, m)));
    expect(ranges(maps.told(NOBODY))).toEqual(ranges(one));
  });

  test('one that is not in the events yet is never overwritten', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(NOBODY, one));
    maps.exec(NOBODY); // and then an event of the time before it is read
    tell(mmap(NOBODY, two[1]!));
    expect(maps.updates.at(-1)).toBe(`replace ${NOBODY} refused`);
    expect(maps.processes.has(NOBODY)).toBe(false);
    tell(...program(NOBODY, one));
    expect(ranges(maps.told(NOBODY))).toEqual(ranges(one));
  });

  test('what was inserted for the program before is replaced', () => {
    const { maps, tell } = setup({ followAll: true });
    maps.exec(NOBODY);
    tell(...program(NOBODY, one)); // the second exec has happened, and this was told for the first
    tell(...program(NOBODY, two));
    expect(maps.updates.slice(1)).toEqual([`insert ${NOBODY} refused`, `replace ${NOBODY}`]);
    expect(ranges(maps.told(NOBODY))).toEqual(ranges(two));
  });

  test('of a process that nobody asked for', () => {
    const { maps, unwinder, tell } = setup();
    tell(...program(NOBODY, one), mmap(NOBODY, two[1]!), fork(NOBODY + 1, NOBODY), exit(NOBODY));
    expect([maps.updates, unwinder.memory]).toEqual([[], 0]);
  });

  test('tables of its files are loaded at once', () => {
    const { maps, tell } = setup({ followAll: true });
    const library = mapped.find(m => m.path.includes('libc'))!;
    tell(...program(NOBODY, [library]));
    expect(maps.table(maps.told(NOBODY)![0]!.file)).toBeGreaterThanOrEqual(TableState.PROFILER_TABLE_FIRST);
  });
});

describe('mmap', () => {
  test('the mappings are replaced, and what they were is freed', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(NOBODY, one));
    const before = maps.processes.get(NOBODY)!;
    tell(mmap(NOBODY, two[1]!));
    expect(ranges(maps.told(NOBODY))).toEqual(ranges(two));
    expect(maps.idAt(before.mappings)).toBe(0);
    expect(maps.processes.get(NOBODY)!.id).not.toBe(before.id);
    expect(maps.updates).toEqual([`insert ${NOBODY}`, `replace ${NOBODY}`]);
  });

  test('the new piece stands before the old one goes', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(NOBODY, one));
    const { mappings } = maps.processes.get(NOBODY)!;
    const replace = maps.replaceProcess.bind(maps);
    const seen: unknown[] = [];
    maps.replaceProcess = (process, entry) => {
      seen.push(ranges(maps.told(process)), maps.idAt(entry.mappings) === entry.id);
      return replace(process, entry);
    };
    tell(mmap(NOBODY, two[1]!));
    expect(seen).toEqual([ranges(one), true]);
    expect(maps.idAt(mappings)).toBe(0);
  });

  test('many in one flush are told once', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(NOBODY, one));
    tell(...Array.from({ length: 40 }, (_, i) => mmap(NOBODY, anon(0x10000 * (i + 1), 0x10000 * (i + 1) + 0x1000))));
    expect(maps.updates).toHaveLength(2);
    expect(maps.told(NOBODY)).toHaveLength(41);
  });

  test('more mappings than the walk can search: those with the lowest addresses', () => {
    const { maps, tell } = setup({ followAll: true });
    const library = mapped.find(m => m.path.includes('libc'))!;
    const many = Array.from({ length: 5000 }, (_, i) => {
      const start = library.start + 2 * i * 0x1000000;
      return { ...library, start, end: start + library.end - library.start };
    });
    tell(...program(NOBODY, many));
    expect(maps.told(NOBODY)).toHaveLength(Layout.PROFILER_MAX_MAPPINGS);
    expect(new Set(maps.told(NOBODY)!.map(m => m.file)).size).toBe(1);
  });

  test('neighbours without files are one', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(
      ...program(
        NOBODY,
        Array.from({ length: 5000 }, (_, i) => anon(0x1000 * i, 0x1000 * (i + 1))),
      ),
    );
    expect(ranges(maps.told(NOBODY))).toEqual(['0-1388000']);
  });
});

describe('fork', () => {
  const [parent, child] = [NOBODY, NOBODY + 1];

  test('shares the mappings until either changes', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(parent, one));
    maps.fork(parent, child);
    tell(fork(child, parent));
    expect(maps.updates.slice(1)).toEqual([`replace ${child}`]);
    expect(maps.processes.get(child)).toEqual(maps.processes.get(parent));
    tell(mmap(child, two[1]!));
    expect([ranges(maps.told(parent)), ranges(maps.told(child))]).toEqual([ranges(one), ranges(two)]);
  });

  test.each([
    ['the parent', [parent, child]],
    ['the child', [child, parent]],
  ])('they are freed with the last of them: %s ends first', (_, [first, second]) => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(parent, one));
    maps.fork(parent, child);
    const { mappings } = maps.processes.get(child)!;
    tell(fork(child, parent), exit(first!));
    expect(ranges(maps.told(second!))).toEqual(ranges(one));
    tell(exit(second!));
    expect(maps.idAt(mappings)).toBe(0);
  });

  test('the child is another program already: it is left alone', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(parent, one));
    tell(fork(child, parent));
    expect(maps.updates.at(-1)).toBe(`replace ${child} refused`);
    expect(maps.processes.has(child)).toBe(false);
    tell(...program(child, two));
    expect(ranges(maps.told(child))).toEqual(ranges(two));
  });

  test('and exec in one flush', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(parent, one));
    tell(fork(child, parent), ...program(child, two));
    expect(maps.updates.slice(1)).toEqual([`insert ${child}`]);
    expect(ranges(maps.told(child))).toEqual(ranges(two));
  });

  test('announced after the exec of the child, by another CPU', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(parent, one));
    const forked = fork(child, parent);
    tell(...program(child, two).reverse(), forked);
    expect(ranges(maps.told(child))).toEqual(ranges(two));
  });

  test('of a thread', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(parent, one), fork(parent, parent, child));
    expect(maps.updates).toEqual([`insert ${parent}`]);
  });

  test('from a parent that no walk knew: the child is told when it is sampled', () => {
    const { maps, unwinder, tell } = setup({ followAll: true });
    tell(fork(pid, process.pid)); // the kernel had nothing to copy
    expect(maps.updates).toEqual([`replace ${pid} refused`]);
    maps.wanted.push(pid);
    unwinder.flush();
    expect(ranges(maps.told(pid))).toEqual(ranges(mapped));
  });
});

describe('exit', () => {
  test('of a thread changes nothing', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(NOBODY, one), exit(NOBODY, NOBODY + 1));
    expect(ranges(maps.told(NOBODY))).toEqual(ranges(one));
  });

  test('what it had is freed, for others after a while', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(NOBODY, one));
    const { mappings } = maps.processes.get(NOBODY)!;
    tell(exit(NOBODY), ...program(NOBODY + 1, two));
    expect(maps.idAt(mappings)).toBe(0);
    expect(maps.processes.get(NOBODY + 1)!.mappings).not.toBe(mappings);
    clock += 200;
    tell(...program(NOBODY + 2, two));
    expect(maps.processes.get(NOBODY + 2)!.mappings).toBe(mappings);
  });

  test('before it was told', () => {
    const { maps, unwinder, tell } = setup({ followAll: true });
    tell(...program(NOBODY, one), exit(NOBODY));
    expect([maps.updates, unwinder.memory]).toEqual([[], 0]);
  });

  test('of the leader: what other threads need is told again', () => {
    const { maps, unwinder, tell } = setup();
    unwinder.follow(pid);
    tell(exit(pid));
    expect(maps.told(pid)).toBeUndefined();
    maps.wanted.push(pid);
    unwinder.flush();
    expect(ranges(maps.told(pid))).toEqual(ranges(mapped));
  });

  test('a process that was sampled, and has ended since, is not told', () => {
    const { maps, tell } = setup({ followAll: true });
    maps.wanted.push(NOBODY);
    tell(...program(NOBODY, one), exit(NOBODY));
    expect(maps.updates).toEqual([]);
  });

  test('a process that was told after its end does not stay in the map', () => {
    const { maps, tell } = setup({ followAll: true });
    tell(...program(NOBODY, one)); // it has ended, and the event comes with the next flush
    tell(exit(NOBODY));
    expect(maps.processes.size).toBe(0);
  });
});

describe('processes that were sampled and are not known', () => {
  test('are read from /proc', () => {
    const { maps, unwinder } = setup();
    maps.wanted.push(pid, NOBODY);
    unwinder.flush();
    expect(ranges(maps.told(pid))).toEqual(ranges(mapped));
    expect(maps.updates).toEqual([`insert ${pid}`]);
  });

  test('their tables are loaded when a walk needs them', () => {
    const { maps, unwinder } = setup();
    maps.wanted.push(pid);
    unwinder.flush();
    const files = maps.told(pid)!.flatMap(({ file }) => (file === NO_FILE ? [] : [file]));
    expect(files.map(file => maps.table(file))).toEqual(files.map(() => TableState.PROFILER_TABLE_PENDING));
    maps.use(files[0]!);
    unwinder.flush();
    expect(files.map(file => maps.table(file) >= TableState.PROFILER_TABLE_FIRST)).toEqual(
      files.map((_, i) => i === 0),
    );
  });

  test('are read at most every 200 ms', () => {
    const { maps, unwinder } = setup();
    // What is there already takes a second call, which replaces it.
    for (const [wait, updates] of [
      [0, 1],
      [0, 1],
      [199, 1],
      [1, 3],
      [100, 3],
      [100, 5],
    ]) {
      clock += wait!;
      maps.wanted.push(pid);
      unwinder.flush();
      expect(maps.updates).toHaveLength(updates!);
    }
    expect(ranges(maps.told(pid))).toEqual(ranges(mapped));
  });

  test('after a loss, what was told is read again', () => {
    const { maps, unwinder, tell } = setup();
    unwinder.follow(pid);
    tell(mmap(pid, anon(0x1000, 0x2000)));
    expect(maps.told(pid)).toHaveLength(mapped.length + 1);
    tell(lost());
    expect(ranges(maps.told(pid))).toEqual(ranges(mapped));
  });

  test('after a loss, what had a process that is gone is freed', async () => {
    const { maps, unwinder, tell } = setup();
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    unwinder.follow(child.pid!);
    const { mappings } = maps.processes.get(child.pid!)!;
    child.kill();
    await once(child, 'exit');
    maps.exec(child.pid!);
    tell(lost());
    expect(maps.idAt(mappings)).toBe(0);
  });

  test('after a loss of its exec, a process is told when it is sampled', () => {
    const { maps, unwinder, tell } = setup();
    unwinder.follow(pid);
    maps.exec(pid);
    tell(lost());
    maps.wanted.push(pid);
    clock += 1000;
    unwinder.flush();
    expect(ranges(maps.told(pid))).toEqual(ranges(mapped));
  });
});

/** A sample that is to be walked yet: of the sleeping process, where it waits in the kernel. */
function sleeperSample(kernel: readonly bigint[] = []): Uint32Array {
  // proc_pid_syscall(5): number, six arguments, stack pointer, instruction pointer.
  const [sp, pc] = readFileSync(`/proc/${pid}/syscall`, 'utf8').trim().split(' ').slice(-2).map(Number);
  const stack = parseMaps(readFileSync(`/proc/${pid}/maps`, 'utf8').replace(/ rw-p (.*\[stack\])/, ' rwxp $1'));
  const bytes = Buffer.alloc(Math.min(16384, stack.find(m => m.path === '[stack]')!.end - sp!));
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  readSync(fd, bytes, 0, bytes.length, sp!);
  closeSync(fd);
  const snapshot = snapshotOf({ pc: pc!, sp: sp! }, new BigUint64Array(Uint8Array.from(bytes).buffer));
  return sampleRecords({ pid, kernel, snapshot, unwind: UnwindEnd.PROFILER_END_NO_TABLE, walked: true });
}

describe('walk', () => {
  const addresses = (words: Uint32Array, first = 0) =>
    Array.from({ length: userFrames(words, 0) }, (_, i) => {
      const at = Word.frames + 2 * (first + i);
      return (words[at + 1]! & 0xffffff) * 2 ** 32 + words[at]!;
    });

  test('the stack of a sample that came before the tables', () => {
    const { maps, unwinder, code } = setup({ framePointers: false });
    const words = sleeperSample([1n, 2n]);
    const next = sampleWords(words, 0);
    const of = new ProcessTable({ followAll: false }).image(pid);
    unwinder.walk(of, words, 0);
    expect([unwindEnd(words, 0), isWalked(words, 0)]).toEqual([UnwindEnd.PROFILER_END_COMPLETE, true]);
    expect(sampleWords(words, 0)).toBeLessThan(next);
    const paths = addresses(words, 2).map(address => findMapping(mapped, address)?.path ?? '?');
    expect(paths[0]).toContain('libc');
    expect(paths.at(-1)).toContain('sleep');
    expect(paths).not.toContain('?');
    expect([...words.subarray(Word.frames, Word.frames + 4)]).toEqual([1, 0, 2, 0]);
    expect([maps.processes.size, maps.walks, code.codes.size > 2]).toEqual([0, 1, true]);
  });

  test('a sample without a snapshot is left as it is', () => {
    const { maps, unwinder } = setup();
    const words = sampleRecords({ user: [5n], unwind: UnwindEnd.PROFILER_END_COMPLETE });
    const before = [...words];
    unwinder.walk(image(), words, 0);
    expect([[...words], maps.walks]).toEqual([before, 0]);
  });

  test('of a process that is gone: the leaf', () => {
    const { unwinder } = setup();
    const words = sleeperSample();
    unwinder.walk(image({ mappings: undefined }), words, 0);
    expect([unwindEnd(words, 0), userFrames(words, 0)]).toEqual([UnwindEnd.PROFILER_END_NO_TABLE, 1]);
    expect(findMapping(mapped, addresses(words)[0]!)?.path).toContain('libc');
  });

  test('where nothing is mapped: the leaf', () => {
    const { unwinder } = setup();
    const words = sleeperSample();
    unwinder.walk(image({ mappings: one }), words, 0);
    expect([unwindEnd(words, 0), userFrames(words, 0)]).toEqual([UnwindEnd.PROFILER_END_NO_TABLE, 1]);
  });

  test('a leaf at a high address has no marks that it should not have', () => {
    const { unwinder } = setup();
    const words = sampleRecords({ snapshot: snapshotOf({ pc: -0xa0_0000 }, [0]) });
    unwinder.walk(image({ mappings: one }), words, 0);
    expect(words[Word.frames + 1]! >>> 24).toBeLessThan(2);
  });

  test('without any mapping, as between an exec and the first one: the leaf, whatever the heap held before', () => {
    const { unwinder, tell } = setup({ followAll: true });
    const library = mapped.find(m => m.path.includes('libc'))!;
    tell(...program(NOBODY, one), ...program(NOBODY + 1, [library]));
    tell(exit(NOBODY + 1));
    clock += 200;
    const words = sleeperSample();
    unwinder.walk(image({ mappings: [] }), words, 0);
    expect([unwindEnd(words, 0), userFrames(words, 0)]).toEqual([UnwindEnd.PROFILER_END_NO_TABLE, 1]);
  });

  test('of a process that the kernel knows by now does not disturb it', () => {
    const { maps, unwinder } = setup();
    unwinder.follow(pid);
    const words = sleeperSample();
    unwinder.walk(new ProcessTable({ followAll: false }).image(pid), words, 0);
    expect(unwindEnd(words, 0)).toBe(UnwindEnd.PROFILER_END_COMPLETE);
    expect(ranges(maps.told(pid))).toEqual(ranges(mapped));
  });

  test('thousands in one drain take the memory of one', () => {
    const { unwinder } = setup();
    unwinder.follow(pid);
    const before = unwinder.memory;
    const of = new ProcessTable({ followAll: false }).image(pid);
    for (let i = 0; i < 2000; i++) unwinder.walk(of, sleeperSample(), 0);
    expect(unwinder.memory).toBeLessThanOrEqual(before + CHUNK);
  });
});

describe('a limit of memory', () => {
  test('below a chunk: only that there is no room is told, and nothing fails', () => {
    const { maps, unwinder } = setup({ memory: CHUNK - 1 });
    unwinder.follow(pid);
    maps.wanted.push(pid);
    unwinder.flush();
    expect([...maps.processes.values(), unwinder.memory]).toEqual([{ id: 0, mappings: 0 }, 0]);
    expect(unwinder.refused).toBe(1);
    const words = sleeperSample();
    unwinder.walk(new ProcessTable({ followAll: false }).image(pid), words, 0);
    expect([unwindEnd(words, 0), userFrames(words, 0)]).toEqual([UnwindEnd.PROFILER_END_EVICTED, 1]);
  });

  test('a map of processes without room', () => {
    const { maps, tell } = setup({ followAll: true });
    maps.insertProcess = () => false;
    tell(...program(NOBODY, one));
    expect(maps.processes.size).toBe(0);
  });

  test('a process that is refused twice is one process', () => {
    const { unwinder } = setup({ memory: 0 });
    unwinder.follow(pid);
    unwinder.follow(pid);
    expect(unwinder.refused).toBe(1);
  });

  test('tables that find no room are given up, and walks say so', () => {
    const { maps, unwinder } = setup({ memory: CHUNK });
    unwinder.follow(process.pid);
    const own = maps.told(process.pid)!;
    const states = new Set(own.map(({ file }) => (file === NO_FILE ? -1 : maps.table(file))));
    expect(states).toContain(TableState.PROFILER_TABLE_EVICTED); // that of Node.js
    expect(maps.chunks.size).toBe(1);
  }, 30_000);

  test('tables leave an eighth for the mappings of processes', () => {
    const { maps, unwinder, tell } = setup({ followAll: true, memory: 2 * CHUNK });
    unwinder.follow(process.pid);
    for (let i = 0; i < 32; i++) tell(...program(NOBODY + i, one));
    expect(unwinder.refused).toBe(0);
    expect(ranges(maps.told(NOBODY + 31))).toEqual(ranges(one));
  });
});

describe('how long it took until there were tables', () => {
  test('is told from an exec, and from a mapping of later; not of forks, nor of what has ended', () => {
    const { tell, delays } = setup({ followAll: true });
    vi.spyOn(process, 'hrtime').mockImplementation(() => [2, 0]);
    time = 1_000_000_000;
    tell(...program(NOBODY, two));
    time = 1_960_000_000;
    tell(mmap(NOBODY, anon(0x9000, 0xa000)));
    tell(fork(NOBODY + 1, NOBODY));
    tell(...program(NOBODY + 2, one), exit(NOBODY + 2));
    expect(delays).toEqual([1e9, 0.04e9]);
  });

  test('waits for those that found no time', () => {
    const { tell, delays } = setup({ followAll: true });
    const passing = vi.spyOn(performance, 'now').mockImplementation(() => (clock += 60));
    tell(...program(NOBODY, mapped));
    expect(delays).toEqual([]);
    passing.mockImplementation(() => clock);
    tell();
    expect(delays).toHaveLength(1);
  });
});

describe('processes that load and unload libraries for ever', () => {
  test('take no more memory', () => {
    const { maps, unwinder, tell } = setup();
    unwinder.follow(pid);
    const names = Array.from({ length: 8 }, (_, i) => path(`library-${i}.so`));
    for (const name of names) writeFileSync(name, elfFile([{ offset: 0x1000, address: 0x1000, size: 0x1000 }]));
    const files = names.map(name => fileMapping(name, { fileOffset: 0x1000 }, 0x1000));
    let most = 0;
    for (let i = 0; i < 2000; i++) {
      const start = 0x1_0000_0000 + 0x10_0000 * i;
      tell(mmap(pid, { ...files[i % 8]!, start, end: start + 0x1000 }));
      clock += 10;
      most = Math.max(most, maps.told(pid)!.length);
    }
    expect(most).toBeLessThanOrEqual(512);
    expect(unwinder.memory).toBeLessThan(2 * MIB);
    const told = maps.told(pid)!;
    for (const m of mapped) expect(told).toContainEqual(expect.objectContaining({ start: m.start, end: m.end }));
    expect(told.at(-1)).toBeDefined();
  });
});

test('[vsyscall] is not told: its frames would have addresses with marks', () => {
  const { maps, tell } = setup({ followAll: true });
  tell(...program(NOBODY, [anon(-0xa0_0000, -0x9f_f000), ...one]));
  expect(ranges(maps.told(NOBODY))).toEqual(ranges(one));
});
