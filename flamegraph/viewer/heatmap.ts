/**
 * Samples over time, as a map of sub-second offsets: a column for each second, a row for each part of it, so that what
 * happens at the same moment of every second lines up. After https://www.brendangregg.com/HeatMaps/subsecondoffset.html
 */

import type { ViewerData } from '../html-unpack.ts';
import type { Theme } from '../palette.ts';
import { make } from './dom.ts';

const ROWS = 50;
/** More seconds share a column, so that a column is a pixel at least. */
const MAX_COLUMNS = 1000;
/** px */
const HEIGHT = 100;
const MAX_CELL = 36;

export type Range = readonly [from: number, to: number];

export class Heatmap {
  readonly #canvas = make('canvas', '', {
    tabindex: '0',
    role: 'application',
    'aria-roledescription': 'heat map',
    'aria-label': 'Samples over time. Arrow keys move, Enter starts and ends a range, Escape clears it.',
  });
  readonly #say: (text: string) => void;
  readonly #select: (range: Range | undefined) => void;
  #counts = new Float64Array(0);
  #columns = 0;
  /** ms of a column. */
  #span = 1000;
  #range: Range | undefined;
  #anchor = -1;
  #cursor = -1;
  #theme: Theme = 'light';

  /** @param select a range was chosen, or cleared */
  constructor(parent: HTMLElement, say: (text: string) => void, select: (range: Range | undefined) => void) {
    this.#say = say;
    this.#select = select;
    parent.append(this.#canvas);
    new ResizeObserver(() => this.#draw()).observe(parent);
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', event => {
      canvas.setPointerCapture(event.pointerId);
      this.#anchor = this.#cursor = this.#cellAt(event);
      this.#draw();
    });
    canvas.addEventListener('pointermove', event => {
      const cell = this.#cellAt(event);
      this.#say(this.#text(cell));
      if (this.#anchor < 0 || event.buttons === 0) return;
      this.#cursor = cell;
      this.#draw();
    });
    canvas.addEventListener('pointerup', event => {
      if (this.#anchor >= 0) this.#finish(this.#cellAt(event));
    });
    canvas.addEventListener('keydown', event => this.#key(event));
  }

  /** Counts the timeline of a thread, or of all (−1). */
  count({ timeline, threads }: ViewerData, thread: number): void {
    const last = timeline.length > 0 ? timeline.time[timeline.length - 1]! : 0;
    this.#span = 1000 * Math.max(1, Math.ceil((last + 1) / 1000 / MAX_COLUMNS));
    this.#columns = Math.floor(last / this.#span) + 1;
    this.#counts = new Float64Array(this.#columns * ROWS);
    for (let i = 0; i < timeline.length; i++) {
      if (thread >= 0 && threads.of[timeline.sample[i]!] !== thread) continue;
      this.#counts[Math.floor((timeline.time[i]! / this.#span) * ROWS)]!++;
    }
  }

  show(range: Range | undefined, theme: Theme): void {
    this.#range = range;
    this.#theme = theme;
    this.#draw();
  }

  /** A cell as a point of time: column by column, from the bottom up. */
  #time(cell: number): number {
    return (cell / ROWS) * this.#span;
  }

  #text(cell: number): string {
    const seconds = (ms: number) => (ms / 1000).toFixed(2);
    const count = this.#counts[cell] ?? 0;
    return `${seconds(this.#time(cell))}–${seconds(this.#time(cell + 1))} s: ${count === 1 ? '1 sample' : `${count} samples`}`;
  }

  #cellAt(event: PointerEvent): number {
    const box = this.#canvas.getBoundingClientRect();
    const clamp = (value: number, limit: number) => Math.min(limit - 1, Math.max(0, Math.floor(value)));
    const column = clamp(((event.clientX - box.left) / box.width) * this.#columns, this.#columns);
    const row = clamp((1 - (event.clientY - box.top) / box.height) * ROWS, ROWS);
    return column * ROWS + row;
  }

  #finish(cell: number): void {
    const [first, last] = [Math.min(this.#anchor, cell), Math.max(this.#anchor, cell)];
    this.#anchor = -1;
    this.#cursor = cell;
    this.#select([this.#time(first), this.#time(last + 1)]);
  }

  #key(event: KeyboardEvent): void {
    const steps: Readonly<Record<string, number>> = { ArrowUp: 1, ArrowDown: -1, ArrowRight: ROWS, ArrowLeft: -ROWS };
    const step = steps[event.key];
    if (step !== undefined) {
      const next = this.#cursor < 0 ? 0 : this.#cursor + step;
      if (next >= 0 && next < this.#counts.length) this.#cursor = next;
      this.#say(this.#text(this.#cursor));
    } else if (event.key === 'Enter' && this.#cursor >= 0) {
      if (this.#anchor < 0) {
        this.#anchor = this.#cursor;
        this.#say(`range starts at ${this.#text(this.#cursor)}`);
      } else this.#finish(this.#cursor);
    } else if (event.key === 'Escape') {
      this.#anchor = this.#cursor = -1;
      this.#select(undefined);
    } else return;
    event.preventDefault();
    event.stopPropagation();
    this.#draw();
  }

  #draw(): void {
    const theme = this.#theme;
    const canvas = this.#canvas;
    const room = canvas.parentElement!.clientWidth;
    if (room === 0 || this.#columns === 0) return;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.min(room, this.#columns * MAX_CELL);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${HEIGHT}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    const context = canvas.getContext('2d')!;
    context.fillStyle = theme === 'light' ? '#f2f4f7' : '#161b22';
    context.fillRect(0, 0, canvas.width, canvas.height);
    const most = this.#counts.reduce((max, count) => Math.max(max, count), 1);
    const [wide, high] = [canvas.width / this.#columns, canvas.height / ROWS];
    const [from, to] = this.#chosen();
    for (let cell = 0; cell < this.#counts.length; cell++) {
      const chosen = cell >= from && cell < to;
      const count = this.#counts[cell]!;
      if (count === 0 && !chosen) continue;
      const heat = Math.sqrt(count / most);
      const lightness = theme === 'light' ? 88 - 50 * heat : 22 + 50 * heat;
      context.fillStyle =
        count > 0 ? `hsl(${chosen ? 210 : 24},90%,${lightness}%)` : theme === 'light' ? '#d6e6f8' : '#1c3350';
      const x = Math.floor(cell / ROWS) * wide;
      context.fillRect(x, canvas.height - ((cell % ROWS) + 1) * high, Math.max(1, wide - ratio * 0.5), high);
    }
    this.#drawCursor(context, wide, high, canvas.height);
  }

  /** Cells of the range, or of the one that is being drawn. */
  #chosen(): Range {
    if (this.#anchor >= 0) return [Math.min(this.#anchor, this.#cursor), Math.max(this.#anchor, this.#cursor) + 1];
    if (!this.#range) return [0, 0];
    const cell = (time: number) => Math.round((time / this.#span) * ROWS);
    return [cell(this.#range[0]), cell(this.#range[1])];
  }

  #drawCursor(context: CanvasRenderingContext2D, wide: number, high: number, height: number): void {
    if (this.#cursor < 0) return;
    context.strokeStyle = this.#theme === 'light' ? '#000' : '#fff';
    context.strokeRect(Math.floor(this.#cursor / ROWS) * wide, height - ((this.#cursor % ROWS) + 1) * high, wide, high);
  }
}
