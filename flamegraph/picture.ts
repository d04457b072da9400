/** The measures of a picture: what stands where, decided before anything is drawn. */

import { type Coloring, coloring, type Swatch } from './coloring.ts';
import type { FlameData } from './data.ts';
import { formatCount, formatPercent, formatValue } from './format.ts';
import type { FlameTree } from './layout.ts';
import { MARGIN, type Settings } from './options.ts';
import { type Palette, paletteOf } from './palette.ts';
import { type Plan, plan } from './plan.ts';
import { bounded, cells, wrap } from './text.ts';

/** The height of a row of frames and of a line of text, px. */
export const ROW = 17;
export const LINE = 18;
/** The advance of the widest common monospace font at 12 px. */
export const CELL = 7.25;
const MAX_NOTES = 20;
/** Baseline of the title, px. */
export const TITLE_LINE = 26;
/** A swatch and the space behind it, px. */
export const SWATCH = 17;

/** Everything that the parts of one picture share. */
export interface Picture {
  readonly tree: FlameTree;
  readonly data: FlameData;
  readonly settings: Settings;
  readonly plan: Plan;
  /** That of the theme, light where the viewer has the choice. */
  readonly palette: Palette;
  readonly coloring: Coloring;
  readonly unit: string;
  readonly title: string;
  /** Paragraphs under the title, as lines. */
  readonly paragraphs: readonly (readonly string[])[];
  /** Paragraphs under the frames, as lines. */
  readonly footer: readonly (readonly string[])[];
  readonly legend: readonly LegendItem[];
  /** Top of the highest row, px. */
  readonly top: number;
}

/** A swatch of the legend with its text. */
export interface LegendItem extends Swatch {
  /** Left edge and baseline, px. */
  readonly x: number;
  readonly y: number;
}

/** The swatches in as many rows as it takes. */
function legendItems(swatches: readonly Swatch[], width: number, top: number): LegendItem[] {
  let x = MARGIN;
  let y = top;
  return swatches.map(swatch => {
    const needed = (swatch.fill === undefined ? 0 : SWATCH) + cells(swatch.label) * CELL;
    if (x > MARGIN && x + needed > width - MARGIN) {
      x = MARGIN;
      y += LINE;
    }
    const item = { ...swatch, x, y };
    x += needed + 2 * CELL;
    return item;
  });
}

function footerTexts(view: Plan, tree: FlameTree, unit: string): string[] {
  const texts: string[] = [];
  const whole = tree.width[0]!;
  const bare = tree.self[0]!;
  if (bare > 0) {
    texts.push(`Samples without frames: ${formatValue(bare, unit)}, ${formatPercent(bare, tree.grandTotal)}`);
  }
  const say = (omitted: Plan['narrow'], which: string) => {
    if (omitted.frames === 0) return;
    const reached = `${formatValue(omitted.width, unit)}, ${formatPercent(omitted.width, whole)}`;
    const frames = omitted.frames === 1 ? 'frame' : 'frames';
    texts.push(`Not drawn: ${formatCount(omitted.frames)} ${frames} ${which} (samples through them: ${reached})`);
  };
  say(view.narrow, `narrower than ${Number(view.minWidth.toPrecision(2))} px`);
  say(view.deep, `deeper than ${formatCount(view.rows - 1)} levels`);
  return texts;
}

/** How the values of a difference became widths. */
function widthText({ base, width, total }: FlameTree): string {
  if (!base) return '';
  const factor = base.scale === 1 ? '' : `, base multiplied by ${Number(base.scale.toPrecision(4))} for an equal total`;
  if (width[0] === total[0]) return `Frames are as wide as in the head${factor}. What has vanished is not drawn.`;
  const both = width[0]! > base.grandTotal * base.scale;
  return `Frames are as wide as ${both ? 'base and head together' : 'in the base'}${factor}.`;
}

function paragraphTexts({ subtitle, notes }: Settings, tree: FlameTree): string[] {
  const texts = [subtitle, widthText(tree), ...notes.slice(0, MAX_NOTES)].filter(text => text !== '');
  if (notes.length > MAX_NOTES) texts.push(`and ${formatCount(notes.length - MAX_NOTES)} more notes`);
  return texts.map(text => bounded(text, 2000));
}

export function compose(tree: FlameTree, data: FlameData, settings: Settings): Picture {
  const { width, colorBlindSafe, color, theme, minWidth, maxFrames, maxDepth } = settings;
  const room = width - 2 * MARGIN;
  const view = plan(tree, { width: room, minWidth, maxFrames, maxDepth });
  const palette = paletteOf(theme === 'dark' ? 'dark' : 'light', colorBlindSafe);
  const colors = coloring(tree, data, palette, color);
  const lines = (texts: readonly string[]) => texts.map(text => wrap(text, Math.floor(room / CELL), 4));
  const unit = bounded(settings.unit, 32);
  const paragraphs = lines(paragraphTexts(settings, tree));
  const bottom = TITLE_LINE + paragraphs.flat().length * LINE;
  const legend = legendItems(tree.width[0]! > 0 ? colors.swatches : [], width, bottom + 4 + LINE);
  return {
    tree,
    data,
    settings,
    plan: view,
    palette,
    coloring: colors,
    unit,
    title: bounded(settings.title, 200),
    paragraphs,
    legend,
    footer: lines(footerTexts(view, tree, unit)),
    top: (legend.at(-1)?.y ?? bottom) + 12,
  };
}

/** Height of the whole picture in px. */
export function heightOf({ footer, top, plan: view }: Picture): number {
  const lines = footer.flat().length;
  return top + view.rows * ROW + (lines === 0 ? 0 : lines * LINE + 4) + MARGIN;
}
