/**
 * CPU profiles of V8, as the `Profiler` domain of the Chrome DevTools protocol describes them
 * (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile): a tree of nodes, and for each sample
 * its node and the microseconds since the sample before.
 */
import { FrameKind, type ValueType } from '../model/profile.ts';
import { type NewLocation, type ProfileBuilder, SAMPLES } from './builder.ts';
import { DecodeError } from './error.ts';
import { isObject, listOf, numberOf, objectOf, textOf } from './json.ts';

/** V8 samples a thread whether it runs or waits. */
/** V8 has CLOCK_MONOTONIC on Linux: the same for all processes. */
export const V8_CLOCK = 'v8';
export const V8_TYPES: readonly ValueType[] = [SAMPLES, { type: 'wall', unit: 'nanoseconds' }];
const ROOT = '(root)';
/** Not a function: what the thread did instead. */
const STATE = /^\((?:program|idle|garbage collector)\)$/;

interface Node {
  /** −1 for none. */
  parent: number;
  /** −1 for the root, which is no frame. */
  readonly location: number;
  /** −1 for the empty stack. */
  stack: number | undefined;
}

/** The profile of one thread, whose nodes and samples may come in pieces. */
export class V8Profile {
  readonly #builder: ProfileBuilder;
  readonly #nodes = new Map<number, Node>();
  readonly #samples: number[] = [];
  /** Microseconds, of V8's clock. */
  readonly #times: number[] = [];
  #now: number;
  /** Microseconds. */
  endTime = Number.NaN;

  /** @param startTime microseconds */
  constructor(builder: ProfileBuilder, startTime: number) {
    this.#builder = builder;
    this.#now = startTime;
  }

  /** Nodes that name their parent or their children. */
  addNodes(nodes: readonly unknown[]): void {
    for (const node of nodes) {
      if (!isObject(node)) throw new DecodeError('it holds a node that is none.');
      const location = locationOf(objectOf(node.callFrame));
      this.#nodes.set(numberOf(node.id, -1), {
        parent: numberOf(node.parent, -1),
        location: location === undefined ? -1 : this.#builder.location(location),
        stack: undefined,
      });
    }
    for (const node of nodes) {
      for (const child of listOf(objectOf(node).children)) {
        const known = this.#nodes.get(numberOf(child, -1));
        if (known !== undefined) known.parent = numberOf(objectOf(node).id, -1);
      }
    }
  }

  addSamples(samples: readonly unknown[], deltas: readonly unknown[]): void {
    for (const [i, id] of samples.entries()) {
      this.#now += numberOf(deltas[i]);
      this.#samples.push(numberOf(id, -1));
      this.#times.push(this.#now);
    }
  }

  /** Counts the samples; each lasts until the next one. */
  count(labels: number): void {
    const times = this.#times;
    const order = Uint32Array.from(times, (_, i) => i);
    // Samples of several threads of V8 can come out of order.
    if (times.some((time, i) => i > 0 && time < times[i - 1]!)) order.sort((a, b) => times[a]! - times[b]! || a - b);
    for (const [at, i] of order.entries()) {
      const next = at + 1 < order.length ? times[order[at + 1]!]! : Math.max(this.endTime || 0, times[i]!);
      const row = this.#builder.row(this.#stackOf(this.#samples[i]!), labels);
      this.#builder.add(row, 0, 1);
      this.#builder.add(row, 1, (next - times[i]!) * 1e3);
      this.#builder.timeline.add(row, times[i]! / 1e3);
    }
  }

  /** Counts the hits of nodes, of a profile without samples. */
  countHits(nodes: readonly unknown[], labels: number): void {
    for (const node of nodes.map(objectOf)) {
      const hits = numberOf(node.hitCount);
      if (hits <= 0) continue;
      this.#builder.add(this.#builder.row(this.#stackOf(numberOf(node.id, -1)), labels), 0, hits);
    }
  }

  get hasSamples(): boolean {
    return this.#samples.length > 0;
  }

  #stackOf(id: number): number {
    const path: Node[] = [];
    let node = this.#node(id);
    while (node.stack === undefined) {
      path.push(node);
      if (path.length > this.#nodes.size) throw new DecodeError('its nodes call each other in a circle.');
      if (node.parent < 0) break;
      node = this.#node(node.parent);
    }
    let stack = node.stack ?? -1;
    for (const inner of path.reverse()) {
      if (inner.location >= 0) stack = this.#builder.stacks.push(stack, inner.location);
      inner.stack = stack;
    }
    return stack;
  }

  #node(id: number): Node {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new DecodeError('it refers to a node that it does not hold.');
    return node;
  }
}

/** undefined for the root. Lines and columns count from 0 there. */
function locationOf(frame: Readonly<Record<string, unknown>>): NewLocation | undefined {
  const [name, url] = [textOf(frame.functionName), textOf(frame.url)];
  if (name === ROOT) return undefined;
  const known = { name: name || '(anonymous)', kind: kindOf(name, url) };
  return url === '' ? known : { ...known, filename: pathOf(url), line: numberOf(frame.lineNumber, -1) + 1 };
}

/** Whether V8 interpreted or compiled a function is not told. */
function kindOf(name: string, url: string): FrameKind {
  if (url.startsWith('wasm:')) return FrameKind.jit;
  return url === '' || STATE.test(name) ? FrameKind.native : FrameKind.interpreted;
}

function pathOf(url: string): string {
  if (!url.startsWith('file:///')) return url;
  try {
    return decodeURIComponent(url.slice('file://'.length));
  } catch {
    return url;
  }
}
