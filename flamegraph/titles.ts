/** What is written about a frame: in its title, and on it. */

import { changeOf } from './coloring.ts';
import { kindOf } from './data.ts';
import { formatChange, formatPercent, formatPoints, formatValue } from './format.ts';
import { KIND_LABELS } from './palette.ts';
import type { Picture } from './picture.ts';
import { bounded } from './text.ts';

/** Longest name in a title, in code units: the same in every picture, for links find frames by what titles say. */
const NAME_LIMIT = 400;

/** How much of all, of the caller and of its own a frame has on one side. */
function amounts(picture: Picture, node: number, side: { self: Float64Array; total: Float64Array }, whole: number) {
  const { tree, unit } = picture;
  const [self, total] = [side.self[node]!, side.total[node]!];
  let text = `${formatValue(total, unit)}, ${formatPercent(total, whole)} of total`;
  if (tree.depth[node]! > 1) text += `, ${formatPercent(total, side.total[tree.parent[node]!]!)} of parent`;
  if (self === 0) return text;
  const what = node === 0 ? 'without frames' : 'self';
  return `${text}\n${what}: ${formatValue(self, unit)}, ${formatPercent(self, whole)} of total`;
}

function difference(picture: Picture, node: number): string {
  const { tree, unit } = picture;
  const base = tree.base!;
  const line = (name: string, text: string) => `${name}: ${text.replace('\n', '; ')}`;
  const head = line('head', amounts(picture, node, tree, tree.grandTotal));
  const before = line('base', amounts(picture, node, base, base.grandTotal));
  if (base.total[node] === 0) return `${head}\nonly in the head`;
  if (tree.total[node] === 0) return `${before}\nonly in the base`;
  const total = tree.total[node]! - base.total[node]! * base.scale;
  const self = tree.self[node]! - base.self[node]! * base.scale;
  const change = `change: ${formatChange(total, unit)}, ${formatPoints(changeOf(tree, node))} of total`;
  return `${head}\n${before}\n${change}; self: ${formatChange(self, unit)}`;
}

/** Lines of a frame's title: name; where, of what kind; how much. Not yet escaped. */
export function titleOf(picture: Picture, node: number): string {
  const { tree, data } = picture;
  const values = tree.base ? difference(picture, node) : amounts(picture, node, tree, tree.grandTotal);
  const frame = tree.frame[node]!;
  if (frame < 0) return `all\n${values}`;
  const name = bounded(data.names[data.frames.name[frame]!]!, NAME_LIMIT);
  return `${name}\n${placeOf(picture, node)}\n${values}`;
}

function placeOf({ tree, data }: Picture, node: number): string {
  const frame = tree.frame[node]!;
  const { detail, module } = data.frames;
  const parts: string[] = [];
  const where = data.names[detail[frame]!]!;
  if (where !== '') parts.push(`${bounded(where, 256)}${tree.mixed[node] === 1 ? ' and elsewhere' : ''}`);
  const part = data.names[module?.[frame] ?? 0]!;
  if (part !== '' && part !== where) parts.push(bounded(part, 128));
  return [...parts, KIND_LABELS[kindOf(data, frame)]].join(', ');
}
