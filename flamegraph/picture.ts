/** The measures of a picture: what stands where, decided before anything is drawn. */

import type { FlameData } from './data.ts';
import { formatCount, formatPercent, formatValue } from './format.ts';
import type { FlameTree } from './layout.ts';
import { KIND_LABELS, PALETTES, type Palette, type Theme } from './palette.ts';
import { type Plan, plan } from './plan.ts';
import { bounded, wrap } from './text.ts';

export interface SvgOptions {
  readonly title?: string;
  /** What was recorded: command, event, duration. */
  readonly subtitle?: string;
  /** What a reader must know to trust the picture: losses, truncation. One line or more for each. */
  readonly notes?: readonly string[];
  /** Unit of the values: `nanoseconds`, `bytes`, `count` (default) and their like are shown human-readable. */
  readonly unit?: string;
  /** px, 200 … 20,000, default 1200. */
  readonly width?: number;
  /** Roots on top (an icicle graph) instead of at the bottom. */
  readonly inverted?: boolean;
  /** Frames narrower than this are left out and counted at the bottom. px, default 0.2. */
  readonly minWidth?: number;
  /** Most frames in the picture, default 20,000: the narrowest are left out and counted. */
  readonly maxFrames?: number;
  /** Deeper frames are left out and counted, default 1,500 (a picture of 25,600 px). */
  readonly maxDepth?: number;
  /** `auto` (default): light, and dark for viewers who prefer that. */
  readonly theme?: Theme | 'auto';
}

/** Edges, the height of a row of frames and of a line of text, px. */
export const MARGIN = 10;
export const ROW = 17;
export const LINE = 18;
/** The advance of the widest common monospace font at 12 px. */
export const CELL = 7.25;
/** Code units of text in all titles together: many frames have shorter titles. */
const TITLE_BUDGET = 4e6;
const MAX_NOTES = 20;
/** Baseline of the title, px. */
export const TITLE_LINE = 26;
/** A swatch and the space behind it, px. */
export const SWATCH = 17;

/** Everything that the parts of one picture share. */
export interface Picture {
  readonly tree: FlameTree;
  readonly data: FlameData;
  readonly plan: Plan;
  readonly palette: Palette;
  readonly unit: string;
  readonly width: number;
  readonly title: string;
  /** Lines of text under the title. */
  readonly lines: readonly string[];
  /** Lines of text under the frames. */
  readonly footer: readonly string[];
  readonly legend: readonly LegendItem[];
  /** Top of the highest row, px. */
  readonly top: number;
  readonly inverted: boolean;
  /** Longest name in a frame's title, in code units. */
  readonly nameLimit: number;
}

function inRange(name: string, value: number, least: number, most: number): number {
  if (!(value >= least && value <= most)) throw new RangeError(`${name} is ${value}: expected ${least} … ${most}`);
  return value;
}

/** A swatch of the legend with its text. */
export interface LegendItem {
  readonly kind: number;
  readonly label: string;
  /** Left edge and baseline, px. */
  readonly x: number;
  readonly y: number;
}

/** Kinds that occur, each with the share of samples whose innermost frame is of it, in as many rows as it takes. */
function legendItems(view: Plan, total: number, width: number, top: number): LegendItem[] {
  const items: LegendItem[] = [];
  let x = MARGIN;
  let y = top;
  for (const [kind, self] of view.selfByKind.entries()) {
    if (self < 0) continue;
    const label = KIND_LABELS[kind]! + (self > 0 ? ` ${formatPercent(self, total)}` : '');
    const needed = SWATCH + label.length * CELL;
    if (x > MARGIN && x + needed > width - MARGIN) {
      x = MARGIN;
      y += LINE;
    }
    items.push({ kind, label, x, y });
    x += needed + 2 * CELL;
  }
  return items;
}

function footerLines(view: Plan, tree: FlameTree, unit: string): string[] {
  const lines: string[] = [];
  const total = tree.grandTotal;
  const bare = tree.self[0]!;
  if (bare > 0) lines.push(`Samples without frames: ${formatValue(bare, unit)}, ${formatPercent(bare, total)}`);
  const say = (omitted: Plan['narrow'], which: string) => {
    if (omitted.frames === 0) return;
    const reached = `${formatValue(omitted.total, unit)}, ${formatPercent(omitted.total, total)}`;
    const frames = omitted.frames === 1 ? 'frame' : 'frames';
    lines.push(`Not drawn: ${formatCount(omitted.frames)} ${frames} ${which} (samples through them: ${reached})`);
  };
  say(view.narrow, `narrower than ${Number(view.minWidth.toPrecision(2))} px`);
  say(view.deep, `deeper than ${formatCount(view.rows - 1)} levels`);
  return lines;
}

/** Subtitle and notes, bounded and made visible. */
function paragraphs(options: SvgOptions): string[] {
  const notes = options.notes ?? [];
  const texts = [options.subtitle ?? '', ...notes.slice(0, MAX_NOTES)].filter(text => text !== '');
  if (notes.length > MAX_NOTES) texts.push(`and ${formatCount(notes.length - MAX_NOTES)} more notes`);
  return texts.map(text => bounded(text, 2000));
}

export function compose(tree: FlameTree, data: FlameData, options: SvgOptions): Picture {
  const width = inRange('width', options.width ?? 1200, 200, 20_000);
  const view = plan(tree, data, {
    width: width - 2 * MARGIN,
    minWidth: inRange('minWidth', options.minWidth ?? 0.2, 0, width),
    maxFrames: inRange('maxFrames', options.maxFrames ?? 20_000, 1, 1e7),
    maxDepth: inRange('maxDepth', options.maxDepth ?? 1500, 1, 1e5),
  });
  const columns = Math.floor((width - 2 * MARGIN) / CELL);
  const unit = bounded(options.unit ?? 'count', 32);
  const lines = paragraphs(options).flatMap(text => wrap(text, columns, 4));
  const legend = legendItems(view, tree.grandTotal, width, TITLE_LINE + 4 + (lines.length + 1) * LINE);
  return {
    tree,
    data,
    plan: view,
    palette: PALETTES[options.theme === 'dark' ? 'dark' : 'light'],
    unit,
    width,
    title: bounded(options.title ?? 'Flame graph', 200),
    lines,
    legend,
    footer: footerLines(view, tree, unit).flatMap(text => wrap(text, columns, 4)),
    top: (legend.at(-1)?.y ?? TITLE_LINE + lines.length * LINE) + 12,
    inverted: options.inverted ?? false,
    nameLimit: Math.min(512, Math.max(128, Math.floor(TITLE_BUDGET / view.drawn))),
  };
}

/** Height of the whole picture in px. */
export function heightOf(picture: Picture): number {
  const footer = picture.footer.length === 0 ? 0 : picture.footer.length * LINE + 4;
  return picture.top + picture.plan.rows * ROW + footer + MARGIN;
}
