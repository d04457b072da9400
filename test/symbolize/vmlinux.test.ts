import { afterAll, describe, expect, it } from 'vitest';
import { Miss } from '../../src/model/profile.ts';
import { kernelSymbols } from '../../src/symbolize/kallsyms.ts';
import type { KernelFiles } from '../../src/symbolize/kernel-files.ts';
import { type CodeMapping, symbolize } from '../../src/symbolize/symbolizer.ts';
import { vmlinuxLines } from '../../src/symbolize/vmlinux.ts';
import { load, nameAt, section, Workshop } from '../elf/toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

/** As KASLR moves a kernel. */
const moved = 0x1a000000;
const kernel: () => CodeMapping = () => ({
  kind: 'kernel',
  filename: '[kernel.kallsyms]',
  elf: undefined,
  bytes: undefined,
  miss: Miss.none,
});

function build(): { readonly path: string; readonly address: number; readonly files: KernelFiles } {
  const high = ['-nostdlib', '-static', '-no-pie', '-mcmodel=kernel', '-Wl,-Ttext=0xffffffff81000000'];
  const path = workshop.compile('gcc', 'kernel.c', 'vmlinux', '-O2', '-g', '-fno-pie', ...high);
  const file = load(path);
  const { start, end } = section(file, '.text');
  let address = start;
  while (nameAt(file, address) !== 'vfs_read') address++;
  const hex = (at: number) => BigInt.asUintN(64, BigInt(at + moved)).toString(16);
  const text = `${hex(start)} T _stext\n${hex(address)} T vfs_read\n${hex(end)} T _etext\n`;
  const files: KernelFiles = path => {
    if (path !== '/proc/kallsyms') throw Object.assign(new Error(path), { code: 'ENOENT' });
    return [Buffer.from(text)];
  };
  return { path, address: address + moved, files };
}

function linesAt(address: number, sources: Parameters<typeof symbolize>[2]): string {
  const columns = { length: 1, mapping: Int32Array.of(0), address: Float64Array.of(address), miss: Uint8Array.of(0) };
  const { strings, functions, lines } = symbolize(columns, [kernel()], sources);
  const text = Array.from(lines.function, (index, i) => {
    const file = strings[functions.filename[index]!]!.replace(/.*\//, '');
    return `${strings[functions.name[index]!]!} ${file}:${lines.line[i]}`;
  });
  return text.join(' < ');
}

describe.skipIf(process.arch !== 'x64')('a vmlinux with DWARF (x86-64)', () => {
  it('gives the lines and inlined calls of a kernel that was moved', () => {
    const { path, address, files } = build();
    const { elf, bytes } = load(path);
    const sources = [vmlinuxLines(files, () => ({ elf, bytes })), kernelSymbols(files)];
    expect(linesAt(address + 3, { sources })).toBe('inner kernel.c:4 < middle kernel.c:8 < vfs_read kernel.c:12');
    expect(linesAt(address + 3, { sources, inlines: false, lines: false })).toBe('vfs_read :0');
    expect(linesAt(address - moved, { sources })).toBe('');
  });

  it('that is missing, or no ELF file with text, leaves the names', () => {
    const { path, address, files } = build();
    const { elf, bytes } = load(path);
    for (const vmlinux of [undefined, { elf: { ...elf, sections: [] }, bytes }]) {
      const sources = [vmlinuxLines(files, () => vmlinux), kernelSymbols(files)];
      expect(linesAt(address + 3, { sources })).toBe('vfs_read :0');
    }
  });
});
