/** Threads as tabs, those with the largest values first. */

import { formatPercent } from '../format.ts';
import { bounded } from '../text.ts';
import { byId, make, show } from './dom.ts';
import type { Profile } from './profile.ts';
import type { State } from './state.ts';

export class Tabs {
  readonly #profile: Profile;
  readonly #buttons: readonly HTMLButtonElement[];
  readonly #threads: readonly number[];

  constructor(profile: Profile, select: (thread: number) => void) {
    this.#profile = profile;
    const { names, of } = profile.data.threads;
    const value = profile.data.values.at(-1)!.head;
    const sums = new Float64Array(names.length);
    for (let i = 0; i < of.length; i++) sums[of[i]!]! += value[i]!;
    const total = sums.reduce((sum, each) => sum + each, 0);
    this.#threads = [-1, ...[...names.keys()].sort((a, b) => sums[b]! - sums[a]! || a - b)];
    this.#buttons = this.#threads.map(thread => {
      const text = thread < 0 ? 'All threads' : bounded(names[thread]!, 100) || '(no name)';
      const button = make('button', text, { type: 'button', role: 'tab', 'aria-controls': 'flame-view' });
      if (thread >= 0) button.append(make('span', formatPercent(sums[thread]!, total), { class: 'share' }));
      button.addEventListener('click', () => select(thread));
      return button;
    });
    const list = byId('tabs');
    show(list, names.length > 1);
    list.append(...this.#buttons);
    list.addEventListener('keydown', event => this.#key(event, select));
  }

  #key(event: KeyboardEvent, select: (thread: number) => void): void {
    const at = this.#buttons.indexOf(document.activeElement as HTMLButtonElement);
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0 || at < 0) return;
    event.preventDefault();
    const next = (at + step + this.#buttons.length) % this.#buttons.length;
    this.#buttons[next]!.focus();
    select(this.#threads[next]!);
  }

  show(state: State): void {
    if (this.#profile.data.threads.names.length < 2) return;
    for (const [i, button] of this.#buttons.entries()) {
      const selected = this.#threads[i] === state.thread;
      button.setAttribute('aria-selected', String(selected));
      button.tabIndex = selected ? 0 : -1;
    }
  }
}
