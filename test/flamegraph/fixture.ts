import { type FlameData, FlameKind } from '../../flamegraph/index.ts';

/** A frame of a test: a name, or a name with kind and detail. */
export type TestFrame = string | readonly [name: string, kind?: keyof typeof FlameKind, detail?: string];
/** Frames from the outermost caller to the leaf, and the value of the sample. */
export type TestSample = readonly [stack: readonly TestFrame[], value: number];

class Interner {
  readonly keys: string[] = [];
  readonly #ids = new Map<string, number>();

  id(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.#ids.set(key, this.keys.length);
    return this.keys.push(key) - 1;
  }
}

export function flameData(samples: readonly TestSample[]): FlameData {
  const names = new Interner();
  names.id('');
  const frames = new Interner();
  const stacks = new Interner();
  const leaves = samples.map(([stack]) =>
    stack.reduce<number>((prefix, frame) => {
      const [name, kind = 'native', detail = ''] = typeof frame === 'string' ? [frame] : frame;
      const id = frames.id(`${names.id(name)} ${FlameKind[kind]} ${names.id(detail)}`);
      return stacks.id(`${prefix} ${id}`);
    }, -1),
  );
  const column = (rows: Interner, field: number) => rows.keys.map(key => Number(key.split(' ')[field]));
  return {
    names: names.keys,
    frames: {
      length: frames.keys.length,
      name: Uint32Array.from(column(frames, 0)),
      kind: Uint8Array.from(column(frames, 1)),
      detail: Uint32Array.from(column(frames, 2)),
    },
    stacks: {
      length: stacks.keys.length,
      prefix: Int32Array.from(column(stacks, 0)),
      frame: Uint32Array.from(column(stacks, 1)),
    },
    samples: {
      length: samples.length,
      stack: Int32Array.from(leaves),
      value: Float64Array.from(samples, ([, value]) => value),
    },
  };
}

/** Collapsed text to data: `a;b;c 12` per line. */
export function collapsed(text: string): FlameData {
  const lines = text.trim().split('\n');
  return flameData(
    lines.map(line => {
      const space = line.trim().lastIndexOf(' ');
      const stack = line.trim().slice(0, space);
      return [stack === '-' ? [] : stack.split(';'), Number(line.trim().slice(space + 1))];
    }),
  );
}

/** Data without sharing between stacks: `stacks` stacks of `depth` frames each, out of `names`. Deterministic. */
export function manyStacks(stacks: number, depth: number, names: readonly string[]): FlameData {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const prefix = new Int32Array(stacks * depth);
  const frame = new Uint32Array(stacks * depth);
  const leaf = new Int32Array(stacks);
  const value = new Float64Array(stacks);
  for (let i = 0; i < stacks; i++) {
    for (let d = 0; d < depth; d++) {
      prefix[i * depth + d] = d === 0 ? -1 : i * depth + d - 1;
      // Few functions near the root, all of them near the leaves, some far more often than others.
      frame[i * depth + d] = Math.floor(random() ** 3 * Math.min(names.length, 2 + 2 ** d));
    }
    leaf[i] = i * depth + depth - 1;
    value[i] = 1 + Math.floor(random() ** 4 * 50);
  }
  return {
    names: ['', ...names],
    frames: {
      length: names.length,
      name: Uint32Array.from(names, (_, i) => i + 1),
      kind: Uint8Array.from(names, (_, i) => i % 5),
      detail: new Uint32Array(names.length),
    },
    stacks: { length: prefix.length, prefix, frame },
    samples: { length: stacks, stack: leaf, value },
  };
}
