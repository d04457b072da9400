/** The frames of the picture, read from what is drawn, and drawn again for another width, zoom or direction. */

import { isPlain, shorten } from '../text.ts';
import { pathHashes } from './svg-link.ts';

const SVG = 'http://www.w3.org/2000/svg';
const ROW = 17;
const PADDING = 4;
const MIN_LABEL = 4;
/** px */
const MARGIN = 10;
/** Wider frames have round corners, px. */
const ROUND = 6;
/** Narrower frames of a zoom are not shown, px. */
const MIN_WIDTH = 0.2;

export interface View {
  /** Index of the frame that is as wide as the picture; 0 for all. */
  readonly zoom: number;
  readonly inverted: boolean;
  /** px */
  readonly width: number;
}

export class Frames {
  readonly length: number;
  readonly group: Element;
  readonly elements: readonly SVGGElement[];
  /** First lines of the titles. */
  readonly names: readonly string[];
  readonly depth: Uint32Array;
  readonly parent: Int32Array;
  /** One past the last descendant. */
  readonly end: Int32Array;
  /** Left edge and width in billionths of the whole. */
  readonly start: Float64Array;
  readonly size: Float64Array;
  readonly rows: number;
  readonly hashes: readonly string[];
  /** By frame, 1 where it can be seen. */
  readonly visible: Uint8Array;
  /** Advance of a character, px. */
  readonly #cell: number;
  readonly #rootLabel: string;
  readonly #rects: readonly Element[];
  readonly #labels: (Element | null)[];

  constructor(group: Element) {
    this.group = group;
    this.elements = [...group.querySelectorAll<SVGGElement>(':scope > g')];
    this.length = this.elements.length;
    this.names = this.elements.map(element => (element.firstChild?.textContent ?? '').split('\n', 1)[0]!);
    this.#rects = this.elements.map(element => element.children[1]!);
    this.#labels = this.elements.map(element => element.children[2] ?? null);
    this.#rootLabel = this.#labels[0]?.textContent ?? 'all';
    this.depth = new Uint32Array(this.length);
    this.parent = new Int32Array(this.length);
    this.end = new Int32Array(this.length);
    this.start = new Float64Array(this.length);
    this.size = new Float64Array(this.length);
    this.visible = new Uint8Array(this.length);
    this.#read((group.getAttribute('data-boxes') ?? '').split(' '));
    this.rows = this.depth.reduce((deepest, depth) => Math.max(deepest, depth), 0) + 1;
    this.hashes = pathHashes(this.names, this.parent);
    this.#cell = this.#measure();
    this.#describe();
  }

  /** What screen readers are told: names are the titles. */
  #describe(): void {
    this.group.classList.add('fg-frames');
    this.group.setAttribute('role', 'tree');
    this.group.setAttribute('aria-label', 'Frames, callees inside of callers');
    for (const [i, element] of this.elements.entries()) {
      element.setAttribute('role', 'treeitem');
      element.setAttribute('aria-level', String(this.depth[i]! + 1));
    }
    this.elements[0]!.setAttribute('tabindex', '0');
  }

  #read(boxes: readonly string[]): void {
    const path: number[] = [];
    const edge: number[] = [0];
    for (let i = 0; i < this.length; i++) {
      const [depth = 0, size = 0, gap = 0] = boxes[i]!.split(',').map(word => Number.parseInt(word, 36));
      this.depth[i] = depth;
      this.parent[i] = path[depth - 1] ?? -1;
      path[depth] = i;
      this.start[i] = edge[depth]! + gap;
      this.size[i] = size;
      edge[depth] = this.start[i]! + size;
      edge[depth + 1] = this.start[i]!;
    }
    for (let i = this.length - 1; i >= 0; i--) {
      if (this.end[i] === 0) this.end[i] = i + 1;
      const parent = this.parent[i]!;
      if (parent >= 0 && this.end[parent] === 0) this.end[parent] = this.end[i]!;
    }
  }

  /** The font is the viewer's choice: what its characters really take, so that labels fill their frames. */
  #measure(): number {
    const probe = this.group.appendChild(document.createElementNS(SVG, 'text'));
    probe.textContent = 'm'.repeat(50);
    const width = probe.getComputedTextLength() / 50;
    probe.remove();
    return width > 0 ? width : 7.25;
  }

  /** Top of a frame, px below the top of the frames. */
  top(frame: number, inverted: boolean): number {
    const depth = this.depth[frame]!;
    return (inverted ? depth : this.rows - 1 - depth) * ROW;
  }

  /** Left edge and width of a frame in a view, px; negative where it is not shown. */
  box(frame: number, { zoom, width }: View): readonly [x: number, width: number] {
    const room = width - 2 * MARGIN;
    const above = frame < zoom && zoom < this.end[frame]!;
    if (above) return [MARGIN, room];
    if (frame < zoom || frame >= this.end[zoom]!) return [0, -1];
    const scale = room / this.size[zoom]!;
    return [MARGIN + (this.start[frame]! - this.start[zoom]!) * scale, this.size[frame]! * scale];
  }

  draw(view: View): void {
    for (let i = 0; i < this.length; i++) {
      const [x, width] = this.box(i, view);
      const shown = width >= MIN_WIDTH || i === view.zoom || (view.zoom === 0 && width >= 0);
      const element = this.elements[i]!;
      this.visible[i] = Number(shown);
      put(element, 'display', shown ? null : 'none');
      if (!shown) continue;
      const y = this.top(i, view.inverted);
      const inner = width - Math.min(0.6, width / 5);
      const rect = this.#rects[i]!;
      put(rect, 'x', x.toFixed(2));
      put(rect, 'y', String(y));
      put(rect, 'width', inner.toFixed(2));
      put(rect, 'rx', width > ROUND ? '2' : null);
      put(element, 'class', i < view.zoom ? 'fg-above' : null);
      this.#label(i, x, y, inner);
    }
  }

  #label(frame: number, x: number, y: number, width: number): void {
    const name = frame === 0 ? this.#rootLabel : this.names[frame]!;
    const room = Math.floor((width - PADDING - 2) / this.#cell);
    const text = room < MIN_LABEL && name.length > room ? '' : shorten(name, room);
    let label = this.#labels[frame] ?? null;
    // Text outside of ASCII is clipped: how wide other scripts come out is a guess.
    const local = text === '' ? '' : isPlain(text.replaceAll('…', '')) ? 'text' : 'svg';
    if (label && label.localName !== local) {
      label.remove();
      label = null;
    }
    if (local !== '') {
      label ??= this.elements[frame]!.appendChild(document.createElementNS(SVG, local));
      if (local === 'text') fillText(label, text, x + PADDING, y + 12);
      else {
        for (const [key, value] of Object.entries({ x, y, width, height: ROW - 1 })) put(label, key, value.toFixed(2));
        const inner = label.firstElementChild ?? label.appendChild(document.createElementNS(SVG, 'text'));
        fillText(inner, text, PADDING, 12);
      }
    }
    this.#labels[frame] = label;
  }
}

/** Only what changes: engines do not look whether a new value is the old one. */
function put(element: Element, name: string, value: string | null): void {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

function fillText(element: Element, text: string, x: number, y: number): void {
  if (element.textContent !== text) element.textContent = text;
  put(element, 'x', x.toFixed(2));
  put(element, 'y', String(y));
}
