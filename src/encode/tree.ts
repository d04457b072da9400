/** Who calls whom, as indented text: each function with the share of the samples that come by it, and that end in it. */
import type { Profile } from '../model/profile.ts';
import { type CallTree, callTree } from '../transform/call-tree.ts';
import { frameStacks, framesOf, symbolsOf } from '../transform/frames.ts';
import type { EncodeOptions, Format } from './format.ts';
import { joined } from './json-text.ts';
import { heading, percent, place } from './text-table.ts';

/** Smaller callees are told together, where they would stand, unless that were 0.0%. */
const LEAST_SHARE = 0.005;
const LEAST_TOLD = 0.0005;
const MAX_DEPTH = 64;
const MAX_CALLEES = 20;

/** Callees of each node, the largest first, as linked lists; the last is the list of nodes without a caller. */
function callees({ length, caller, total }: CallTree): { readonly first: Int32Array; readonly next: Int32Array } {
  const first = new Int32Array(length + 1).fill(-1);
  const next = new Int32Array(length).fill(-1);
  const order = Uint32Array.from({ length }, (_, node) => node).sort(
    (a, b) => Math.abs(total[a]!) - Math.abs(total[b]!) || b - a,
  );
  for (const node of order) {
    const from = caller[node]! < 0 ? length : caller[node]!;
    next[node] = first[from]!;
    first[from] = node;
  }
  return { first, next };
}

class TreePrinter {
  readonly #profile: Profile;
  readonly #frames;
  readonly #symbols;
  readonly #tree: CallTree;
  readonly #callees;

  constructor(profile: Profile) {
    this.#profile = profile;
    this.#frames = framesOf(profile);
    this.#symbols = symbolsOf(profile, this.#frames);
    const stacks = frameStacks(profile, this.#frames);
    this.#tree = callTree(profile, stacks, this.#symbols, profile.samples.values.at(-1)!);
    this.#callees = callees(this.#tree);
  }

  get total(): number {
    return this.#tree.grandTotal;
  }

  #line(node: number, depth: number): string {
    const { self, total, symbol, grandTotal } = this.#tree;
    const name = place(this.#profile, this.#frames, this.#symbols.frame[symbol[node]!]!);
    return `${percent(total[node]!, grandTotal)} ${percent(self[node]!, grandTotal)}  ${'  '.repeat(depth)}${name}\n`;
  }

  /** The node and those after it. */
  #leftOut(node: number, depth: number): string {
    const { total, grandTotal } = this.#tree;
    let [count, sum] = [0, 0];
    for (let at = node; at >= 0; at = this.#callees.next[at]!) {
      count++;
      sum += total[at]!;
    }
    if (Math.abs(sum) < LEAST_TOLD * Math.abs(grandTotal)) return '';
    return `${percent(sum, grandTotal)}          ${'  '.repeat(depth)}… ${count} more\n`;
  }

  /** `from`: a node, or the number of nodes for those without a caller. */
  *below(from: number, depth = 0): Iterable<string> {
    const { total, grandTotal } = this.#tree;
    let shown = 0;
    for (let node = this.#callees.first[from]!; node >= 0; node = this.#callees.next[node]!) {
      const small = Math.abs(total[node]!) < LEAST_SHARE * Math.abs(grandTotal) || total[node] === 0;
      if (small || shown++ === MAX_CALLEES || depth === MAX_DEPTH) {
        yield this.#leftOut(node, depth);
        return;
      }
      yield this.#line(node, depth);
      yield* this.below(node, depth + 1);
    }
  }

  all(): Iterable<string> {
    return this.below(this.#tree.length);
  }
}

function* lines(profile: Profile, { title }: EncodeOptions): Iterable<string> {
  const tree = new TreePrinter(profile);
  yield* heading(profile, title, tree.total);
  yield '\n  total    self\n';
  yield* tree.all();
}

export const tree: Format = {
  name: 'tree',
  description: 'call tree as indented text, with percentages',
  extensions: ['.tree'],
  encode: (profile, options) => joined(lines(profile, options)),
};
