/**
 * A flame graph as a static SVG: complete without script and without style sheets, for places that run neither (`<img>`,
 * code hosts). A style sheet only adds dark colours.
 */

import { type FlameData, kindOf } from './data.ts';
import { formatPercent, formatValue } from './format.ts';
import type { FlameTree } from './layout.ts';
import { BASE_SHADE, darkStyle, KIND_LABELS, ROOT_KIND, shadeOf } from './palette.ts';
import {
  CELL,
  compose,
  heightOf,
  LINE,
  MARGIN,
  type Picture,
  ROW,
  type SvgOptions,
  SWATCH,
  TITLE_LINE,
} from './picture.ts';
import { visit } from './plan.ts';
import { bounded, escapeXml, isPlain, shorten, truncate } from './text.ts';

const FONT = 12;
const TITLE_FONT = 16;
const FONTS = "ui-monospace,'SFMono-Regular',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";
/** px */
const LABEL_PADDING = 4;
/** A cut label of fewer cells says nothing. */
const MIN_LABEL = 4;
/** Code units per chunk, roughly. */
const CHUNK = 1 << 16;

/** px with two decimals at most. */
function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function value(picture: Picture, of: number): string {
  return formatValue(of, picture.unit);
}

function line(text: string, y: number, fill: string): string {
  return `<text x="${MARGIN}" y="${px(y)}" fill="${fill}">${escapeXml(text)}</text>\n`;
}

function legend(picture: Picture): string {
  const { legend: items, palette } = picture;
  if (items.length === 0) return '';
  let text = '<g><title>Kinds of code, with the share of samples whose innermost frame is of that kind</title>\n';
  for (const { kind, label, x, y } of items) {
    const fill = palette.fills[kind]![BASE_SHADE];
    text += `<rect x="${px(x)}" y="${y - 10}" width="12" height="12" rx="2" fill="${fill}"/>`;
    text += `<text x="${px(x + SWATCH)}" y="${y}" fill="${palette.ink.muted}">${escapeXml(label)}</text>\n`;
  }
  return `${text}</g>\n`;
}

function head(picture: Picture, options: SvgOptions): string {
  const { width, palette, lines, tree } = picture;
  const height = heightOf(picture);
  const total = tree.grandTotal > 0 ? `total ${value(picture, tree.grandTotal)}` : '';
  const room = Math.floor((width - 2 * MARGIN - (total.length + 2) * CELL) / ((CELL * TITLE_FONT) / FONT));
  let text = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  text += ` font-family="${FONTS}" font-size="${FONT}" role="img">\n<title>${escapeXml(picture.title)}</title>\n`;
  if ((options.theme ?? 'auto') === 'auto') text += darkStyle();
  text += `<rect width="${width}" height="${height}" fill="${palette.ink.background}"/>\n`;
  text += `<text x="${MARGIN}" y="${TITLE_LINE}" font-size="${TITLE_FONT}" font-weight="bold" fill="${palette.ink.text}">`;
  text += `${escapeXml(truncate(picture.title, room))}</text>\n`;
  text += `<text x="${width - MARGIN}" y="${TITLE_LINE}" text-anchor="end" fill="${palette.ink.text}">${escapeXml(total)}</text>\n`;
  for (const [i, content] of lines.entries()) text += line(content, TITLE_LINE + 2 + (i + 1) * LINE, palette.ink.muted);
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
  if (room < MIN_LABEL && name.length > room) return '';
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
