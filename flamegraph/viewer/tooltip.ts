/** A few lines beside the pointer. */

import { byId, make, show } from './dom.ts';

/** px between the pointer and the box. */
const GAP = 14;

/** @param name undefined: nothing to show */
export function showTooltip(name: string | undefined, lines: readonly string[], x: number, y: number): void {
  const box = byId('tooltip');
  show(box, name !== undefined);
  if (name === undefined) return;
  box.replaceChildren(make('b', name), `\n${lines.join('\n')}`);
  const { width, height } = box.getBoundingClientRect();
  const left = x + GAP + width > innerWidth ? Math.max(0, x - GAP - width) : x + GAP;
  const top = y + GAP + height > innerHeight ? Math.max(0, y - GAP - height) : y + GAP;
  box.style.transform = `translate(${left}px,${top}px)`;
}
