/** Functions by what they take, as text: the table of `pprof -top`, https://github.com/google/pprof/blob/main/doc/README.md */
import type { Profile } from '../model/profile.ts';
import { type CallTree, callTree } from '../transform/call-tree.ts';
import { frameStacks, framesOf, symbolsOf } from '../transform/frames.ts';
import type { EncodeOptions, Format, TopSort } from './format.ts';
import { joined } from './json-text.ts';
import { heading, percent, place, value } from './text-table.ts';

/** More is no reading for anybody; the rest is told. */
const MAX_ROWS = 500;

/** By symbol: values of the samples that end in it (flat), and of those that come by it (cum). */
interface Totals {
  readonly flat: Float64Array;
  readonly cum: Float64Array;
}

/** Calls `visit` for every node, callers before callees, and `leave` when all below it are done. */
function walk({ length, caller }: CallTree, visit: (node: number) => void, leave: (node: number) => void): void {
  const [child, sibling] = [new Int32Array(length).fill(-1), new Int32Array(length).fill(-1)];
  let root = -1;
  for (let node = length - 1; node >= 0; node--) {
    const from = caller[node]!;
    sibling[node] = from < 0 ? root : child[from]!;
    if (from < 0) root = node;
    else child[from] = node;
  }
  for (let node = root; node >= 0; ) {
    visit(node);
    if (child[node]! >= 0) {
      node = child[node]!;
      continue;
    }
    for (; node >= 0 && sibling[node]! < 0; node = caller[node]!) leave(node);
    if (node < 0) break;
    leave(node);
    node = sibling[node]!;
  }
}

/** A function that calls itself counts once for each sample. */
function totals(tree: CallTree, symbols: number): Totals {
  const [flat, cum] = [new Float64Array(symbols), new Float64Array(symbols)];
  const open = new Uint32Array(symbols);
  const enter = (node: number) => {
    const symbol = tree.symbol[node]!;
    flat[symbol]! += tree.self[node]!;
    if (open[symbol]!++ === 0) cum[symbol]! += tree.total[node]!;
  };
  walk(tree, enter, node => {
    open[tree.symbol[node]!]!--;
  });
  return { flat, cum };
}

/** Symbols with a value, the largest first; equal ones as they stand in the profile. */
function ranking({ flat, cum }: Totals, sort: TopSort): Uint32Array {
  const [by, then] = sort === 'flat' ? [flat, cum] : [cum, flat];
  const rank = (a: number, b: number) =>
    Math.abs(by[b]!) - Math.abs(by[a]!) || Math.abs(then[b]!) - Math.abs(then[a]!) || a - b;
  return Uint32Array.from(flat.keys())
    .filter(symbol => flat[symbol] !== 0 || cum[symbol] !== 0)
    .sort(rank);
}

function* lines(profile: Profile, { title, topSort = 'flat' }: EncodeOptions): Iterable<string> {
  const frames = framesOf(profile);
  const symbols = symbolsOf(profile, frames);
  const tree = callTree(profile, frameStacks(profile, frames), symbols, profile.samples.values.at(-1)!);
  const { flat, cum } = totals(tree, symbols.length);
  const all = ranking({ flat, cum }, topSort);
  const { unit } = profile.sampleTypes.at(-1)!;
  const total = tree.grandTotal;
  yield* heading(profile, title, total);
  yield '\n      flat   flat%    sum%         cum    cum%\n';
  let sum = 0;
  const cell = (amount: number) => value(amount, unit).padStart(10);
  for (const symbol of all.subarray(0, MAX_ROWS)) {
    sum += flat[symbol]!;
    const own = `${cell(flat[symbol]!)} ${percent(flat[symbol]!, total)} ${percent(sum, total)}`;
    const name = place(profile, frames, symbols.frame[symbol]!);
    yield `${own}  ${cell(cum[symbol]!)} ${percent(cum[symbol]!, total)}  ${name}\n`;
  }
  const more = all.length - MAX_ROWS;
  if (more > 0) yield `and ${more} more, flat ${value(total - sum, unit)}\n`;
}

export const top: Format = {
  name: 'top',
  description: 'table of functions as text: flat and cumulative',
  extensions: ['.top'],
  encode: (profile, options) => joined(lines(profile, options)),
};
