/** All functions as a table that can be sorted and filtered; what reads the screen aloud reads it too. */

import { formatPercent, formatValue } from '../format.ts';
import { bounded } from '../text.ts';
import type { Costs } from './build.ts';
import { changeText, type Scope } from './describe.ts';
import { byId, make, show } from './dom.ts';

/** Rows that are made at a time. */
const PAGE = 200;
type Column = 'self' | 'total' | 'name' | 'changeSelf' | 'changeTotal';

export class FunctionTable {
  readonly #body = byId('rows');
  readonly #filter = byId<HTMLInputElement>('filter');
  readonly #more = byId<HTMLButtonElement>('more');
  readonly #count = byId('count');
  readonly #open: (key: number) => void;
  #costs: Costs | undefined;
  #scope: Scope | undefined;
  #selected = -1;
  #column: Column = 'self';
  #ascending = false;
  #limit = PAGE;

  /** @param open a function was chosen */
  constructor(open: (key: number) => void) {
    this.#open = open;
    this.#filter.addEventListener('input', () => this.#render());
    this.#more.addEventListener('click', () => {
      this.#limit += PAGE;
      this.#render();
    });
    for (const button of document.querySelectorAll<HTMLButtonElement>('#table thead button')) {
      button.addEventListener('click', () => this.#sortBy(button.dataset.column as Column));
    }
  }

  set(costs: Costs, scope: Scope, selected: number): void {
    this.#costs = costs;
    this.#scope = scope;
    this.#selected = selected;
    byId('table').classList.toggle('diff', scope.compares);
    this.#render();
  }

  #sortBy(column: Column): void {
    this.#ascending = column === this.#column ? !this.#ascending : column === 'name';
    this.#column = column;
    this.#render();
  }

  #changes(): readonly [self: Float64Array, total: Float64Array] {
    const [costs, { totalHead, totalBase, normalize }] = [this.#costs!, this.#scope!];
    const [perHead, perBase] = normalize ? [1 / (totalHead || 1), 1 / (totalBase || 1)] : [1, 1];
    const change = (head: Float64Array, base: Float64Array) =>
      head.map((value, i) => value * perHead - base[i]! * perBase);
    return [change(costs.self, costs.baseSelf), change(costs.total, costs.baseTotal)];
  }

  #order(): Uint32Array {
    const [costs, { functions }] = [this.#costs!, this.#scope!];
    const wanted = this.#filter.value.toLowerCase();
    const rows = Uint32Array.from({ length: functions.length }, (_, i) => i).filter(
      i =>
        costs.total[i]! + costs.baseTotal[i]! > 0 &&
        (wanted === '' || functions.names[i]!.toLowerCase().includes(wanted)),
    );
    const direction = this.#ascending ? 1 : -1;
    if (this.#column === 'name') {
      return rows.sort(
        (a, b) =>
          direction *
          (functions.names[a]! < functions.names[b]! ? -1 : functions.names[a] === functions.names[b] ? 0 : 1),
      );
    }
    const [changeSelf, changeTotal] = this.#changes();
    const by = { self: costs.self, total: costs.total, changeSelf, changeTotal }[this.#column];
    return rows.sort((a, b) => direction * (by[a]! - by[b]!) || costs.total[b]! - costs.total[a]! || a - b);
  }

  #render(): void {
    if (!this.#costs || !this.#scope) return;
    const order = this.#order();
    const shown = order.subarray(0, this.#limit);
    this.#body.replaceChildren(...Array.from(shown, key => this.#row(key)));
    this.#count.textContent = `${shown.length} of ${order.length} functions`;
    show(this.#more, shown.length < order.length);
    for (const button of document.querySelectorAll<HTMLButtonElement>('#table thead button')) {
      const sorted = button.dataset.column === this.#column;
      const direction = this.#ascending ? 'ascending' : 'descending';
      button.parentElement!.setAttribute('aria-sort', sorted ? direction : 'none');
    }
  }

  #row(key: number): HTMLTableRowElement {
    const [costs, scope] = [this.#costs!, this.#scope!];
    const row = make('tr');
    const amount = (value: number) => {
      const cell = make('td', formatValue(value, scope.unit), { class: 'number' });
      cell.append(make('span', formatPercent(value, scope.totalHead), { class: 'share' }));
      return cell;
    };
    const change = (head: number, base: number) =>
      make('td', changeText(head, base, scope), { class: 'number change' });
    const name = make('td');
    const button = make('button', bounded(scope.functions.names[key]!, 1000) || '(no name)', {
      type: 'button',
      class: 'name',
    });
    if (key === this.#selected) row.setAttribute('aria-selected', 'true');
    button.addEventListener('click', () => this.#open(key));
    name.append(button, make('span', bounded(scope.functions.details[key]!, 256), { class: 'detail' }));
    row.append(
      amount(costs.self[key]!),
      amount(costs.total[key]!),
      change(costs.self[key]!, costs.baseSelf[key]!),
      change(costs.total[key]!, costs.baseTotal[key]!),
      name,
    );
    return row;
  }
}
