/**
 * A flame graph as SVG: complete without script and without style sheets, for places that run neither (`<img>`, code
 * hosts). A style sheet only adds dark colours, a script only what a reader can do with the picture.
 */

import { baseFill } from './coloring.ts';
import type { FlameData } from './data.ts';
import { formatChange, formatValue } from './format.ts';
import { type FlameTree, type LayoutOptions, layout } from './layout.ts';
import { MARGIN, minShareOf, type SvgOptions, settingsOf } from './options.ts';
import { darkRules, type Ink, paletteOf, ROOT_HUE, type Theme } from './palette.ts';
import { CELL, compose, heightOf, LINE, type Picture, ROW, SWATCH, TITLE_LINE } from './picture.ts';
import { visit } from './plan.ts';
import { bounded, escapeXml, isPlain, shorten, truncate } from './text.ts';
import { titleOf } from './titles.ts';
import { script, style } from './viewer/svg.gen.ts';

const FONT = 12;
const TITLE_FONT = 16;
const FONTS = "ui-monospace,'SFMono-Regular',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";
/** px */
const LABEL_PADDING = 4;
/** A cut label of fewer cells says nothing. */
const MIN_LABEL = 4;
/** Wider frames have round corners, px. */
const ROUND = 6;
/** Code units per chunk, roughly. */
const CHUNK = 1 << 16;

/** px with two decimals at most. */
function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A paragraph: one text with a span for each line, so that a script can put its words together again. */
function paragraph(lines: readonly string[], top: number, fill: string): string {
  const spans = lines.map((line, i) => `<tspan x="${MARGIN}" y="${top + i * LINE}">${escapeXml(line)} </tspan>`);
  return `<text fill="${fill}">${spans.join('')}</text>\n`;
}

function paragraphs(all: readonly (readonly string[])[], top: number, fill: string): string {
  let text = '';
  for (const lines of all) {
    text += paragraph(lines, top, fill);
    top += lines.length * LINE;
  }
  return text;
}

function legend({ legend: items, palette, coloring }: Picture): string {
  if (items.length === 0) return '';
  let text = `<g><title>${escapeXml(coloring.about)}</title>\n`;
  for (const { label, fill, x, y } of items) {
    if (fill !== undefined) text += `<rect x="${px(x)}" y="${y - 10}" width="12" height="12" rx="2" fill="${fill}"/>`;
    const left = fill === undefined ? x : x + SWATCH;
    text += `<text x="${px(left)}" y="${y}" fill="${palette.ink.muted}">${escapeXml(label)}</text>\n`;
  }
  return `${text}</g>\n`;
}

/** Custom properties for the style sheet of the script. */
function variables(theme: Theme, safe: boolean): string {
  const { ink, match } = paletteOf(theme, safe);
  const inks = (Object.keys(ink) as (keyof Ink)[]).map(name => `--${name}:${ink[name]};`).join('');
  return `.flamegraph{${inks}--match:${match};color-scheme:${theme}}`;
}

function styleSheet({ settings: { theme, colorBlindSafe: safe, script: scripted } }: Picture): string {
  let rules = '';
  if (scripted) rules += variables(theme === 'dark' ? 'dark' : 'light', safe) + style;
  if (theme === 'auto') {
    const dark = darkRules(safe) + (scripted ? variables('dark', safe) : '');
    rules += `@media (prefers-color-scheme:dark){${dark}}`;
  }
  return rules === '' ? '' : `<style>${rules}</style>\n`;
}

function totalText({ tree, unit }: Picture): string {
  if (!(tree.width[0]! > 0)) return '';
  const total = `total ${formatValue(tree.grandTotal, unit)}`;
  if (!tree.base) return total;
  const { grandTotal } = tree.base;
  return `${total}, base ${formatValue(grandTotal, unit)} (${formatChange(tree.grandTotal - grandTotal, unit)})`;
}

function head(picture: Picture): string {
  const { palette, settings } = picture;
  const { width } = settings;
  const height = heightOf(picture);
  const total = totalText(picture);
  const room = Math.floor((width - 2 * MARGIN - (total.length + 2) * CELL) / ((CELL * TITLE_FONT) / FONT));
  let text = `<svg xmlns="http://www.w3.org/2000/svg" class="flamegraph" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  text += ` font-family="${FONTS}" font-size="${FONT}" role="img">\n<title>${escapeXml(picture.title)}</title>\n`;
  text += styleSheet(picture);
  text += `<rect width="100%" height="100%" fill="${palette.ink.background}"/>\n<g>\n`;
  text += `<text x="${MARGIN}" y="${TITLE_LINE}" font-size="${TITLE_FONT}" font-weight="bold" fill="${palette.ink.text}">`;
  text += `${escapeXml(truncate(picture.title, room))}</text>\n`;
  text += `<text x="${width - MARGIN}" y="${TITLE_LINE}" text-anchor="end" fill="${palette.ink.text}">${escapeXml(total)}</text>\n`;
  text += paragraphs(picture.paragraphs, TITLE_LINE + 2 + LINE, palette.ink.muted);
  return `${text}${legend(picture)}</g>\n`;
}

/** A frame's text, or '' where no room is. Text outside ASCII is clipped too: no estimate holds for every script. */
function labelOf(name: string, x: number, y: number, width: number): string {
  const room = Math.floor((width - LABEL_PADDING - 2) / CELL);
  if (room < MIN_LABEL && name.length > room) return '';
  const text = shorten(bounded(name, (room + 1) * 16), room);
  if (isPlain(text.replaceAll('…', ''))) {
    return `<text x="${px(x + LABEL_PADDING)}" y="${y + 12}">${escapeXml(text)}</text>`;
  }
  const box = `<svg x="${px(x)}" y="${y}" width="${px(width)}" height="${ROW - 1}">`;
  return `${box}<text x="${LABEL_PADDING}" y="12">${escapeXml(text)}</text></svg>`;
}

function drawFrame(picture: Picture, node: number): string {
  const { tree, data, plan: view, palette } = picture;
  const frame = tree.frame[node]!;
  const isRoot = frame < 0;
  const name = isRoot ? `all (${formatValue(tree.grandTotal, picture.unit)})` : data.names[data.frames.name[frame]!]!;
  const fill = isRoot ? baseFill(palette, ROOT_HUE) : picture.coloring.fill(node);
  const depth = tree.depth[node]!;
  const x = MARGIN + tree.start[node]! * view.scale;
  const y = picture.top + (picture.settings.inverted ? depth : view.rows - 1 - depth) * ROW;
  const width = tree.width[node]! * view.scale;
  // A hair of background between neighbours, where the frame can spare it.
  const gap = Math.min(0.6, width / 5);
  const rect = `<rect x="${px(x)}" y="${y}" width="${px(width - gap)}" height="${ROW - 1}"${width > ROUND ? ' rx="2"' : ''} fill="${fill}"/>`;
  return `<g><title>${escapeXml(titleOf(picture, node))}</title>${rect}${labelOf(name, x, y, width - gap)}</g>\n`;
}

/** Of the whole width, one in a script: enough for the last pixel of a zoom, and short. */
const PARTS = 1e9;

/**
 * Where frames are, for the script, in base 36: depth, width, and the gap to the frame on the left that has the same
 * caller, or to the caller's left edge, if there is one. Widths and gaps are billionths of the whole.
 */
function boxes({ tree, plan: view }: Picture): string {
  const part = (value: number) => Math.round((value / tree.width[0]!) * PARTS);
  const words: string[] = [];
  const edge = new Map<number, number>();
  for (const node of visit(tree, view)) {
    const [depth, left, right] = [
      tree.depth[node]!,
      part(tree.start[node]!),
      part(tree.start[node]! + tree.width[node]!),
    ];
    const gap = left - (edge.get(depth) ?? 0);
    words.push([depth, right - left, ...(gap > 0 ? [gap] : [])].map(number => number.toString(36)).join());
    edge.set(depth, right);
    edge.set(depth + 1, left);
  }
  return words.join(' ');
}

function foot(picture: Picture): string {
  const top = picture.top + picture.plan.rows * ROW + LINE;
  const scripts =
    picture.settings.script && picture.tree.width[0]! > 0 ? `<script><![CDATA[${script}]]></script>\n` : '';
  return `<g>\n${paragraphs(picture.footer, top, picture.palette.ink.muted)}</g>\n${scripts}</svg>\n`;
}

/**
 * Lays out and draws, in chunks of about 64 KB. Faster and smaller than {@link layout} and {@link renderSvg}, for what
 * is too narrow to be drawn is not laid out.
 * @throws RangeError for an option out of range and for {@link FlameData} that contradicts itself
 */
export function flameGraphSvg(
  data: FlameData,
  options: SvgOptions & Omit<LayoutOptions, 'minShare'> = {},
): Iterable<string> {
  const minShare = minShareOf(settingsOf(options, false));
  return renderSvg(layout(data, { ...options, minShare }), data, options);
}

/**
 * Draws a tree as SVG, in chunks of about 64 KB.
 * @param data what `tree` was laid out from
 * @throws RangeError for an option out of range
 */
export function renderSvg(tree: FlameTree, data: FlameData, options: SvgOptions = {}): Iterable<string> {
  return chunks(compose(tree, data, settingsOf(options, tree.base !== undefined)));
}

function* chunks(picture: Picture): Generator<string> {
  const { tree, palette, settings } = picture;
  yield head(picture);
  if (!(tree.width[0]! > 0)) {
    yield `<text x="${settings.width / 2}" y="${picture.top + 12}" text-anchor="middle" fill="${palette.ink.muted}">no samples</text>\n`;
    yield foot(picture);
    return;
  }
  const measures = settings.script ? ` data-inverted="${settings.inverted}" data-boxes="${boxes(picture)}"` : '';
  let pending = `<g fill="${palette.ink.label}"${measures}>\n`;
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
