/** What is shown, as a value that fits in the address: a link opens the same picture, names and not pixels. */

import type { FlameColor } from '../coloring.ts';
import type { FlameSide } from '../layout.ts';
import type { Order } from './tree.ts';

export interface State {
  readonly view: 'flame' | 'functions';
  /** Functions from the root to the frame that fills the width, as {@link token}s; empty for all. */
  readonly zoom: readonly string[];
  /** {@link token} of the function whose callers and callees are shown, '' for none. */
  readonly focus: string;
  readonly search: string;
  /** Index of a sample type; of a thread, −1 for all. */
  readonly type: number;
  readonly thread: number;
  /** ms. */
  readonly range: readonly [from: number, to: number] | undefined;
  readonly order: Order;
  readonly reverse: boolean;
  readonly recursion: boolean;
  readonly packages: boolean;
  readonly inverted: boolean;
  readonly colors: FlameColor;
  /** Colours for people who cannot tell some hues apart. */
  readonly safe: boolean;
  /** Differences. */
  readonly side: FlameSide;
  readonly normalize: boolean;
  readonly change: 'total' | 'self';
}

/** Code units of a name that go into an address. */
const MAX_NAME = 120;

/** A function as text for an address: its kind and the start of its name. */
export function token(name: string, kind: number): string {
  // Never half of a surrogate pair: an address cannot hold it.
  return kind + name.slice(0, MAX_NAME).replace(/[\ud800-\udbff]$/, '');
}

/** As in JSON pointers. */
const escapeToken = (text: string) => text.replaceAll('~', '~0').replaceAll('/', '~1');
const unescapeToken = (text: string) => text.replaceAll('~1', '/').replaceAll('~0', '~');

const FLAGS = ['reverse', 'recursion', 'packages', 'inverted', 'safe', 'normalize'] as const;
const TEXTS = ['view', 'focus', 'search', 'order', 'colors', 'side', 'change'] as const;
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  view: ['flame', 'functions'],
  order: ['name', 'heavy', 'time'],
  colors: ['kind', 'module', 'name', 'change'],
  side: ['head', 'base', 'both'],
  change: ['total', 'self'],
};

/** Only what differs from `initial`. */
export function toHash(state: State, initial: State): string {
  const query = new URLSearchParams();
  for (const key of TEXTS) if (state[key] !== initial[key]) query.set(key, state[key]);
  for (const key of FLAGS) if (state[key] !== initial[key]) query.set(key, state[key] ? '1' : '0');
  for (const key of ['type', 'thread'] as const) if (state[key] !== initial[key]) query.set(key, String(state[key]));
  if (state.range) query.set('range', state.range.join('-'));
  if (state.zoom.length > 0) query.set('zoom', state.zoom.map(escapeToken).join('/'));
  return query.toString();
}

/** The state of an address; what it does not say, or says wrongly, is as in `initial`. */
export function fromHash(hash: string, initial: State, types: number, threads: number): State {
  const query = new URLSearchParams(hash.replace(/^#/, ''));
  const result: Record<string, unknown> = { ...initial };
  for (const key of TEXTS) {
    const value = query.get(key);
    if (value !== null && (CHOICES[key]?.includes(value) ?? true)) result[key] = value;
  }
  for (const key of FLAGS) if (query.has(key)) result[key] = query.get(key) === '1';
  for (const [key, limit] of [
    ['type', types],
    ['thread', threads],
  ] as const) {
    const index = Number(query.get(key) ?? -1);
    if (Number.isInteger(index) && index >= 0 && index < limit) result[key] = index;
  }
  const range = query.get('range')?.split('-').map(Number) ?? [];
  if (range.length === 2 && range[0]! >= 0 && range[1]! > range[0]!) result.range = [range[0], range[1]];
  const zoom = query.get('zoom');
  if (zoom) result.zoom = zoom.split('/').map(unescapeToken);
  return result as unknown as State;
}
