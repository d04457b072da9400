/**
 * Frames of `perf script`: `ip symbol+0xoffset (file)`. Names come out as stackcollapse-perf.pl of
 * https://github.com/brendangregg/FlameGraph writes them, its oddities too, so that stacks of both can be compared.
 */
import { FrameKind } from '../model/profile.ts';
import type { NewLocation } from './builder.ts';

const ADDRESS = /^\s*([0-9a-f]+)(?:\s+|$)/;
const OFFSET = /\+0x[\da-f]+$/;
const UNKNOWN = '[unknown]';
/** Files are `[kernel.kallsyms]`, a module in brackets or as its path, a BPF program. */
const KERNEL =
  /^\[(?!vdso|vsyscall|heap|stack|anon|unknown|uprobes)|^bpf_(?:prog|trampoline)|vmlinux(?:-[^/]*)?$|\.ko(?:\.[gx]z|\.zst)?$/;
const VDSO = /^(?:\[vdso|linux-vdso\.so)/;
const JIT = /^(?:\/tmp\/perf-\d+\.map$|\[anon|\/\/anon|\/memfd:|\/dev\/zero)|\/jitted-\d+-\d+\.so$/;
/** In the place of the file of a call that the compiler has inlined. */
const INLINED = 'inlined';
/** As Linux has it; patterns are slow with texts that are far longer. */
const MAX_PATH = 4096;
const DELETED = ' (deleted))';

export interface PerfFrame {
  readonly symbol: string;
  /** '' when perf was not asked for it. */
  readonly file: string;
}

/** undefined for what is no frame. */
export function parsePerfFrame(line: string): PerfFrame | undefined {
  const address = ADDRESS.exec(line);
  if (address === null) return undefined;
  const rest = line.slice(address[0].length);
  if (rest === '') return { symbol: `0x${address[1]}`, file: '' };
  const close = rest.lastIndexOf(')');
  if (close < 0 && rest.includes(' (')) return undefined; // cut off
  const open = close < 0 ? -1 : rest.lastIndexOf(' (', close - 1);
  // Nothing stands between two spaces when the symbol's name is empty.
  if (open < 0 && close > 0 && rest.startsWith('(')) return { symbol: ' ', file: rest.slice(1, close) };
  if (open <= 0) return { symbol: rest, file: '' };
  const symbol = rest.slice(0, open);
  if (!rest.startsWith(DELETED, open)) return { symbol, file: rest.slice(open + 2, close) };
  // The script takes `deleted` for the file, and the file and the offset for a part of the name.
  return { symbol, file: symbol.slice(symbol.lastIndexOf(' (') + 2) };
}

/**
 * The locations of a frame, outermost first: of a Java method with inlined ones, `outer->inner`, several. None for a
 * symbol that begins with a bracket.
 * @param isJava the name of the process begins with `java`
 */
export function perfLocations({ symbol, file }: PerfFrame, isJava: boolean): NewLocation[] {
  const name = symbol.replace(OFFSET, '');
  if (name.startsWith('(')) return [];
  const kind = kindOf(file, name);
  return name.split('->').map((part, i) => {
    const tidied = tidy(part === UNKNOWN ? unknownName(file) : part, isJava);
    if (i === 0) return { name: tidied, kind, module: file };
    return { name: tidied.includes('_[i]') ? tidied : `${tidied}_[i]`, kind: FrameKind.inlined, module: file };
  });
}

function kindOf(file: string, name: string): FrameKind {
  if (file.length > MAX_PATH) return FrameKind.native;
  if (file === INLINED) return FrameKind.inlined;
  if (KERNEL.test(file)) return FrameKind.kernel;
  if (VDSO.test(file)) return FrameKind.vdso;
  if (JIT.test(file)) return FrameKind.jit;
  return name.endsWith('@plt') ? FrameKind.plt : FrameKind.native;
}

function unknownName(file: string): string {
  return file === UNKNOWN || file === '' ? UNKNOWN : `[${file.slice(file.lastIndexOf('/') + 1)}]`;
}

/** Without parameters, which begin with the first bracket that is neither Go's receiver nor an anonymous namespace. */
function tidy(part: string, isJava: boolean): string {
  let name = part.replaceAll(';', ':');
  const receiver = name.indexOf('.(');
  const isGo = receiver >= 0 && name.lastIndexOf(').') >= receiver + 2;
  if (!isGo) name = name.replace(/\((?!anonymous namespace\)).*/s, '');
  name = name.replace(/["']/g, '');
  return isJava && name.startsWith('L') && name.includes('/') ? name.slice(1) : name;
}

export interface SourceLine {
  /** '' when perf does not know it. */
  readonly filename: string;
  readonly line: number;
}

const SOURCE_LINE = /^\s+(?:(\S.*):(\d{1,9})|\S.*\[[0-9a-f]+\])(?: \(inlined\)| \(discriminator \d+\))*$/;

/** The line that `-F +srcline` puts below a frame: `file.c:12`, or `libc.so.6[27b25]` for code without line numbers. */
export function parseSourceLine(line: string): SourceLine | undefined {
  const match = line.length > MAX_PATH ? null : SOURCE_LINE.exec(line);
  if (match === null) return undefined;
  const [, filename = '??', number] = match;
  return filename === '??' ? { filename: '', line: 0 } : { filename, line: Number(number) };
}
