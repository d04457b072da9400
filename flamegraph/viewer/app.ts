/** The page as a whole: its state, and every part of it as a function of that state. */

import { formatPercent } from '../format.ts';
import { paletteOf, type Theme } from '../palette.ts';
import { bounded } from '../text.ts';
import { lookOf, type Scheme, schemeOf } from './colors.ts';
import { Controls } from './controls.ts';
import { describe, nameOf, type Scope } from './describe.ts';
import { byId, make, show } from './dom.ts';
import { Graph } from './graph.ts';
import { Heatmap } from './heatmap.ts';
import { matched } from './matched.ts';
import { openMenu, prepareMenu } from './menu.ts';
import type { Look } from './paint.ts';
import type { Profile } from './profile.ts';
import { fromHash, type State, toHash, token } from './state.ts';
import { FunctionTable } from './table.ts';
import { Tabs } from './tabs.ts';
import { showTooltip } from './tooltip.ts';
import type { Tree } from './tree.ts';

export class App {
  readonly #profile: Profile;
  readonly #initial: State;
  readonly #controls: Controls;
  readonly #tabs: Tabs;
  readonly #table: FunctionTable;
  readonly #heatmap: Heatmap | undefined;
  readonly #flame: Graph;
  readonly #callers: Graph;
  readonly #callees: Graph;
  readonly #trees = new Map<Graph, Tree>();
  #state: State;
  #theme: Theme;
  #scheme: Scheme = { fills: [], legend: [], heading: '' };

  constructor(profile: Profile) {
    const { settings, data } = profile;
    this.#profile = profile;
    this.#initial = profile.initialState();
    this.#state = this.#initial;
    const dark = matchMedia('(prefers-color-scheme: dark)');
    this.#theme = settings.theme === 'auto' ? (dark.matches ? 'dark' : 'light') : settings.theme;
    this.#controls = new Controls(profile, {
      change: (change, push) => this.#go(change, push),
      theme: () => this.#setTheme(this.#theme === 'dark' ? 'light' : 'dark'),
      next: () => this.#nextMatch(),
    });
    if (settings.theme === 'auto')
      dark.addEventListener('change', () => this.#setTheme(dark.matches ? 'dark' : 'light'));
    this.#tabs = new Tabs(profile, thread => this.#go({ thread }, true));
    this.#table = new FunctionTable(key => this.#open(key));
    this.#flame = this.#graph('flame', 'Flame graph', node => this.#zoom(node));
    this.#callers = this.#graph('callers', 'Callers', node => this.#zoomIn(this.#callers, node));
    this.#callees = this.#graph('callees', 'Callees', node => this.#zoomIn(this.#callees, node));
    const timed = data.timeline.length > 0;
    show(byId('time'), timed);
    if (timed) {
      this.#heatmap = new Heatmap(
        byId('heatmap'),
        text => this.#say(text),
        range => this.#go({ range }, true),
      );
    }
  }

  start(): void {
    prepareMenu();
    const load = () => {
      const { values, threads } = this.#profile.data;
      this.#state = fromHash(location.hash, this.#initial, values.length, threads.names.length);
      this.#render();
    };
    addEventListener('popstate', load);
    document.documentElement.dataset.theme = this.#theme;
    load();
  }

  #say(text: string): void {
    byId('status').textContent = text;
    byId('live').textContent = text;
  }

  #setTheme(theme: Theme): void {
    this.#theme = theme;
    document.documentElement.dataset.theme = theme;
    this.#render();
  }

  /** @param push whether the back button undoes it */
  #go(change: Partial<State>, push: boolean): void {
    this.#state = { ...this.#state, ...change };
    const hash = `#${toHash(this.#state, this.#initial)}`;
    if (hash !== location.hash && (push || location.hash !== '' || hash !== '#')) {
      if (push) history.pushState(null, '', hash);
      else history.replaceState(null, '', hash);
    }
    this.#render();
  }

  #scope(): Scope {
    return this.#profile.scope(this.#state);
  }

  #graph(id: string, name: string, zoom: (node: number) => void): Graph {
    const inWords = (node: number) => {
      const [tree, scope] = [this.#trees.get(graph)!, this.#scope()];
      return [nameOf(tree, node, scope), ...describe(tree, node, scope)].join('; ');
    };
    const graph: Graph = new Graph(byId(id), name, {
      zoom,
      hover: (node, x, y) => {
        const tree = this.#trees.get(graph);
        if (!tree || node < 0) {
          showTooltip(undefined, [], 0, 0);
          return;
        }
        const scope = this.#scope();
        showTooltip(nameOf(tree, node, scope), describe(tree, node, scope), x, y);
      },
      menu: (node, x, y) => this.#menu(graph, node, x, y),
      open: node => this.#openNode(graph, node),
      describe: node => {
        const text = inWords(node);
        byId('status').textContent = text;
        return text;
      },
    });
    return graph;
  }

  #openNode(graph: Graph, node: number): void {
    const key = this.#trees.get(graph)?.key[node] ?? -1;
    if (key >= 0) this.#open(key);
  }

  /** Shows callers and callees of a function. */
  #open(key: number): void {
    const { names, kinds } = this.#profile.functions(this.#state);
    showTooltip(undefined, [], 0, 0);
    this.#go({ view: 'functions', focus: token(names[key]!, kinds[key]!) }, true);
  }

  #menu(graph: Graph, node: number, x: number, y: number): void {
    const key = this.#trees.get(graph)!.key[node]!;
    const name = key < 0 ? '' : this.#profile.functions(this.#state).names[key]!;
    showTooltip(undefined, [], 0, 0);
    const zoom = () => (graph === this.#flame ? this.#zoom(node) : this.#zoomIn(graph, node));
    const ofFunction = [
      ['Callers and callees', () => this.#open(key)],
      ['Search for this function', () => this.#go({ search: name.slice(0, 1000) }, false)],
      ['Copy name', () => this.#copy(name)],
    ] as const;
    openMenu([['Zoom to this frame', zoom], ...(key < 0 ? [] : ofFunction)], x, y);
  }

  #copy(text: string): void {
    const refused = () => this.#say('The browser does not let this page copy.');
    if (navigator.clipboard) navigator.clipboard.writeText(text).catch(refused);
    else refused();
  }

  #zoom(node: number): void {
    const tree = this.#profile.tree(this.#state);
    this.#go({ zoom: this.#profile.path(tree, node, this.#profile.functions(this.#state)) }, true);
  }

  #zoomIn(graph: Graph, node: number): void {
    const tree = this.#trees.get(graph)!;
    graph.set(tree, node, graph === this.#callees, this.#look(tree));
  }

  /** By function what was found; undefined when nothing is searched for, or in vain. */
  #matches(): Uint8Array | undefined {
    const result = this.#profile.search(this.#state);
    return result && result.problem === '' ? result.matches : undefined;
  }

  #look(tree: Tree): Look {
    const { colors, change, safe, normalize } = this.#state;
    const scope = this.#scope();
    const [head, base] = change === 'self' ? [tree.self, tree.baseSelf] : [tree.total, tree.baseTotal];
    const most = Math.max(scope.totalHead, scope.totalBase) || 1;
    const [perHead, perBase] = normalize
      ? [1 / (scope.totalHead || 1), 1 / (scope.totalBase || 1)]
      : [1 / most, 1 / most];
    const changes = scope.compares && colors === 'change';
    return lookOf(tree, {
      functions: scope.functions,
      fills: this.#scheme.fills,
      palette: paletteOf(this.#theme, safe),
      dark: this.#theme === 'dark',
      matches: this.#matches(),
      change: changes ? node => head[node]! * perHead - base[node]! * perBase : undefined,
      root: scope.root,
    });
  }

  #render(): void {
    const state = this.#state;
    const scope = this.#scope();
    const { self } = this.#profile.costs(state);
    const palette = paletteOf(this.#theme, state.safe);
    this.#scheme = schemeOf(state.colors, scope.functions, palette, self);
    this.#controls.show(state, this.#theme);
    this.#controls.legend(this.#scheme);
    this.#tabs.show(state);
    const { type, unit } = this.#profile.settings.types[state.type]!;
    const sum = unit === 'count' ? `${scope.sum} ${type}` : scope.sum;
    byId('sum').textContent = scope.totalHead + scope.totalBase > 0 ? sum : 'no samples';
    this.#heatmap?.count(this.#profile.data, state.thread);
    this.#heatmap?.show(state.range, this.#theme);
    show(byId('flame-view'), state.view === 'flame');
    show(byId('functions-view'), state.view === 'functions');
    if (state.view === 'flame') this.#renderFlame(scope);
    else this.#renderFunctions(scope);
  }

  #show(graph: Graph, tree: Tree, zoom: number, inverted: boolean): void {
    this.#trees.set(graph, tree);
    graph.set(tree, zoom, inverted, this.#look(tree));
  }

  #renderFlame(scope: Scope): void {
    const state = this.#state;
    const tree = this.#profile.tree(state);
    const zoom = this.#profile.find(tree, state.zoom, scope.functions);
    this.#show(this.#flame, tree, zoom, state.inverted);
    this.#renderCrumbs(tree, zoom, scope);
    const matches = this.#matches();
    let found = this.#profile.search(state)?.problem ?? '';
    if (matches) {
      const { value, frames } = matched(tree, matches, zoom);
      const whole = zoom > 0 ? ' of the zoom' : '';
      found = `${formatPercent(value, tree.width[zoom]!)}${whole} in ${frames} ${frames === 1 ? 'frame' : 'frames'}`;
    }
    byId('matched').textContent = found;
  }

  #renderCrumbs(tree: Tree, zoom: number, scope: Scope): void {
    const buttons: HTMLElement[] = [];
    for (let node = zoom; node >= 0; node = tree.parent[node]!) {
      const name = node === 0 ? 'all' : bounded(nameOf(tree, node, scope), 120);
      const button = make('button', name, { type: 'button' });
      if (node === zoom) button.setAttribute('aria-current', 'true');
      button.addEventListener('click', () => this.#zoom(node));
      buttons.push(button);
    }
    const crumbs = byId('crumbs');
    crumbs.replaceChildren(...buttons.reverse().flatMap((button, i) => (i === 0 ? [button] : ['›', button])));
    crumbs.scrollTop = crumbs.scrollHeight;
  }

  #renderFunctions(scope: Scope): void {
    const state = this.#state;
    const selected = this.#profile.focused(state);
    this.#table.set(this.#profile.costs(state), scope, selected);
    const trees = this.#profile.sandwich(state);
    show(byId('sandwich-graphs'), trees !== undefined);
    show(byId('sandwich-hint'), trees === undefined);
    byId('sandwich-title').textContent = selected < 0 ? '' : bounded(scope.functions.names[selected]!, 1000);
    byId('matched').textContent = this.#profile.search(state)?.problem ?? '';
    if (!trees) return;
    this.#show(this.#callers, trees.callers, 0, false);
    this.#show(this.#callees, trees.callees, 0, true);
  }

  #nextMatch(): void {
    const matches = this.#matches();
    const tree = this.#trees.get(this.#flame);
    if (!matches || !tree || this.#state.view !== 'flame') return;
    const zoom = this.#profile.find(tree, this.#state.zoom, this.#profile.functions(this.#state));
    const from = Math.max(this.#flame.marked, zoom) - zoom;
    const size = tree.end[zoom]! - zoom;
    for (let i = 1; i <= size; i++) {
      const node = zoom + ((from + i) % size);
      if (tree.key[node]! < 0 || matches[tree.key[node]!] !== 1) continue;
      this.#flame.mark(node);
      return;
    }
  }
}
