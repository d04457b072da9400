/** What is computed from the embedded profile, each part again only when what it depends on has changed. */

import { formatValue } from '../format.ts';
import type { PageSettings } from '../html-data.ts';
import type { ViewerData } from '../html-unpack.ts';
import { type SearchResult, search } from '../search.ts';
import {
  type Costs,
  costs,
  reversedTree,
  type Shape,
  sandwich,
  timeTree,
  type Weights,
  weigh,
  wholeTree,
} from './build.ts';
import type { Scope } from './describe.ts';
import { type Functions, functionsOf } from './functions.ts';
import { type State, token } from './state.ts';
import type { Comparison, Tree } from './tree.ts';

/** Remembers the last value that was made. */
function memo<T>(): (key: string, makeValue: () => T) => T {
  let last: { readonly key: string; readonly value: T } | undefined;
  return (key, makeValue) => {
    if (last?.key !== key) last = { key, value: makeValue() };
    return last.value;
  };
}

export class Profile {
  readonly data: ViewerData;
  readonly settings: PageSettings;
  readonly #functions = memo<Functions>();
  readonly #weights = memo<Weights>();
  readonly #tree = memo<Tree>();
  readonly #costs = memo<Costs>();
  readonly #sandwich = memo<ReturnType<typeof sandwich> | undefined>();
  readonly #search = memo<SearchResult>();

  constructor(data: ViewerData, settings: PageSettings) {
    this.data = data;
    this.settings = settings;
  }

  initialState(): State {
    const { inverted, color, safe, side, normalize } = this.settings;
    return {
      view: 'flame',
      zoom: [],
      focus: '',
      search: '',
      type: this.data.values.length - 1,
      thread: -1,
      range: undefined,
      order: 'name',
      reverse: false,
      recursion: false,
      packages: false,
      inverted,
      colors: color,
      safe,
      side,
      normalize,
      change: 'total',
    };
  }

  /** What the words about a frame depend on. */
  scope(state: State): Scope {
    const { totalHead, totalBase } = this.weights(state);
    const { unit } = this.settings.types[state.type]!;
    const compares = this.compares(state);
    const sum = formatValue(totalHead, unit) + (compares ? `, base ${formatValue(totalBase, unit)}` : '');
    const functions = this.functions(state);
    return { functions, unit, totalHead, totalBase, compares, normalize: state.normalize, sum, root: `all (${sum})` };
  }

  compares(state: State): boolean {
    return this.data.values[state.type]!.base !== undefined;
  }

  functions(state: State): Functions {
    return this.#functions(String(state.packages), () => functionsOf(this.data, state.packages));
  }

  #selected(state: State): string {
    return [state.type, state.thread, state.range].join();
  }

  #shaped(state: State): string {
    return [this.#selected(state), state.order, state.recursion, state.packages, state.side, state.normalize].join();
  }

  weights(state: State): Weights {
    return this.#weights(this.#selected(state), () => weigh(this.data, state));
  }

  #shape(state: State): Shape {
    return { functions: this.functions(state), order: state.order, collapseRecursion: state.recursion };
  }

  #comparison(state: State): Comparison {
    if (!this.compares(state)) return { side: 'head', scale: 1 };
    const { totalHead, totalBase } = this.weights(state);
    const scales = state.normalize && totalHead > 0 && totalBase > 0;
    return { side: state.side, scale: scales ? totalHead / totalBase : 1 };
  }

  tree(state: State): Tree {
    return this.#tree(`${this.#shaped(state)},${state.reverse}`, () => {
      const shape = this.#shape(state);
      const comparison = this.#comparison(state);
      if (state.order === 'time') return timeTree(this.data, state, shape, comparison);
      const build = state.reverse ? reversedTree : wholeTree;
      return build(this.data, this.weights(state), shape, comparison);
    });
  }

  costs(state: State): Costs {
    const upright = { ...state, order: 'name', reverse: false } as const;
    return this.#costs(this.#shaped(upright), () => {
      const shown = state.order !== 'time' && !state.reverse;
      const shape = this.#shape(upright);
      const tree = shown ? this.tree(state) : wholeTree(this.data, this.weights(state), shape, this.#comparison(state));
      return costs(tree, this.functions(state).length);
    });
  }

  /** Index of the function in the focus, −1 for none. */
  focused(state: State): number {
    if (state.focus === '') return -1;
    const { names, kinds } = this.functions(state);
    return names.findIndex((name, i) => token(name, kinds[i]!) === state.focus);
  }

  sandwich(state: State): ReturnType<typeof sandwich> | undefined {
    const upright = { ...state, order: state.order === 'time' ? 'name' : state.order } as const;
    return this.#sandwich(`${this.#shaped(upright)},${state.focus}`, () => {
      const wanted = this.focused(state);
      const shape = this.#shape(upright);
      return wanted < 0 ? undefined : sandwich(this.data, this.weights(state), shape, this.#comparison(state), wanted);
    });
  }

  /** By function what the search finds; undefined without one. */
  search(state: State): SearchResult | undefined {
    if (state.search === '') return undefined;
    return this.#search(`${state.packages},${state.search}`, () => search(this.functions(state).names, state.search));
  }

  /** The node that a path of tokens leads to, or as far as it leads. */
  find(tree: Tree, path: readonly string[], functions: Functions): number {
    let node = 0;
    for (const wanted of path) {
      let found = -1;
      for (let child = node + 1; child < tree.end[node]! && found < 0; child = tree.end[child]!) {
        const key = tree.key[child]!;
        if (token(functions.names[key]!, functions.kinds[key]!) === wanted) found = child;
      }
      if (found < 0) break;
      node = found;
    }
    return node;
  }

  /** The way to a node, as {@link find} reads it. */
  path(tree: Tree, node: number, functions: Functions): string[] {
    const path: string[] = [];
    for (; node > 0; node = tree.parent[node]!) {
      const key = tree.key[node]!;
      path.push(token(functions.names[key]!, functions.kinds[key]!));
    }
    return path.reverse();
  }
}
