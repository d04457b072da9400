import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FrameKind, Miss } from '../../src/model/profile.ts';
import { readKallsyms } from '../../src/symbolize/kallsyms.ts';
import { type KernelFiles, runningKernel } from '../../src/symbolize/kernel-files.ts';
import type { SourceTable } from '../../src/symbolize/source.ts';

const kallsyms = `\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _stext
ffffffff81000000 T _text
ffffffff81000000 T first_function
ffffffff81000100 t local_function
ffffffff81000100 W weak_alias
ffffffff81000200 D some_data
ffffffff81000280 T __underscored
ffffffff81000280 T plain
ffffffff81000280 T later
ffffffff81000300 t last_function
ffffffff81000400 R rodata_start
ffffffff81002000 T _etext
ffffffff81003000 R __start_rodata
ffffffff83000000 T _sinittext
ffffffff83000000 T start_kernel
ffffffff83000800 T _einittext
ffffffffc0301000 t ext4_open\t[ext4]
ffffffffc0300000 t ext4_read\t[ext4]
ffffffffc0302000 d ext4_data\t[ext4]
ffffffffc0400000 T nf_hook\t[nf_tables]
ffffffffc0500000 t unbounded\t[zram]
ffffffffc0201000 t ftrace_trampoline\t[__builtin__ftrace]
ffffffffc0600000 t bpf_prog_6deef7357e7b4530_sd_devices\t[bpf]
ffffffffc0600200 t bpf_prog_1111111111111111\t[bpf]
ffffffffc0900000 t bpf_prog_2222222222222222_last\t[bpf]
`;
const modules = `\
ext4 16384 1 - Live 0xffffffffc0300000
nf_tables 8192 0 - Live 0xffffffffc0400000
`;

function files(symbols: string | undefined, mods: string | undefined = undefined, piece = 1 << 20): KernelFiles {
  return function* (path) {
    const text = path === '/proc/kallsyms' ? symbols : mods;
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    const bytes = Buffer.from(text);
    // One buffer for all pieces, as a reader would have it.
    const shared = Buffer.alloc(piece);
    for (let at = 0; at < bytes.length; at += piece) {
      const length = bytes.copy(shared, 0, at, Math.min(bytes.length, at + piece));
      yield shared.subarray(0, length);
    }
  };
}

/** A kernel address by its low 32 bits, as a signed double. */
function kernel(low: number): number {
  return low - 2 ** 32;
}

function namesAt(source: KernelFiles, ...low: number[]): (string | undefined)[] {
  const table = readKallsyms(source);
  if (typeof table === 'number') throw new Error(`miss ${table}`);
  return low.map(address => {
    const symbol = table.find(kernel(address));
    return symbol < 0 ? undefined : withModule(table, symbol);
  });
}

/** As the file has it: `func [module]`. */
function withModule(table: SourceTable, symbol: number): string {
  const module = table.moduleOf?.(symbol) ?? '';
  return table.nameOf(symbol) + (module === '' ? '' : ` [${module}]`);
}

describe('kernel symbols', () => {
  it('are the text symbols, the best name of each address', () => {
    const names = namesAt(files(kallsyms), 0x81000000, 0x810000ff, 0x81000100, 0x81000250, 0x81000280, 0x81000300);
    expect(names).toEqual(['first_function', 'first_function', 'weak_alias', 'weak_alias', 'plain', 'last_function']);
    const table = readKallsyms(files(kallsyms));
    expect(typeof table === 'object' && table.kindOf(0)).toBe(FrameKind.kernel);
  });

  it('end with the text of the kernel', () => {
    const names = namesAt(files(kallsyms), 0x80ffffff, 0x81001fff, 0x81002000, 0x82000000, 0x83000010, 0x83000800);
    expect(names).toEqual([undefined, 'last_function', undefined, undefined, 'start_kernel', undefined]);
  });

  it('of modules and programs keep their origin', () => {
    const names = namesAt(files(kallsyms), 0xc0300000, 0xc0301000, 0xc0201004, 0xc0600000, 0xc0600200);
    expect(names).toEqual([
      'ext4_read [ext4]',
      'ext4_open [ext4]',
      'ftrace_trampoline [__builtin__ftrace]',
      'bpf_prog_6deef7357e7b4530_sd_devices [bpf]',
      'bpf_prog_1111111111111111 [bpf]',
    ]);
  });

  it('of modules end with their module', () => {
    const names = namesAt(files(kallsyms, modules), 0xc0303fff, 0xc0304000, 0xc0401fff, 0xc0402000);
    expect(names).toEqual(['ext4_open [ext4]', undefined, 'nf_hook [nf_tables]', undefined]);
  });

  it('end a page after the last one where nothing says more', () => {
    const at = [0xc0301fff, 0xc0302000, 0xc0500fff, 0xc0501000, 0xc0900fff, 0xc0901000, 0xc0201fff, 0xc0202000];
    expect(namesAt(files(kallsyms), ...at)).toEqual([
      'ext4_open [ext4]',
      undefined,
      'unbounded [zram]',
      undefined,
      'bpf_prog_2222222222222222_last [bpf]',
      undefined,
      'ftrace_trampoline [__builtin__ftrace]',
      undefined,
    ]);
  });

  it('of programs that lie far apart do not reach from one to the next', () => {
    const names = namesAt(files(kallsyms), 0xc06ff000, 0xc0700200);
    expect(names).toEqual(['bpf_prog_1111111111111111 [bpf]', undefined]);
  });

  it.each([1, 2, 7, 64, 1000])('do not depend on pieces (of %i bytes)', piece => {
    const low = [0x81000000, 0x81000100, 0x81000280, 0xc0301000, 0xc0900000, 0xc0401fff, 0xc0402000];
    expect(namesAt(files(kallsyms, modules, piece), ...low)).toEqual(namesAt(files(kallsyms, modules), ...low));
  });

  it('of arm64 addresses are exact', () => {
    const table = readKallsyms(files('ffff800080010000 T a\nffff800080010010 t b\nffff800080020000 T _etext'));
    if (typeof table === 'number') throw new Error('a miss');
    const base = -(2 ** 47) + 0x80010000;
    expect([base - 1, base, base + 15, base + 16, base + 0xffff, base + 0x10000].map(a => table.find(a))).toEqual([
      -1, 0, 0, 1, 1, -1,
    ]);
  });
});

describe('the running kernel', () => {
  const table = readKallsyms(runningKernel);

  it.skipIf(typeof table === 'number')('(needs CAP_SYSLOG) has its functions where its file says', () => {
    if (typeof table === 'number') return;
    const lines = readFileSync('/proc/kallsyms', 'latin1').split('\n');
    const end = lines.find(line => line.endsWith(' _etext'))!.slice(0, 16);
    const names = new Map<string, string[]>();
    for (const line of lines) {
      const match = /^([0-9a-f]{16}) [tTwW] (.*)$/.exec(line);
      if (match === null || match[1]! >= end) continue;
      names.set(match[1]!, [...(names.get(match[1]!) ?? []), match[2]!.replace('\t', ' ')]);
    }
    expect(names.size).toBeGreaterThan(10_000);
    let wrong = 0;
    for (const [address, candidates] of names) {
      const symbol = table.find(Number(BigInt.asIntN(64, BigInt(`0x${address}`))));
      if (symbol < 0 || !candidates.includes(withModule(table, symbol))) wrong++;
    }
    expect(wrong).toBe(0);
  });
});

describe('hidden kernel symbols', () => {
  it.each([
    ['all addresses are zero', kallsyms.replace(/^[0-9a-f]{16}/gm, '0'.repeat(16))],
    ['some addresses are zero', kallsyms.replace(/^ffffffffc0[0-9a-f]{6}/gm, '0'.repeat(16))],
    ['one address is zero', kallsyms.replace('ffffffff81000300', '0'.repeat(16))],
    ['the file is empty', ''],
    ['the file holds no symbols', 'nonsense\n\n\0\0\0\nffffffff81000000'],
    ['the file cannot be read', undefined],
  ])('are a miss when %s', (_, text) => {
    expect(readKallsyms(files(text, modules))).toBe(Miss.kernelHidden);
  });

  it('of modules alone leave the bounds unknown', () => {
    const hidden = modules.replace(/0x[0-9a-f]+/g, '0x0000000000000000');
    expect(namesAt(files(kallsyms, hidden), 0xc0301fff, 0xc0302000)).toEqual(['ext4_open [ext4]', undefined]);
  });
});

describe('damaged text', () => {
  it('is skipped line by line', () => {
    const text = `${'x'.repeat(5_000_000)}\n${'f'.repeat(5_000_000)} T far\nffffffff81000000 T a\ngg T b\nffffffff81000010 T\n`;
    expect(namesAt(files(`${text}ffffffff81000020 T c`, undefined, 4096), 0x81000000, 0x81000010, 0x81000020)).toEqual([
      'a',
      'a',
      'c',
    ]);
  });
});
