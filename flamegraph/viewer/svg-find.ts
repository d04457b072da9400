/** What a search found in the picture. */

import { formatCount, formatPercent } from '../format.ts';
import { search } from '../search.ts';
import type { Frames } from './svg-frames.ts';

export class Finder {
  readonly #frames: Frames;
  /** Whether frames were left out of the picture, so that there may be more to find. */
  readonly #pruned: boolean;
  #matches: Uint8Array;
  #text = '';
  #problem = '';

  constructor(frames: Frames, pruned: boolean) {
    this.#frames = frames;
    this.#pruned = pruned;
    this.#matches = new Uint8Array(frames.length);
  }

  /** Marks what matches; '' for nothing. */
  find(text: string): void {
    const { names, elements, group, length } = this.#frames;
    const { matches, problem } = text === '' ? { matches: new Uint8Array(length), problem: '' } : search(names, text);
    // The root is not a function.
    matches[0] = 0;
    for (let i = 0; i < length; i++) {
      if (matches[i] !== this.#matches[i]) elements[i]!.toggleAttribute('data-match', matches[i] === 1);
    }
    this.#matches = matches;
    this.#text = text;
    this.#problem = problem;
    group.classList.toggle('fg-searching', text !== '' && problem === '');
  }

  /** In words: matches in the zoomed frame, and the part of it that has one; '' without a search. */
  report(zoom: number): string {
    if (this.#text === '' || this.#problem !== '') return this.#problem;
    const { size, end, names } = this.#frames;
    let [count, matched] = [0, 0];
    for (let i = zoom, inside = 0; i < end[zoom]!; i++) {
      if (this.#matches[i] === 0) continue;
      count++;
      // What is inside of a match has been counted with it.
      if (i < inside) continue;
      matched += size[i]!;
      inside = end[i]!;
    }
    const least = this.#pruned && count > 0 ? 'at least ' : '';
    const of = zoom > 0 ? ` of ${names[zoom]!.slice(0, 40)}` : '';
    const share = formatPercent(matched, size[zoom]!);
    return `${formatCount(count)} ${count === 1 ? 'match' : 'matches'}, ${least}${share}${of}`;
  }

  /** The next visible match, or the one before, going round; −1 if there is none. */
  next(from: number, back: boolean): number {
    const { length, visible } = this.#frames;
    for (let i = 1; i <= length; i++) {
      const frame = (from + (back ? length - i : i)) % length;
      if (this.#matches[frame] === 1 && visible[frame] === 1) return frame;
    }
    return -1;
  }
}
