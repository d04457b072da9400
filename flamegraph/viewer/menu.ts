/** A menu at a place of the window, for mouse and keyboard. */

import { byId, make, show } from './dom.ts';

export type MenuItem = readonly [text: string, run: () => void];

let before: Element | null = null;

export function closeMenu(): void {
  const menu = byId('menu');
  if (menu.hidden) return;
  show(menu, false);
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
}

export function openMenu(items: readonly MenuItem[], x: number, y: number): void {
  const menu = byId('menu');
  before = document.activeElement;
  menu.replaceChildren(
    ...items.map(([text, run]) => {
      const button = make('button', text, { type: 'button', role: 'menuitem', tabindex: '-1' });
      button.addEventListener('click', () => {
        closeMenu();
        run();
      });
      return button;
    }),
  );
  show(menu, true);
  const { width, height } = menu.getBoundingClientRect();
  const left = Math.max(0, Math.min(x, innerWidth - width - 4));
  const top = Math.max(0, Math.min(y, innerHeight - height - 4));
  menu.style.transform = `translate(${left}px,${top}px)`;
  (menu.firstElementChild as HTMLElement | null)?.focus();
}

/** Keys and clicks that every menu answers to. */
export function prepareMenu(): void {
  const menu = byId('menu');
  menu.addEventListener('keydown', event => {
    const buttons = [...menu.children] as HTMLElement[];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    if (event.key === 'Escape' || event.key === 'Tab') closeMenu();
    else if (event.key === 'ArrowDown') buttons[(at + 1) % buttons.length]?.focus();
    else if (event.key === 'ArrowUp') buttons.at(at - 1)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  addEventListener('pointerdown', event => {
    if (!menu.contains(event.target as Node)) closeMenu();
  });
}
