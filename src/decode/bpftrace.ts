/**
 * What bpftrace prints of a map with stacks in its key (https://github.com/bpftrace/bpftrace/blob/master/man/adoc/bpftrace.adoc):
 * `@[kstack, ustack, comm]: 12`, where a stack is a line for each frame, from the innermost on. Also its modes `perf`
 * and `raw`. The output does not tell what the parts of a key are: a text is taken for the name of the thread, and the
 * stack that was entered as kernels are for the kernel's.
 */
import { growInt32 } from '../model/columns.ts';
import { FrameKind, type Label, type Profile } from '../model/profile.ts';
import { ProfileBuilder, SAMPLES } from './builder.ts';
import { ByteCache } from './byte-cache.ts';
import { DecodeError } from './error.ts';
import type { Chunks } from './input.ts';
import { parsePerfFrame } from './perf-frame.ts';
import { headText, type Reader } from './reader.ts';
import { type Block, NEWLINE, SPACE, separators, TAB, textBlocks } from './text.ts';

const NEWLINES = separators(NEWLINE);
const HEAD = /^@\w*\[/;
const COUNT = /^-?\d{1,15}$/;
const OFFSET = /\+\d+$/;
/** The outermost frames of a kernel's stack on x86-64 and arm64: system calls, interrupts, threads, idle processors. */
const KERNEL_ENTRY =
  /^(?:entry_|do_syscall|asm_|exc_|sysvec_|el[01]|__(?:x64|arm64|ia32)_sys|ret_from_fork|kthread|secondary_startup|start_secondary|common_startup|cpu_startup|0xffff)/;
const MAX_FRAMES = 2 ** 20;
const MAX_STACKS = 8;

class BpftraceReader {
  readonly #builder = new ProfileBuilder(1);
  readonly #frames = new ByteCache((text, start, end) => this.#frame(text.string(start, end).trimEnd()));
  /** Locations whose name is one of a kernel's entries; and each location that was found in a kernel's stack as such. */
  readonly #kernelEntries = new Set<number>();
  readonly #kernel = new Map<number, number>();
  readonly #names: string[] = [];
  /** Locations of the stacks of a key, one behind the other, and where each stack begins. */
  #locations = new Int32Array(256);
  #depth = 0;
  #begins: number[] = [];
  #texts: string[] = [];
  /** The map whose entry is being read. */
  #map = '';
  #isOpen = false;
  /** The map that is counted: the first with stacks. */
  #counted: string | undefined;
  #count = 0;
  #others = 0;
  #uncounted = 0;

  read({ text, start, end }: Block): void {
    for (let at = start; at < end; ) {
      const newline = text.scan(at, end, NEWLINES);
      const first = text.bytes[at];
      if (this.#isOpen && (first === SPACE || first === TAB)) this.#push(this.#frames.of(text, at, newline));
      else if (newline > at) this.#other(text.string(at, newline).trimEnd());
      at = newline + 1;
    }
  }

  #other(line: string): void {
    const head = HEAD.exec(line);
    if (head === null) {
      if (this.#isOpen) this.#parts(line, line.indexOf(',') + 1); // before it the stack above ends
      return;
    }
    this.#map = head[0].slice(0, -1);
    this.#depth = 0;
    this.#begins = [];
    this.#texts = [];
    this.#isOpen = true;
    this.#parts(line, head[0].length);
  }

  /** What is no frame: texts of the key, beginnings of stacks, the end of the key and the value. */
  #parts(line: string, start: number): void {
    const close = line.lastIndexOf(']:');
    if (close !== 0) this.#keys(line.slice(start, close < 0 ? line.length : close));
    if (close >= 0) this.#end(line.slice(close + 2).trim());
  }

  #keys(text: string): void {
    for (const part of text.split(',').map(part => part.trim())) {
      if (part !== '') this.#texts.push(part);
      else if (this.#begins.length < MAX_STACKS) this.#begins.push(this.#depth);
    }
  }

  #push(location: number): void {
    if (this.#depth === this.#locations.length) {
      if (this.#depth >= MAX_FRAMES) throw new DecodeError(`it holds a stack of more than ${MAX_FRAMES} frames.`);
      this.#locations = growInt32(this.#locations);
    }
    this.#locations[this.#depth++] = location;
  }

  /** `symbol+offset`, in mode `perf` behind the address, in mode `raw` the address alone. */
  #frame(line: string): number {
    const { symbol, file } = (line.startsWith('\t') ? parsePerfFrame(line) : undefined) ?? {
      symbol: line.trim(),
      file: '',
    };
    const name = symbol.replace(OFFSET, '');
    const location = this.#builder.location({ name, kind: FrameKind.native, module: file });
    if (KERNEL_ENTRY.test(name)) this.#kernelEntries.add(location);
    this.#names[location] = name;
    return location;
  }

  #end(value: string): void {
    this.#isOpen = false;
    if (this.#counted === undefined && this.#begins.length > 0) this.#counted = this.#map;
    if (this.#map !== this.#counted) this.#others++;
    else if (!COUNT.test(value)) this.#uncounted++;
    else {
      this.#builder.add(this.#builder.row(this.#stack(), this.#labels()), 0, Number(value));
      this.#count++;
    }
  }

  /** The stacks as one: the first is called from the next, and the kernel's is called from any other. */
  #stack(): number {
    const ranges = this.#begins.map((begin, i) => ({ begin, end: this.#begins[i + 1] ?? this.#depth }));
    const isKernel = ({ begin, end }: { begin: number; end: number }) => {
      return end > begin && this.#kernelEntries.has(this.#locations[end - 1]!);
    };
    const ordered = [...ranges.filter(isKernel), ...ranges.filter(range => !isKernel(range))];
    let stack = -1;
    for (const range of ordered.reverse()) {
      const inKernel = isKernel(range);
      for (let i = range.end - 1; i >= range.begin; i--) {
        const location = this.#locations[i]!;
        stack = this.#builder.stacks.push(stack, inKernel ? this.#asKernel(location) : location);
      }
    }
    return stack;
  }

  #asKernel(location: number): number {
    let same = this.#kernel.get(location);
    if (same === undefined) {
      same = this.#builder.location({ name: this.#names[location]!, kind: FrameKind.kernel });
      this.#kernel.set(location, same);
    }
    return same;
  }

  #labels(): number {
    let hasComm = false;
    return this.#builder.labels(
      this.#texts.map((text, i): Label => {
        if (COUNT.test(text)) return { key: `key ${i + 1}`, value: Number(text) };
        const key = hasComm ? `key ${i + 1}` : 'comm';
        hasComm = true;
        return { key, value: text };
      }),
    );
  }

  done(): Profile {
    if (this.#count === 0) throw new DecodeError('it holds no map with stacks in its key and a count as its value.');
    const losses = {
      'entries of other maps': this.#others,
      'entries without a count': this.#uncounted,
      'entries cut off at the end of the input': Number(this.#isOpen),
    };
    return this.#builder.build({
      sampleTypes: [SAMPLES],
      periodType: SAMPLES,
      period: 1,
      losses: Object.fromEntries(Object.entries(losses).filter(([, count]) => count > 0)),
    });
  }
}

function detect(head: Uint8Array): boolean {
  return /^@\w*\[/m.test(headText(head));
}

async function read(chunks: Chunks): Promise<Profile> {
  const reader = new BpftraceReader();
  for await (const block of textBlocks(chunks)) reader.read(block);
  return reader.done();
}

export const bpftrace: Reader = {
  name: 'bpftrace',
  description: 'maps of bpftrace with stacks in their keys',
  detect,
  read,
};
