/** What a flame graph is made from: names, frames, stacks and samples as columns. Nothing here knows about profilers. */

/** What a frame is: how its code came to be, or a process or thread at root level. Drives its colour. */
export const FlameKind = {
  native: 0,
  kernel: 1,
  jit: 2,
  inlined: 3,
  interpreted: 4,
  vdso: 5,
  plt: 6,
  unknown: 7,
  process: 8,
} as const;
export type FlameKind = (typeof FlameKind)[keyof typeof FlameKind];

/** Number of kinds: kinds are 0 … KINDS−1. */
export const KINDS = 9;

/** Frames as columns; a frame is a name with a kind. */
export interface FlameFrames {
  readonly length: number;
  /** Index into names. */
  readonly name: Uint32Array;
  /** {@link FlameKind}; a number that is not listed there counts as unknown. */
  readonly kind: Uint8Array;
  /** Index into names: module or `file:line`, for the frame's title. 0 = none. */
  readonly detail: Uint32Array;
  /** Index into names: executable, library, script or package that the code is part of. 0 = none; missing = `detail`. */
  readonly module?: Uint32Array | undefined;
}

/** Stacks as a prefix table: a stack is its leaf frame and the stack of its callers. Callers precede callees. */
export interface FlameStacks {
  readonly length: number;
  /** Stack of the caller, always a smaller index; −1 at the outermost frame. */
  readonly prefix: Int32Array;
  /** Index into frames. */
  readonly frame: Uint32Array;
}

export interface FlameSamples {
  readonly length: number;
  /** Index into stacks, −1 for a sample without a single frame. */
  readonly stack: Int32Array;
  /** Finite and not negative, in any unit. */
  readonly value: Float64Array;
  /** For a difference: what the sample has in the other profile, the base; `value` is then that of the head. */
  readonly base?: Float64Array | undefined;
}

export interface FlameData {
  /** Any text at all: whoever is profiled chooses it. `names[0]` is ''. */
  readonly names: readonly string[];
  readonly frames: FlameFrames;
  readonly stacks: FlameStacks;
  readonly samples: FlameSamples;
}

/** The kind of a frame, with unlisted numbers read as unknown. */
export function kindOf(data: FlameData, frame: number): FlameKind {
  const kind = data.frames.kind[frame]!;
  return (kind < KINDS ? kind : FlameKind.unknown) as FlameKind;
}

/** The name of a frame's module, '' for none. */
export function moduleOf(data: FlameData, frame: number): string {
  return data.names[(data.frames.module ?? data.frames.detail)[frame]!]!;
}
