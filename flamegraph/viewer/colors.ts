/** Fills of frames, by what the reader wants to tell apart. */

import { CHANGE_STEPS, type FlameColor } from '../coloring.ts';
import { FlameKind } from '../data.ts';
import { CLASS_LABELS, classOf } from '../language.ts';
import { BASE_SHADE, OTHER_HUE, type Palette, ROOT_HUE, shadeOf } from '../palette.ts';
import { bounded } from '../text.ts';
import type { Functions } from './functions.ts';
import type { Look } from './paint.ts';
import type { Tree } from './tree.ts';

export interface LegendEntry {
  readonly fill: string;
  readonly text: string;
}

/** Fills by function, and what they mean where that can be listed. */
export interface Scheme {
  readonly fills: readonly string[];
  readonly legend: readonly LegendEntry[];
  /** What the legend is about, where its texts do not say it. */
  readonly heading: string;
}

function baseFill({ fills }: Palette, hue: number): string {
  return fills[hue]![BASE_SHADE] ?? fills[hue]![0]!;
}

/** The fill of a hue, in the shade of a name. */
function shade({ fills }: Palette, hue: number, name: string): string {
  return fills[hue]![shadeOf(name) % fills[hue]!.length]!;
}

function byKind({ names, kinds, details }: Functions, palette: Palette): Scheme {
  const classes = kinds.map((kind, i) => classOf(kind as FlameKind, details[i]!));
  const present = [...new Set(classes)].sort((a, b) => a - b);
  return {
    fills: names.map((name, i) => shade(palette, classes[i]!, name)),
    legend: present.map(i => ({ fill: baseFill(palette, i), text: CLASS_LABELS[i]! })),
    heading: '',
  };
}

/** The modules that most samples end in have a hue each. */
function byModule({ names, modules, kinds }: Functions, palette: Palette, self: Float64Array): Scheme {
  const costs = new Map<string, number>();
  for (const [i, module] of modules.entries()) {
    if (module !== '' && kinds[i] !== FlameKind.process) costs.set(module, (costs.get(module) ?? 0) + self[i]!);
  }
  const order = [...costs].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([module]) => module);
  const top = order.slice(0, OTHER_HUE);
  const hues = new Map(top.map((module, i) => [module, i]));
  const legend = top.map((module, i) => ({ fill: baseFill(palette, i), text: bounded(module, 40) }));
  if (order.length > top.length) legend.push({ fill: baseFill(palette, OTHER_HUE), text: 'other' });
  const hueOf = (i: number) => (kinds[i] === FlameKind.process ? ROOT_HUE : (hues.get(modules[i]!) ?? OTHER_HUE));
  return { fills: names.map((name, i) => shade(palette, hueOf(i), name)), legend, heading: '' };
}

/** The warm hues. */
const NAME_HUES = [FlameKind.native, FlameKind.kernel, FlameKind.plt];

function byName({ names }: Functions, palette: Palette): Scheme {
  const fills = NAME_HUES.flatMap(hue => palette.fills[hue]!);
  return { fills: names.map(name => fills[shadeOf(name) % fills.length]!), legend: [], heading: '' };
}

function byChange(_: Functions, { changes }: Palette): Scheme {
  const middle = CHANGE_STEPS.length;
  const legend = changes.map((fill, i) => {
    const step = CHANGE_STEPS[Math.abs(i - middle) - 1];
    return { fill, text: step === undefined ? 'same' : `${i < middle ? '−' : '+'}${step * 100} %` };
  });
  return { fills: [], legend, heading: 'Change of the share, at least:' };
}

const SCHEMES: Readonly<Record<FlameColor, (functions: Functions, palette: Palette, self: Float64Array) => Scheme>> = {
  kind: byKind,
  module: byModule,
  name: byName,
  change: byChange,
};

/** @param self by function, what it costs itself */
export function schemeOf(color: FlameColor, functions: Functions, palette: Palette, self: Float64Array): Scheme {
  return SCHEMES[color](functions, palette, self);
}

export interface LookOptions {
  readonly functions: Functions;
  readonly fills: readonly string[];
  readonly palette: Palette;
  readonly dark: boolean;
  /** By function, 1 where it matches the search; what does not match steps back. */
  readonly matches: Uint8Array | undefined;
  /** Change of a node's share, −1 … 1; undefined where colours do not show it. */
  readonly change: ((node: number) => number) | undefined;
  readonly root: string;
}

/** The fill of a change, as in the SVG. */
function changeFill(change: number, { changes }: Palette): string {
  const step = CHANGE_STEPS.filter(least => Math.abs(change) >= least).length;
  return changes[CHANGE_STEPS.length + (change < 0 ? -step : step)]!;
}

/** How the nodes of a tree look. */
export function lookOf(tree: Tree, { functions, fills, palette, dark, matches, change, root }: LookOptions): Look {
  const { label, text, background } = palette.ink;
  const rootFill = baseFill(palette, ROOT_HUE);
  const plain = (node: number) => {
    if (change) return changeFill(change(node), palette);
    return tree.key[node]! < 0 ? rootFill : fills[tree.key[node]!]!;
  };
  const back = dark ? '#343b45' : '#e4e7eb';
  const matching = (node: number) => tree.key[node]! >= 0 && matches![tree.key[node]!] === 1;
  return {
    fill: matches ? node => (matching(node) ? palette.match : back) : plain,
    ink: matches ? node => (matching(node) ? label : text) : () => label,
    label: node => (tree.key[node]! < 0 ? root : functions.names[tree.key[node]!]!),
    background,
    narrow: dark ? '#30363d' : '#dfe2e6',
  };
}
