/** What a frame's colour says: the kind of its code, its module, its name, or in a difference its change. */

import { type FlameData, FlameKind, kindOf, moduleOf } from './data.ts';
import { formatPercent } from './format.ts';
import { CLASS_LABELS, classOf } from './language.ts';
import type { FlameTree } from './layout.ts';
import { BASE_SHADE, OTHER_HUE, type Palette, ROOT_HUE, shadeOf } from './palette.ts';
import { bounded } from './text.ts';
import { textRanks } from './values.ts';

export type FlameColor = 'kind' | 'module' | 'name' | 'change';

export interface Swatch {
  readonly label: string;
  /** Missing for a heading. */
  readonly fill?: string;
}

export interface Coloring {
  /** Fill of a node that is not the root. */
  fill(node: number): string;
  readonly about: string;
  readonly swatches: readonly Swatch[];
}

export function coloring(tree: FlameTree, data: FlameData, palette: Palette, color: FlameColor): Coloring {
  return SCHEMES[color](tree, data, palette);
}

const SCHEMES: Readonly<Record<FlameColor, (tree: FlameTree, data: FlameData, palette: Palette) => Coloring>> = {
  kind: byKind,
  module: byModule,
  name: byName,
  change: byChange,
};

/** One of the fills, by the node's name. */
function pick(fills: readonly string[], tree: FlameTree, data: FlameData, node: number): string {
  return fills[shadeOf(data.names[data.frames.name[tree.frame[node]!]!]!) % fills.length]!;
}

/** What stands for a hue in all its shades. */
export function baseFill({ fills }: Palette, hue: number): string {
  return fills[hue]![BASE_SHADE] ?? fills[hue]![0]!;
}

/** Value of the samples by the class of their innermost frame. */
function selfBy(data: FlameData, classes: number, classOf: (frame: number) => number): Float64Array {
  const self = new Float64Array(classes);
  const { samples, stacks } = data;
  for (let i = 0; i < samples.length; i++) {
    const stack = samples.stack[i]!;
    if (stack >= 0) self[classOf(stacks.frame[stack]!)]! += samples.value[i]!;
  }
  return self;
}

function withShare(label: string, self: number, total: number): string {
  return self > 0 ? `${label} ${formatPercent(self, total)}` : label;
}

function byKind(tree: FlameTree, data: FlameData, palette: Palette): Coloring {
  const { frames, names } = data;
  const classes = Uint8Array.from({ length: frames.length }, (_, i) =>
    classOf(kindOf(data, i), names[frames.detail[i]!]!),
  );
  const self = selfBy(data, CLASS_LABELS.length, frame => classes[frame]!);
  const occurs = self.map(value => Number(value > 0));
  for (let node = 1; node < tree.length; node++) occurs[classes[tree.frame[node]!]!] = 1;
  const present = [...occurs.keys()].filter(i => occurs[i] === 1);
  return {
    fill: node => pick(palette.fills[classes[tree.frame[node]!]!]!, tree, data, node),
    about: 'Kinds of code, with the share of samples whose innermost frame is of that kind',
    swatches: present.map(i => ({
      label: withShare(CLASS_LABELS[i]!, self[i]!, tree.grandTotal),
      fill: baseFill(palette, i),
    })),
  };
}

function byModule(tree: FlameTree, data: FlameData, palette: Palette): Coloring {
  const { frames, names } = data;
  const column = frames.module ?? frames.detail;
  const used = new Uint8Array(names.length);
  for (let i = 0; i < frames.length; i++) used[column[i]!] = 1;
  const rank = textRanks(names, used);
  const self = selfBy(data, names.length, frame => rank[column[frame]!]!);
  const moduleText: string[] = [];
  for (let i = 0; i < frames.length; i++) {
    if (kindOf(data, i) !== FlameKind.process) moduleText[rank[column[i]!]!] = moduleOf(data, i);
  }
  // Those that most samples end in; ranks, the order of the texts, decide between equals.
  const ranked = [...moduleText.keys()].filter(module => (moduleText[module] ?? '') !== '');
  const order = ranked.sort((a, b) => self[b]! - self[a]! || a - b);
  const hue = new Uint8Array(names.length).fill(OTHER_HUE);
  // One for each of the hues before the neutral ones.
  const top = order.slice(0, OTHER_HUE);
  for (const [i, module] of top.entries()) hue[module] = i;
  const swatches = top.map((module, i) => ({
    label: withShare(bounded(moduleText[module]!, 40), self[module]!, tree.grandTotal),
    fill: baseFill(palette, i),
  }));
  const rest = tree.grandTotal - tree.self[0]! - top.reduce((sum, module) => sum + self[module]!, 0);
  if (order.length > top.length) {
    swatches.push({ label: withShare('other', rest, tree.grandTotal), fill: baseFill(palette, OTHER_HUE) });
  }
  return {
    fill: node => {
      const frame = tree.frame[node]!;
      const process = kindOf(data, frame) === FlameKind.process;
      return pick(palette.fills[process ? ROOT_HUE : hue[rank[column[frame]!]!]!]!, tree, data, node);
    },
    about: 'Modules, with the share of samples whose innermost frame is in that module',
    swatches,
  };
}

/** The warm ones. */
const NAME_HUES = [FlameKind.native, FlameKind.kernel, FlameKind.plt];

function byName(tree: FlameTree, data: FlameData, palette: Palette): Coloring {
  const fills = NAME_HUES.flatMap(hue => palette.fills[hue]!);
  return {
    fill: node => pick(fills, tree, data, node),
    about: 'Colours tell names apart and mean nothing else',
    swatches: tree.length > 1 ? [{ label: 'a colour for each name', fill: fills[0]! }] : [],
  };
}

/** The share of the total from which on a change has the next colour: the same in every picture. */
export const CHANGE_STEPS: readonly number[] = [0.001, 0.005, 0.02, 0.05, 0.2];

/** What the share of the samples through a node has changed by, from base to head: −1 … 1. */
export function changeOf({ total, grandTotal, base }: FlameTree, node: number): number {
  const before = base!.total[node]! * base!.scale;
  return (total[node]! - before) / Math.max(grandTotal, base!.grandTotal * base!.scale);
}

function byChange(tree: FlameTree, _: FlameData, { changes }: Palette): Coloring {
  if (!tree.base) throw new RangeError('color is change: expected samples with a base');
  const middle = CHANGE_STEPS.length;
  const swatches = [...changes.entries()].map(([i, fill]) => {
    const percent = `${CHANGE_STEPS[Math.abs(i - middle) - 1]! * 100} %`;
    if (i === middle) return { label: 'none', fill };
    return { label: (i < middle ? '−' : '+') + percent, fill };
  });
  return {
    fill: node => {
      const change = changeOf(tree, node);
      const step = CHANGE_STEPS.filter(least => Math.abs(change) >= least).length;
      return changes[middle + (change < 0 ? -step : step)]!;
    },
    about: 'Change of the share of all samples that pass through a frame, from base to head: at least so much',
    swatches: [{ label: 'change of total, at least:' }, ...swatches],
  };
}
