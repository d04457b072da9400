/**
 * What a reader can do with a flame graph that is an SVG: zoom, search, walk with the keyboard, turn it over, send a link.
 * Without it the picture is complete. Texts of frames come from their titles, as text, and never become markup or code.
 */

import { Finder } from './svg-find.ts';
import { Frames } from './svg-frames.ts';
import { step } from './svg-keys.ts';
import { type Link, readLink, writeLink } from './svg-link.ts';
import { Bar, footPanel, headPanel } from './svg-panel.ts';

const SVG = 'http://www.w3.org/2000/svg';
const TYPING_PAUSE_MS = 120;

class Viewer {
  readonly #root: SVGSVGElement;
  readonly #frames: Frames;
  readonly #head;
  readonly #foot;
  readonly #bar = new Bar();
  readonly #ring = document.createElementNS(SVG, 'rect');
  /** As the picture was drawn. */
  readonly #inverted: boolean;
  readonly #finder: Finder;
  #link: Link;
  #zoom = 0;
  #focus = 0;
  #width = 0;
  #top = 0;
  #typing = 0;

  constructor(root: SVGSVGElement) {
    this.#root = root;
    const [head, group, foot] = [...root.querySelectorAll(':scope > g')] as [Element, Element, Element];
    this.#frames = new Frames(group);
    this.#inverted = group.getAttribute('data-inverted') === 'true';
    this.#finder = new Finder(this.#frames, foot.textContent?.includes('Not drawn') ?? false);
    this.#link = readLink(this.#inverted);
    this.#head = headPanel(head, root.querySelector(':scope > title')?.textContent ?? '');
    this.#foot = footPanel(foot);
    head.replaceWith(this.#head.box);
    foot.replaceWith(this.#foot.box);
    // Last, for it stays in sight above everything.
    root.append(this.#bar.box);
    root.removeAttribute('viewBox');
    root.setAttribute('role', 'group');
    this.#ring.setAttribute('class', 'fg-ring');
    this.#ring.setAttribute('height', '16');
    group.append(this.#ring);
    this.#listen(group);
    this.#apply(this.#link);
  }

  #listen(group: Element): void {
    const bar = this.#bar;
    const frameAt = (event: Event) => {
      const element = (event.target as Element).closest?.('[role=treeitem]');
      return element ? this.#frames.elements.indexOf(element as SVGGElement) : -1;
    };
    group.addEventListener('click', event => {
      const frame = frameAt(event);
      if (frame < 0) return;
      this.#zoomTo(frame);
      this.#focusOn(frame);
    });
    group.addEventListener('pointerover', event => this.#tell(frameAt(event)));
    group.addEventListener('pointerleave', () => this.#tell(-1));
    group.addEventListener('focusin', event => this.#focused(frameAt(event)));
    bar.search.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = window.setTimeout(() => this.#searchFor(bar.search.value), TYPING_PAUSE_MS);
    });
    bar.clear.addEventListener('click', () => this.#searchFor(''));
    bar.reset.addEventListener('click', () => this.#zoomTo(0));
    bar.turn.addEventListener('click', () => this.#turn());
    addEventListener('keydown', event => this.#key(event));
    addEventListener('resize', () => this.#resize());
    addEventListener('scroll', () => this.#stick());
    addEventListener('popstate', () => this.#apply(readLink(this.#inverted)));
  }

  /** Makes the picture what a link says. */
  #apply(link: Link): void {
    this.#link = link;
    this.#zoom = Math.max(0, this.#frames.hashes.indexOf(link.zoom));
    this.#bar.search.value = link.search;
    this.#finder.find(link.search);
    this.#width = 0;
    this.#resize();
    if (link.zoom !== '' && this.#zoom === 0) this.#say('the linked frame is not in this picture');
  }

  #change(change: Partial<Link>, replace = false): void {
    this.#link = { ...this.#link, ...change };
    writeLink(this.#link, this.#inverted, replace);
  }

  #zoomTo(frame: number): void {
    this.#zoom = frame;
    this.#change({ zoom: this.#frames.hashes[frame]! });
    this.#draw();
    this.#report();
  }

  #turn(): void {
    this.#change({ inverted: !this.#link.inverted });
    this.#draw();
  }

  #searchFor(text: string): void {
    clearTimeout(this.#typing);
    this.#bar.search.value = text;
    this.#change({ search: text }, true);
    this.#finder.find(text);
    this.#report();
  }

  #report(): void {
    this.#say(this.#finder.report(this.#zoom));
  }

  #say(text: string): void {
    if (this.#bar.say(text)) this.#place();
    this.#bar.clear.disabled = this.#link.search === '';
  }

  #resize(): void {
    // An SVG of its own is the window; else it is as wide as what it stands in.
    const width = (this.#root.parentElement ?? document.documentElement).clientWidth || innerWidth;
    if (width === this.#width) return;
    this.#width = Math.max(width, 200);
    this.#head.fit(this.#width);
    this.#foot.fit(this.#width);
    this.#report();
    this.#draw();
    this.#place();
  }

  /** One below the other: heading, bar, frames, notes. */
  #place(): void {
    this.#bar.fit(this.#width);
    this.#top = this.#head.height + this.#bar.height;
    const bottom = this.#top + this.#frames.rows * 17;
    this.#frames.group.setAttribute('transform', `translate(0 ${this.#top})`);
    this.#foot.moveTo(bottom);
    this.#root.setAttribute('width', String(this.#width));
    // A picture of its own fills its window, so that the background does.
    const least = this.#root.parentElement ? 0 : document.documentElement.clientHeight;
    this.#root.setAttribute('height', String(Math.max(bottom + this.#foot.height + 10, least)));
    this.#stick();
  }

  /** Keeps the bar in sight. */
  #stick(): void {
    const scrolled = -this.#root.getBoundingClientRect().top;
    this.#bar.moveTo(Math.max(this.#head.height, scrolled));
  }

  #draw(): void {
    const { inverted } = this.#link;
    const bar = this.#bar;
    this.#frames.draw({ zoom: this.#zoom, inverted, width: this.#width });
    bar.reset.disabled = this.#zoom === 0;
    bar.clear.disabled = this.#link.search === '';
    bar.turn.textContent = inverted ? 'Roots below' : 'Roots on top';
    if (this.#frames.visible[this.#focus] === 0) this.#makeFocusable(this.#zoom);
    this.#moveRing();
  }

  #moveRing(): void {
    const [x, width] = this.#frames.box(this.#focus, { zoom: this.#zoom, width: this.#width, inverted: false });
    this.#ring.setAttribute('x', String(x));
    this.#ring.setAttribute('y', String(this.#frames.top(this.#focus, this.#link.inverted)));
    this.#ring.setAttribute('width', String(Math.max(width, 1)));
  }

  /** One frame at a time is where Tab leads to. */
  #makeFocusable(frame: number): void {
    // Not even for a moment may the focused frame be without: it would lose the focus.
    if (frame !== this.#focus) this.#frames.elements[this.#focus]!.removeAttribute('tabindex');
    this.#focus = frame;
    this.#frames.elements[frame]!.setAttribute('tabindex', '0');
  }

  #focusOn(frame: number): void {
    this.#makeFocusable(frame);
    this.#frames.elements[frame]!.focus({ preventScroll: true });
    this.#moveRing();
    this.#keepInSight();
  }

  #focused(frame: number): void {
    if (frame < 0) return;
    this.#makeFocusable(frame);
    this.#moveRing();
    this.#tell(frame);
  }

  #tell(frame: number): void {
    this.#bar.tell(frame < 0 ? '' : (this.#frames.elements[frame]!.firstChild?.textContent ?? ''));
  }

  /** Scrolls the focused frame out from under the bar and the edge of the window, at once: nothing here moves slowly. */
  #keepInSight(): void {
    const { top, bottom } = this.#ring.getBoundingClientRect();
    if (top < this.#bar.height) scrollBy(0, top - this.#bar.height - 17);
    else if (bottom > innerHeight) scrollBy(0, bottom - innerHeight + 17);
  }

  #key(event: KeyboardEvent): void {
    const { search: field } = this.#bar;
    const { key, target, shiftKey } = event;
    const modified = event.ctrlKey || event.metaKey;
    const inField = target === field;
    const isButton = target instanceof Element && target.localName === 'button' && (key === 'Enter' || key === ' ');
    if (event.altKey || isButton || (modified && (key !== 'f' || inField))) return;
    const action = modified ? () => field.select() : (inField ? this.#fieldKeys : this.#keys)[key];
    const next = inField ? undefined : step(this.#frames, this.#focus, key, this.#link.inverted);
    if (action) action(shiftKey);
    else if (next !== undefined) this.#focusOn(next);
    else return;
    event.preventDefault();
  }

  readonly #fieldKeys: Readonly<Record<string, (shift: boolean) => void>> = {
    Enter: shift => {
      this.#searchFor(this.#bar.search.value);
      this.#toMatch(shift);
    },
    Escape: () => {
      this.#searchFor('');
      this.#focusOn(this.#focus);
    },
  };

  readonly #keys: Readonly<Record<string, (shift: boolean) => void>> = {
    Enter: () => this.#zoomTo(this.#focus),
    ' ': () => this.#zoomTo(this.#focus),
    Escape: () => (this.#zoom > 0 ? this.#zoomTo(0) : this.#searchFor('')),
    '/': () => this.#bar.search.select(),
    i: () => this.#turn(),
    n: () => this.#toMatch(false),
    N: () => this.#toMatch(true),
  };

  #toMatch(back: boolean): void {
    const frame = this.#finder.next(this.#focus, back);
    if (frame >= 0) this.#focusOn(frame);
  }
}

const own = document.currentScript?.parentNode;
if (own instanceof SVGSVGElement) new Viewer(own);
