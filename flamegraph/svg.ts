/**
 * A flame graph as a static SVG: complete without script and without style sheets, for places that run neither (`<img>`,
 * code hosts). A style sheet only adds dark colours.
 */

import { type FlameData, kindOf } from './data.ts';
import { formatCount, formatPercent, formatValue } from './format.ts';
import type { FlameTree } from './layout.ts';
import {
  BASE_SHADE,
  darkStyle,
  KIND_LABELS,
  PALETTES,
  type Palette,
  ROOT_KIND,
  shadeOf,
  type Theme,
} from './palette.ts';
import { type Plan, plan, visit } from './plan.ts';
import { bounded, escapeXml, isPlain, shorten, truncate, visible, wrap } from './text.ts';

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

/** px */
const MARGIN = 10;
const ROW = 17;
const LINE = 18;
/** Font size in px and the advance of the widest common monospace font at that size. */
const FONT = 12;
const CELL = 7.25;
const TITLE_CELL = 9.7;
const FONTS = "ui-monospace,'SFMono-Regular',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";
const LABEL_PADDING = 4;
/** A label of fewer cells says nothing. */
const MIN_LABEL = 4;
/** Code units of text in all titles together: many frames have shorter titles. */
const TITLE_BUDGET = 4e6;
const MAX_NOTES = 20;
/** Code units per chunk, roughly. */
const CHUNK = 1 << 16;

/** Everything that the parts of one picture share. */
interface Picture {
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

/** px with two decimals at most. */
function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function value(picture: Picture, of: number): string {
  return formatValue(of, picture.unit);
}

function footerLines(view: Plan, total: number, unit: string): string[] {
  const lines: string[] = [];
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

function compose(tree: FlameTree, data: FlameData, options: SvgOptions): Picture {
  const width = inRange('width', options.width ?? 1200, 200, 20_000);
  const view = plan(tree, data, {
    width: width - 2 * MARGIN,
    minWidth: inRange('minWidth', options.minWidth ?? 0.2, 0, width),
    maxFrames: inRange('maxFrames', options.maxFrames ?? 20_000, 1, 1e7),
    maxDepth: inRange('maxDepth', options.maxDepth ?? 1500, 1, 1e5),
  });
  const columns = Math.floor((width - 2 * MARGIN) / CELL);
  const notes = options.notes ?? [];
  const paragraphs = [options.subtitle ?? '', ...notes.slice(0, MAX_NOTES)];
  if (notes.length > MAX_NOTES) paragraphs.push(`and ${formatCount(notes.length - MAX_NOTES)} more notes`);
  const lines = paragraphs.filter(text => text !== '').flatMap(text => wrap(bounded(text, 2000), columns, 4));
  const unit = options.unit ?? 'count';
  return {
    tree,
    data,
    plan: view,
    palette: PALETTES[options.theme === 'dark' ? 'dark' : 'light'],
    unit: visible(unit),
    width,
    title: bounded(options.title ?? 'Flame graph', 200),
    lines,
    footer: footerLines(view, tree.grandTotal, unit).flatMap(text => wrap(text, columns, 4)),
    top: 34 + lines.length * LINE + 28,
    inverted: options.inverted ?? false,
    nameLimit: Math.min(512, Math.max(128, Math.floor(TITLE_BUDGET / view.drawn))),
  };
}

/** Height of the whole picture in px. */
function heightOf(picture: Picture): number {
  const footer = picture.footer.length === 0 ? 0 : picture.footer.length * LINE + 4;
  return picture.top + picture.plan.rows * ROW + footer + MARGIN;
}

function line(text: string, y: number, fill: string): string {
  return `<text x="${MARGIN}" y="${px(y)}" fill="${fill}">${escapeXml(text)}</text>\n`;
}

/** Kinds that occur, each with the share of samples whose innermost frame is of it. */
function legend(picture: Picture): string {
  const { selfByKind } = picture.plan;
  const total = picture.tree.grandTotal;
  const y = picture.top - 12;
  let x = MARGIN;
  let text = '';
  for (const [kind, self] of selfByKind.entries()) {
    if (self < 0) continue;
    const share = self > 0 ? ` ${formatPercent(self, total)}` : '';
    const label = `${KIND_LABELS[kind]}${share}`;
    text += `<rect x="${px(x)}" y="${y - 10}" width="12" height="12" rx="2" fill="${picture.palette.fills[kind]![BASE_SHADE]}"/>`;
    text += `<text x="${px(x + 17)}" y="${y}" fill="${picture.palette.ink.muted}">${label}</text>\n`;
    x += 17 + (label.length + 2) * CELL;
  }
  if (text === '') return '';
  return `<g><title>Colours by kind of code, with the share of samples whose innermost frame is of that kind</title>\n${text}</g>\n`;
}

function head(picture: Picture, options: SvgOptions): string {
  const { width, palette, lines, tree } = picture;
  const height = heightOf(picture);
  const total = tree.grandTotal > 0 ? `total ${value(picture, tree.grandTotal)}` : '';
  const room = Math.floor((width - 2 * MARGIN - (total.length + 2) * CELL) / TITLE_CELL);
  let text = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  text += ` font-family="${FONTS}" font-size="${FONT}" role="img">\n<title>${escapeXml(picture.title)}</title>\n`;
  if ((options.theme ?? 'auto') === 'auto') text += darkStyle();
  text += `<rect width="${width}" height="${height}" fill="${palette.ink.background}"/>\n`;
  text += `<text x="${MARGIN}" y="26" font-size="16" font-weight="bold" fill="${palette.ink.text}">`;
  text += `${escapeXml(truncate(picture.title, room))}</text>\n`;
  text += `<text x="${width - MARGIN}" y="26" text-anchor="end" fill="${palette.ink.text}">${escapeXml(total)}</text>\n`;
  for (const [i, content] of lines.entries()) text += line(content, 28 + (i + 1) * LINE, palette.ink.muted);
  return text + legend(picture);
}

/** Lines of a frame's title: name, where, how much of all and of the caller, how much of its own. */
function titleOf(picture: Picture, node: number): string {
  const { tree, data } = picture;
  const total = tree.total[node]!;
  const self = tree.self[node]!;
  const frame = tree.frame[node]!;
  let amounts = `${value(picture, total)}, ${formatPercent(total, tree.grandTotal)} of total`;
  if (tree.depth[node]! > 1) amounts += `, ${formatPercent(total, tree.total[tree.parent[node]!]!)} of parent`;
  if (frame < 0) {
    const lost = self > 0 ? `\nwithout frames: ${value(picture, self)}, ${formatPercent(self, total)}` : '';
    return `all\n${amounts}${lost}`;
  }
  const detail = data.names[data.frames.detail[frame]!]!;
  const where = detail === '' ? '' : `${bounded(detail, 256)}${tree.mixed[node] === 1 ? ' and elsewhere' : ''}, `;
  const own =
    self === 0 ? 'self: none' : `self: ${value(picture, self)}, ${formatPercent(self, tree.grandTotal)} of total`;
  const name = bounded(data.names[data.frames.name[frame]!]!, picture.nameLimit);
  return `${name}\n${where}${KIND_LABELS[kindOf(data, frame)]}\n${amounts}\n${own}`;
}

/** A frame's text, or '' where no room is. Text outside ASCII is clipped too: no estimate holds for every script. */
function labelOf(picture: Picture, name: string, x: number, y: number, width: number): string {
  const room = Math.floor((width - LABEL_PADDING - 2) / CELL);
  if (room < MIN_LABEL) return '';
  const text = shorten(bounded(name, (room + 1) * 16), room);
  const attributes = `fill="${picture.palette.ink.label}" pointer-events="none"`;
  if (isPlain(text.replaceAll('…', ''))) {
    return `<text x="${px(x + LABEL_PADDING)}" y="${y + 12}" ${attributes}>${escapeXml(text)}</text>`;
  }
  const box = `<svg x="${px(x)}" y="${y}" width="${px(width)}" height="${ROW - 1}">`;
  return `${box}<text x="${LABEL_PADDING}" y="12" ${attributes}>${escapeXml(text)}</text></svg>`;
}

function drawFrame(picture: Picture, node: number): string {
  const { tree, data, plan: view, palette } = picture;
  const frame = tree.frame[node]!;
  const raw = frame < 0 ? '' : data.names[data.frames.name[frame]!]!;
  const name = frame < 0 ? `all (${value(picture, tree.grandTotal)})` : raw;
  const fill = frame < 0 ? palette.fills[ROOT_KIND]![BASE_SHADE] : palette.fills[kindOf(data, frame)]![shadeOf(raw)];
  const depth = tree.depth[node]!;
  const x = MARGIN + tree.start[node]! * view.scale;
  const y = picture.top + (picture.inverted ? depth : view.rows - 1 - depth) * ROW;
  const width = tree.total[node]! * view.scale;
  // A hair of background between neighbours, where the frame can spare it.
  const gap = Math.min(0.6, width / 5);
  const rect = `<rect x="${px(x)}" y="${y}" width="${px(width - gap)}" height="${ROW - 1}"${width > 6 ? ' rx="2"' : ''} fill="${fill}"/>`;
  const title = escapeXml(titleOf(picture, node));
  return `<g><title>${title}</title>${rect}${labelOf(picture, name, x, y, width - gap)}</g>\n`;
}

function foot(picture: Picture): string {
  const y = picture.top + picture.plan.rows * ROW;
  let text = '';
  for (const [i, content] of picture.footer.entries()) {
    text += line(content, y + (i + 1) * LINE, picture.palette.ink.muted);
  }
  return `${text}</svg>\n`;
}

/**
 * Draws a tree as SVG, in chunks of about 64 KB.
 * @param data what `tree` was laid out from
 * @throws RangeError for an option out of range
 */
export function renderSvg(tree: FlameTree, data: FlameData, options: SvgOptions = {}): Iterable<string> {
  return chunks(compose(tree, data, options), options);
}

function* chunks(picture: Picture, options: SvgOptions): Generator<string> {
  const { tree, palette } = picture;
  yield head(picture, options);
  if (!(tree.grandTotal > 0)) {
    yield `<text x="${picture.width / 2}" y="${picture.top + 12}" text-anchor="middle" fill="${palette.ink.muted}">no samples</text>\n`;
    yield foot(picture);
    return;
  }
  let pending = '<g>\n';
  for (const node of visit(tree, picture.plan)) {
    pending += drawFrame(picture, node);
    if (pending.length >= CHUNK) {
      yield pending;
      pending = '';
    }
  }
  yield `${pending}</g>\n`;
  yield foot(picture);
}
