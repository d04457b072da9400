/** Draws what can be seen of a tree on a canvas. */

import { bounded, isPlain, shorten } from '../text.ts';
import { NARROW, ROW, rowOf, scaleOf, type View } from './geometry.ts';

const FONT = "12px ui-monospace,'SFMono-Regular',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";
/** px */
const PADDING = 4;
/** A label of fewer cells says nothing. */
const MIN_LABEL = 3;
/** Of frames that only lead to what fills the width. */
const FADED = 0.65;

/** What a picture asks about a node in order to draw it. */
export interface Look {
  readonly fill: (node: number) => string;
  readonly ink: (node: number) => string;
  readonly label: (node: number) => string;
  /** Of the gaps, and of frames too narrow to have a colour. */
  readonly background: string;
  readonly narrow: string;
}

/** @param top the part that is seen begins here, @param height and is so high; px */
export function paint(context: CanvasRenderingContext2D, view: View, look: Look, top: number, height: number): void {
  const { tree, zoom, width } = view;
  context.fillStyle = look.background;
  context.fillRect(0, 0, width, height);
  context.font = FONT;
  context.textBaseline = 'middle';
  const cell = context.measureText('0').width;
  context.globalAlpha = FADED;
  for (let node = tree.parent[zoom]!; node >= 0; node = tree.parent[node]!) {
    const y = rowOf(view, tree.depth[node]!) * ROW - top;
    if (y > -ROW && y < height) paintFrame(context, look, node, 0, y, width, cell);
  }
  context.globalAlpha = 1;
  paintSubtree(context, view, look, top, height, cell);
}

function paintSubtree(
  context: CanvasRenderingContext2D,
  view: View,
  look: Look,
  top: number,
  height: number,
  cell: number,
): void {
  const { tree, zoom, inverted } = view;
  const scale = scaleOf(view);
  const hazeUntil = new Float64Array(view.rows).fill(-1);
  for (let node = zoom; node < tree.end[zoom]!; ) {
    const depth = tree.depth[node]!;
    const y = rowOf(view, depth) * ROW - top;
    const x = (tree.start[node]! - tree.start[zoom]!) * scale;
    const width = tree.width[node]! * scale;
    const beyond = inverted ? y > height : y < -ROW;
    if (beyond || width < NARROW) {
      // A run of narrow frames is a haze of single pixels.
      if (!beyond && width > 0 && x >= hazeUntil[depth]!) {
        context.fillStyle = look.narrow;
        context.fillRect(x, y, 1, ROW - 1);
        hazeUntil[depth] = x + 1;
      }
      node = tree.end[node]!;
      continue;
    }
    if (y > -ROW && y < height) paintFrame(context, look, node, x, y, width, cell);
    node++;
  }
}

function paintFrame(
  context: CanvasRenderingContext2D,
  look: Look,
  node: number,
  x: number,
  y: number,
  width: number,
  cell: number,
): void {
  const inner = width - Math.min(1, width / 4);
  context.fillStyle = look.fill(node);
  context.fillRect(x, y, inner, ROW - 1);
  const room = Math.floor((inner - 2 * PADDING) / cell);
  if (room < MIN_LABEL) return;
  const text = shorten(bounded(look.label(node), (room + 1) * 4), room);
  context.fillStyle = look.ink(node);
  const middle = y + ROW / 2;
  if (isPlain(text.replaceAll('…', ''))) {
    context.fillText(text, x + PADDING, middle);
    return;
  }
  // No estimate of a text's width holds for every script.
  context.save();
  context.beginPath();
  context.rect(x, y, inner, ROW - 1);
  context.clip();
  context.fillText(text, x + PADDING, middle);
  context.restore();
}
