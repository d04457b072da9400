/**
 * What stands around the frames, as HTML: it wraps in a window of any width, has fields and buttons that everybody knows,
 * and is read aloud. The texts are those of the static picture.
 */

const HTML = 'http://www.w3.org/1999/xhtml';
const SVG = 'http://www.w3.org/2000/svg';

function make<K extends keyof HTMLElementTagNameMap>(tag: K, name = '', text = ''): HTMLElementTagNameMap[K] {
  const element = document.createElementNS(HTML, tag) as HTMLElementTagNameMap[K];
  if (name !== '') element.className = name;
  if (text !== '') element.textContent = text;
  return element;
}

/** A piece of HTML in the picture, as wide as it is and as high as the text needs. */
export class Panel {
  readonly box: SVGForeignObjectElement = document.createElementNS(SVG, 'foreignObject');
  readonly content: HTMLDivElement;
  height = 0;

  constructor(className: string) {
    this.content = make('div', className);
    this.box.append(this.content);
  }

  fit(width: number): void {
    this.box.setAttribute('width', String(width));
    // Room enough to measure in.
    this.box.setAttribute('height', '2000');
    this.height = this.content.childElementCount === 0 ? 0 : Math.ceil(this.content.getBoundingClientRect().height);
    this.box.setAttribute('height', String(this.height));
  }

  moveTo(y: number): void {
    this.box.setAttribute('y', String(y));
  }
}

function words(text: Element): string {
  return (text.textContent ?? '').trim();
}

function paragraphs(texts: readonly Element[]): HTMLParagraphElement[] {
  return texts.map(text => make('p', '', words(text)));
}

/** The swatches are drawn as they were, so that they turn dark with the frames. */
function legend(drawn: Element): HTMLElement {
  const list = make('ul', 'fg-legend');
  list.title = drawn.querySelector('title')?.textContent ?? '';
  let swatch: Element | undefined;
  for (const element of drawn.children) {
    if (element.localName === 'rect') swatch = element;
    if (element.localName !== 'text') continue;
    const item = list.appendChild(make('li'));
    if (swatch) {
      const copy = item.appendChild(document.createElementNS(SVG, 'svg')).appendChild(swatch.cloneNode() as Element);
      copy.removeAttribute('x');
      copy.removeAttribute('y');
    }
    item.append(words(element));
    swatch = undefined;
  }
  return list;
}

/** @param drawn the heading of the static picture: title, total, paragraphs, legend */
export function headPanel(drawn: Element, title: string): Panel {
  const panel = new Panel('fg-head');
  const [, total, ...rest] = [...drawn.children].filter(child => child.localName === 'text');
  panel.content.append(make('h1', '', title), make('span', '', total ? words(total) : ''), ...paragraphs(rest));
  const swatches = [...drawn.children].find(child => child.localName === 'g');
  if (swatches) panel.content.append(legend(swatches));
  return panel;
}

export function footPanel(drawn: Element): Panel {
  const panel = new Panel('fg-foot');
  panel.content.append(...paragraphs([...drawn.children]));
  return panel;
}

const HINT = 'Click or Enter: zoom · arrows: walk · / or Ctrl-F: search · n: next match · i: turn · Esc: back';

export class Bar extends Panel {
  readonly search: HTMLInputElement = make('input');
  readonly clear: HTMLButtonElement = make('button', '', 'Clear');
  readonly reset: HTMLButtonElement = make('button', '', 'Reset zoom');
  readonly turn: HTMLButtonElement = make('button');
  readonly #result: HTMLOutputElement = make('output');
  readonly #details: HTMLDivElement = make('div', 'fg-details');

  constructor() {
    super('fg-bar');
    this.content.setAttribute('role', 'toolbar');
    this.content.setAttribute('aria-label', 'Flame graph');
    this.search.type = 'search';
    this.search.placeholder = 'Search: text or /pattern/';
    this.search.maxLength = 200;
    this.search.setAttribute('aria-label', 'Search names: text, or a regular expression between slashes');
    this.#result.setAttribute('aria-live', 'polite');
    const tools = make('div', 'fg-tools');
    tools.append(this.search, this.clear, this.reset, this.turn, this.#result);
    this.content.append(tools, this.#details);
    this.tell('');
  }

  /** @returns whether the bar may have another height now */
  say(result: string): boolean {
    if (this.#result.textContent === result) return false;
    this.#result.textContent = result;
    return true;
  }

  /** Shows a frame's title in one line. */
  tell(title: string): void {
    const text = title === '' ? HINT : title.split('\n').join(' · ');
    this.#details.textContent = text;
    this.#details.title = text;
  }
}
