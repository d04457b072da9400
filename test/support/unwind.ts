/**
 * User stacks as recorders wrote them, and whether they begin where stacks begin. This does not ask the recorder: what it
 * calls complete is compared with where its outermost frames are.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../../src/package.ts';
import { type Pprof, readPprof } from './pprof.ts';

const programs = join(packageRoot, 'test/programs');

export interface Frame {
  /** '' for a frame without a name. */
  readonly name: string;
  /** Path of the file that its code is from, or what stands for one: `[vdso]`, '' when unknown. */
  readonly file: string;
  /** In the file's own addresses where it has any. */
  readonly address: number;
}

export interface UserStack {
  /** Outermost first; frames of the kernel are left out. */
  readonly frames: readonly Frame[];
  /** Samples on it. */
  readonly count: number;
  readonly pid: number;
  readonly comm: string;
}

/** The samples of a pprof that have user frames. */
export function stacksOf({ raw, samples }: Pprof): UserStack[] {
  const text = (index: number | bigint) => raw.stringTable.strings[Number(index)] ?? '';
  const files = new Map(raw.mapping.map(mapping => [Number(mapping.id), text(mapping.filename)]));
  const names = new Map(raw.function.map(f => [Number(f.id), text(f.name)]));
  const frames = new Map(
    raw.location.map(({ id, line, mappingId, address }) => {
      // Inlined calls come first; the last line is of the function that was called.
      const name = names.get(Number(line.at(-1)?.functionId ?? 0)) ?? '';
      return [Number(id), { name, file: files.get(Number(mappingId)) ?? '', address: Number(address) }];
    }),
  );
  return raw.sample
    .map((sample, i) => {
      const outermostFirst = sample.locationId.toReversed().map(id => frames.get(Number(id))!);
      const { labels, values } = samples[i]!;
      return {
        frames: outermostFirst.filter(frame => !frame.file.startsWith('[kernel')),
        count: values[0]!,
        pid: Number(labels.pid ?? 0),
        comm: String(labels.comm ?? ''),
      };
    })
    .filter(stack => stack.frames.length > 0);
}

/** The same from `perf script --no-inline -F comm,pid,tid,ip,sym,dso`. */
export function parsePerfScript(output: string): UserStack[] {
  return output
    .split('\n\n')
    .filter(block => block.trim() !== '')
    .map(block => {
      const [head = '', ...lines] = block.trim().split('\n');
      const [, comm = '', pid = '0'] = /^(.*?)\s+(\d+)\/\d+/.exec(head) ?? [];
      const frames = lines.flatMap(perfFrame).reverse();
      return { frames, count: 1, pid: Number(pid), comm };
    })
    .filter(stack => stack.frames.length > 0);
}

function perfFrame(line: string): Frame[] {
  const [, address = '', name = '', file = ''] = /^\s*([0-9a-f]+) (.*) \((.*)\)$/.exec(line) ?? [];
  // Kernel code; and what perf puts where its copy of the stack ends.
  if (address === '' || address.startsWith('ffff')) return [];
  return [
    { name: name === '[unknown]' ? '' : name, file: file === '[unknown]' ? '' : file, address: parseInt(address, 16) },
  ];
}

/** Where stacks begin: what starts programs and threads. Go's runtime has stacks of its own that begin in mcall and morestack. */
const ROOTS = new RegExp(
  [
    '_start|__libc_start_main(_impl|@.*)?|__libc_start_call_main|__GI___libc_start_main|_dl_start_user',
    '(__GI_)?_*clone3?|__clone_internal|start_thread',
    '(runtime\\.(goexit|mstart|mcall|morestack|rt0_go)|_rt0_amd64(_linux)?)(\\.abi0)?',
  ]
    .map(names => `^(${names})$`)
    .join('|'),
);

/** Bytes of `_start`, and of what follows it in the dynamic linker. */
const START_BYTES = 64;

export class Roots {
  /** Return addresses in files that may have no symbols for them, by base name. */
  readonly #addresses = new Map<string, Set<number>>();
  readonly #entries = new Map<string, number>();

  /** Compiles and runs roots.c in the folder. */
  constructor(folder: string) {
    const program = join(folder, 'roots');
    execFileSync('gcc', ['-O0', '-o', program, join(programs, 'unwind/roots.c'), '-lpthread', '-ldl']);
    for (const line of execFileSync(program, { encoding: 'utf8' }).trim().split('\n')) {
      const [file = '', offset = ''] = line.split(' ');
      const addresses = this.#addresses.get(basename(file)) ?? new Set();
      // Callers are shown at the call, or at the instruction behind it.
      addresses.add(parseInt(offset, 16)).add(parseInt(offset, 16) - 1);
      this.#addresses.set(basename(file), addresses);
    }
  }

  /** Whether a stack can begin with this frame. */
  has({ name, file, address }: Frame): boolean {
    if (name !== '') return ROOTS.test(name);
    if (this.#addresses.get(basename(file))?.has(address)) return true;
    const entry = this.#entry(file);
    return entry > 0 && address >= entry && address < entry + START_BYTES;
  }

  /** Where the program begins, as its ELF header says; 0 for what is no program. */
  #entry(file: string): number {
    let entry = this.#entries.get(file);
    if (entry === undefined) {
      entry = file.startsWith('/') ? entryOf(file) : 0;
      this.#entries.set(file, entry);
    }
    return entry;
  }
}

function entryOf(file: string): number {
  try {
    const header = readFileSync(file).subarray(0, 64);
    return header.readUInt32BE() === 0x7f454c46 ? Number(header.readBigUInt64LE(24)) : 0;
  } catch {
    return 0; // gone, or a name that is no path
  }
}

export interface Shares {
  /** Samples with user frames. */
  readonly samples: number;
  /** Share of them whose outermost frame is where stacks begin, and whose other frames are not. */
  readonly rooted: number;
  /** Mean number of user frames. */
  readonly depth: number;
}

/** A walk that meets a beginning and goes on has gone astray. */
export function isRooted({ frames }: UserStack, roots: Roots): boolean {
  // Go's switches of stacks are called in the middle of others, too.
  const astray = (frame: Frame) => frame.name !== '' && !frame.name.startsWith('runtime.') && roots.has(frame);
  return roots.has(frames[0]!) && !frames.slice(4).some(astray);
}

export function sum(stacks: readonly UserStack[], value: (stack: UserStack) => number = () => 1): number {
  return stacks.reduce((total, stack) => total + stack.count * value(stack), 0);
}

export function sharesOf(stacks: readonly UserStack[], roots: Roots): Shares {
  const samples = sum(stacks);
  return {
    samples,
    rooted: sum(stacks, stack => (isRooted(stack, roots) ? 1 : 0)) / samples,
    depth: sum(stacks, stack => stack.frames.length) / samples,
  };
}

/** What the recorder says of its user stacks in the pprof's comments: samples by how their walk ended. */
export function endsOf({ comments }: Pprof): Map<string, number> {
  const ends = comments.flatMap(comment => {
    const [, end = 'all', count] = /^user stacks(?: ([a-z ]+))?: (\d+)$/.exec(comment) ?? [];
    return count === undefined ? [] : [[end, Number(count)] as const];
  });
  return new Map(ends);
}

/** The recorder's own share of complete stacks; NaN when it does not say. */
export function completeShare(ends: ReadonlyMap<string, number>): number {
  return (ends.get('complete') ?? (ends.has('all') ? 0 : Number.NaN)) / (ends.get('all') ?? 1);
}

export function readStacks(path: string): { stacks: UserStack[]; ends: Map<string, number> } {
  const pprof = readPprof(path);
  return { stacks: stacksOf(pprof), ends: endsOf(pprof) };
}

export function onPath(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

/** Samples by the text, most first: `name count share`. For messages of what went wrong. */
export function tally(stacks: readonly UserStack[], textOf: (stack: UserStack) => string, most = 10): string[] {
  const counts = new Map<string, number>();
  for (const stack of stacks) counts.set(textOf(stack), (counts.get(textOf(stack)) ?? 0) + stack.count);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([text, count]) => `${count} ${text}`);
}

/** A frame for readers: its name, or file and address. */
export function frameText({ name, file, address }: Frame): string {
  return `${name || '?'} (${basename(file) || 'no file'}+0x${address.toString(16)})`;
}
