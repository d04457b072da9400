/** What can be pressed, chosen and typed, apart from the pictures. */

import type { Theme } from '../palette.ts';
import type { Scheme } from './colors.ts';
import { byId, fromBase64, make, save, show } from './dom.ts';
import { closeMenu } from './menu.ts';
import type { Profile } from './profile.ts';
import type { State } from './state.ts';

export interface ControlEvents {
  /** @param push whether the back button undoes it */
  readonly change: (change: Partial<State>, push: boolean) => void;
  readonly theme: () => void;
  /** Go to the next match of the search. */
  readonly next: () => void;
}

const CHECKS = ['reverse', 'inverted', 'recursion', 'packages', 'safe', 'normalize'] as const;
const SELECTS = ['order', 'colors', 'side', 'change'] as const;
/** ms without a key before a search starts. */
const PAUSE = 120;

/** Where letters are text, or choose from a list. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type !== 'checkbox');
}

export class Controls {
  readonly #profile: Profile;
  readonly #events: ControlEvents;
  readonly #search = byId<HTMLInputElement>('search');
  #state: State | undefined;
  #timer = 0;

  constructor(profile: Profile, events: ControlEvents) {
    this.#profile = profile;
    this.#events = events;
    for (const id of CHECKS) {
      const box = byId<HTMLInputElement>(id);
      box.addEventListener('change', () => events.change({ [id]: box.checked }, true));
    }
    for (const id of SELECTS) {
      const list = byId<HTMLSelectElement>(id);
      list.addEventListener('change', () => events.change({ [id]: list.value }, true));
    }
    this.#prepareTypes();
    this.#prepareDownload();
    byId('view-flame').addEventListener('click', () => events.change({ view: 'flame' }, true));
    byId('view-functions').addEventListener('click', () => events.change({ view: 'functions' }, true));
    byId('reset').addEventListener('click', () => events.change({ zoom: [] }, true));
    byId('all-time').addEventListener('click', () => events.change({ range: undefined }, true));
    byId('theme').addEventListener('click', () => events.theme());
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => events.change({ search: this.#search.value }, false), PAUSE);
    });
    addEventListener('keydown', event => this.#key(event));
    show(
      byId('packages-label'),
      profile.data.names.some(name => name.includes('node_modules')),
    );
    if (profile.data.timeline.length === 0) byId('order').querySelector('[value=time]')?.remove();
  }

  #prepareTypes(): void {
    const { types } = this.#profile.settings;
    const list = byId<HTMLSelectElement>('type');
    list.append(...types.map(({ type, unit }, i) => make('option', `${type} (${unit})`, { value: String(i) })));
    list.addEventListener('change', () => this.#events.change({ type: Number(list.value) }, true));
    show(byId('type-label'), types.length > 1);
  }

  #prepareDownload(): void {
    const embedded = document.getElementById('pprof');
    const button = byId('download');
    show(button, embedded !== null);
    button.addEventListener('click', () => save(fromBase64(embedded?.textContent ?? ''), 'profile.pb.gz'));
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.#escape();
    else if (event.target === this.#search && event.key === 'Enter') {
      clearTimeout(this.#timer);
      if (this.#search.value !== this.#state?.search) this.#events.change({ search: this.#search.value }, false);
      this.#events.next();
    } else if (event.key === 'f' && (event.ctrlKey || event.metaKey)) this.#search.select();
    else if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    else if (event.key === '/') this.#search.select();
    else if (event.key === '0') this.#events.change({ zoom: [], search: '' }, true);
    else if (event.key === 'i') this.#events.change({ inverted: !this.#state?.inverted }, true);
    else if (event.key === 'r') this.#events.change({ reverse: !this.#state?.reverse }, true);
    else return;
    event.preventDefault();
  }

  /** First the search goes, then the zoom. */
  #escape(): void {
    closeMenu();
    clearTimeout(this.#timer);
    if (this.#search.value !== '') this.#events.change({ search: '' }, false);
    else if ((this.#state?.zoom.length ?? 0) > 0) this.#events.change({ zoom: [] }, true);
  }

  show(state: State, theme: Theme): void {
    this.#state = state;
    for (const id of CHECKS) byId<HTMLInputElement>(id).checked = state[id];
    for (const id of SELECTS) byId<HTMLSelectElement>(id).value = state[id];
    byId<HTMLSelectElement>('type').value = String(state.type);
    if (document.activeElement !== this.#search || state.search === '') this.#search.value = state.search;
    const compares = this.#profile.compares(state);
    for (const id of ['side', 'change', 'normalize']) show(byId(`${id}-label`), compares);
    for (const option of byId('colors').querySelectorAll('option'))
      option.hidden = option.value === 'change' && !compares;
    show(byId('reverse-label'), state.view === 'flame' && state.order !== 'time');
    show(byId('inverted-label'), state.view === 'flame');
    byId<HTMLButtonElement>('reset').disabled = state.zoom.length === 0;
    for (const view of ['flame', 'functions']) {
      byId(`view-${view}`).setAttribute('aria-pressed', String(state.view === view));
    }
    byId('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
    show(byId('all-time'), state.range !== undefined);
    const seconds = state.range?.map(ms => (ms / 1000).toFixed(2)).join(' – ');
    byId('range').textContent = seconds ? `${seconds} s` : 'drag to select a part';
  }

  legend({ legend, heading }: Scheme): void {
    byId('legend').replaceChildren(
      heading,
      ...legend.map(({ fill, text }) => {
        const item = make('span', text);
        const swatch = make('i');
        swatch.style.background = fill;
        item.prepend(swatch);
        return item;
      }),
    );
  }
}
