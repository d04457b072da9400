/** The shared tables of a processed profile of the Firefox Profiler. */
import { FlameKind } from '../../flamegraph/index.ts';
import { baseName, type Profile } from '../model/profile.ts';
import {
  type FrameStacks,
  type Frames,
  frameKind,
  frameName,
  frameStacks,
  framesOf,
  type Symbols,
  symbolsOf,
} from '../transform/frames.ts';
import type { Json } from './json-text.ts';

/** Categories in the order of FlameKind; a grey one there has to be. */
const CATEGORIES: Readonly<Record<keyof typeof FlameKind, readonly [name: string, color: string]>> = {
  native: ['Native', 'orange'],
  kernel: ['Kernel', 'red'],
  jit: ['Generated code', 'green'],
  inlined: ['Inlined', 'yellow'],
  interpreted: ['Interpreted', 'lightblue'],
  vdso: ['vdso', 'purple'],
  plt: ['PLT', 'brown'],
  unknown: ['Unknown', 'grey'],
  process: ['Process', 'darkgrey'],
};

export const categories = (Object.keys(FlameKind) as (keyof typeof FlameKind)[])
  .sort((a, b) => FlameKind[a] - FlameKind[b])
  .map(kind => ({ name: CATEGORIES[kind][0], color: CATEGORIES[kind][1], subcategories: ['Other'] }));

/** As PATH_MAX; the hash of a much longer text would be its length. */
const MAX_PATH = 4096;

/** Constant columns. */
function repeated<T extends number | boolean | null>(length: number, value: T): T[] {
  return Array<T>(length).fill(value);
}

/** Written strings: those of the profile that are used, and others. Looked up by index, never by what a target wrote. */
class Strings {
  readonly all: string[] = [];
  readonly #profile: readonly string[];
  readonly #index = new Map<number, number>();

  constructor({ strings }: Profile) {
    this.#profile = strings;
  }

  add(text: string): number {
    return this.all.push(text) - 1;
  }

  /** `index`: into the strings of the profile. */
  of(index: number): number {
    let written = this.#index.get(index);
    if (written === undefined) {
      written = this.add(this.#profile[index]!);
      this.#index.set(index, written);
    }
    return written;
  }
}

/**
 * Breakpad's id of a file: of the first 16 bytes of its build id the first three fields of a GUID in the other byte order,
 * and an age of 0.
 */
export function breakpadId(buildId: string): string {
  if (!/^[0-9a-f]{2,}$/.test(buildId)) return '';
  const bytes = Buffer.alloc(16);
  bytes.write(buildId, 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return `${bytes.toString('hex').toUpperCase()}0`;
}

/** One for each file; `of`: for each mapping its library. */
function libraries({ mappings }: Profile) {
  const index = new Map<string, number>();
  const libs: Json[] = [];
  const names: string[] = [];
  const of = mappings.map(({ filename, buildId }) => {
    const key = `${buildId} ${filename.slice(0, MAX_PATH)}`;
    const known = index.get(key);
    if (known !== undefined) return known;
    const name = baseName(filename) || '[unnamed]';
    index.set(key, names.push(name) - 1);
    libs.push({
      arch: '',
      name,
      path: filename,
      debugName: name,
      debugPath: filename,
      breakpadId: breakpadId(buildId),
      codeId: buildId || null,
    });
    return names.length - 1;
  });
  return { libs, names, of };
}

/** Columns of addresses may become an Int32Array in the viewer. */
const MAX_ADDRESS = 2 ** 31 - 1;

/** Offset in the file; −1 where there is none. */
function relativeAddress({ mappings, locations }: Profile, location: number): number {
  const mapping = mappings[locations.mapping[location]!];
  if (!mapping) return -1;
  const offset = locations.address[location]! - mapping.start + mapping.fileOffset;
  return offset >= 0 && offset <= MAX_ADDRESS ? offset : -1;
}

function frameTable(profile: Profile, frames: Frames, symbols: Symbols, libOf: readonly number[]): Json {
  const { length } = frames;
  const { locations, lines } = profile;
  const each = { length };
  const lineOf = (frame: number) => (frames.line[frame]! < 0 ? null : lines.line[frames.line[frame]!] || null);
  return {
    length,
    address: Float64Array.from(each, (_, i) => relativeAddress(profile, frames.location[i]!)),
    lib: Int32Array.from(each, (_, i) => libOf[locations.mapping[frames.location[i]!]!] ?? -1),
    inlineDepth: Uint32Array.from(each, (_, i) => i - frames.first[frames.location[i]!]!),
    category: Uint8Array.from(each, (_, i) => frameKind(profile, frames, i)),
    subcategory: new Uint8Array(length),
    func: symbols.of,
    nativeSymbol: repeated(length, null),
    innerWindowID: repeated(length, null),
    line: Array.from(each, (_, i) => lineOf(i)),
    column: repeated(length, null),
    originalLocation: repeated(length, null),
  };
}

function funcTable(profile: Profile, frames: Frames, symbols: Symbols, libOf: readonly number[], strings: Strings) {
  const { length } = symbols;
  const { functions, lines, locations } = profile;
  const functionOf = (frame: number) => (frames.line[frame]! < 0 ? -1 : lines.function[frames.line[frame]!]!);
  const files = Array.from(symbols.frame, frame => functions.filename[functionOf(frame)] ?? 0);
  const sources = [...new Set(files)].filter(file => file > 0);
  const sourceOf = new Map(sources.map((file, i) => [file, i]));
  const func = {
    length,
    name: Array.from(symbols.frame, frame => {
      const index = functionOf(frame);
      return index < 0 ? strings.add(frameName(profile, frames, frame)) : strings.of(functions.name[index]!);
    }),
    isJS: repeated(length, false),
    relevantForJS: repeated(length, false),
    resource: Array.from(symbols.frame, frame => libOf[locations.mapping[frames.location[frame]!]!] ?? -1),
    source: files.map(file => sourceOf.get(file) ?? null),
    lineNumber: repeated(length, null),
    columnNumber: repeated(length, null),
    originalLocation: repeated(length, null),
  };
  const source = {
    length: sources.length,
    id: repeated(sources.length, null),
    filename: sources.map(file => strings.of(file)),
    startLine: repeated(sources.length, 1),
    startColumn: repeated(sources.length, 1),
    sourceMapURL: repeated(sources.length, null),
    content: repeated(sources.length, null),
  };
  return { func, source };
}

/** What threads have in common, and the stacks that their samples refer to. */
export function sharedTables(profile: Profile): { shared: Json; libs: Json[]; stacks: FrameStacks } {
  const frames = framesOf(profile);
  const stacks = frameStacks(profile, frames);
  const symbols = symbolsOf(profile, frames);
  const strings = new Strings(profile);
  const { libs, names, of } = libraries(profile);
  const { func, source } = funcTable(profile, frames, symbols, of, strings);
  const shared = {
    stackTable: {
      length: stacks.length,
      frame: stacks.frame,
      /** Distance to the caller, 0 for none. */
      prefixOffset: stacks.prefix.map((prefix, i) => (prefix < 0 ? 0 : i - prefix)),
    },
    frameTable: frameTable(profile, frames, symbols, of),
    funcTable: func,
    resourceTable: {
      length: names.length,
      name: names.map(name => strings.add(name)),
      host: repeated(names.length, null),
      type: repeated(names.length, 1), // a library
    },
    nativeSymbols: { length: 0, libIndex: [], address: [], name: [], functionSize: [] },
    sources: source,
    sourceLocationTable: { length: 0, source: [], line: [], column: [] },
    stringArray: strings.all,
  };
  return { shared, libs, stacks };
}
