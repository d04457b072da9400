/** Frames in words: for tooltips, for screen readers and for the line under the graph. */

import { formatChange, formatPercent, formatPoints, formatValue } from '../format.ts';
import { KIND_LABELS } from '../palette.ts';
import { bounded } from '../text.ts';
import type { Functions } from './functions.ts';
import type { Tree } from './tree.ts';

/** Code units of a name. */
const MAX_NAME = 1000;

export interface Scope {
  readonly functions: Functions;
  readonly unit: string;
  /** Values of all that is selected. */
  readonly totalHead: number;
  readonly totalBase: number;
  /** Whether there is a base to compare with, and whether shares are compared or values. */
  readonly compares: boolean;
  readonly normalize: boolean;
  /** The totals in words, and what the root is called. */
  readonly sum: string;
  readonly root: string;
}

/** What a head has more than its base: of shares in percentage points, else as a value. */
export function changeText(head: number, base: number, { totalHead, totalBase, unit, normalize }: Scope): string {
  if (!normalize) return formatChange(head - base, unit);
  return formatPoints(head / (totalHead || 1) - base / (totalBase || 1));
}

export function nameOf(tree: Tree, node: number, scope: Scope): string {
  const key = tree.key[node]!;
  return key < 0 ? scope.root : bounded(scope.functions.names[key]!, MAX_NAME) || '(no name)';
}

function amounts(what: string, head: number, base: number, scope: Scope): string[] {
  const { totalHead, totalBase, unit } = scope;
  const side = (value: number, of: number) => `${formatValue(value, unit)}, ${formatPercent(value, of)}`;
  if (!scope.compares) return [`${what}: ${side(head, totalHead)} of total`];
  const news = base === 0 && head > 0 ? ', new' : head === 0 && base > 0 ? ', gone' : '';
  return [
    `${what}: ${side(head, totalHead)}; base ${side(base, totalBase)}`,
    `${what} change: ${changeText(head, base, scope)}${news}`,
  ];
}

/** Lines about a node: where it is, how much it has, of the whole and of its parent. */
export function describe(tree: Tree, node: number, scope: Scope): string[] {
  const { functions } = scope;
  const key = tree.key[node]!;
  const lines: string[] = [];
  if (key >= 0) {
    const [detail, module] = [functions.details[key]!, functions.modules[key]!];
    const where = detail === '' ? '' : bounded(detail, 256) + (functions.mixed[key] === 1 ? ' and elsewhere' : '');
    const parts = [where, module === detail ? '' : bounded(module, 256), KIND_LABELS[functions.kinds[key]!]!];
    lines.push(parts.filter(part => part !== '').join(' · '));
  }
  lines.push(...amounts('total', tree.total[node]!, tree.baseTotal[node]!, scope));
  const parent = tree.parent[node]!;
  if (parent > 0) lines.push(`${formatPercent(tree.width[node]!, tree.width[parent]!)} of parent`);
  lines.push(...amounts('self', tree.self[node]!, tree.baseSelf[node]!, scope));
  return lines;
}
