import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadAddon } from '../../src/capture/addon.ts';
import { Heap as Layout, Limit, TableState } from '../../src/capture/records.gen.ts';
import { packageRoot } from '../../src/package.ts';
import { findMapping, type Mappings, parseMaps } from '../../src/process/maps.ts';
import { NO_FILE } from '../../src/unwind/files.ts';
import { has } from '../elf/toolchain.ts';
import { testFolder } from '../support/folder.ts';
import { random } from '../support/random.ts';
import { CHUNK } from './memory.ts';
import {
  type Capture,
  exactOnly,
  type Rows,
  type Rule,
  readCaptures,
  rules,
  STACK,
  savingFp,
  savingFpAtFp,
  World,
  worldOf,
  worldOfProcess,
} from './support.ts';

/** Where stacks begin; its return addresses lie behind its first instruction. */
const MAIN = 0x40_9000;
const main: Rows = [
  [MAIN, rules.end],
  [0x40_a000, rules.none],
];

/** The walk of one function with this rule, called by main. */
function one(rule: Rule, more: Rows = []): World {
  return worldOf([[0x40_1000, rule], ...more, [0x40_2000, rules.none], ...main]);
}

/** The address of the n-th word of the stack. */
const word = (n: number) => STACK + 8 * n;
const JUNK = 0x6a75_6e6b;
const CALL = MAIN + 5;

describe('a frame is left by its rule', () => {
  test('from sp', () => {
    expect(one(rules.sp(3)).walk({ pc: 0x40_1004 }, [JUNK, JUNK, CALL])).toBe('COMPLETE 401004! 409005');
  });

  test('from sp, at the first instruction', () => {
    expect(one(rules.sp(1)).walk({ pc: 0x40_1000 }, [CALL])).toBe('COMPLETE 401000! 409005');
  });

  test('from fp', () => {
    expect(one(rules.fp(2)).walk({ pc: 0x40_1004, fp: word(1) }, [JUNK, JUNK, CALL])).toBe('COMPLETE 401004! 409005');
  });

  test('the return address may lie elsewhere', () => {
    const rule = { ...rules.sp(4), ra: -3 };
    expect(one(rule).walk({ pc: 0x40_1004 }, [JUNK, CALL, JUNK, JUNK])).toBe('COMPLETE 401004! 409005');
  });

  // The second frame is left by the frame pointer that the first one restores.
  const second: Rows = [[0x40_1800, rules.fp(2)]];
  const two = 'COMPLETE 401004! 401805 409005';

  test('with the frame pointer saved beside the return address', () => {
    const stack = [JUNK, word(4), 0x40_1805, JUNK, JUNK, CALL];
    expect(one(savingFp(rules.sp(3), -2), second).walk({ pc: 0x40_1004, fp: JUNK }, stack)).toBe(two);
    expect(one(savingFp(rules.fp(2), -2), second).walk({ pc: 0x40_1004, fp: word(1) }, stack)).toBe(two);
  });

  test('with the frame pointer saved elsewhere', () => {
    const stack = [word(4), JUNK, 0x40_1805, JUNK, JUNK, CALL];
    expect(one(savingFp(rules.sp(3), -3), second).walk({ pc: 0x40_1004, fp: JUNK }, stack)).toBe(two);
  });

  test('with the frame pointer kept in its register', () => {
    const stack = [JUNK, JUNK, 0x40_1805, JUNK, JUNK, CALL];
    expect(one(rules.sp(3), second).walk({ pc: 0x40_1004, fp: word(4) }, stack)).toBe(two);
  });

  test('with the frame pointer saved where it points', () => {
    const stack = [JUNK, word(4), 0x40_1805, JUNK, JUNK, CALL];
    expect(one(savingFpAtFp(rules.sp(3), 0), second).walk({ pc: 0x40_1004, fp: word(1) }, stack)).toBe(two);
    expect(one(savingFpAtFp(rules.sp(3), -1), second).walk({ pc: 0x40_1004, fp: word(2) }, stack)).toBe(two);
  });

  test('with the frame pointer popped already, as at a ret: it lies below what was copied', () => {
    const stack = [0x40_1805, JUNK, JUNK, CALL];
    expect(one(savingFp(rules.sp(1), -2), second).walk({ pc: 0x40_1004, fp: word(2) }, stack)).toBe(two);
  });

  test('with the stack pointer in memory, as where a function has aligned its stack', () => {
    // gcc: push the old sp, which is the CFA, at fp - 8; the frame pointer at fp.
    const stack = [JUNK, word(6), word(8), JUNK, JUNK, 0x40_1805, JUNK, JUNK, JUNK, CALL];
    const rule = savingFpAtFp(rules.deref(-1), 0);
    expect(one(rule, second).walk({ pc: 0x40_1004, fp: word(2) }, stack)).toBe(two);
  });

  test.each([
    ['before the push', 0x40_1000, [CALL]],
    ['at the last instruction before it is done', 0x40_101a, [CALL]],
    ['after it', 0x40_101b, [JUNK, CALL]],
    ['at the end of the stub', 0x40_102f, [JUNK, CALL]],
    ['in the next stub', 0x40_1030, [CALL]],
  ])('in a stub of the PLT: %s', (_, pc, stack) => {
    expect(one(rules.plt(1, 11)).walk({ pc }, stack)).toBe(`COMPLETE ${pc.toString(16)}! 409005`);
  });

  test('the outermost', () => {
    expect(one(rules.end).walk({ pc: 0x40_1004 })).toBe('COMPLETE 401004!');
  });

  test('a leaf of arm64 has its return address in the link register and no stack', () => {
    const rule = { ...rules.sp(0), saved: 0 };
    expect(one(rule).walk({ pc: 0x40_1004, extra: CALL })).toBe('COMPLETE 401004! 409005');
  });

  test('which nobody but the leaf has', () => {
    const world = one(rules.sp(1), [[0x40_1800, { ...rules.sp(1), saved: 0 }]]);
    expect(world.walk({ pc: 0x40_1004, extra: CALL }, [0x40_1805, JUNK])).toBe('CORRUPT 401004! 401805');
  });

  test('from the register that has the CFA while the stack is aligned, which nobody but the leaf has', () => {
    const stack = [JUNK, 0x40_1805, JUNK, JUNK, CALL];
    expect(one(rules.extra(0), [[0x40_1800, rules.sp(3)]]).walk({ pc: 0x40_1004, extra: word(2) }, stack)).toBe(
      'COMPLETE 401004! 401805 409005',
    );
    expect(one(rules.sp(2), [[0x40_1800, rules.extra(3)]]).walk({ pc: 0x40_1004, extra: word(5) }, stack)).toBe(
      'NO_RULE 401004! 401805',
    );
  });
});

describe('signal frames', () => {
  // struct rt_sigframe from sp on, after the handler's return: ucontext; rbp, rbx, rdx, rax, rcx, rsp, rip are words 15 to 21.
  const frame = (fp: number, sp: number, pc: number) => [...Array(15).fill(JUNK), fp, JUNK, JUNK, JUNK, JUNK, sp, pc];
  const handler: Rows = [
    [0x40_1000, rules.sp(1)],
    [0x40_2000, rules.signal],
    [0x40_2010, rules.none],
    [0x40_3000, rules.fp(2)],
    [0x40_3004, rules.sp(1)],
    [0x40_4000, rules.none],
    ...main,
  ];

  test.runIf(process.arch === 'x64')('what was interrupted is looked up where it is, not one byte before', () => {
    const stack = [0x40_2001, ...frame(JUNK, word(23), 0x40_3004), CALL];
    expect(worldOf(handler).walk({ pc: 0x40_1004 }, stack)).toBe('COMPLETE 401004! 402001 403004! 409005');
  });

  test.runIf(process.arch === 'x64')('its frame pointer is restored', () => {
    const stack = [0x40_2001, ...frame(word(24), word(23), 0x40_3000), JUNK, JUNK, CALL];
    expect(worldOf(handler).walk({ pc: 0x40_1004 }, stack)).toBe('COMPLETE 401004! 402001 403000! 409005');
  });

  test.runIf(process.arch === 'x64')('a handler on a stack of its own, above', () => {
    const rows: Rows = [[0x40_0000, rules.sp(20)], [0x40_0100, rules.none], ...handler];
    const stack = [...Array(19).fill(JUNK), 0x40_2001, ...frame(JUNK, word(3), 0x40_3004)];
    stack[3] = CALL;
    expect(worldOf(rows).walk({ pc: 0x40_0004 }, stack)).toBe('COMPLETE 400004! 402001 403004! 409005');
    const beyond = [0x40_2001, ...frame(JUNK, word(-2), 0x40_3004)];
    expect(worldOf(rows).walk({ pc: 0x40_1004 }, beyond)).toBe('BAD_READ 401004! 402001 403004!');
  });

  test.runIf(process.arch === 'x64')('one within another', () => {
    const inner = frame(JUNK, word(23), 0x40_1004);
    const outer = frame(JUNK, word(46), 0x40_3008);
    const stack = [0x40_2001, ...inner, 0x40_2001, ...outer, CALL];
    expect(worldOf(handler).walk({ pc: 0x40_1004 }, stack)).toBe(
      'COMPLETE 401004! 402001 401004! 402001 403008! 409005',
    );
  });

  test.runIf(process.arch === 'x64')('what was interrupted while it aligned its stack', () => {
    const interrupted = frame(JUNK, word(23), 0x40_3010);
    interrupted[7] = word(25);
    const rows: Rows = handler.toSpliced(5, 0, [0x40_3010, rules.extra(0)]);
    expect(worldOf(rows).walk({ pc: 0x40_1004 }, [0x40_2001, ...interrupted, JUNK, CALL])).toBe(
      'COMPLETE 401004! 402001 403010! 409005',
    );
  });

  test('a frame that cannot be read', () => {
    expect(worldOf(handler).walk({ pc: 0x40_1004 }, [0x40_2001, JUNK])).toBe('BAD_READ 401004! 402001');
  });

  test.runIf(process.arch === 'x64')('a frame that leads to itself ends', () => {
    const stack = frame(JUNK, STACK, 0x40_2001);
    const [end, ...frames] = worldOf(handler).walk({ pc: 0x40_2001 }, stack).split(' ');
    // No more frames than there is room for in place of the snapshot.
    expect([end, frames.length, new Set(frames)]).toEqual(['TRUNCATED', 27, new Set(['402001!'])]);
  });
});

describe('code without rules', () => {
  const frames = [JUNK, word(4), CALL, JUNK, 0, 0];

  test.each([
    ['a gap', rules.none],
    ['rules in other terms', rules.unsupported],
  ])('%s: by the frame pointer', (_, rule) => {
    // A usable row, without which there is no table.
    const world = one(rule, [[0x40_1ff0, rules.sp(1)]]);
    expect(world.walk({ pc: 0x40_1004, fp: word(1) }, frames)).toBe('COMPLETE 401004! 409005~');
    expect(world.walk({ pc: 0x40_1004, fp: word(1) }, frames, false)).toBe('NO_RULE 401004!');
  });

  test('a file without a table, and generated code', () => {
    const world = new World();
    world.map(0x1000, 0x2000).map(0x3000, 0x4000, world.file(TableState.PROFILER_TABLE_ABSENT));
    world.map(MAIN, MAIN + 0x1000, world.file(main));
    const stack = [word(2), 0x3005, JUNK, JUNK, word(6), CALL];
    expect(world.walk({ pc: 0x1004, fp: STACK }, [word(4), 0x3005, JUNK, JUNK, 0, CALL])).toBe(
      'COMPLETE 1004! 3005~ 409005~',
    );
    expect(world.walk({ pc: 0x1004, fp: STACK }, stack, false)).toBe('NO_RULE 1004!');
  });

  test('in the middle of a stack: what the rules restored is the frame pointer', () => {
    const world = one(savingFp(rules.sp(2), -2), [[0x40_1800, rules.none]]);
    const stack = [word(3), 0x40_1805, JUNK, 0, CALL];
    expect(world.walk({ pc: 0x40_1004, fp: JUNK }, stack)).toBe('COMPLETE 401004! 401805 409005~');
    expect(world.walk({ pc: 0x40_1004, fp: JUNK }, stack, false)).toBe('NO_RULE 401004! 401805');
  });

  test('rules go on from what the frame pointer gave', () => {
    const world = one(rules.sp(2), [[0x40_1800, rules.none]]);
    const stack = [word(9), 0x40_1005, JUNK, CALL];
    expect(world.walk({ pc: 0x40_1804, fp: STACK }, stack)).toBe('COMPLETE 401804! 401005~ 409005');
  });

  test("Go's code has rules for the leaf; its callers have frame pointers, which may lead to a lower stack", () => {
    const world = worldOf([[0x40_1000, exactOnly(rules.sp(1))], [0x40_2000, rules.none], ...main]);
    const stack = [0x40_1805, JUNK, 0, CALL];
    expect(world.walk({ pc: 0x40_1004, fp: word(2) }, stack)).toBe('COMPLETE 401004! 401805 409005~');
    expect(world.walk({ pc: 0x40_1004, fp: word(2) }, [0x40_1805, CALL], false)).toBe('COMPLETE 401004! 401805 409005');
    // It was looked for there, where a copy of this stack does not reach.
    expect(world.walk({ pc: 0x40_1004, fp: word(-2) }, stack)).toBe('BAD_READ 401004! 401805');
  });

  const bare = () => new World().map(0x1000, 0x2000);
  test.each([
    ['no frame pointer: the outermost frame', { fp: 0 }, [], 'COMPLETE 1004!'],
    ['below the stack pointer', { fp: word(-1) }, [], 'NO_RULE 1004!'],
    ['not a multiple of 8', { fp: STACK + 4 }, [0, 0x1005, 0], 'NO_RULE 1004!'],
    ['beyond the stack', { fp: word(2) }, [0, 0, 0], 'BAD_READ 1004!'],
    ['at the end of the stack', { fp: word(2) }, [0, 0, 0, 0x1005], 'COMPLETE 1004! 1005~'],
    ['leads to no code', { fp: STACK }, [0, JUNK], 'NO_RULE 1004!'],
    ['leads nowhere', { fp: STACK }, [word(8), 0], 'NO_RULE 1004!'],
    ['leads to nothing at all: the outermost frame', { fp: STACK }, [0, 0], 'COMPLETE 1004!'],
    ['saved twice, as where C calls Go', { fp: word(0) }, [word(1), 0, 0x1005, 0], 'COMPLETE 1004! 1005~'],
    ['leads back', { fp: word(2) }, [0, 0, word(0), 0x1005], 'NO_RULE 1004! 1005~'],
    ['leads to itself', { fp: STACK }, [STACK, 0x1005], 'NO_RULE 1004! 1005~'],
    ['of all ones', { fp: -1 }, [0, 0x1005], 'NO_RULE 1004!'],
    ['of the kernel', { fp: -0x1000 }, [0, 0x1005], 'BAD_READ 1004!'],
  ])('%s', (_, registers, stack, expected) => {
    expect(bare().walk({ pc: 0x1004, ...registers }, stack)).toBe(expected);
  });
});

describe('how walks end', () => {
  test('complete where the return address is 0', () => {
    expect(one(rules.sp(2)).walk({ pc: 0x40_1004 }, [JUNK, 0])).toBe('COMPLETE 401004!');
    expect(one(rules.sp(1)).walk({ pc: 0 })).toBe('COMPLETE');
  });

  test.each([
    [Limit.PROFILER_MAX_WALK - 1, 'COMPLETE', Limit.PROFILER_MAX_WALK],
    [Limit.PROFILER_MAX_WALK, 'TRUNCATED', Limit.PROFILER_MAX_WALK],
    [5000, 'TRUNCATED', Limit.PROFILER_MAX_WALK],
  ])('%i calls: %s', (calls, end, depth) => {
    const stack = Array<number>(calls).fill(0x40_1004);
    stack[calls - 1] = CALL;
    const [found, ...frames] = one(rules.sp(1)).walk({ pc: 0x40_1004 }, stack).split(' ');
    expect([found, frames.length]).toEqual([end, depth]);
    expect(frames[frames.length - 1]).toBe(end === 'COMPLETE' ? '409005' : '401004');
  });

  test.each([
    ['the return address', rules.sp(2), [JUNK]],
    ['a part of it', { ...rules.sp(3), ra: -1 }, [JUNK, JUNK]],
    ['the frame pointer', savingFp(rules.sp(1), 5), [CALL]],
    ['both', savingFp(rules.sp(3), -2), [JUNK]],
    ['both, cut in half', savingFp(rules.sp(2), -2), [JUNK]],
    ['where the stack pointer is saved', rules.deref(9), [CALL]],
    ['below the stack', { ...rules.sp(1), ra: -2 }, [CALL]],
    ['far away', rules.sp(32767), [CALL]],
  ])('bad read: %s', (_, rule, stack) => {
    expect(one(rule).walk({ pc: 0x40_1004, fp: STACK }, stack)).toBe('BAD_READ 401004!');
  });

  test('no table: the leaf is not mapped, or in a gap between mappings', () => {
    const world = new World().map(0x1000, 0x2000).map(0x4000, 0x5000);
    for (const pc of [0xfff, 0x2000, 0x3000, 0x3fff, 0x5000, -0x1000]) expect(world.walk({ pc })).toBe('NO_TABLE');
    for (const pc of [0x1000, 0x1fff, 0x4000, 0x4fff]) expect(world.walk({ pc })).toMatch(/^COMPLETE/);
  });

  test.each([
    ['NO_TABLE', TableState.PROFILER_TABLE_PENDING],
    ['EVICTED', TableState.PROFILER_TABLE_EVICTED],
  ])('%s: a table is missing on the way to the outermost frame', (end, state) => {
    const world = new World();
    const file = world.file(state);
    world.map(0x1000, 0x2000, file).map(MAIN, MAIN + 0x1000, world.file(main));
    expect(world.walk({ pc: 0x1004, fp: STACK }, [0, CALL])).toBe(`${end} 1004! 409005~`);
    expect(world.walk({ pc: 0x1004, fp: 0 })).toBe(`${end} 1004!`);
    expect(world.walk({ pc: 0x1004, fp: STACK }, [0, 0])).toBe(`${end} 1004!`);
    expect(world.takeUsed(file)).toBe(true);
    world.state(
      file,
      world.file([
        [0x1000, rules.sp(1)],
        [0x2000, rules.none],
      ]),
    );
  });

  test('corrupt: return to where nothing is mapped', () => {
    expect(one(rules.sp(1)).walk({ pc: 0x40_1004 }, [0x50_0000])).toBe('CORRUPT 401004!');
  });

  test('corrupt: the stack does not grow', () => {
    expect(one(rules.fp(2)).walk({ pc: 0x40_1004, fp: word(-3) }, [CALL])).toBe('CORRUPT 401004!');
    expect(one(rules.fp(2)).walk({ pc: 0x40_1004, fp: word(-2) }, [CALL])).toBe('CORRUPT 401004!');
    expect(one(rules.sp(-1)).walk({ pc: 0x40_1004 }, [CALL])).toBe('CORRUPT 401004!');
    expect(one(rules.sp(0)).walk({ pc: 0x40_1004 }, [CALL])).toBe('CORRUPT 401004!');
    expect(one(rules.deref(0)).walk({ pc: 0x40_1004, fp: STACK }, [STACK, CALL])).toBe('CORRUPT 401004!');
  });

  test('corrupt: the stack is not aligned', () => {
    expect(one(rules.fp(2)).walk({ pc: 0x40_1004, fp: STACK + 4 }, [JUNK, CALL])).toBe('CORRUPT 401004!');
    expect(one(rules.deref(0)).walk({ pc: 0x40_1004, fp: STACK }, [word(2) + 1, CALL])).toBe('CORRUPT 401004!');
    expect(one(rules.sp(1)).walk({ pc: 0x40_1004, sp: STACK + 1 }, [CALL])).toBe('CORRUPT 401004!');
  });
});

describe('lookups', () => {
  test('a call may be the last instruction of its function', () => {
    const rows: Rows = [
      [0x1000, rules.sp(1)],
      [0x1100, rules.sp(2)], // never returns: its last call has the next function's address
      [0x1200, rules.sp(4)],
      [0x1300, rules.end],
      [0x1400, rules.none],
    ];
    const stack = [0x1200, JUNK, 0x1301];
    expect(worldOf(rows).walk({ pc: 0x1004 }, stack)).toBe('COMPLETE 1004! 1200 1301');
    // Where it is interrupted there, it is in the next.
    expect(worldOf(rows).walk({ pc: 0x1200 }, [JUNK, JUNK, JUNK, 0x1301])).toBe('COMPLETE 1200! 1301');
  });

  test('a system call may be the last instruction of its function', () => {
    const world = worldOf([[0x40_1000, rules.sp(1)], [0x40_2000, rules.none], ...main]);
    expect(world.walk({ pc: 0x40_2000, kernel: 1 }, [CALL])).toBe('COMPLETE 402000! 409005');
    expect(world.walk({ pc: 0x40_2000 }, [CALL])).toBe('NO_RULE 402000!');
  });

  test('among code with rules, a frame pointer of 0 ends a stack only where a call returns to', () => {
    const world = worldOf([[0x40_1000, rules.sp(1)], [0x40_2000, rules.none], [0x40_3000, rules.unsupported], ...main]);
    expect(world.walk({ pc: 0x40_2800 })).toBe('NO_RULE 402800!');
    expect(world.walk({ pc: 0x40_3000 })).toBe('NO_RULE 403000!');
    expect(world.walk({ pc: 0x40_1000 }, [0x40_2800])).toBe('COMPLETE 401000! 402800');
    expect(world.walk({ pc: 0x40_1000 }, [0x40_3800])).toBe('NO_RULE 401000! 403800');
  });

  test('a call may be the last instruction of its mapping', () => {
    const world = new World();
    world.map(
      0x1000,
      0x2000,
      world.file([
        [0x1000, rules.sp(1)],
        [0x2000, rules.none],
      ]),
    );
    world.map(
      0x2000,
      0x3000,
      world.file([
        [0x2000, rules.end],
        [0x3000, rules.none],
      ]),
    );
    expect(world.walk({ pc: 0x1004 }, [0x2000, 0x2001])).toBe('COMPLETE 1004! 2000 2001');
    expect(world.walk({ pc: 0x1004 }, [0x1000])).toBe('CORRUPT 1004!'); // behind what is before all code
  });

  test('the next mapping begins where the last one ends', () => {
    const world = new World();
    const file = (start: number, rule: Rule) =>
      world.file([
        [start, rule],
        [start + 0x1000, rules.none],
      ]);
    world.map(0x1000, 0x2000, file(0x1000, rules.sp(1))).map(0x2000, 0x3000, file(0x2000, rules.sp(2)));
    expect(world.walk({ pc: 0x1004 }, [0x2001, JUNK, 0x1001, 0x2fff, JUNK, 0])).toBe('COMPLETE 1004! 2001 1001 2fff');
  });

  test('the first and the last byte of pages of 64 KiB', () => {
    const rows: Rows = [
      [0xfff0, rules.sp(1)],
      [0x1_0000, rules.sp(2)],
      [0x1_0001, rules.sp(3)],
      [0x1_ffff, rules.sp(4)],
      // The third page and the fourth have no row of their own.
      [0x4_0000, rules.sp(5)],
      [0x4_0010, rules.end],
      [0x5_0000, rules.none],
    ];
    const world = worldOf(rows);
    const cfa = (pc: number) => {
      const stack = Array.from({ length: 6 }, (_, i) => 0x4_0011 + i);
      return Number(`0x${world.walk({ pc }, stack).split(' ')[2]}`) - 0x4_0010;
    };
    const at = [
      0xfff0, 0xffff, 0x1_0000, 0x1_0001, 0x1_fffe, 0x1_ffff, 0x2_0000, 0x2_ffff, 0x3_0000, 0x3_ffff, 0x4_0000,
    ];
    expect(at.map(cfa)).toEqual([1, 1, 2, 3, 3, 4, 4, 4, 4, 4, 5]);
    expect(world.walk({ pc: 0x5_0000, fp: 1 })).toBe('NO_RULE 50000!');
    expect(world.walk({ pc: 0xffef, fp: 1 })).toBe('NO_RULE ffef!');
  });

  test('as many rows as a page can have', () => {
    const rows: [number, Rule][] = [];
    for (let i = 0; i < Layout.PROFILER_MAX_PAGE_ROWS; i++) rows.push([4 * i, i % 2 === 0 ? rules.end : rules.none]);
    const world = worldOf(rows);
    for (let i = 0; i < rows.length; i++) {
      const expected = i % 2 === 0 ? 'COMPLETE' : 'NO_RULE';
      expect(world.walk({ pc: 4 * i + 3, fp: 1 }), `${i}`).toBe(`${expected} ${(4 * i + 3).toString(16)}!`);
    }
  });

  test('code before and behind what the table describes', () => {
    const world = new World();
    const file = world.file([
      [0x12_3456, rules.end],
      [0x12_4000, rules.none],
    ]);
    world.map(0, 0x7fff_0000_0000, file);
    for (const pc of [
      1,
      0x11_ffff,
      0x12_0000,
      0x12_3455,
      0x12_4000,
      0x12_ffff,
      0x13_0000,
      2 ** 32 + 0x12_3456,
      2 ** 46,
    ]) {
      expect(world.walk({ pc, fp: 1 })).toBe(`NO_RULE ${pc.toString(16)}!`);
    }
    expect(world.walk({ pc: 0x12_3456 })).toBe('COMPLETE 123456!');
  });

  test('the same file under several biases, also negative ones', () => {
    const world = new World();
    const file = world.file([
      [0x1_1000, rules.sp(1)],
      [0x1_2000, rules.sp(2)],
      [0x1_3000, rules.end],
      [0x1_4000, rules.none],
    ]);
    const biases = [-0x1_0000, 0, 0x10_0000, 0x5555_5555_4000 - 0x1_1000, 0x7fff_f7dd_5000 - 0x1_1000];
    for (const bias of biases) world.map(0x1_1000 + bias, 0x1_4000 + bias, file, bias);
    for (const [i, bias] of biases.entries()) {
      const next = biases[(i + 2) % biases.length]!;
      const [first, second, third] = [0x1_1004 + bias, 0x1_2005 + next, 0x1_3005 + bias].map(pc => pc.toString(16));
      const stack = [0x1_2005 + next, JUNK, 0x1_3005 + bias];
      expect(world.walk({ pc: 0x1_1004 + bias }, stack)).toBe(`COMPLETE ${first}! ${second} ${third}`);
    }
  });

  test('code at high addresses, as the vsyscall page', () => {
    const world = new World().map(-0xa0_0000, -0x9f_f000).map(0x1000, 0x2000);
    expect(world.walk({ pc: 0x1004, fp: 0 })).toBe('COMPLETE 1004!');
    expect(world.walk({ pc: 0x3000, fp: 0 })).toBe('NO_TABLE');
    expect(world.walk({ pc: -0x9f_f000, fp: 0 })).toBe('NO_TABLE');
  });

  test.each([1, 2, 3, 100, 4094, Layout.PROFILER_MAX_MAPPINGS])('%i mappings', count => {
    const world = new World();
    const file = (rule: Rule) =>
      world.file([
        [0, rule],
        [0x1000, rules.none],
      ]);
    // Every second one is of the other file.
    const files = [file(rules.end), file({ ...rules.sp(1), ra: 100 })];
    for (let i = 1; i <= count; i++) world.map(0x2000 * i, 0x2000 * i + 0x1000, files[i % 2], 0x2000 * i);
    const end = (pc: number) => world.walk({ pc }).replace(/ .*/, '');
    for (let i = 1; i <= count; i++) {
      const ends = [-1, 0, 0xfff, 0x1000].map(offset => end(0x2000 * i + offset));
      const inside = i % 2 === 0 ? 'COMPLETE' : 'BAD_READ';
      expect(ends, `mapping ${i}`).toEqual(['NO_TABLE', inside, inside, 'NO_TABLE']);
    }
  });

  test('a table is marked as used by each walk that needs it', () => {
    const world = new World();
    const [used, called, idle] = [0, 0, 0].map(() =>
      world.file([
        [0, rules.sp(1)],
        [0x1000, rules.none],
      ]),
    );
    world.map(0x1000, 0x2000, used, 0x1000).map(0x2000, 0x3000, called, 0x2000).map(0x3000, 0x4000, idle, 0x3000);
    for (let round = 0; round < 2; round++) {
      world.walk({ pc: 0x1004 }, [0x2004, 0]);
      expect([used!, called!, idle!].map(file => world.takeUsed(file))).toEqual([true, true, false]);
    }
  });
});

describe('the snapshot', () => {
  test('has registers at least', () => {
    const world = one(rules.end);
    expect(() => world.walkSnapshot(new Uint8Array(39))).toThrow('registers');
  });

  test('need not be aligned, nor a multiple of 8 bytes long', () => {
    const world = one(rules.sp(1));
    const memory = new Uint8Array(100);
    const view = new DataView(memory.buffer);
    view.setBigUint64(3, 0x40_1004n, true);
    view.setBigUint64(11, BigInt(STACK), true);
    view.setBigUint64(43, BigInt(CALL), true);
    const walk = (length: number) => {
      const copy = memory.slice();
      const snapshot = copy.subarray(3, 3 + length);
      const result = loadAddon().walk(
        snapshot,
        world.chunkList(),
        new Uint8Array(world.files.buffer),
        ...world.mappings(),
        true,
      );
      return [result & 0xff, result >>> 8];
    };
    expect(walk(48)).toEqual([1, 2]);
    expect(walk(47)).toEqual([4, 1]);
  });
});

describe('whatever the heap holds', () => {
  const addon = loadAddon();
  /** Walks are cheap; what costs is making them up. */
  const WALKS = 100_000;

  function run(seed: number, spoil: (below: (n: number) => number, world: World) => void) {
    const below = random(seed);
    const world = new World();
    const files = [0, 1, 2].map(() =>
      world.file([
        [0, rules.sp(1)],
        [0x100, savingFp(rules.fp(2), -2)],
        [0x200, rules.deref(1)],
        [0x300, rules.plt(1, 11)],
        [0x400, rules.signal],
        [0x500, rules.sp(2)],
        [0x1_0000, rules.unsupported],
        [0x1_1000, rules.sp(0)],
        [0x2_0000, rules.end],
        [0x2_0100, rules.none],
      ]),
    );
    files.push(NO_FILE);
    for (let i = 0; i < 40; i++) world.map(0x10_0000 * i, 0x10_0000 * i + 0x3_0000, files[i % 4], 0x10_0000 * i);
    const [mappings, count] = world.mappings();
    const chunks = world.chunkList();
    const fileBytes = new Uint8Array(world.files.buffer);
    const snapshot = new Uint32Array(2 * (4 + 64));
    const bytes = new Uint8Array(snapshot.buffer);
    const ends = new Map<number, number>();
    let deepest = 0;
    const code = () => 0x10_0000 * below(41) + (below(2) === 0 ? below(0x600) : below(0x2_1000));
    const put = (at: number, value: number) => {
      snapshot[2 * at] = value;
      snapshot[2 * at + 1] = Math.floor(value / 2 ** 32);
    };
    const value = () =>
      [code, () => STACK + 8 * below(80), () => below(2 ** 32) * below(2 ** 21), () => 0][below(4)]!();
    for (let i = 0; i < WALKS; i++) {
      if (i % 50 === 0) spoil(below, world);
      put(0, below(10) === 0 ? value() : code());
      put(1, below(10) === 0 ? value() : STACK);
      put(2, below(3) === 0 ? value() : STACK + 8 * below(20));
      put(3, code());
      for (let at = 4; at < 68; at++) put(at, value());
      const hostile = below(4) === 0;
      const [from, many] = hostile ? [below(2 ** 32), below(2 ** 32)] : [mappings, count];
      const result = addon.walk(bytes, chunks, fileBytes, from, many, below(2) === 0);
      ends.set(result & 0xff, (ends.get(result & 0xff) ?? 0) + 1);
      deepest = Math.max(deepest, result >>> 8);
    }
    return { ends: [...ends.keys()].sort((a, b) => a - b), deepest };
  }

  test('good tables and random stacks', () => {
    const { ends, deepest } = run(1, () => {});
    expect(ends.every(end => end >= 1 && end <= 7)).toBe(true);
    expect(ends.length).toBeGreaterThan(4);
    expect(deepest).toBeLessThanOrEqual(68);
  });

  test('random bytes in the tables, in the mappings and in the files', () => {
    const { ends, deepest } = run(2, (below, world) => {
      const memory = new Uint32Array(world.chunkList()[0]!.buffer, 64);
      for (let i = 0; i < 20; i++) memory[below(5000)] = below(2) === 0 ? below(2 ** 32) : below(300);
      if (below(2) === 0) world.files[below(8)] = below(2) === 0 ? below(2 ** 32) : below(CHUNK / 4);
    });
    expect(ends.every(end => end >= 1 && end <= 7)).toBe(true);
    expect(deepest).toBeLessThanOrEqual(68);
  });

  test('nothing but random bytes', () => {
    const below = random(3);
    const chunks = [new Uint8Array(CHUNK), undefined, new Uint8Array(CHUNK)];
    const files = new Uint8Array(8 * 16);
    const snapshot = new Uint8Array(4096);
    for (let i = 0; i < 3000; i++) {
      for (const memory of [chunks[0]!, chunks[2]!, files, snapshot]) {
        const words = new Uint32Array(memory.buffer);
        for (let n = 0; n < 2000; n++) words[below(words.length)] = below(2 ** 32);
      }
      const result = addon.walk(snapshot, chunks, files, below(3 * CHUNK) / 8, below(5000), true);
      expect(result & 0xff).toBeLessThan(8);
      expect(result >>> 8).toBeLessThanOrEqual(Limit.PROFILER_MAX_WALK);
    }
  });

  test('chunks of another size are not read', () => {
    const world = one(rules.sp(1));
    const chunks = world.chunkList().map(chunk => chunk?.subarray(8));
    const snapshot = new Uint8Array(64);
    snapshot[0] = 1;
    const result = addon.walk(snapshot, chunks, new Uint8Array(world.files.buffer), ...world.mappings(), true);
    expect(result).toBe(5); // no table, no frames
  });
});

describe.runIf(process.arch === 'x64' && has('g++'))('what glibc says (needs g++ on x86-64)', () => {
  const path = testFolder();
  const spots = ['main', 'thread', 'handler', 'alternate', 'step'];
  let captures: Capture[] = [];
  let mappings: Mappings = [];
  let world = new World();

  beforeAll(() => {
    const program = path('snapshot');
    const source = join(packageRoot, 'test/programs/unwind/snapshot.cc');
    execFileSync('g++', ['-O2', '-fomit-frame-pointer', '-o', program, source, '-lpthread']);
    const maps = execFileSync(program, [path('output')], { encoding: 'utf8' });
    captures = readCaptures(readFileSync(path('output')));
    mappings = parseMaps(maps);
    world = worldOfProcess(mappings);
  }, 60_000);

  test.each(spots)('%s: exactly the same frames', name => {
    const found = captures.filter(({ spot }) => spots[spot] === name);
    expect(found.length).toBeGreaterThan(name === 'step' ? 3000 : 0);
    let astray = 0;
    for (const { snapshot, frames } of found) {
      const [end, , ...callers] = world.walkSnapshot(snapshot.slice(), false).replaceAll('!', '').split(' ');
      if (end === 'CORRUPT') {
        // Where libgcc puts a catcher's stack in place of its own, its rules do not hold: an address of no code.
        expect(findMapping(mappings, Number.parseInt(frames.at(-1)!, 16))).toBeUndefined();
        expect(callers).toEqual(frames.slice(1, -1));
        astray++;
      } else {
        expect([end, ...callers]).toEqual(['COMPLETE', ...frames.slice(1)]);
      }
    }
    expect(astray).toBeLessThanOrEqual(found.length / 500);
  });

  test('signal frames are where they should be', () => {
    const exact = (name: string) => {
      const { snapshot } = captures.find(({ spot }) => spots[spot] === name)!;
      return world.walkSnapshot(snapshot.slice()).split('!').length - 1;
    };
    expect(spots.map(exact)).toEqual([1, 1, 2, 2, 2]);
  });

  test('a stack that is cut off anywhere gives the first of its frames', () => {
    const { snapshot } = captures.find(({ spot }) => spots[spot] === 'handler')!;
    const whole = world.walkSnapshot(snapshot.slice(), false).split(' ').slice(1);
    for (let length = 40; length < snapshot.length; length += 8) {
      const [end, ...frames] = world.walkSnapshot(snapshot.slice(0, length), false).split(' ');
      expect(frames).toEqual(whole.slice(0, frames.length));
      expect(end).toBe(frames.length === whole.length ? 'COMPLETE' : 'BAD_READ');
    }
  });
});
