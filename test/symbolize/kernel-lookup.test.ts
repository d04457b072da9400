import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type KernelNames, openKernelNames } from '../../src/capture/addon.ts';
import { FrameKind, Miss } from '../../src/model/profile.ts';
import { readKallsyms } from '../../src/symbolize/kallsyms.ts';
import { type KernelFiles, runningKernel } from '../../src/symbolize/kernel-files.ts';
import { kernelLookup } from '../../src/symbolize/kernel-lookup.ts';
import type { CodeMapping, SourceTable } from '../../src/symbolize/source.ts';
import { random } from '../support/random.ts';

const kernel: CodeMapping = { kind: 'kernel', filename: '', elf: undefined, bytes: undefined, miss: Miss.none };
const shown: KernelFiles = () => [Buffer.from('ffffffff81000000 T _stext\n')];

function open(files: KernelFiles, names: (() => KernelNames | undefined) | undefined): SourceTable | undefined {
  const table = kernelLookup(files, names ?? (() => undefined)).open(kernel);
  return typeof table === 'object' ? table : undefined;
}

describe('names from the kernel', () => {
  it('are its answers, with a module for what is not its own', () => {
    const answers = new Map([
      [-0x10000, 'vfs_read+0x10/0x3a0'],
      [-0x10001, 'vfs_read+0xf/0x3a0'],
      [-0x8000, 'ext4_file_read_iter+0x2a/0x60 [ext4]'],
      [-0x4000, 'bpf_prog_6deef7357e7b4530_sd_devices+0x4/0x60'],
      [-0x2000, '0xffffffffffffffe2'],
      [-0x1000, ''],
    ]);
    const table = open(shown, () => ({ at: address => answers.get(address) ?? 'other+0x0/0x1' }))!;
    const found = [...answers.keys()].map(address => table.find(address));
    expect(found).toEqual([0, 0, 1, 2, -1, -1]);
    expect([0, 1, 2].map(symbol => `${table.nameOf(symbol)} ${table.moduleOf?.(symbol)}`)).toEqual([
      'vfs_read ',
      'ext4_file_read_iter ext4',
      'bpf_prog_6deef7357e7b4530_sd_devices bpf',
    ]);
    expect(table.kindOf(0)).toBe(FrameKind.kernel);
  });

  it('are not asked for where it hides its addresses, or does not answer', () => {
    const names = () => ({ at: () => 'secret+0x0/0x1' });
    expect(open(() => [Buffer.from('0000000000000000 T _stext\n')], names)).toBeUndefined();
    expect(open(() => [], names)).toBeUndefined();
    const missing: KernelFiles = path => {
      throw Object.assign(new Error(path), { code: 'ENOENT' });
    };
    expect(open(missing, names)).toBeUndefined();
    expect(open(shown, () => undefined)).toBeUndefined();
  });

  const table = open(runningKernel, openKernelNames);
  const kallsyms = readKallsyms(runningKernel);

  it.skipIf(table === undefined)('(needs CAP_BPF, CAP_PERFMON, CAP_SYSLOG) are those of /proc/kallsyms', () => {
    if (table === undefined || typeof kallsyms === 'number') return;
    const lines = readFileSync('/proc/kallsyms', 'latin1').match(/^\w{16} [tTwW] [^\t\n]+$/gm)!;
    const end = lines.findIndex(line => line.endsWith(' _etext'));
    const aliases = new Map<string, string[]>();
    for (const line of lines)
      aliases.set(line.slice(0, 16), [...(aliases.get(line.slice(0, 16)) ?? []), line.slice(19)]);
    const number = random(1);
    let same = 0;
    for (let i = 0; i < 3000; i++) {
      const line = lines[number(end)]!;
      const address = Number(BigInt.asIntN(64, BigInt(`0x${line.slice(0, 16)}`)));
      const name = table.nameOf(table.find(address));
      expect(aliases.get(line.slice(0, 16))).toContain(name);
      if (name === kallsyms.nameOf(kallsyms.find(address))) same++;
    }
    // Of several symbols at one address the kernel takes the first one.
    expect(same).toBeGreaterThan(2950);
  });
});
