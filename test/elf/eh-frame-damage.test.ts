import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuleKind } from '../../src/capture/records.gen.ts';
import { ElfError, MemoryBytes } from '../../src/elf/bytes.ts';
import { readUnwindRows } from '../../src/elf/eh-frame.ts';
import { parseElf, type Section } from '../../src/elf/elf.ts';
import { RowBuilder, type UnwindRows } from '../../src/elf/unwind-rows.ts';
import { random } from '../support/random.ts';
import { dw, entry, type FileOptions, Frames, fileOf, rowsOf, textOf, uleb, word } from './frame-writer.ts';
import { Workshop } from './toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

/** Runs within a second, whatever the bytes say. */
function bounded<T>(run: () => T): T {
  const start = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1000).toBeLessThan(1000);
  return result;
}

/** What every result has to keep, however it came about. */
function check(rows: UnwindRows | undefined): void {
  if (rows === undefined) return;
  const { length, offset, rule, rules } = rows;
  expect(length).toBeLessThanOrEqual(offset.length);
  expect(rule.length).toBe(offset.length);
  let isWrong = length < 1 || rule[length - 1] !== 0 || rules.length % 2 !== 0;
  for (let i = 0; i < length; i++) {
    if (rule[i]! >= rules.length / 2) isWrong = true;
    if (i > 0 && (offset[i]! <= offset[i - 1]! || rule[i] === rule[i - 1])) isWrong = true;
  }
  for (let i = 0; i < rules.length; i += 2)
    if ((rules[i]! & 0xff) > Math.max(...Object.values(RuleKind))) isWrong = true;
  expect(isWrong).toBe(false);
}

/** Reads what there is; returns the code of the error, or how many rows there are. */
function outcome(read: () => UnwindRows | undefined): string | number {
  return bounded(() => {
    try {
      const rows = read();
      check(rows);
      return rows?.length ?? 0;
    } catch (error) {
      if (error instanceof ElfError) return error.code;
      throw error;
    }
  });
}

function inFile(bytes: Uint8Array): string | number {
  const source = new MemoryBytes(bytes);
  return outcome(() => readUnwindRows(parseElf(source), source));
}

const files = new Map<string, Buffer>();

beforeAll(() => {
  const compile = (name: string, ...options: string[]) => {
    files.set(name, readFileSync(workshop.compile('gcc', 'frames.c', name, '-O2', ...options)));
  };
  compile('eh');
  compile('debug', '-g', '-fno-asynchronous-unwind-tables');
  compile('compressed', '-g', '-fno-asynchronous-unwind-tables', '-gz=zlib');
  const headless = Buffer.from(files.get('eh')!);
  headless.writeBigUInt64LE(0n, 40);
  headless.writeUInt16LE(0, 60);
  files.set('headless', headless);
});

const values = [0, 1, 7, 8, 0x0a, 0x0f, 0x10, 0x7f, 0x80, 0xff];

/** Overwrites some bytes of a range. */
function damage(bytes: Uint8Array, start: number, end: number, next: (below: number) => number): void {
  for (let changes = 1 + next(6); changes > 0; changes--) {
    const at = start + next(end - start);
    bytes[at] = next(2) === 0 ? next(256) : values[next(values.length)]!;
    if (next(4) === 0) bytes.fill(next(2) * 0xff, at, Math.min(at + 8, end));
  }
}

describe('a damaged file', () => {
  it.each(['eh', 'debug', 'compressed', 'headless'])('is read or refused (%s)', name => {
    const original = files.get(name)!;
    const intact = inFile(original);
    expect(intact).toBeGreaterThan(10);
    const elf = parseElf(new MemoryBytes(original));
    // Frames and their headers lie close together in a small file.
    const frames = elf.sections.filter(section => /(eh|debug)_frame/.test(section.name));
    const eh = parseElf(new MemoryBytes(files.get('eh')!)).sections.filter(section => section.name === '.eh_frame');
    const next = random(17);
    const outcomes = new Set<string | number>();
    for (let round = 0; round < 1500; round++) {
      const bytes = Buffer.from(original);
      const { offset, size } = [...frames, ...eh][next(frames.length + eh.length)]!;
      damage(bytes, offset, Math.min(bytes.length, offset + size), next);
      outcomes.add(inFile(bytes));
    }
    expect(outcomes.size).toBeGreaterThan(3);
  });

  it('of any length is read or refused', () => {
    for (const original of files.values()) {
      for (let length = 64; length < original.length; length += 97) inFile(original.subarray(0, length));
    }
  });
});

function randomInstructions(next: (below: number) => number): number[] {
  const bytes: number[] = [];
  for (let count = next(40); count > 0; count--) {
    const choices = [
      () => dw.advance(next(64)),
      () => dw.offset(next(2) === 0 ? 6 : next(64), next(8)),
      () => dw.restore(next(2) === 0 ? 6 : next(64)),
      () => dw.defCfa(6 + next(2), 8 * next(10)),
      () => dw.defCfaOffset(8 * next(100)),
      () => (next(2) === 0 ? dw.remember : dw.restoreState),
      () => dw.defCfaExpression(...Array.from({ length: next(6) }, () => next(256))),
      () => [next(64), next(256), next(4), next(4)],
    ];
    bytes.push(...choices[next(choices.length)]!());
  }
  return bytes;
}

describe('random entries', () => {
  it.each([false, true])('are read or left out (.debug_frame: %s)', debug => {
    const next = random(23);
    let read = 0;
    let bad = 0;
    for (let round = 0; round < 1500; round++) {
      const frames = new Frames(debug);
      const cies = [frames.cie(), frames.cie({ instructions: [...entry, ...randomInstructions(next)] })];
      for (let i = 0; i < 8; i++) {
        frames.fde(cies[next(2)]!, 0x1000 + next(2000), next(300), randomInstructions(next));
      }
      if (next(4) === 0) frames.bytes[next(frames.bytes.length)] = next(256);
      const machine = next(3) === 0 ? 'arm64' : 'x86-64';
      const rows = bounded(() => rowsOf([frames], { machine }));
      check(rows);
      read += rows?.statistics.entries ?? 0;
      bad += rows?.statistics.damaged ?? 0;
    }
    expect(read).toBeGreaterThan(500);
    expect(bad).toBeGreaterThan(500);
  });

  it('of nothing but noise are read or left out', () => {
    const next = random(29);
    for (let round = 0; round < 1500; round++) {
      const frames = new Frames(round % 2 === 0);
      // Lengths that lead from one to the next.
      while (frames.bytes.length < 400) {
        const body = Array.from({ length: next(60) }, () => (next(3) === 0 ? next(256) : values[next(values.length)]!));
        frames.bytes.push(...word(body.length, 4), ...body);
      }
      outcome(() => rowsOf([frames]));
    }
  });
});

describe('hostile entries', () => {
  function left(...instructions: readonly (readonly number[])[]): string[] {
    const frames = new Frames();
    const cie = frames.cie();
    frames.fde(cie, 0x1000, 16);
    frames.fde(cie, 0x1010, 16, dw.defCfaOffset(16), dw.advance(1), ...instructions);
    frames.fde(cie, 0x1020, 16);
    const rows = bounded(() => rowsOf([frames]))!;
    check(rows);
    expect(rows.statistics.damaged).toBe(1);
    return textOf(rows);
  }

  const withoutMiddle = ['1000 sp+8 ra=c-8', '1010 gap', '1020 sp+8 ra=c-8', '1030 gap'];

  it.each([
    ['an unknown instruction', [0x3f]],
    ['a state that was not remembered', [0x0b]],
    ['states without an end', Array(257).fill(0x0a)],
    ['a number without an end', [0x0e, ...Array(40).fill(0xff)]],
    ['a number of 80 bits', [0x0e, ...Array(12).fill(0x80), 0]],
    ['an expression that is longer than the entry', [0x0f, ...uleb(2 ** 40)]],
    ['a value expression of 2^70 bytes', [0x16, 3, ...Array(9).fill(0xff), 0x7f]],
    ['a missing operand', [0x0c, 7]],
    ['a step back', [0x01, 0, 0, 0, 0x80]],
  ])('are left out: %s', (_, instructions) => {
    expect(left(instructions)).toEqual(withoutMiddle);
  });

  it('may remember 256 states', () => {
    const frames = new Frames();
    const deep = [...Array(256).fill(dw.remember), dw.defCfaOffset(16), dw.advance(1)];
    frames.fde(frames.cie(), 0x1000, 16, ...deep, ...Array(256).fill(dw.restoreState));
    expect(textOf(rowsOf([frames]))).toEqual(['1000 sp+16 ra=c-8', '1001 sp+8 ra=c-8', '1010 gap']);
  });

  it('may not take what is no common entry for one', () => {
    const frames = new Frames();
    const cie = frames.cie();
    const own = frames.bytes.length;
    frames.fde(own, 0x1000, 16);
    frames.fde(own, 0x1010, 16);
    frames.fde(cie + 1, 0x1020, 16);
    frames.fde(-(2 ** 30), 0x1030, 16);
    frames.fde(2 ** 30, 0x1040, 16);
    frames.fde(cie, 0x1050, 16);
    const rows = rowsOf([frames])!;
    expect(textOf(rows)).toEqual(['1050 sp+8 ra=c-8', '1060 gap']);
    expect(rows.statistics.damaged).toBe(5);
  });

  it.each([
    ['a length', [0xf0, 0xff, 0xff, 0xff]],
    ['a length of 64 bits', [...word(0xffffffff, 4), ...word(2 ** 60, 8)]],
    ['a cut length of 64 bits', [...word(0xffffffff, 4), 1]],
  ])('end reading by %s', (_, bytes) => {
    const frames = new Frames();
    const cie = frames.cie();
    frames.fde(cie, 0x1000, 16);
    frames.bytes.push(...bytes);
    const rows = rowsOf([frames])!;
    expect(textOf(rows)).toEqual(['1000 sp+8 ra=c-8', '1010 gap']);
    expect(rows.statistics.damaged).toBe(1);
  });

  it('may be damaged all of them', () => {
    const frames = new Frames();
    frames.fde(frames.cie(), 0x1000, 16, [0x3f]);
    const rows = rowsOf([frames])!;
    check(rows);
    expect(rows.statistics).toMatchObject({ entries: 0, damaged: 1 });
  });

  it('may cover the same code 100,000 times', () => {
    const frames = new Frames();
    const cie = frames.cie();
    for (let i = 0; i < 100_000; i++) frames.fde(cie, 0x1000 + (i % 7), 0x80000, dw.advance(1), dw.defCfaOffset(16));
    expect(outcome(() => rowsOf([frames]))).toBe(3);
  });

  it('may have ten million steps', () => {
    const frames = new Frames();
    const cie = frames.cie();
    const next = random(31);
    const body = Uint8Array.from({ length: 10_000_000 }, () => (next(16) === 0 ? 0x41 : 0x40));
    const start = frames.bytes.length;
    frames.fde(cie, 0x1000, 0x100000);
    const { elf, source } = fileOf([frames]);
    const head = source.read(0, source.size);
    const bytes = new Uint8Array(head.length + body.length);
    bytes.set(head);
    bytes.set(body, head.length);
    bytes.set(word(head.length + body.length - start - 4, 4), start);
    const sections = elf.sections.map(section => ({ ...section, size: bytes.length }));
    expect(outcome(() => readUnwindRows({ ...elf, sections }, new MemoryBytes(bytes)))).toBe(2);
  });

  it('may have more rules than there can be', () => {
    const frames = new Frames();
    const many = Array.from({ length: 20_000 }, (_, i) => [...dw.defCfaOffset(8 * (i + 1)), ...dw.advance(1)]);
    frames.fde(frames.cie(), 0x1000, 0x10000, ...many);
    const rows = bounded(() => rowsOf([frames]))!;
    check(rows);
    expect(rows.rules.length).toBe(2 * 16384);
    expect(rows.statistics.cut).toBe(true);
    expect([...rows.statistics.unsupported.keys()]).toEqual(['too many different rules']);
  });
});

describe('rows', () => {
  it('end with a gap when there are too many', () => {
    const rows = new RowBuilder(4, 6);
    for (let i = 0; i < 10; i++) rows.add(i, RuleKind.PROFILER_RULE_SP, i);
    expect(rows.full).toBe(true);
    rows.cutTo(3);
    rows.addGap(3);
    const result = rows.finish(0, { entries: 0, damaged: 0, discarded: 0, cut: false });
    check(result);
    expect([result.length, result.statistics.cut]).toEqual([4, true]);
  });
});

describe('sections', () => {
  function refused(change: Partial<Section>, bytes?: Uint8Array, options?: FileOptions): string | number {
    const frames = new Frames(true);
    frames.fde(frames.cie(), 0x1000, 16);
    const { elf, source } = fileOf([frames], options);
    const contents = bytes ?? source.read(0, source.size);
    const sections = elf.sections.map(section => ({ ...section, size: contents.length, ...change }));
    return outcome(() => readUnwindRows({ ...elf, sections }, new MemoryBytes(contents)));
  }

  function compressed(type: number, size: number, body: Uint8Array): Uint8Array {
    return Uint8Array.from([...word(type, 4), ...word(0, 4), ...word(size, 8), ...word(1, 8), ...body]);
  }

  it('of a size that cannot be are refused', () => {
    expect(refused({})).toBe(2);
    expect(refused({ size: 2 ** 28 + 1 })).toBe('too-large');
    expect(refused({ size: 2 ** 20 })).toBe('truncated');
    expect(refused({ offset: 2 ** 50 })).toBe('truncated');
    // A file of symbols only, whose contents are elsewhere.
    expect(refused({ type: 8, size: 2 ** 20 })).toBe(0);
  });

  it('that are compressed wrongly are refused', () => {
    const flags = 0x800;
    const frames = new Frames(true);
    frames.fde(frames.cie(), 0x1000, 16);
    const { length } = frames.bytes;
    const body = deflateSync(Uint8Array.from(frames.bytes));
    expect(refused({ flags }, compressed(1, length, body))).toBe(2);
    expect(refused({ flags }, compressed(1, length + 1, body))).toBe('damaged');
    expect(refused({ flags }, compressed(1, length - 1, body))).toBe('damaged');
    expect(refused({ flags }, compressed(1, length, body.subarray(0, 20)))).toBe('damaged');
    expect(refused({ flags }, compressed(1, 2 ** 40, body))).toBe('too-large');
    expect(refused({ flags }, compressed(77, length, body))).toBe(0);
    expect(refused({ flags }, body.subarray(0, 10))).toBe('damaged');
    const bomb = deflateSync(new Uint8Array(2 ** 26));
    expect(refused({ flags }, compressed(1, length, bomb))).toBe('damaged');
  });

  it('of the old kind of compression may lack its header', () => {
    const frames = new Frames(true);
    frames.fde(frames.cie(), 0x1000, 16);
    const body = deflateSync(Uint8Array.from(frames.bytes));
    const old = (size: number) => Uint8Array.from([...Buffer.from('ZLIB'), ...word(size, 8).reverse(), ...body]);
    const options = { name: '.zdebug_frame' };
    expect(refused({}, old(frames.bytes.length), options)).toBe(2);
    expect(refused({}, old(2 ** 40), options)).toBe('too-large');
    expect(refused({}, old(3), options)).toBe('damaged');
    expect(refused({}, Uint8Array.from(frames.bytes), options)).toBe(2);
  });
});
