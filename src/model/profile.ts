/**
 * The profile: everything a recording knows, as frozen columns. Integers index columns and every value lives once.
 * The shape follows pprof's `profile.proto` (mappings, functions, locations with lines, samples with one value per
 * sample type), with stacks as a prefix table and with what was lost kept beside what was found.
 */

/** How the code of a frame came to be. Drives colours and the `_[k]` suffixes of collapsed text. */
export const FrameKind = { native: 0, kernel: 1, jit: 2, inlined: 3, interpreted: 4, vdso: 5, plt: 6 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** Why a location has no name. `none` means that it has one. */
export const Miss = {
  none: 0,
  /** The address lies in no mapping of its process. */
  unmapped: 1,
  /** The file is gone, was replaced, is not readable or is no regular file. */
  unreadableFile: 2,
  /** The file was read and holds no symbols, or is damaged. */
  noSymbols: 3,
  /** The file has symbols and none covers the address. */
  unknownAddress: 4,
  /** Executable memory without a file: code that a runtime generated. */
  jit: 5,
  /** Kernel symbols are hidden (kptr_restrict, missing CAP_SYSLOG). */
  kernelHidden: 6,
  /** The process was gone before its mappings could be read, or they may not be read (CAP_SYS_PTRACE). */
  processGone: 7,
} as const;
export type Miss = (typeof Miss)[keyof typeof Miss];
/** Number of reasons: values of Miss are below this. */
export const MISSES = 8;

/** What a sample type or a period counts, in pprof's terms: `cpu`/`nanoseconds`, `samples`/`count`. */
export interface ValueType {
  readonly type: string;
  readonly unit: string;
}

/** A piece of an address space that is backed by one file (or by the kernel, the vdso, generated code). */
export interface ProfileMapping {
  /** First and last-plus-one address, in the address space of the locations (ELF virtual addresses for files). */
  readonly start: number;
  readonly limit: number;
  /** Offset of `start` in the file, in bytes. */
  readonly fileOffset: number;
  readonly filename: string;
  /** Lower-case hex, or '' when unknown. */
  readonly buildId: string;
  readonly hasFunctions: boolean;
  readonly hasFilenames: boolean;
  readonly hasLineNumbers: boolean;
  readonly hasInlineFrames: boolean;
}

/** Strings by index; `strings[0]` is ''. */
export interface FunctionColumns {
  readonly length: number;
  /** Index into strings: the readable (demangled) name. */
  readonly name: Uint32Array;
  /** Index into strings: the linker's name. */
  readonly systemName: Uint32Array;
  /** Index into strings: source file, 0 when unknown. */
  readonly filename: Uint32Array;
}

export interface LocationColumns {
  readonly length: number;
  /** Index into mappings, −1 for none. */
  readonly mapping: Int32Array;
  /** Address as a signed double: kernel addresses are negative. */
  readonly address: Float64Array;
  /** {@link FrameKind} of the outermost line. */
  readonly kind: Uint8Array;
  /** {@link Miss}. */
  readonly miss: Uint8Array;
  /** `length + 1` entries: the lines of location i are firstLine[i] … firstLine[i+1]−1, innermost inlined call first. */
  readonly firstLine: Uint32Array;
}

export interface LineColumns {
  readonly length: number;
  readonly function: Uint32Array;
  /** Source line, 0 when unknown. */
  readonly line: Uint32Array;
}

/** Stacks as a prefix table: a stack is a leaf location and the stack of its callers. Callers precede callees. */
export interface StackColumns {
  readonly length: number;
  /** Stack of the caller, −1 at the outermost frame. */
  readonly prefix: Int32Array;
  readonly location: Uint32Array;
}

export interface SampleColumns {
  readonly length: number;
  /** Index into stacks, −1 for a sample without a single frame. */
  readonly stack: Int32Array;
  /** Index into labelSets. */
  readonly labels: Uint32Array;
  /** One column for each sample type. */
  readonly values: readonly Float64Array[];
}

/** A sample's label: a string (`comm`) or a number (`pid`). */
export interface Label {
  readonly key: string;
  readonly value: string | number;
}

/** When the samples were taken: one entry for each time that a row of the samples was hit, in order of time. */
export interface TimelineColumns {
  readonly length: number;
  /** Index into samples. */
  readonly sample: Uint32Array;
  /** Milliseconds since the start of the profile. */
  readonly time: Float64Array;
}

/** A clock of the machine's own: it counts from where it likes, and goes on while the machine runs. */
export interface MachineClock {
  /** Profiles with clocks of the same name, of one machine, can be put next to each other. */
  readonly name: string;
  /** Milliseconds: what it showed at the start of the profile. */
  readonly startMs: number;
}

export interface Profile {
  readonly strings: readonly string[];
  readonly mappings: readonly ProfileMapping[];
  readonly functions: FunctionColumns;
  readonly locations: LocationColumns;
  readonly lines: LineColumns;
  readonly stacks: StackColumns;
  readonly samples: SampleColumns;
  /** Where it is known. */
  readonly timeline?: TimelineColumns | undefined;
  readonly labelSets: readonly (readonly Label[])[];
  readonly sampleTypes: readonly ValueType[];
  readonly periodType: ValueType;
  /** Distance between two samples, in units of periodType. */
  readonly period: number;
  /** Wall-clock start, milliseconds since the epoch; 0 when it is not known. */
  readonly startTimeMs: number;
  /** For profiles that tell the start by such a clock only. */
  readonly clock?: MachineClock | undefined;
  readonly durationMs: number;
  /** Everything that did not make it into the samples, or not in full: counts by cause, causes in plain words. */
  readonly losses: Readonly<Record<string, number>>;
  /** How user stacks were found: counts of samples and of frames, in plain words. Empty when it is not known. */
  readonly unwinding: Readonly<Record<string, number>>;
  /** Free text about the recording: tool and version, command, event. */
  readonly comments: readonly string[];
}

/** The last part of a path; '' stays ''. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A signed double as the 64-bit address that it stands for. */
export function hexAddress(address: number): string {
  return address < 0 ? (BigInt(address) & 0xffffffffffffffffn).toString(16) : address.toString(16);
}

/** The text that stands for a location without a name: `[unknown: libfoo.so+0x1234]`. */
export function unknownName(profile: Profile, location: number): string {
  const address = `0x${hexAddress(profile.locations.address[location]!)}`;
  const mapping = profile.mappings[profile.locations.mapping[location]!];
  switch (profile.locations.miss[location]) {
    case Miss.kernelHidden:
      return '[unknown: kernel]';
    case Miss.jit:
      return '[unknown: jit]';
    case Miss.processGone:
      return '[unknown: no mappings]';
    case Miss.unmapped:
      return '[unknown: unmapped]';
    default:
      return mapping ? `[unknown: ${baseName(mapping.filename)}+${address}]` : `[unknown: ${address}]`;
  }
}
