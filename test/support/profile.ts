/** Profiles from lines of text, for the code that reads profiles. */

import { FrameKind, type Label, Miss, type Profile, type ProfileMapping } from '../../src/model/profile.ts';

export const KERNEL = '[kernel.kallsyms]';
const APP = '/usr/bin/app';
const JIT = '[anon]';

class Interner<T> {
  readonly values: T[] = [];
  readonly #index = new Map<string, number>();

  of(key: string, make: (index: number) => T): number {
    const known = this.#index.get(key);
    if (known !== undefined) return known;
    this.#index.set(key, this.values.length);
    return this.values.push(make(this.values.length)) - 1;
  }
}

interface Line {
  readonly function: number;
  readonly line: number;
}

interface Location {
  readonly mapping: number;
  readonly address: number;
  readonly kind: FrameKind;
  readonly miss: Miss;
  /** Innermost first. */
  readonly lines: readonly Line[];
}

class Builder {
  readonly strings = new Interner<string>();
  readonly functions = new Interner<{ name: number; systemName: number }>();
  readonly mappings = new Interner<ProfileMapping>();
  readonly locations = new Interner<Location>();
  readonly stacks = new Interner<{ prefix: number; location: number }>();
  readonly labelSets = new Interner<readonly Label[]>();
  readonly #rename: Readonly<Record<string, string>>;

  constructor(rename: Readonly<Record<string, string>>) {
    this.#rename = rename;
    this.#string('');
  }

  #string(text: string): number {
    return this.strings.of(text, () => text);
  }

  #line(name: string): Line {
    const readable = this.#rename[name] ?? name;
    const names = { name: this.#string(readable), systemName: this.#string(`_Z${readable}`) };
    return { function: this.functions.of(name, () => names), line: 0 };
  }

  #mapping(filename: string): number {
    return this.mappings.of(filename, index => ({
      start: filename === KERNEL ? -(2 ** 47) : 0x1000 * index,
      limit: filename === KERNEL ? 0 : 0x100000 + 0x1000 * index,
      fileOffset: filename === KERNEL ? 0 : 0x1000 * index,
      filename,
      buildId: filename.startsWith('/') ? `${index}${index}`.repeat(20) : '',
      hasFunctions: filename !== JIT,
      hasFilenames: false,
      hasLineNumbers: false,
      hasInlineFrames: false,
    }));
  }

  /** `frames`: a frame and the calls that are inlined into it. */
  #location(frames: readonly string[]): number {
    const [, unnamed, name = '', suffix = '', file] = /^(\?)?(.*?)(?:_\[([kj])\])?(?: \[(.*)\])?$/s.exec(frames[0]!)!;
    const kernel = suffix === 'k';
    const filename = file ?? (kernel ? KERNEL : suffix === 'j' ? JIT : APP);
    const homeless = ['unmapped', 'processGone'].includes(name);
    return this.locations.of(`${filename} ${frames.join(';')}`, index => ({
      mapping: homeless ? -1 : this.#mapping(filename),
      address: homeless ? 0 : kernel ? -0x7f000000 + 0x10 * index : 0x1000 + 0x10 * index,
      kind: kernel ? FrameKind.kernel : suffix === 'j' ? FrameKind.jit : FrameKind.native,
      miss: unnamed ? Miss[name as keyof typeof Miss] : Miss.none,
      lines: unnamed ? [] : [name, ...frames.slice(1)].map(text => this.#line(text)).reverse(),
    }));
  }

  /** Frames from the outermost on. */
  stack(frames: readonly string[]): number {
    const locations: string[][] = [];
    for (const frame of frames) {
      if (frame.endsWith('_[i]')) locations.at(-1)!.push(frame.slice(0, -4));
      else locations.push([frame]);
    }
    return locations.reduce((prefix, location) => {
      const stack = { prefix, location: this.#location(location) };
      return this.stacks.of(`${stack.prefix} ${stack.location}`, () => stack);
    }, -1);
  }

  labels(thread: string): number {
    const [, comm = '', pid, tid, cpu] = /^(.*?)(?: (\d+))?(?:\/(\d+))?(?:@(\d+))?$/.exec(thread)!;
    const labels: Label[] = [{ key: 'comm', value: this.#rename[comm] ?? comm }];
    if (pid) labels.push({ key: 'pid', value: Number(pid) });
    if (tid) labels.push({ key: 'tid', value: Number(tid) });
    if (cpu) labels.push({ key: 'cpu', value: cpu });
    return this.labelSets.of(thread, () => labels);
  }
}

export type ProfileOptions = Partial<Omit<Profile, 'strings' | 'mappings'>> & {
  /** Names that cannot be written in a line, by those that stand there for them. */
  readonly rename?: Readonly<Record<string, string>>;
};

/**
 * One sample a line: `comm PID/TID@CPU;outermost;…;leaf SAMPLES NANOSECONDS`; all after `comm`, and the nanoseconds, may
 * be left out. Frames are in /usr/bin/app, or `name [file]`; `name_[k]`, `name_[j]` in the kernel or in generated code;
 * `name_[i]` inlined into the frame before; `?noSymbols [file]` without a name for that reason of Miss.
 */
export function profile(text: string, { rename = {}, ...more }: ProfileOptions = {}): Profile {
  const builder = new Builder(rename);
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const samples = lines.map(line => {
    const [, stack = '', count, weight] = /^\s*(.*?) (\d+)(?: (\d+))?\s*$/.exec(line)!;
    const [thread = '', ...frames] = stack.split(';');
    const values = [Number(count), Number(weight ?? Number(count) * 10_000_000)] as const;
    return { stack: builder.stack(frames), labels: builder.labels(thread), values };
  });
  const { strings, functions, mappings, locations, stacks, labelSets } = builder;
  const lineTable = locations.values.flatMap(location => location.lines);
  const firstLine = [0];
  for (const { lines } of locations.values) firstLine.push(firstLine.at(-1)! + lines.length);
  return {
    strings: strings.values,
    mappings: mappings.values,
    functions: {
      length: functions.values.length,
      name: Uint32Array.from(functions.values, f => f.name),
      systemName: Uint32Array.from(functions.values, f => f.systemName),
      filename: new Uint32Array(functions.values.length),
    },
    locations: {
      length: locations.values.length,
      mapping: Int32Array.from(locations.values, l => l.mapping),
      address: Float64Array.from(locations.values, l => l.address),
      kind: Uint8Array.from(locations.values, l => l.kind),
      miss: Uint8Array.from(locations.values, l => l.miss),
      firstLine: Uint32Array.from(firstLine),
    },
    lines: {
      length: lineTable.length,
      function: Uint32Array.from(lineTable, l => l.function),
      line: Uint32Array.from(lineTable, l => l.line),
    },
    stacks: {
      length: stacks.values.length,
      prefix: Int32Array.from(stacks.values, s => s.prefix),
      location: Uint32Array.from(stacks.values, s => s.location),
    },
    samples: {
      length: samples.length,
      stack: Int32Array.from(samples, s => s.stack),
      labels: Uint32Array.from(samples, s => s.labels),
      values: [0, 1].map(v => Float64Array.from(samples, s => s.values[v]!)),
    },
    labelSets: labelSets.values,
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10_000_000,
    startTimeMs: 1_700_000_000_123,
    durationMs: 2500.25,
    losses: {},
    unwinding: {},
    comments: ['profiler 0.1.0', 'app --fast', 'cpu-clock at 100 Hz'],
    ...more,
  };
}

/** A bit of everything. */
export const everything = `
  app 10/10@0;main;run;work 3
  app 10/10@0;main;run;helper_[i];deep_[i] 2
  app 10/11@1;start [/lib/libc.so.6];main;sys_read_[k];vfs_read_[k] 4 40000001
  app 10/11@1;main;generated_[j] 1
  web 20/20@1;?noSymbols [/opt/web];?unmapped;?jit_[j] 5
  web 20/20@1;?kernelHidden_[k] 6
  web 20/21@2;main;run;work 7
  idle 0/0@3 8
`;
