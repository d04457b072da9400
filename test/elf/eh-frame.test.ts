import { describe, expect, it } from 'vitest';
import { Saved } from '../../src/capture/records.gen.ts';
import { readUnwindRows } from '../../src/elf/eh-frame.ts';
import { dw, entry, Frames, fileOf, rowsBy, rowsOf, sleb, textOf, uleb, word } from './frame-writer.ts';

const { advance, offset, restore, defCfa, defCfaOffset, defCfaRegister, defCfaExpression, expression } = dw;
const { remember, restoreState } = dw;
const rbp = 6;
const rsp = 7;
const rip = 16;

function reasons(...instructions: readonly (readonly number[])[]): string {
  const frames = new Frames();
  frames.fde(frames.cie(), 0x1000, 64, ...instructions);
  const found = rowsOf([frames])!;
  expect(textOf(found)).toEqual(['1000 unsupported', '1040 gap']);
  return [...found.statistics.unsupported].map(([reason, count]) => `${reason}: ${count}`).join(', ');
}

describe('call frame instructions', () => {
  it('follow pushes, a frame pointer and an epilogue in the middle', () => {
    const prologue = [advance(1), defCfaOffset(16), offset(rbp, 2), advance(3), defCfaRegister(rbp)];
    const epilogue = [advance(9), remember, defCfa(rsp, 8), restore(rbp), advance(1), restoreState];
    expect(rowsBy(...prologue, ...epilogue)).toEqual([
      '1000 sp+8 ra=c-8',
      '1001 sp+16 fp=c-16 ra=c-8',
      '1004 fp+16 fp=c-16 ra=c-8',
      '100d sp+8 ra=c-8',
      '100e fp+16 fp=c-16 ra=c-8',
    ]);
  });

  it.each([
    ['advance_loc', [0x44]],
    ['advance_loc1', [2, 4]],
    ['advance_loc2', [3, 4, 0]],
    ['advance_loc4', [4, 4, 0, 0, 0]],
    ['MIPS_advance_loc8', [0x1d, 4, 0, 0, 0, 0, 0, 0, 0]],
  ])('advance by %s', (_, instruction) => {
    expect(rowsBy(instruction, defCfaOffset(24))).toEqual(['1000 sp+8 ra=c-8', '1004 sp+24 ra=c-8']);
  });

  it('advance to an address', () => {
    const frames = new Frames();
    const cie = frames.cie({ data: [0] });
    frames.rawFde(cie, [...word(0x1000, 8), ...word(64, 8), 0, 1, ...word(0x1010, 8), ...defCfaOffset(24)]);
    expect(textOf(rowsOf([frames]))).toEqual(['1000 sp+8 ra=c-8', '1010 sp+24 ra=c-8', '1040 gap']);
  });

  it('count in units of the code alignment', () => {
    const frames = new Frames();
    frames.fde(frames.cie({ codeAlign: 4 }), 0x1000, 64, advance(3), defCfaOffset(16));
    expect(textOf(rowsOf([frames]))[1]).toBe('100c sp+16 ra=c-8');
  });

  it.each([
    ['def_cfa_sf', [0x12, 6, ...sleb(-3)], 'fp+24 ra=c-8'],
    ['def_cfa_offset_sf', [0x13, ...sleb(-4)], 'sp+32 ra=c-8'],
    ['offset_extended', [5, 6, 2], 'sp+8 fp=c-16 ra=c-8'],
    ['offset_extended_sf', [0x11, 6, ...sleb(300)], 'sp+8 fp=c-2400 ra=c-8'],
    ['GNU_negative_offset_extended', [0x2f, 6, 2], 'sp+8 fp=c+16 ra=c-8'],
    ['restore_extended', [...offset(rbp, 2), 6, 6], 'sp+8 ra=c-8'],
    ['same_value', [...offset(rbp, 2), 8, 6], 'sp+8 ra=c-8'],
    ['undefined frame pointer', [7, 6], 'sp+8 ra=c-8'],
    ['undefined return address', [7, 16], 'end'],
    ['GNU_args_size', [0x2e, ...uleb(1000)], 'sp+8 ra=c-8'],
    ['negate_ra_state and nop', [0x2d, 0x2c, 0], 'sp+8 ra=c-8'],
    ['rules of other registers', [9, 3, 8, 0x14, 7, 0, 0x15, 3, 1, 0x16, 3, 2, 0x77, 0], 'sp+8 ra=c-8'],
  ])('know %s', (_, instruction, rule) => {
    expect(rowsBy(instruction)).toEqual([`1000 ${rule}`]);
  });

  it('merge rows that say the same', () => {
    expect(rowsBy(advance(4), offset(3, 2), advance(4), defCfaOffset(8))).toEqual(['1000 sp+8 ra=c-8']);
  });

  it('do not matter from the end of the function on', () => {
    expect(rowsBy(advance(63), defCfaOffset(16), advance(1), defCfaOffset(24), [0x3f])).toEqual([
      '1000 sp+8 ra=c-8',
      '103f sp+16 ra=c-8',
    ]);
  });
});

describe('expressions', () => {
  const plt = [0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];

  it.each([
    ['a linkage table', defCfaExpression(...plt), 'plt+8 from 11 ra=c-8'],
    ['a linkage table with landing pads', defCfaExpression(...plt.with(6, 0x39)), 'plt+8 from 9 ra=c-8'],
    ['a register', defCfaExpression(0x76, 0x10), 'fp+16 ra=c-8'],
    ['a register by number', defCfaExpression(0x92, 7, 0x10), 'sp+16 ra=c-8'],
    ['a register and more', defCfaExpression(0x77, 8, 0x23, 24), 'sp+32 ra=c-8'],
    ['an aligned stack', [...defCfaExpression(0x76, 0x78, 6), ...expression(rbp, 0x76, 0)], '*(fp-8) fp=fp+0 ra=c-8'],
  ])('know %s', (_, instruction, rule) => {
    expect(rowsBy(instruction)).toEqual([`1000 ${rule}`]);
  });

  it('may be anything else', () => {
    expect(reasons(defCfaExpression(0x77, 8, 6, 0x23, 8))).toBe('CFA is an expression: 1');
    expect(reasons(defCfaExpression())).toBe('CFA is an expression: 1');
    expect(reasons(defCfaExpression(...plt.with(5, 0x1b)))).toBe('CFA is an expression: 1');
    expect(reasons(defCfaExpression(0x77))).toBe('CFA is an expression: 1');
    expect(reasons(expression(rbp, 0x77, 0))).toBe('frame pointer is at an expression: 1');
    expect(reasons(expression(rip, 0x76, 8))).toBe('return address is at an expression: 1');
    expect(reasons(defCfaExpression(0x70, 8, 6))).toBe('CFA is where register 0 points to: 1');
  });
});

describe('what has no rule', () => {
  it.each([
    ['CFA in register 11', defCfa(11, 8)],
    ['CFA in an unknown register', defCfa(1 << 30, 8)],
    ['frame pointer is in a register', [9, rbp, 3]],
    ['frame pointer is a value', [0x14, rbp, 2]],
    ['return address is in a register', [9, rip, 5]],
    ['return address is a value', [0x16, rip, 2, 0x77, 0]],
    ['return address is not at CFA-8', offset(rip, 2)],
    ['return address is not saved', [8, rip]],
    ['offset is no multiple of 8', defCfaOffset(12)],
    ['offset is too large', defCfaOffset(0x8000 * 8)],
    ['offset is too large', defCfaOffset(2 ** 50)],
  ])('has a reason: %s', (reason, instructions) => {
    expect(reasons(instructions)).toBe(`${reason}: 1`);
  });
});

describe('entries', () => {
  it('leave gaps, and none where the next function follows', () => {
    const frames = new Frames();
    const cie = frames.cie();
    for (const pc of [0x1000, 0x1010, 0x1040]) frames.fde(cie, pc, 16, pc === 0x1010 ? defCfaOffset(16) : []);
    expect(textOf(rowsOf([frames]))).toEqual([
      '1000 sp+8 ra=c-8',
      '1010 sp+16 ra=c-8',
      '1020 gap',
      '1040 sp+8 ra=c-8',
      '1050 gap',
    ]);
  });

  it('are sorted, and of two that overlap the later start wins', () => {
    const frames = new Frames();
    const cie = frames.cie();
    frames.fde(cie, 0x3000, 16);
    frames.fde(cie, 0x1000, 0x100, advance(32), defCfaOffset(16), [2, 0x80], defCfaOffset(24));
    frames.fde(cie, 0x1080, 16, defCfaOffset(32));
    expect(textOf(rowsOf([frames]))).toEqual([
      '1000 sp+8 ra=c-8',
      '1020 sp+16 ra=c-8',
      '1080 sp+32 ra=c-8',
      '1090 gap',
      '3000 sp+8 ra=c-8',
      '3010 gap',
    ]);
  });

  it('of discarded functions are dropped, and those that reach out of the code are cut', () => {
    const frames = new Frames();
    const cie = frames.cie({ data: [0x00] });
    const absolute = (pc: number, size: number) => frames.rawFde(cie, [...word(pc, 8), ...word(size, 8), 0]);
    absolute(0, 64);
    absolute(0x1000, 0);
    absolute(0x900000, 64);
    absolute(-1, 64);
    absolute(0x100ff0, 64);
    const found = rowsOf([frames])!;
    expect(textOf(found)).toEqual(['100ff0 sp+8 ra=c-8', '101000 gap']);
    expect(found.statistics).toMatchObject({ entries: 1, discarded: 4, damaged: 0 });
  });

  it('go on after a terminator where a section header says how long the section is', () => {
    const frames = new Frames();
    frames.fde(frames.cie(), 0x1000, 16);
    frames.bytes.push(0, 0, 0, 0);
    frames.fde(frames.cie(), 0x1010, 16);
    expect(rowsOf([frames])!.statistics.entries).toBe(2);
  });

  it('are signal frames when their augmentation says so', () => {
    const frames = new Frames();
    frames.fde(frames.cie({ augmentation: 'zRS' }), 0x1000, 16, advance(4), defCfa(rsp, 160));
    expect(textOf(rowsOf([frames]))).toEqual(['1000 signal', '1010 gap']);
  });

  it('may have lengths of 64 bits', () => {
    for (const debug of [false, true]) {
      const frames = new Frames(debug);
      const cie = frames.cie({ wide: true, data: [0x00] });
      frames.rawFde(cie, [...word(0x1000, 8), ...word(16, 8), ...(debug ? [] : [0]), ...defCfaOffset(16)], true);
      expect(textOf(rowsOf([frames]))).toEqual(['1000 sp+16 ra=c-8', '1010 gap']);
    }
  });

  it.each([1, 3, 4])('may be of version %d', version => {
    const frames = new Frames(version === 4);
    frames.fde(frames.cie({ version, returnColumn: 16 }), 0x1000, 16);
    expect(textOf(rowsOf([frames]))).toEqual(['1000 sp+8 ra=c-8', '1010 gap']);
  });

  it.each([
    ['zPLR', [0x9b, 1, 2, 3, 4, 0x1b, 0x1b]],
    ['zLR', [0x1b, 0x1b]],
    ['zRB', [0x1b]],
    ['zRX', [0x1b, 9, 9, 9]],
    // The pointer after its encoding starts at a multiple of 8, and the encoding stands at 17.
    ['zPR', [0x50, ...word(0, 6), ...word(0x1234, 8), 0x1b]],
  ])('may have the augmentation %s', (augmentation, data) => {
    const frames = new Frames();
    frames.fde(frames.cie({ augmentation, data }), 0x1000, 16);
    expect(textOf(rowsOf([frames]))).toEqual(['1000 sp+8 ra=c-8', '1010 gap']);
  });

  it('of GCC 2 have a pointer after the augmentation "eh"', () => {
    const frames = new Frames();
    frames.rawFde(frames.cie({ augmentation: 'eh' }), [...word(0x1000, 8), ...word(16, 8)]);
    expect(textOf(rowsOf([frames]))).toEqual(['1000 sp+8 ra=c-8', '1010 gap']);
  });

  it('without "z" may name their encoding, but nothing unknown', () => {
    const frames = new Frames();
    frames.rawFde(frames.cie({ augmentation: 'R', raw: [0x03] }), [...word(0x1000, 4), ...word(16, 4)]);
    frames.rawFde(frames.cie({ augmentation: 'X' }), [...word(0x1010, 8), ...word(16, 8)]);
    const found = rowsOf([frames])!;
    expect(textOf(found)).toEqual(['1000 sp+8 ra=c-8', '1010 gap']);
    expect(found.statistics.damaged).toBe(1);
  });
});

describe('pointers', () => {
  const at = 0x200000;

  it.each<[string, number, (field: number) => number[], number[]]>([
    ['absptr', 0x00, () => word(0x1000, 8), word(16, 8)],
    ['uleb128', 0x01, () => uleb(0x1000), uleb(16)],
    ['udata2', 0x02, () => word(0x1000, 2), word(16, 2)],
    ['udata4', 0x03, () => word(0x1000, 4), word(16, 4)],
    ['udata8', 0x04, () => word(0x1000, 8), word(16, 8)],
    ['sleb128', 0x09, () => sleb(0x1000), sleb(16)],
    ['sdata2', 0x0a, () => word(0x1000, 2), word(16, 2)],
    ['sdata4', 0x0b, () => word(0x1000, 4), word(16, 4)],
    ['sdata8', 0x0c, () => word(0x1000, 8), word(16, 8)],
    ['pcrel sdata4', 0x1b, field => word(0x1000 - field, 4), word(16, 4)],
    ['pcrel sdata8', 0x1c, field => word(0x1000 - field, 8), word(16, 8)],
    ['pcrel sleb128', 0x19, field => sleb(0x1000 - field), uleb(16)],
    ['textrel', 0x23, () => word(0x1000, 4), word(16, 4)],
    ['datarel', 0x33, () => word(0x1000, 4), word(16, 4)],
    ['aligned', 0x50, field => [...word(0, (8 - (field % 8)) % 8), ...word(0x1000, 8)], word(16, 8)],
  ])('may be %s', (_, encoding, pc, size) => {
    const frames = new Frames();
    const cie = frames.cie({ data: [encoding] });
    const field = at + frames.bytes.length + 8;
    frames.rawFde(cie, [...pc(field), ...size, 0, ...defCfaOffset(16)]);
    expect(textOf(rowsOf([frames]))).toEqual(['1000 sp+16 ra=c-8', '1010 gap']);
  });

  it.each([
    ['indirect', 0x80],
    ['omitted', 0xff],
    ['unknown', 0x05],
    ['of unknown application', 0x63],
  ])('that are %s leave out the entry', (_, encoding) => {
    const frames = new Frames();
    frames.fde(frames.cie(), 0x1000, 16);
    frames.rawFde(frames.cie({ data: [encoding] }), [...word(0x1010, 8), ...word(16, 8), 0]);
    const found = rowsOf([frames])!;
    expect(textOf(found)).toEqual(['1000 sp+8 ra=c-8', '1010 gap']);
    expect(found.statistics.damaged).toBe(1);
  });
});

describe('.debug_frame', () => {
  it('fills what .eh_frame does not cover', () => {
    const eh = new Frames();
    const ehCie = eh.cie();
    eh.fde(ehCie, 0x1020, 16, defCfaOffset(16));
    eh.fde(ehCie, 0x1060, 16, defCfaOffset(16));
    const debug = new Frames(true);
    const cie = debug.cie();
    debug.fde(cie, 0x1000, 0x30);
    debug.fde(cie, 0x1028, 16);
    debug.fde(cie, 0x1050, 8);
    const found = rowsOf([eh, debug])!;
    expect(textOf(found)).toEqual([
      '1000 sp+8 ra=c-8',
      '1020 sp+16 ra=c-8',
      '1030 gap',
      '1050 sp+8 ra=c-8',
      '1058 gap',
      '1060 sp+16 ra=c-8',
      '1070 gap',
    ]);
    expect(found.statistics.entries).toBe(4);
  });

  it("is for leaves only in Go's code; that of C in the same file is for all", () => {
    const eh = new Frames();
    eh.fde(eh.cie(), 0x1020, 16);
    const debug = new Frames(true);
    debug.fde(debug.cie(), 0x1000, 0x10);
    const { elf, source } = fileOf([eh, debug]);
    const pclntab = { ...elf.sections[0]!, name: '.gopclntab' };
    const found = readUnwindRows({ ...elf, sections: [...elf.sections, pclntab] }, source)!;
    const saved = (row: number) => (found.rules[2 * found.rule[row]!]! >>> 8) & 0xff;
    expect(saved(0)).toBe(Saved.PROFILER_SAVED_RA | Saved.PROFILER_EXACT_ONLY);
    expect(textOf(found)[2]).toBe('1020 sp+8 ra=c-8');
    expect(saved(2)).toBe(Saved.PROFILER_SAVED_RA);
  });

  it('may have its common entries last', () => {
    const frames = new Frames(true);
    frames.fde(44, 0x1000, 16);
    while (frames.bytes.length < 44) frames.bytes.push(0);
    frames.cie();
    expect(textOf(rowsOf([frames]))).toEqual(['1000 sp+8 ra=c-8', '1010 gap']);
  });

  it('with segments or short addresses is left out', () => {
    const frames = new Frames(true);
    for (const sizes of [
      [8, 1],
      [4, 0],
    ]) {
      frames.fde(frames.cie({ version: 4, sizes }), 0x1000, 16);
    }
    expect(rowsOf([frames])).toBeUndefined();
  });
});

describe('a file', () => {
  it('without unwind information has none', () => {
    expect(rowsOf([])).toBeUndefined();
    expect(rowsOf([new Frames()])).toBeUndefined();
  });

  it('of another machine or a relocatable object has none', () => {
    const frames = new Frames();
    frames.fde(frames.cie(), 0x1000, 16);
    expect(rowsOf([frames], { machine: 'x86' })).toBeUndefined();
    expect(rowsOf([frames], { type: 1 })).toBeUndefined();
  });

  it('for arm64 may keep the return address in the link register', () => {
    const frames = new Frames();
    const cie = frames.cie({ codeAlign: 4, returnColumn: 30, instructions: [...defCfa(31, 0)] });
    frames.fde(cie, 0x1000, 64, advance(1), defCfaOffset(32), offset(29, 4), offset(30, 3), advance(1), defCfa(29, 32));
    frames.fde(cie, 0x1040, 16, [9, 30, 9]);
    const found = rowsOf([frames], { machine: 'arm64' })!;
    expect(textOf(found)).toEqual([
      '1000 sp+0',
      '1004 sp+32 fp=c-32 ra=c-24',
      '1008 fp+32 fp=c-32 ra=c-24',
      '1040 unsupported',
      '1050 gap',
    ]);
  });

  it('keeps the rules 0 and 1 for gaps and what has no rule', () => {
    const frames = new Frames();
    frames.fde(frames.cie({ instructions: entry }), 0x1000, 16);
    const { rules, rule, length } = rowsOf([frames])!;
    expect([...rules.subarray(0, 4)]).toEqual([0, 0, 1, 0]);
    expect(rules.length).toBe(6);
    expect([...rule.subarray(0, length)]).toEqual([2, 0]);
  });
});
