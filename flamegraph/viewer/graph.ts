/** A flame graph on a canvas that is as large as what can be seen of it, however many rows there are. */

import { make } from './dom.ts';
import { neighbour, nodeAt, ROW, rowOf, rowsOf, spanOf, type View } from './geometry.ts';
import { type Look, paint } from './paint.ts';
import type { Tree } from './tree.ts';

export interface GraphEvents {
  /** A node was clicked, or Enter was pressed on it. */
  readonly zoom: (node: number) => void;
  /** The pointer is over a node (−1: over none), at a place in the window. */
  readonly hover: (node: number, x: number, y: number) => void;
  readonly menu: (node: number, x: number, y: number) => void;
  /** A double click, or the key s. */
  readonly open: (node: number) => void;
  /** A node in words, for screen readers. */
  readonly describe: (node: number) => string;
}

interface Shown {
  readonly tree: Tree;
  readonly zoom: number;
  readonly inverted: boolean;
  readonly rows: number;
  readonly look: Look;
}

export class Graph {
  readonly #scroller: HTMLElement;
  readonly #spacer = make('div', '', { class: 'spacer' });
  readonly #canvas = make('canvas', '', { class: 'picture', role: 'img' });
  /** Stands for the picture where there is none to see: has the keyboard, and the marked frame as its only item. */
  readonly #proxy = make('div', '', { role: 'tree', tabindex: '0' });
  readonly #hover = make('div', '', { class: 'box' });
  readonly #mark = make('div', '', { class: 'box mark' });
  readonly #context: CanvasRenderingContext2D;
  readonly #events: GraphEvents;
  #shown: Shown | undefined;
  #clicked = -1;
  #marked = -1;
  /** Of the part that can be seen, and of what lies below it, px. */
  #height = 0;
  #below = 0;
  #scheduled = false;

  /** @param name what the picture is, for screen readers */
  constructor(scroller: HTMLElement, name: string, events: GraphEvents) {
    this.#scroller = scroller;
    this.#events = events;
    this.#context = this.#canvas.getContext('2d')!;
    this.#canvas.setAttribute('aria-label', name);
    this.#proxy.setAttribute('aria-label', `${name}. Arrow keys move, Enter zooms, s shows callers and callees.`);
    this.#spacer.append(this.#canvas, this.#hover, this.#mark);
    scroller.append(this.#proxy, this.#spacer);
    this.#hover.hidden = this.#mark.hidden = true;
    scroller.addEventListener('scroll', () => this.#schedule());
    new ResizeObserver(() => this.#resized()).observe(scroller);
    this.#listen();
  }

  /** The node that the keyboard is at, −1 for none. */
  get marked(): number {
    return this.#marked;
  }

  #listen(): void {
    const scroller = this.#scroller;
    scroller.addEventListener('mousemove', event => this.#point(this.#at(event), event.clientX, event.clientY));
    scroller.addEventListener('mouseleave', () => this.#point(-1, 0, 0));
    scroller.addEventListener('click', event => {
      this.#proxy.focus({ preventScroll: true });
      // What the second click of a double click hits has moved there with the first.
      if (event.detail > 1) return;
      this.#clicked = this.#at(event);
      if (this.#clicked >= 0) this.#events.zoom(this.#clicked);
    });
    scroller.addEventListener('dblclick', () => {
      if (this.#clicked >= 0) this.#events.open(this.#clicked);
    });
    scroller.addEventListener('contextmenu', event => {
      const node = this.#at(event);
      if (node < 0) return;
      event.preventDefault();
      this.#events.menu(node, event.clientX, event.clientY);
    });
    this.#proxy.addEventListener('focus', () => this.mark(this.#marked < 0 ? (this.#shown?.zoom ?? 0) : this.#marked));
    this.#proxy.addEventListener('keydown', event => this.#key(event));
  }

  #key(event: KeyboardEvent): void {
    const view = this.#view();
    if (event.ctrlKey || event.metaKey || event.altKey || !view) return;
    const next = neighbour(view, this.#marked, event.key);
    const box = this.#mark.getBoundingClientRect();
    if (next !== undefined) this.mark(next);
    else if (event.key === 'Enter') this.#events.zoom(this.#marked);
    else if (event.key === 's') this.#events.open(this.#marked);
    else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      this.#events.menu(this.#marked, box.left, box.bottom);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #view(): View | undefined {
    return this.#shown && { ...this.#shown, width: this.#scroller.clientWidth };
  }

  #at(event: MouseEvent): number {
    const view = this.#view();
    const box = this.#scroller.getBoundingClientRect();
    return view ? nodeAt(view, event.clientX - box.left, event.clientY - box.top + this.#scroller.scrollTop) : -1;
  }

  #point(node: number, x: number, y: number): void {
    this.#place(this.#hover, node);
    this.#scroller.classList.toggle('pointing', node >= 0);
    this.#events.hover(node, x, y);
  }

  /** Shows a tree from `zoom` on. As high as the whole tree, so that nothing jumps. */
  set(tree: Tree, zoom: number, inverted: boolean, look: Look): void {
    const rows = tree === this.#shown?.tree ? this.#shown.rows : rowsOf(tree);
    this.#shown = { tree, zoom, inverted, rows, look };
    this.#spacer.style.height = this.#scroller.style.height = `${rows * ROW}px`;
    this.#marked = -1;
    this.#hover.hidden = true;
    this.#reveal(zoom);
    if (document.activeElement === this.#proxy) this.mark(zoom);
    this.#draw();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  /** With roots at the bottom, what is at the bottom stays there. */
  #resized(): void {
    const { scrollHeight, clientHeight } = this.#scroller;
    this.#height = clientHeight;
    if (this.#shown?.inverted === false) this.#scroller.scrollTop = scrollHeight - clientHeight - this.#below;
    this.#draw();
  }

  #reveal(node: number): void {
    const view = this.#view()!;
    const top = rowOf(view, view.tree.depth[node]!) * ROW;
    const { scrollTop, clientHeight } = this.#scroller;
    if (top < scrollTop) this.#scroller.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.#scroller.scrollTop = top + ROW - clientHeight;
  }

  #place(box: HTMLElement, node: number): void {
    const view = this.#view();
    box.hidden = node < 0 || !view;
    if (node < 0 || !view) return;
    const [x, width] = spanOf(view, node);
    box.style.transform = `translate(${x}px,${rowOf(view, view.tree.depth[node]!) * ROW}px)`;
    box.style.width = `${Math.max(width - 1, 1)}px`;
  }

  /** Marks a node for the keyboard and for screen readers. */
  mark(node: number): void {
    const tree = this.#shown?.tree;
    if (!tree) return;
    this.#marked = node;
    this.#reveal(node);
    this.#place(this.#mark, node);
    // A new element each time: readers say an item that becomes active, not one whose text changes.
    const item = make('div', this.#events.describe(node), { role: 'treeitem', 'aria-selected': 'true' });
    item.id = `${this.#scroller.id}-item-${node}`;
    item.setAttribute('aria-level', String(tree.depth[node]! + 1));
    if (tree.end[node]! > node + 1) item.setAttribute('aria-expanded', 'true');
    this.#proxy.replaceChildren(item);
    this.#proxy.setAttribute('aria-activedescendant', item.id);
  }

  #draw(): void {
    const view = this.#view();
    const { clientHeight: height, scrollTop } = this.#scroller;
    if (!view || !this.#shown || view.width === 0) return;
    // Until #resized knows of another height, the place is that of the height before.
    this.#height ||= height;
    this.#below = this.#scroller.scrollHeight - this.#height - scrollTop;
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(view.width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== wide || this.#canvas.height !== high) {
      this.#canvas.width = wide;
      this.#canvas.height = high;
      this.#canvas.style.width = `${view.width}px`;
      this.#canvas.style.height = `${height}px`;
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint(this.#context, view, this.#shown.look, scrollTop, height);
    this.#place(this.#mark, this.#marked);
  }
}
